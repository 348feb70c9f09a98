"""What a project holds, asked of gcloud once and several questions at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from frontdesk.deploy.runner import GcloudFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from frontdesk.deploy.runner import Gcloud
    from frontdesk.deploy.target import Target
    from frontdesk.platform.manifest import Manifest

    Line = Sequence[str]

_AT_A_TIME = 8
"""A gcloud process takes one to two seconds, mostly waiting."""


class Facts:
    """Answers by the line that was asked; a context manager, safe to share between threads."""

    def __init__(self, gcloud: Gcloud) -> None:
        self._gcloud = gcloud
        self._pool = ThreadPoolExecutor(_AT_A_TIME)
        self._answers: dict[tuple[str, ...], Future[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def ask(self, lines: Iterable[Line]) -> None:
        """Begin to ask, for whoever reads later."""
        for line in lines:
            key = tuple(line)
            if key not in self._answers:
                self._answers[key] = self._pool.submit(self._gcloud.read, key)

    def read(self, line: Line) -> Any:
        """What the line prints, as JSON.

        Raises:
            GcloudFailed: it failed.
        """
        self.ask([line])
        return self._answers[tuple(line)].result()

    def find(self, line: Line) -> Any:
        """As ``read``; None when what the line is about does not exist.

        Raises:
            GcloudFailed: it failed in another way; permission is missing for example.
        """
        try:
            return self.read(line)
        except GcloudFailed as failure:
            if failure.result.not_found:
                return None
            raise


@dataclass(frozen=True, slots=True)
class Project:
    """What the checks look at."""

    target: Target
    manifests: Sequence[Manifest]
    facts: Facts

    def line(self, *words: str, located: str = "") -> list[str]:
        """A gcloud line of this project; ``located`` is a flag that wants the region."""
        place = [f"--{located}={self.target.region}"] if located else []
        return [*words, *place, f"--project={self.target.project}"]

    def by_name(self, line: Line) -> dict[str, dict[str, Any]]:
        """A list's entries by the last part of their names; none when there can be none yet."""
        entries = self.facts.find(line) or []
        return {entry["name"].rpartition("/")[2]: entry for entry in entries}
