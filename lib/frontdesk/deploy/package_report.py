"""What ``make build`` prints: how large each function is, and what makes it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from frontdesk.deploy.package import Package

_HEAVIEST: Final = 3
_COLUMNS: Final = (
    "function", "files", "archive", "wheels", "download", "heaviest wheels", "sha256", ""
)  # fmt: skip
_NUMBERS: Final = slice(1, 5)


def table(packages: Sequence[Package], changed: Collection[str]) -> str:
    """One line per function.

    ``archive`` is the zip, unpacked about as large; ``wheels`` and ``download`` are the number and
    bytes of what pip installs beside it. Sizes are decimal.
    """
    rows = [_COLUMNS, *(_row(package, package.name in changed) for package in packages)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _row(package: Package, changed: bool) -> tuple[str, ...]:
    record = package.record
    heaviest = sorted(package.distributions, key=lambda each: -each.wheels[0].bytes)[:_HEAVIEST]
    return (
        package.name,
        str(record["files"]),
        f"{record['bytes'] / 1e3:.0f} kB",
        str(len(package.distributions)),
        f"{record['download_bytes'] / 1e6:.1f} MB",
        ", ".join(f"{each.name} {each.wheels[0].bytes / 1e6:.1f}" for each in heaviest),
        record["sha256"][:12],
        "new" if changed else "as before",
    )


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    cells[_NUMBERS] = [
        cell.rjust(width) for cell, width in zip(row[_NUMBERS], widths[_NUMBERS], strict=True)
    ]
    return "  ".join(cells).rstrip()
