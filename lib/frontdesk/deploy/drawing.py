"""The drawing of the cloud in docs/architecture.md, made from the manifests.

``python -m frontdesk.deploy.drawing --check`` fails when the page's drawing is not what the
manifests say, ``--write`` brings it up to date. The page's words around it are written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.target import buckets, dead_letter, is_platform, topics
from frontdesk.platform.manifest import all_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from frontdesk.platform.manifest import Manifest

PAGE: Final = "docs/architecture.md"
BEGIN: Final = "<!-- The drawing is made by `make openapi` from functions/*/function.yaml. -->"
END: Final = "<!-- End of the drawing. -->"
_BETWEEN: Final = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?=\n{re.escape(END)})", re.DOTALL)
_SERVICE_KEY: Final = "SUPABASE_SERVICE_KEY"
_STORES: Final = {
    "REDIS_URL": "redis",
    "OPENAI_API_KEY": "llm",
}


class NoPlace(ValueError):
    """The page lacks the two markers that the drawing goes between."""


def draw(manifests: Sequence[Manifest]) -> str:
    """The drawing as a Mermaid flowchart in a fenced block.

    Node ids are words without hyphens, since some are keywords of Mermaid otherwise; labels are
    quoted, since they hold slashes and braces.
    """
    public = [manifest for manifest in manifests if not is_platform(manifest)]
    platform = [manifest for manifest in manifests if is_platform(manifest)]
    lines = ["flowchart LR", '  callers(["browsers, widgets, programs"])']
    lines += _group("public", "Public functions: they authenticate callers themselves", public)
    lines += _group("platform", "Platform functions: Pub/Sub and Scheduler alone", platform)
    lines += _messaging(manifests)
    lines += [
        '  subgraph data["Data"]',
        '    supabase[("Supabase: Postgres, PostgREST, Auth")]',
        *(f'    {role}[("bucket of {role}")]' for role in buckets(manifests)),
        '    redis[("Redis: cache, rate limits")]',
        "  end",
        '  secrets[/"Secret Manager"/]',
        '  llm(["language model"])',
        "  callers -->|HTTPS| public",
        "  secrets -.->|by version, one grant a function| public & platform",
    ]
    lines += _edges(manifests)
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _group(name: str, title: str, manifests: Sequence[Manifest]) -> Iterator[str]:
    yield f'  subgraph {name}["{title}"]'
    for manifest in manifests:
        paths = [route.path for route in manifest.routes]
        label = "<br/>".join([f"<b>{manifest.name}</b>", *paths])
        yield f'    {_id(manifest)}["{label}"]'
    yield "  end"


def _messaging(manifests: Sequence[Manifest]) -> Iterator[str]:
    yield '  subgraph messaging["Pub/Sub and Scheduler"]'
    for topic in topics(manifests):
        yield f'    {_word("topic", topic)}{{{{"topic {topic}"}}}}'
        yield f'    {_word("dead", topic)}{{{{"{dead_letter(topic)}, kept for a look"}}}}'
    for manifest in manifests:
        if manifest.schedule:
            cron = manifest.schedule.cron
            yield f'    {_word("schedule", manifest.name)}["schedule {cron}"]'
    yield "  end"
    for manifest in manifests:
        if manifest.pubsub:
            topic, trigger = manifest.pubsub.topic, manifest.pubsub
            yield f"  {_word('topic', topic)} -->|signed push| {_id(manifest)}"
            attempts = f"after {trigger.max_delivery_attempts} attempts"
            yield f"  {_word('topic', topic)} -.->|{attempts}| {_word('dead', topic)}"
        if manifest.schedule:
            yield f"  {_word('schedule', manifest.name)} -->|signed call| {_id(manifest)}"


def _edges(manifests: Sequence[Manifest]) -> Iterator[str]:
    """What the functions use; one line a kind of use, from all that use it so."""
    has_key = _given(_SERVICE_KEY)
    without = [manifest for manifest in manifests if not has_key(manifest)]
    if users := _ids(without, _given("SUPABASE_ANON_KEY")):
        yield f"  {users} -->|as the caller| supabase"
    if users := _ids(manifests, has_key):
        yield f"  {users} ==>|with the service key| supabase"
    for role in buckets(manifests):
        for action, words in (("read", "reads"), ("write", "writes")):
            if users := _ids(manifests, _granted(f"{role}.{action}")):
                yield f"  {users} -->|{words}| {role}"
    for secret, store in _STORES.items():
        if users := _ids(manifests, _given(secret)):
            yield f"  {users} -.-> {store}"
    if publishers := _ids(manifests, _granted("topics.publish")):
        every_topic = " & ".join(_word("topic", topic) for topic in topics(manifests))
        yield f"  {publishers} -->|nudges| {every_topic}"


def _given(secret: str) -> Callable[[Manifest], bool]:
    return lambda manifest: secret in manifest.secrets


def _granted(role: str) -> Callable[[Manifest], bool]:
    return lambda manifest: role in manifest.roles


def _ids(manifests: Sequence[Manifest], uses: Callable[[Manifest], bool]) -> str:
    return " & ".join(_id(manifest) for manifest in manifests if uses(manifest))


def _id(manifest: Manifest) -> str:
    return _word("fn", manifest.name)


def _word(kind: str, name: str) -> str:
    return f"{kind}_{name.replace('-', '_')}"


def redrawn(page: str, manifests: Sequence[Manifest]) -> str:
    """The page with the drawing that the manifests make.

    Raises:
        NoPlace: there are no markers.
    """
    if not _BETWEEN.search(page):
        raise NoPlace(f"{PAGE} needs two lines for the drawing to go between:\n{BEGIN}\n{END}")
    return _BETWEEN.sub(lambda _: draw(manifests), page)


def main(arguments: list[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Check or write the drawing; returns the exit status."""
    parser = argparse.ArgumentParser(description="The drawing of the cloud.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail when it is out of date")
    action.add_argument("--write", action="store_true", help="bring it up to date")
    options = parser.parse_args(arguments)
    file = repository / PAGE
    page = file.read_text(encoding="utf-8")
    try:
        wanted = redrawn(page, all_manifests(repository))
    except NoPlace as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.write:
        file.write_text(wanted, encoding="utf-8")
    elif wanted != page:
        sys.stderr.write(f"{PAGE} is out of date: make openapi\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
