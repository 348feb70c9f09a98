"""What Pub/Sub has accepted and not delivered yet, on disk: a restart loses nothing."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING, Final

from frontdesk.local.pubsub.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = """
create table if not exists undelivered (
  subscription text not null,
  message integer not null,
  attempt integer not null,
  topic text not null,
  data blob not null,
  attributes text not null,
  published text not null,
  primary key (subscription, message)
) without rowid;
create table if not exists last_message (id integer not null);
insert into last_message select 0 where not exists (select * from last_message);
"""


class Journal:
    """A SQLite file; the broker calls it under its own lock."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = off")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def last_id(self) -> int:
        """The largest message id given out, 0 before the first."""
        (last,) = self._database.execute("select id from last_message").fetchone()
        return int(last)

    def add(self, subscription: str, message: Message) -> None:
        """Remember a message until it is removed."""
        self._database.execute("update last_message set id = max(id, ?)", [int(message.id)])
        self._database.execute(
            "insert into undelivered values (?, ?, 0, ?, ?, ?, ?)",
            [
                subscription,
                int(message.id),
                message.topic,
                message.data,
                json.dumps(dict(message.attributes)),
                message.published.isoformat(),
            ],
        )

    def attempted(self, subscription: str, message_id: str, attempt: int) -> None:
        """Remember how often it was delivered in vain."""
        self._database.execute(
            "update undelivered set attempt = ? where subscription = ? and message = ?",
            [attempt, subscription, int(message_id)],
        )

    def remove(self, subscription: str, message_id: str) -> None:
        """It was acknowledged, or went to the dead-letter topic."""
        self._database.execute(
            "delete from undelivered where subscription = ? and message = ?",
            [subscription, int(message_id)],
        )

    def undelivered(self, subscription: str) -> list[tuple[Message, int]]:
        """The messages left for a subscription, oldest first, with their attempts."""
        rows = self._database.execute(
            "select message, attempt, topic, data, attributes, published from undelivered"
            " where subscription = ? order by message",
            [subscription],
        ).fetchall()
        return [
            (
                Message(
                    str(message), topic, data, json.loads(attributes), datetime.fromisoformat(at)
                ),
                attempt,
            )
            for message, attempt, topic, data, attributes, at in rows
        ]
