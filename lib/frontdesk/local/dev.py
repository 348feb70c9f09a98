"""``frontdesk dev``: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import shutil
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frontdesk.local.console import Console
from frontdesk.local.demo import LoadedTenant, load_demo
from frontdesk.local.devfile import DevFile, DevTenant, dev_file
from frontdesk.local.minilm_model import build_model, publish_model
from frontdesk.local.paths import CACHE
from frontdesk.local.ports import is_free
from frontdesk.local.postgres import remove_data
from frontdesk.local.stack import Stack
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services
from frontdesk.platform.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN_SECONDS: Final = 7 * 24 * 3600
_PUBLISH_SECONDS: Final = 60.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStart(RuntimeError):
    """Something is in the way; the message says what and what to do."""


class Stopped(BaseException):
    """A signal asked us to end; no handler of errors may swallow it."""


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        port: where the functions are served.
        data_dir: everything the stack keeps.
        demo: load the demo agencies.
        reset: forget the data directory first.
        log_level: of the functions.
    """

    port: int
    data_dir: Path
    demo: bool = True
    reset: bool = False
    log_level: str = "INFO"


def run(options: Options, console: Console | None = None) -> None:
    """Start, load, serve, until a signal comes; then nothing is left running.

    Raises:
        CannotStart: the port or the data directory is taken.
        StartFailed, MigrationFailed, DemoFailed: a part did not start, a file was refused.
    """
    console = console or Console()
    logging.basicConfig(level=logging.ERROR)  # libraries here; functions have logs of their own
    if not is_free(options.port):
        raise CannotStart(
            f"Port {options.port} is taken. Stop what listens there, or choose another one:"
            f" make run PORT={options.port + 1}"
        )
    options.data_dir.mkdir(parents=True, exist_ok=True)
    described = dev_file(options.data_dir)
    with _only_one(options.data_dir), _signals_raise():
        try:
            if options.reset:
                reset(options.data_dir)
            described.unlink(missing_ok=True)
            _serve(options, console, described)
        except Stopped:
            console.step("stopped")
        finally:
            described.unlink(missing_ok=True)


def reset(data_dir: Path) -> None:
    """Forget everything that a stack kept there.

    Raises:
        CannotStart: the folder holds something else than a stack's data.
    """
    content = {path.name for path in data_dir.iterdir()} - {_LOCK}
    if content and "identity.json" not in content:
        raise CannotStart(f"{data_dir} is no data directory of frontdesk; not touching it.")
    remove_data(data_dir)
    for path in data_dir.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()


def _serve(options: Options, console: Console, described: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        model = pool.submit(build_model, CACHE / "models")  # seconds, the first time alone
        stack = Stack(
            options.data_dir,
            serve_functions=True,
            port=options.port,
            settings={"LOG_LEVEL": options.log_level},
            report=console.step,
        )
        with stack:
            os.environ.update(
                {name: stack.environment[name] for name in ("STORAGE_EMULATOR_HOST",)}
            )
            console.step("publishing the embedder's model")
            _publish(stack, model.result())
            tenants = load_demo(stack, console.step) if options.demo else {}
            description = _describe(stack, tenants)
            description.write(described)
            _announce(console, description, options)
            threading.Event().wait()


def _publish(stack: Stack, folder: Path) -> None:
    services = Services(load_settings(stack.environment))
    settings = services.settings
    publish_model(
        services.storage,
        settings.faiss_bucket_name,
        settings.models_prefix,
        folder,
        Deadline.after(_PUBLISH_SECONDS, services.clock),
    )
    services.close()


def _describe(stack: Stack, tenants: dict[str, LoadedTenant]) -> DevFile:
    return DevFile(
        base_url=stack.base_url,
        admin_token=stack.identity.admin_token,
        tenants={
            slug: DevTenant(
                id=tenant.id,
                name=tenant.name,
                tokens={
                    role: stack.mint_token(user, tenant.id, seconds=_TOKEN_SECONDS)
                    for role, user in tenant.users.items()
                },
            )
            for slug, tenant in tenants.items()
        },
        endpoints={
            "postgres": stack.postgres_dsn,
            "supabase": stack.supabase_api.url,
            "redis": stack.redis.url,
            "storage": stack.storage.url,
            "pubsub": stack.pubsub.host,
            "jwks": stack.keys.jwks_url,
            "logs": str(stack.data_dir / "logs"),
        },
        environment=stack.environment,
        pid=os.getpid(),
    )


def _announce(console: Console, description: DevFile, options: Options) -> None:
    url = description.base_url
    console.step("ready")
    console.line()
    console.line(f"Frontdesk serves on {url}; logs are in {description.endpoints['logs']}")
    console.line()
    if description.tenants:
        command = f"{shlex.quote(_command())} token coral agent"
        if options.data_dir != CACHE / "dev":
            command += f" --data-dir {shlex.quote(os.path.relpath(options.data_dir))}"
        authorization = f'-H "Authorization: Bearer $({command})"'
        question = '{"question": "How much hand luggage may I take on a charter flight?"}'
        json = "-H 'Content-Type: application/json'"
        console.line(f"  curl -s {url}/v1/helpdesk/ask {authorization} {json} -d '{question}'")
        console.line(f"  curl -s '{url}/v1/crm/search?q=lukasz' {authorization}")
        console.line(f"  curl -s {url}/v1/crm/pipeline {authorization}")
        console.line()
    console.line("Ctrl-C stops everything.")


def _command() -> str:
    """How to call us from the present folder, so that it can be pasted."""
    called = Path(sys.argv[0]).resolve()
    if shutil.which("frontdesk"):
        return "frontdesk"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


_LOCK: Final = "lock"


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    with (data_dir / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"Another frontdesk dev runs on {data_dir}. Stop it, or choose another one with"
                " --data-dir."
            ) from None
        yield


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn the first signal into ``Stopped``; later ones don't interrupt the cleaning up."""

    def stop(number: int, _frame: object) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    before = [signal.signal(number, stop) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
