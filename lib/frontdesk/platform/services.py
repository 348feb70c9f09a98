"""The services of a process: one of each, built when it is first needed.

A function that never asks the language model never imports its SDK. Tests hand in what they want to
differ: ``Services(settings, clock=ManualClock(), database=...)``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.ids import SystemIds
from frontdesk.platform.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontdesk.platform.cache import Cache
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.cursor import Cursors
    from frontdesk.platform.database import Database
    from frontdesk.platform.events import Publisher
    from frontdesk.platform.ids import IdSource
    from frontdesk.platform.llm import LanguageModel
    from frontdesk.platform.secrets import Secrets
    from frontdesk.platform.settings import Settings
    from frontdesk.platform.storage import ObjectStore

T = TypeVar("T")


class Services:
    """What the code may use of the outside world; safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        database: Database | None = None,
        cache: Cache | None = None,
        storage: ObjectStore | None = None,
        llm: LanguageModel | None = None,
        events: Publisher | None = None,
        secrets: Secrets | None = None,
        cursors: Cursors | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.ids: IdSource = ids or SystemIds()
        # Reentrant: one service may be built out of another.
        self._lock = threading.RLock()
        self._database = database
        self._cache = cache
        self._storage = storage
        self._llm = llm
        self._events = events
        self._secrets = secrets
        self._cursors = cursors

    @classmethod
    def from_environment(cls) -> Services:
        """The services that the environment configures.

        Raises:
            SettingsError: with every problem of the environment at once.
        """
        return cls(load_settings())

    @property
    def database(self) -> Database:
        """The connection pool; ask a ``Context`` for the database as its caller."""
        return self._made("_database", self._make_database)

    @property
    def cache(self) -> Cache:
        """The answer cache and rate limits."""
        return self._made("_cache", self._make_cache)

    @property
    def storage(self) -> ObjectStore:
        """Documents, indexes and models."""
        return self._made("_storage", self._make_storage)

    @property
    def llm(self) -> LanguageModel:
        """The language model."""
        return self._made("_llm", self._make_llm)

    @property
    def events(self) -> Publisher:
        """The publisher of nudges."""
        return self._made("_events", self._make_events)

    @property
    def secrets(self) -> Secrets:
        """Secrets by reference."""
        return self._made("_secrets", self._make_secrets)

    @property
    def cursors(self) -> Cursors:
        """Makes and reads list cursors."""
        return self._made("_cursors", self._make_cursors)

    def close(self) -> None:
        """Give back what holds connections."""
        with self._lock:
            if self._database is not None:
                self._database.close()
            if self._cache is not None:
                self._cache.close()
            if self._llm is not None:
                self._llm.close()

    def _made(self, attribute: str, make: Callable[[], T]) -> T:
        made: T | None = getattr(self, attribute)
        if made is None:
            with self._lock:
                made = getattr(self, attribute)
                if made is None:
                    made = make()
                    setattr(self, attribute, made)
        return made

    def _make_database(self) -> Database:
        from frontdesk.platform.database import Database

        return Database(self.settings, reveal=self.secrets.resolve, clock=self.clock)

    def _make_cache(self) -> Cache:
        from frontdesk.platform.cache import Cache

        return Cache(self.settings, clock=self.clock)

    def _make_storage(self) -> ObjectStore:
        from frontdesk.platform.storage import ObjectStore

        return ObjectStore(self.settings, clock=self.clock)

    def _make_llm(self) -> LanguageModel:
        from frontdesk.platform.llm import LanguageModel

        return LanguageModel(self.settings, secrets=self.secrets, clock=self.clock)

    def _make_events(self) -> Publisher:
        from frontdesk.platform.events import Publisher

        return Publisher(self.settings, clock=self.clock)

    def _make_secrets(self) -> Secrets:
        from frontdesk.platform.secrets import Secrets

        return Secrets(clock=self.clock)

    def _make_cursors(self) -> Cursors:
        from frontdesk.platform.cursor import Cursors

        return Cursors.from_settings(self.settings, self.secrets)
