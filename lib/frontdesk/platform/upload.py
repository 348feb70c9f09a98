"""An uploaded file, as the endpoint layer hands it to a handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart/form-data request.

    Attributes:
        filename: the last part of the caller's name for it, without directories, control
            characters or more than 255 characters; never empty. Still the caller's word:
            nothing may be stored under it.
        content_type: the caller's word too, lower case, without parameters.
        stream: the content from its first byte; large files are spooled to disk.
        size: of the content in bytes.
    """

    filename: str
    content_type: str
    stream: BinaryIO
    size: int
