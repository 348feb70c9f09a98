"""Buckets and objects: metadata in SQLite, contents in files, every change under one lock."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from dataclasses import fields, replace
from typing import IO, TYPE_CHECKING, Any, Final

from frontdesk.local.storage.objects import (
    BucketMissing,
    Conditions,
    ObjectMissing,
    Page,
    StoredObject,
    Upload,
    merge_patch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_PAGE: Final = 1000
_LAST: Final = "\U0010ffff"  # sorts after every other character
_SCHEMA: Final = """
create table if not exists buckets (name text primary key, created real not null);
create table if not exists objects (
  bucket text not null,
  name text not null,
  generation integer not null,
  metageneration integer not null,
  size integer not null,
  md5 text not null,
  crc32c text not null,
  created real not null,
  updated real not null,
  attributes text not null,
  primary key (bucket, name)
) without rowid;
"""
_COLUMNS: Final = tuple(column.name for column in fields(StoredObject))  # in the table's order


class Catalogue:
    """What is stored.

    Args:
        folder: where everything is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._contents = folder / "contents"
        self._contents.mkdir(parents=True, exist_ok=True)
        self.incoming = folder / "incoming"
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir()
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            folder / "catalogue.sqlite", check_same_thread=False, isolation_level=None
        )
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = off")
        self._database.executescript(_SCHEMA)
        (self._last_generation,) = self._database.execute(
            "select coalesce(max(generation), 0) from objects"
        ).fetchone()

    def close(self) -> None:
        """Close the database file."""
        with self._lock:
            self._database.close()

    def create_bucket(self, bucket: str) -> bool:
        """Make a bucket; False when there is one already."""
        with self._lock:
            made = self._database.execute(
                "insert or ignore into buckets values (?, ?)", [bucket, time.time()]
            )
            return made.rowcount == 1

    def bucket_created(self, bucket: str) -> float:
        """When the bucket was made, in Unix seconds.

        Raises:
            BucketMissing: there is none.
        """
        with self._lock:
            return self._require_bucket(bucket)

    def buckets(self) -> list[tuple[str, float]]:
        """Every bucket with the time it was made."""
        with self._lock:
            return self._database.execute("select * from buckets order by name").fetchall()

    def store(self, bucket: str, name: str, upload: Upload, conditions: Conditions) -> StoredObject:
        """Make the upload the live object of that name, if the conditions hold at that instant.

        Raises:
            BucketMissing, ConditionFailed: nothing was changed.
        """
        with self._lock:
            self._require_bucket(bucket)
            old = self._find(bucket, name)
            conditions.check(old)
            now = time.time()
            # Like the real ones, generations are microseconds and never repeat.
            self._last_generation = max(self._last_generation + 1, int(now * 1_000_000))
            stored = StoredObject(
                bucket=bucket,
                name=name,
                generation=self._last_generation,
                metageneration=1,
                size=upload.size,
                md5=upload.md5,
                crc32c=upload.crc32c,
                created=now,
                updated=now,
                attributes=upload.attributes,
            )
            upload.file.rename(self._file(stored))
            self._save(stored)
            if old:
                self._file(old).unlink(missing_ok=True)
            return stored

    def read(
        self, bucket: str, name: str, conditions: Conditions, generation: int | None = None
    ) -> StoredObject:
        """The live object.

        Raises:
            BucketMissing, ObjectMissing, ConditionFailed
        """
        with self._lock:
            return self._require(bucket, name, conditions, generation)

    def open(
        self, bucket: str, name: str, conditions: Conditions, generation: int | None = None
    ) -> tuple[StoredObject, IO[bytes]]:
        """The live object and its content, which stays readable when it is replaced meanwhile.

        Raises:
            BucketMissing, ObjectMissing, ConditionFailed
        """
        with self._lock:
            stored = self._require(bucket, name, conditions, generation)
            return stored, self._file(stored).open("rb")

    def update(
        self, bucket: str, name: str, changes: Mapping[str, Any], conditions: Conditions
    ) -> StoredObject:
        """Merge attributes (JSON merge patch: null removes) under a new metageneration.

        Raises:
            BucketMissing, ObjectMissing, ConditionFailed
        """
        with self._lock:
            old = self._require(bucket, name, conditions, None)
            changed = replace(
                old,
                metageneration=old.metageneration + 1,
                updated=time.time(),
                attributes=merge_patch(old.attributes, changes),
            )
            self._save(changed)
            return changed

    def delete(
        self, bucket: str, name: str, conditions: Conditions, generation: int | None = None
    ) -> None:
        """Remove the live object; there are no old versions.

        Raises:
            BucketMissing, ObjectMissing, ConditionFailed
        """
        with self._lock:
            stored = self._require(bucket, name, conditions, generation)
            self._database.execute(
                "delete from objects where bucket = ? and name = ?", [bucket, name]
            )
            self._file(stored).unlink(missing_ok=True)

    def page(
        self,
        bucket: str,
        *,
        prefix: str = "",
        delimiter: str = "",
        after: str = "",
        start: str = "",
        end: str = "",
        limit: int = MAX_PAGE,
    ) -> Page:
        """A page of names; with a delimiter, names below it are folded into prefixes.

        Args:
            after: exclusive lower bound, from the page before.
            start: inclusive lower bound.
            end: exclusive upper bound; empty for none.
            limit: objects and prefixes together.

        Raises:
            BucketMissing
        """
        with self._lock:
            self._require_bucket(bucket)
            rows = self._database.execute(
                "select * from objects where bucket = ? and name >= ? and name > ? and name < ?"
                " order by name",
                [bucket, max(prefix, start), after, min(prefix + _LAST, end or _LAST)],
            ).fetchall()
        objects: list[StoredObject] = []
        prefixes: list[str] = []
        last = after
        for row in rows:
            stored = _from_row(row)
            cut = stored.name.find(delimiter, len(prefix)) if delimiter else -1
            folded = stored.name[: cut + len(delimiter)] if cut >= 0 else None
            if folded is not None and prefixes and prefixes[-1] == folded:
                last = stored.name
                continue
            if len(objects) + len(prefixes) == limit:
                return Page(objects, prefixes, last)
            if folded is not None:
                prefixes.append(folded)
            else:
                objects.append(stored)
            last = stored.name
        return Page(objects, prefixes, None)

    def _require_bucket(self, bucket: str) -> float:
        row = self._database.execute(
            "select created from buckets where name = ?", [bucket]
        ).fetchone()
        if row is None:
            raise BucketMissing
        created: float = row[0]
        return created

    def _find(self, bucket: str, name: str) -> StoredObject | None:
        row = self._database.execute(
            "select * from objects where bucket = ? and name = ?", [bucket, name]
        ).fetchone()
        return _from_row(row) if row else None

    def _require(
        self, bucket: str, name: str, conditions: Conditions, generation: int | None
    ) -> StoredObject:
        self._require_bucket(bucket)
        stored = self._find(bucket, name)
        if stored is None or generation not in {None, stored.generation}:
            raise ObjectMissing
        conditions.check(stored)
        return stored

    def _save(self, stored: StoredObject) -> None:
        self._database.execute(
            "insert or replace into objects values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*(getattr(stored, column) for column in _COLUMNS[:-1]), json.dumps(stored.attributes)],
        )

    def _file(self, stored: StoredObject) -> Path:
        return self._contents / str(stored.generation)


def _from_row(row: tuple[Any, ...]) -> StoredObject:
    columns = dict(zip(_COLUMNS, row, strict=True))
    return StoredObject(**columns | {"attributes": json.loads(columns["attributes"])})
