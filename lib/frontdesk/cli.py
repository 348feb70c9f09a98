"""``frontdesk``: the command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frontdesk.deploy.command_line import add_commands, add_place
from frontdesk.local.knowledge_command_line import add_commands as add_knowledge
from frontdesk.local.paths import CACHE, MIGRATIONS, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from frontdesk.deploy.findings import Finding

DEFAULT_PORT: Final = 8080
DEFAULT_DATA_DIR: Final = CACHE / "dev"
_FAILED, _MISUSED = 1, 2
_DAY_SECONDS: Final = 86_400


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 when it failed, 2 when it was misused."""
    options = _parser().parse_args(arguments)
    status: int = options.command(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frontdesk", description="Frontdesk, here and in Google Cloud."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    dev = commands.add_parser(
        "dev",
        help="start everything on one port, with two demo agencies",
        description="Start Postgres, the Supabase API, Redis, storage, Pub/Sub and every function,"
        " load two demo agencies the first time, and serve until Ctrl-C.",
    )
    dev.add_argument("--port", type=int, default=DEFAULT_PORT, help="port (default: %(default)s)")
    _add_data_dir(dev)
    dev.add_argument("--no-demo", action="store_true", help="don't load the demo agencies")
    dev.add_argument("--reset", action="store_true", help="forget all data first")
    dev.add_argument(
        "--log-level",
        default="INFO",
        type=str.upper,
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="of the functions (default: %(default)s)",
    )
    dev.set_defaults(command=_dev)

    token = commands.add_parser(
        "token",
        help="print an access token of a demo agency, or the admin token",
        description="Print a token for the stack that `frontdesk dev` runs.",
    )
    token.add_argument("tenant", nargs="?", help="an agency's slug, such as coral")
    token.add_argument(
        "role", nargs="?", default="owner", help="owner, agent, viewer or visitor (the website)"
    )
    token.add_argument("--admin", action="store_true", help="the token for X-Admin-Token")
    _add_data_dir(token)
    token.set_defaults(command=_token)

    doctor = commands.add_parser(
        "doctor",
        help="check this machine or a deployment, and say what is missing",
        description="Check everything that `frontdesk dev` needs, or with --project everything that"
        " functions need in Google Cloud; exit status 1 on a problem. With DATABASE_URL set, the"
        " project's migrations are looked at too.",
    )
    doctor.add_argument("--port", type=int, default=DEFAULT_PORT, help="port that dev would use")
    doctor.add_argument("--database", metavar="DSN", help="check this database's ctype too")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_place(doctor, required=False)
    _add_data_dir(doctor)
    doctor.set_defaults(command=_doctor)
    add_commands(commands)
    add_knowledge(commands, _add_data_dir)

    model = commands.add_parser(
        "publish-model",
        help="put the embedder's model into a project's bucket",
        description="Build the embedded embedder's model here, the first time in some seconds, and"
        " upload it with gcloud to where a project's functions load it from.",
    )
    add_place(model)
    model.set_defaults(command=_publish_model)

    migrate = commands.add_parser(
        "migrate",
        help="bring a hosted database up to date",
        description="Apply supabase/migrations to the database that DATABASE_URL names. Run again,"
        " it goes on where it stopped.",
    )
    mode = migrate.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="say what would be applied")
    mode.add_argument("--status", action="store_true", help="list every migration's state")
    for option, default, what in (
        ("--lock-timeout", 5.0, "wait for a lock"),
        ("--statement-timeout", 300.0, "let a statement of a transaction run"),
        ("--index-timeout", 3600.0, "let an index be built concurrently"),
    ):
        migrate.add_argument(
            option,
            type=_seconds,
            default=default,
            metavar="SECONDS",
            help=f"{what} so long at most (default: %(default)g)",
        )
    migrate.set_defaults(command=_migrate)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _DAY_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds up to a day")
    return seconds


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=lambda text: Path(text).resolve(),
        default=DEFAULT_DATA_DIR,
        metavar="DIR",
        help="where the stack keeps its data; DIR.json beside it describes the running one"
        " (default: .local/dev)",
    )


