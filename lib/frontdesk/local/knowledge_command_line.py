"""The arguments of ``frontdesk knowledge``, whose stack they mean, and how the command ends."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from frontdesk.local.knowledge_command import Output
    from frontdesk.platform.services import Services

    Command = Callable[[Services, argparse.Namespace, Output], int]

_FAILED, _MISUSED = 1, 2
_SDK_VARIABLES: Final = ("STORAGE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST")
"""What Google's libraries read from the environment themselves."""

_WHERE: Final = (
    "With SUPABASE_URL in the environment this is the deployment that the environment describes;"
    " it needs what the indexer needs (docs/settings.md: SUPABASE_ANON_KEY, SUPABASE_SERVICE_KEY,"
    " DOCUMENTS_BUCKET_NAME, FAISS_BUCKET_NAME, EMBEDDER, …) and Google credentials. Otherwise it"
    " is the stack that `frontdesk dev` runs. Exit status: 0; 1 when it did not work; 2 when it was"
    " asked for something that is not there."
)


def add_commands(commands: Any, add_data_dir: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add ``knowledge`` to the ``frontdesk`` parser's subparsers.

    Args:
        commands: the subparsers.
        add_data_dir: adds ``--data-dir``.
    """
    knowledge = commands.add_parser(
        "knowledge",
        help="build indexes, look at them, and go back to an earlier version",
        description=f"Build an agency's index, look at it, or take a version back. {_WHERE}",
    )
    actions = knowledge.add_subparsers(title="actions", required=True, metavar="ACTION")

    build = actions.add_parser(
        "build",
        help="bring an index up to its documents, here and now",
        description="Do in this process what the indexer does when documents change; nothing when"
        f" the index is up to date. {_WHERE}",
    )
    what = build.add_mutually_exclusive_group(required=True)
    what.add_argument("tenant", nargs="?", metavar="TENANT", help="an agency's slug or id")
    what.add_argument(
        "--shared",
        type=Path,
        metavar="FOLDER",
        help="publish a folder of Markdown, HTML, PDF, DOCX, CSV and text files as the index that"
        " every agency searches beside its own; everybody may see all of it",
    )
    build.add_argument(
        "--force",
        action="store_true",
        help="build though nothing changed; read and embed everything again",
    )
    _finish(build, _build, add_data_dir)

    status = actions.add_parser(
        "status",
        help="list an index's versions, and the documents that wait or failed",
        description=f"List the versions of an agency's index and what they do not hold. {_WHERE}",
    )
    status.add_argument("tenant", metavar="TENANT", help="an agency's slug or id")
    _finish(status, _status, add_data_dir)

    rollback = actions.add_parser(
        "rollback",
        help="let an earlier version serve again",
        description="Move the pointer to an earlier version that is still kept. The next change of"
        f" the documents builds a new one. {_WHERE}",
    )
    rollback.add_argument("tenant", metavar="TENANT", help="an agency's slug or id")
    rollback.add_argument(
        "version", nargs="?", metavar="VERSION", help="default: the one before the one that serves"
    )
    _finish(rollback, _rollback, add_data_dir)


def _finish(
    parser: argparse.ArgumentParser,
    command: Command,
    add_data_dir: Callable[[argparse.ArgumentParser], None],
) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_data_dir(parser)
    parser.set_defaults(command=lambda options: _run(command, options))


def _build(services: Services, options: argparse.Namespace, output: Output) -> int:
    from frontdesk.local.knowledge_command import build, build_from

    if options.shared is not None:
        return build_from(services, options.shared, force=options.force, output=output)
    return build(services, options.tenant, force=options.force, output=output)


def _status(services: Services, options: argparse.Namespace, output: Output) -> int:
    from frontdesk.local.knowledge_command import status

    return status(services, options.tenant, output=output)


def _rollback(services: Services, options: argparse.Namespace, output: Output) -> int:
    from frontdesk.local.knowledge_command import take_back

    return take_back(services, options.tenant, options.version, output=output)


def _run(command: Command, options: argparse.Namespace) -> int:
    """Run it and turn what goes wrong into a sentence and a status."""
    from frontdesk.local.knowledge_command import Misused
    from frontdesk.platform.errors import FrontdeskError
    from frontdesk.platform.services import Services
    from frontdesk.platform.settings import SettingsError, load_settings

    try:
        environment = environment_of(os.environ, options.data_dir)
        services = Services(load_settings(environment))
    except (Misused, SettingsError) as wrong:
        return _stop(str(wrong), _MISUSED)
    for name in _SDK_VARIABLES:
        if name in environment:
            os.environ[name] = environment[name]
    try:
        return command(services, options, terminal(as_json=options.json))
    except Misused as wrong:
        return _stop(str(wrong), _MISUSED)
    except FrontdeskError as failure:
        return _stop(failure.message, _FAILED)
    except KeyboardInterrupt:
        return _stop("Stopped; what serves goes on serving.", _FAILED)
    finally:
        services.close()


def environment_of(environ: Mapping[str, str], data_dir: Path) -> Mapping[str, str]:
    """The environment that describes where to work: this one, or the running stack's.

    Raises:
        Misused: it describes no deployment, and no stack runs on that data directory.
    """
    from frontdesk.local.devfile import DevFile, dev_file
    from frontdesk.local.knowledge_command import Misused

    if environ.get("SUPABASE_URL", "").strip():
        return environ
    try:
        return DevFile.read(dev_file(data_dir)).environment
    except FileNotFoundError:
        raise Misused(
            "Nothing runs here, and SUPABASE_URL names no deployment. Start the stack with"
            " `make run`, or set the deployment's environment; see --help."
        ) from None


def terminal(*, as_json: bool) -> Output:
    """Results on standard output, the work under way on standard error."""
    from frontdesk.local.knowledge_command import Output

    def redraw(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    is_terminal = sys.stderr.isatty()
    beginning = "\r\x1b[K" if is_terminal else ""
    return Output(
        write=lambda line: _write(sys.stdout, f"{line}\n"),
        note=lambda line: _write(sys.stderr, f"{beginning}{line}\n"),
        redraw=redraw if is_terminal else None,
        as_json=as_json,
    )


def _write(stream: Any, text: str) -> None:
    stream.write(text)
    stream.flush()


def _stop(sentence: str, status: int) -> int:
    sys.stderr.write(f"frontdesk: {sentence}\n")
    return status
