"""Looks for a word in everything that storage holds, however it is packed."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
import zlib
from contextlib import closing
from typing import TYPE_CHECKING

from frontdesk.knowledge.chunkfile import decompress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from frontdesk.platform.resilience import Deadline
    from frontdesk.platform.storage import ObjectStore

_SQLITE = b"SQLite format 3\0"


def objects_with(
    word: str,
    storage: ObjectStore,
    buckets: Iterable[str],
    scratch: Path,
    deadline: Deadline,
) -> list[str]:
    """Names of the objects that hold the word, in any case, in themselves or in their names."""
    wanted = word.lower().encode()
    return [
        item.name
        for bucket in buckets
        for item in storage.list(bucket, "", deadline=deadline)
        if any(
            wanted in text.lower()
            for text in (
                item.name.encode(),
                *_texts(storage.read(bucket, item.name, deadline=deadline).data, scratch),
            )
        )
    ]


def _texts(data: bytes, scratch: Path) -> Iterator[bytes]:
    """The bytes, and what they hold when they are unpacked."""
    yield data
    for unpack in (gzip.decompress, zlib.decompress):
        try:
            yield unpack(data)
        except (OSError, EOFError, zlib.error):
            continue
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield archive.read(name)
    if data.startswith(_SQLITE):
        yield from _cells(data, scratch)


def _cells(data: bytes, scratch: Path) -> Iterator[bytes]:
    """Every cell of a database, passages unpacked, and every word of its lexical index."""
    path = scratch / "looked-at.sqlite"
    path.write_bytes(data)
    with closing(sqlite3.connect(path)) as database:
        (dictionary,) = database.execute(
            "select value from meta where key = 'dictionary'"
        ).fetchone()
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            if table == "lexical":
                continue  # keeps no content; its words come below
            for row in database.execute(f'select * from "{table}"'):
                for cell in row:
                    yield cell if isinstance(cell, bytes) else str(cell).encode()
        for (text,) in database.execute("select text from chunks"):
            yield decompress(text, dictionary).encode()
        database.execute("create virtual table temp.words using fts5vocab(main, lexical, row)")
        for (term,) in database.execute("select term from temp.words"):
            yield term.encode()
    path.unlink()