def _dev(options: argparse.Namespace) -> int:
    from frontdesk.deploy.migration_files import MigrationFailed
    from frontdesk.local.demo import DemoFailed
    from frontdesk.local.dev import CannotStart, Options, run
    from frontdesk.local.node import NodeMissing
    from frontdesk.local.process import StartFailed

    try:
        run(
            Options(
                port=options.port,
                data_dir=options.data_dir,
                demo=not options.no_demo,
                reset=options.reset,
                log_level=options.log_level,
            )
        )
    except CannotStart as error:
        print(f"frontdesk: {error}", file=sys.stderr)
        return _MISUSED
    except (DemoFailed, MigrationFailed, NodeMissing, StartFailed) as error:
        print(f"frontdesk: {error}", file=sys.stderr)
        print(f"The parts' logs are in {options.data_dir / 'logs'}.", file=sys.stderr)
        return _FAILED
    return 0


def _token(options: argparse.Namespace) -> int:
    from frontdesk.local.devfile import DevFile, dev_file

    try:
        running = DevFile.read(dev_file(options.data_dir))
    except FileNotFoundError:
        print("frontdesk: nothing runs here. Start it with `make run`.", file=sys.stderr)
        return _FAILED
    if options.admin:
        print(running.admin_token)
        return 0
    tenant = running.tenants.get(options.tenant)
    if tenant is None:
        known = ", ".join(running.tenants) or "none, this stack runs without the demo"
        print(f"frontdesk: which agency? There are: {known}.", file=sys.stderr)
        return _MISUSED
    if options.role not in tenant.tokens:
        known = ", ".join(tenant.tokens)
        print(f"frontdesk: {options.tenant} has no {options.role}, but {known}.", file=sys.stderr)
        return _MISUSED
    print(tenant.tokens[options.role])
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from frontdesk.deploy.findings import show, show_json
    from frontdesk.deploy.runner import GcloudMissing

    if options.project:
        subject, findings = "This project", _project_findings(options)
    else:
        from frontdesk.local.doctor import examine

        subject = "This machine"
        findings = examine(options.data_dir, options.port, options.database)
    try:
        healthy = (show_json if options.json else show)(findings, print)
    except GcloudMissing as error:
        print(f"frontdesk: {error}", file=sys.stderr)
        return _FAILED
    except ValueError as error:
        print(f"frontdesk: {error}", file=sys.stderr)
        return _MISUSED
    if not options.json:
        print(f"{subject} is ready." if healthy else "Something is missing, see above.")
    return 0 if healthy else _FAILED


def _project_findings(options: argparse.Namespace) -> Iterator[Finding]:
    from frontdesk.deploy.project_doctor import examine
    from frontdesk.deploy.runner import Gcloud
    from frontdesk.deploy.target import Target
    from frontdesk.platform.manifest import all_manifests

    yield from examine(
        Target(options.project, options.region),
        all_manifests(REPOSITORY),
        Gcloud(REPOSITORY),
        migrations=MIGRATIONS,
        database=os.environ.get("DATABASE_URL") or None,
    )


def _publish_model(options: argparse.Namespace) -> int:
    from frontdesk.deploy.model import publish_model
    from frontdesk.deploy.runner import Gcloud, GcloudFailed, GcloudMissing
    from frontdesk.deploy.target import Target
    from frontdesk.local.minilm_model import ModelWeightsInvalid, build_model

    try:
        target = Target(options.project, options.region)
        gcloud = Gcloud(REPOSITORY)
        publish_model(build_model(CACHE / "models"), target, gcloud, print)
    except ValueError as error:
        print(f"frontdesk: {error}", file=sys.stderr)
        return _MISUSED
    except (GcloudFailed, GcloudMissing, ModelWeightsInvalid) as error:
        print(f"frontdesk: {error}", file=sys.stderr)
        return _FAILED
    return 0


def _migrate(options: argparse.Namespace) -> int:
    from frontdesk.deploy.migrate_command import run
    from frontdesk.deploy.migrations import Limits

    return run(
        os.environ,
        MIGRATIONS,
        mode="status" if options.status else "dry-run" if options.dry_run else "apply",
        limits=Limits(
            lock=options.lock_timeout,
            statement=options.statement_timeout,
            index=options.index_timeout,
        ),
        write=print,
        complain=lambda sentence: print(f"frontdesk: {sentence}", file=sys.stderr),
    )


if __name__ == "__main__":
    sys.exit(main())
