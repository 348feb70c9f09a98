"""The arguments of ``frontdesk deploy`` and ``frontdesk logs``, and how they end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk.deploy.paths import REPOSITORY
from frontdesk.deploy.target import DEFAULT_REGION, PROJECT_NUMBER

if TYPE_CHECKING:
    from frontdesk.deploy.target import Target

_FAILED, _MISUSED = 1, 2


def add_commands(commands: Any) -> None:
    """Add them to the ``frontdesk`` parser's subparsers."""
    _add_deploy(commands)
    _add_logs(commands)


def _add_deploy(commands: Any) -> None:
    deploy = commands.add_parser(
        "deploy",
        help="deploy functions to Google Cloud with gcloud",
        description="Package functions and run the gcloud lines that their manifests make, each"
        " printed first. It may be run again at any time; what is there is brought up to date.",
    )
    deploy.add_argument("functions", nargs="*", metavar="FUNCTION", help="all when none is named")
    add_place(deploy)
    deploy.add_argument(
        "--environment",
        choices=("staging", "production"),
        default="production",
        help="the functions' ENVIRONMENT (default: %(default)s)",
    )
    deploy.add_argument(
        "--supabase-url", required=True, metavar="URL", help="https://….supabase.co"
    )
    deploy.add_argument(
        "--cors-origins",
        default="",
        metavar="ORIGINS",
        help="browser origins that may call, comma-separated; default none",
    )
    deploy.add_argument(
        "--secret-version",
        action="append",
        default=[],
        type=_named_version,
        metavar="NAME=VERSION",
        help="the version of a Secret Manager secret to mount; once for each secret",
    )
    deploy.add_argument("--log-level", default="INFO", help="of the functions (default: INFO)")
    deploy.add_argument("--release", metavar="COMMIT", help="a label saying what this is")
    deploy.add_argument(
        "--vpc-connector", metavar="NAME", help="for functions that use a Redis in a network"
    )
    deploy.add_argument(
        "--redis-ca-file", type=Path, metavar="FILE", help="the CA of a Redis with TLS, as PEM"
    )
    deploy.add_argument(
        "--behind-load-balancer",
        action="store_true",
        help="public functions accept requests from the load balancer only",
    )
    deploy.add_argument(
        "--project-number", default=PROJECT_NUMBER, metavar="N", help="default: gcloud is asked"
    )
    deploy.add_argument(
        "--dry-run", action="store_true", help="print the lines as a script, and run nothing"
    )
    deploy.add_argument(
        "--force", action="store_true", help="deploy also what Terraform manages in the project"
    )
    deploy.set_defaults(command=_deploy)


def _add_logs(commands: Any) -> None:
    logs = commands.add_parser(
        "logs",
        help="print what deployed functions wrote",
        description="Print the functions' log entries, the oldest first, one line each.",
    )
    logs.add_argument("functions", nargs="*", metavar="FUNCTION", help="all when none is named")
    logs.add_argument("--project", required=True, metavar="ID", help="the Google Cloud project")
    logs.add_argument("--since", default="1h", metavar="TIME", help="such as 30m or 2d; default 1h")
    logs.add_argument("--severity", type=str.upper, metavar="LEVEL", help="at least this severe")
    logs.add_argument("--request-id", metavar="ID", help="of one request")
    logs.add_argument("--tenant", metavar="ID", help="of one tenant's requests")
    logs.add_argument("--limit", type=int, default=200, metavar="N", help="the newest N; 200")
    logs.add_argument("--follow", action="store_true", help="go on with new ones until Ctrl-C")
    logs.add_argument("--json", action="store_true", help="print each entry as a line of JSON")
    logs.set_defaults(command=_logs)


def add_place(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--project`` and ``--region``."""
    parser.add_argument(
        "--project", required=required, metavar="ID", help="the Google Cloud project"
    )
    parser.add_argument(
        "--region",
        default=DEFAULT_REGION,
        help="of the functions (default: %(default)s)",
    )


def _named_version(text: str) -> tuple[str, str]:
    name, _, version = text.partition("=")
    if not name or not version.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} does not read NAME=VERSION, a number")
    return name, version


def _deploy(options: argparse.Namespace) -> int:
    from frontdesk.deploy.commands import deploy, script
    from frontdesk.deploy.runner import Gcloud, GcloudFailed, GcloudMissing

    try:
        target = _target(options)
        if options.dry_run:
            _say(script(options.functions, target, REPOSITORY).rstrip("\n"))
            return 0
        deploy(
            options.functions,
            target,
            repository=REPOSITORY,
            gcloud=Gcloud(REPOSITORY),
            write=_say,
            force=options.force,
        )
    except (OSError, ValueError) as error:
        return _stop(error, _MISUSED)
    except GcloudMissing as error:
        return _stop(error, _FAILED)
    except GcloudFailed as error:
        status = _stop(error, _FAILED)
        sys.stderr.write("Mend that and run the command again; what is done stays done.\n")
        return status
    return 0


def _target(options: argparse.Namespace) -> Target:
    from frontdesk.deploy.target import Target

    certificate: str | None = None
    if options.redis_ca_file is not None:
        certificate = options.redis_ca_file.read_text(encoding="utf-8")
    return Target(
        project=options.project,
        region=options.region,
        number=options.project_number,
        environment=options.environment,
        supabase_url=options.supabase_url,
        cors_origins=tuple(filter(None, map(str.strip, options.cors_origins.split(",")))),
        log_level=options.log_level,
        secret_versions=dict(options.secret_version),
        release=options.release,
        vpc_connector=options.vpc_connector,
        redis_ca_certificate=certificate,
        behind_load_balancer=options.behind_load_balancer,
    )


def _logs(options: argparse.Namespace) -> int:
    import json
    import time

    from frontdesk.deploy import logs
    from frontdesk.deploy.commands import select
    from frontdesk.deploy.runner import Gcloud, GcloudFailed, GcloudMissing
    from frontdesk.platform.manifest import all_manifests

    try:
        selected = select(all_manifests(REPOSITORY), options.functions)
        query = logs.Query(
            project=options.project,
            functions=[manifest.name for manifest in selected],
            since=options.since,
            severity=options.severity,
            request_id=options.request_id,
            tenant_id=options.tenant,
            limit=options.limit,
        )
        gcloud = Gcloud(REPOSITORY)
        follow = logs.follow(query, gcloud, time.sleep) if options.follow else None
        for entry in follow or logs.read(query, gcloud):
            _say(json.dumps(entry, ensure_ascii=False) if options.json else logs.as_line(entry))
    except ValueError as error:
        return _stop(error, _MISUSED)
    except (GcloudFailed, GcloudMissing) as error:
        return _stop(error, _FAILED)
    except KeyboardInterrupt:
        return 0
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _stop(error: Exception, status: int) -> int:
    sys.stderr.write(f"frontdesk: {error}\n")
    return status
