"""``.local/dev.json``: what tools and tests need to know about the stack that runs now."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel


class DevTenant(BaseModel):
    """A demo agency: its id, its name, and an access token for each role."""

    id: str
    name: str
    tokens: dict[str, str]


class DevFile(BaseModel):
    """The file's content.

    Attributes:
        base_url: where the functions are.
        admin_token: for ``X-Admin-Token``.
        tenants: the demo agencies by slug.
        endpoints: addresses of the embedded parts by name.
        environment: what a function needs in its environment to run on this stack.
        pid: of ``frontdesk dev``.
    """

    base_url: str
    admin_token: str
    tenants: dict[str, DevTenant]
    endpoints: dict[str, str]
    environment: dict[str, str]
    pid: int

    def write(self, path: Path) -> None:
        """Replace the file in one step; only its owner may read it."""
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as output:
            output.write(self.model_dump_json(indent=2) + "\n")
        partial.rename(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it.

        Raises:
            FileNotFoundError: no stack is running on that data directory.
        """
        return cls.model_validate_json(path.read_text())


def dev_file(data_dir: Path) -> Path:
    """It lies beside its data directory: ``.local/dev`` has ``.local/dev.json``."""
    return data_dir.with_name(f"{data_dir.name}.json")
