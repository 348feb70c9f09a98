"""A zip that depends on names and bytes alone: the same files give the same SHA-256 anywhere.

Terraform deploys a function when the hash of its archive is another one, so a time, a file mode or
the order of a folder must not be in it. Files are stored, not deflated: two builds of zlib may
compress one text into different bytes, and source code is small.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can hold."""
_UNIX: Final = 3
_REGULAR_FILE: Final = 0o100644


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files.

    Args:
        files: content by path, with ``/`` between folders.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as zipped:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _EARLIEST)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE << 16
            zipped.writestr(entry, files[path])
    return written.getvalue()
