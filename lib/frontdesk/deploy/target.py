"""Where functions are deployed to, and what things are called there.

One Google Cloud project is one environment, so names need neither a random part nor the
environment's name. Terraform makes the same names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from frontdesk.platform.manifest import Manifest

DEFAULT_REGION: Final = "europe-west1"
OPTIONAL_SECRETS: Final = frozenset({"OPENAI_API_KEY", "REDIS_URL", "SUPABASE_JWT_SECRET"})
"""What a function does without: extractive answers, no cache, tokens checked by public keys.
Mounted where a version is given."""
PROJECT_NUMBER: Final = "${PROJECT_NUMBER}"
"""Stands for the project's number in lines that are printed before anybody asked for it."""

_PROJECT: Final = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z]+-[a-z]+\d+")
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_LONGEST_ACCOUNT: Final = 30
"""Characters of a service account's id, the part before the @."""


@dataclass(frozen=True, slots=True)
class Target:
    """A project and region, and what the functions there are given.

    Attributes:
        number: the project's number; ``PROJECT_NUMBER`` where it is not known yet.
        environment: ``staging`` or ``production``, the functions' ENVIRONMENT.
        cors_origins: browser origins, each as scheme://host[:port].
        secret_versions: which version of each Secret Manager secret is mounted, by the secret's id.
        release: the label that says what was deployed; a short commit hash.
        vpc_connector: its name; functions that use Redis get it, for private addresses only.
        redis_ca_certificate: PEM text, for functions that use Redis.
        behind_load_balancer: public functions accept requests from the load balancer only.

    Raises:
        ValueError: a name that Google Cloud would not take.
    """

    project: str
    region: str = DEFAULT_REGION
    number: str = PROJECT_NUMBER
    environment: str = "production"
    supabase_url: str = ""
    cors_origins: Sequence[str] = ()
    log_level: str = "INFO"
    secret_versions: Mapping[str, str] = field(default_factory=dict)
    release: str | None = None
    vpc_connector: str | None = None
    redis_ca_certificate: str | None = None
    behind_load_balancer: bool = False

    def __post_init__(self) -> None:
        """Check what is put into names."""
        if not _PROJECT.fullmatch(self.project):
            raise ValueError(f"{self.project!r} is no project id; a project's number is not one.")
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"{self.region!r} is no region; one reads {DEFAULT_REGION}.")
        if self.number != PROJECT_NUMBER and not self.number.isdecimal():
            raise ValueError(f"{self.number!r} is no project number.")
        if self.release is not None and not _LABEL.fullmatch(self.release):
            raise ValueError(f"{self.release!r} is no label; lower-case letters, digits, - and _.")
        for name, version in self.secret_versions.items():
            if not version.isdecimal():
                raise ValueError(f"{name}={version!r}: a secret's version is a number.")

    def account(self, name: str) -> str:
        """A service account's e-mail address."""
        return f"{name}@{self.project}.iam.gserviceaccount.com"

    def function_account(self, function: str) -> str:
        """The e-mail address of a function's own service account."""
        return self.account(function_account_id(function))

    @property
    def push_invoker(self) -> str:
        """Who Pub/Sub and Scheduler call platform functions as."""
        return self.account(PUSH_INVOKER)

    @property
    def pubsub_agent(self) -> str:
        """Google's own account that Pub/Sub works as in this project."""
        return f"service-{self.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

    def bucket(self, role: str) -> str:
        """A bucket's name; ``role`` is source, documents, indexes or exports."""
        return f"{self.project}-frontdesk-{role}"

    def url(self, function: str) -> str:
        """A function's address, known before it exists; also the audience of calls to it."""
        return f"https://{function}-{self.number}.{self.region}.run.app"


PUSH_INVOKER: Final = "push-invoker"
BUILDER: Final = "function-build"


def function_account_id(function: str) -> str:
    """The id of a function's service account.

    Raises:
        ValueError: the function's name is too long for one.
    """
    account = f"fn-{function}"
    if len(account) > _LONGEST_ACCOUNT:
        raise ValueError(f"The service account {account} of {function} is over 30 characters long.")
    return account


def is_platform(manifest: Manifest) -> bool:
    """Whether Google's services alone may call it: by Pub/Sub push or on a schedule."""
    return manifest.pubsub is not None or manifest.schedule is not None


def topics(manifests: Iterable[Manifest]) -> list[str]:
    """Every topic that some function is woken by."""
    return sorted({manifest.pubsub.topic for manifest in manifests if manifest.pubsub})


def dead_letter(topic: str) -> str:
    """Where messages of a topic go that nobody could handle; also that topic's subscription."""
    return f"{topic}-dead-letter"


def subscription(topic: str, function: str) -> str:
    """The push subscription that wakes a function."""
    return f"{topic}-{function}"


def buckets(manifests: Iterable[Manifest]) -> list[str]:
    """The roles of the buckets that functions use: documents, indexes."""
    of_roles = {role.partition(".")[0] for manifest in manifests for role in manifest.roles}
    return sorted(of_roles & {"documents", "indexes"})


def mounted_secrets(manifest: Manifest, target: Target) -> dict[str, str]:
    """The version of each secret that a function gets as an environment variable.

    Raises:
        ValueError: the version of one that it cannot do without is not given.
    """
    missing = [
        name
        for name in manifest.secrets
        if name not in target.secret_versions and name not in OPTIONAL_SECRETS
    ]
    if missing:
        wanted = " ".join(f"--secret-version {name}=N" for name in missing)
        raise ValueError(f"{manifest.name} needs versions of secrets: {wanted}")
    return {
        name: target.secret_versions[name]
        for name in manifest.secrets
        if name in target.secret_versions
    }


def uses_redis(manifest: Manifest, target: Target) -> bool:
    """Whether the function is given the address of a Redis."""
    return "REDIS_URL" in mounted_secrets(manifest, target)


def environment_of(
    manifest: Manifest, manifests: Iterable[Manifest], target: Target
) -> dict[str, str]:
    """A function's environment variables, but for its secrets; see docs/settings.md."""
    environment = {
        "ENVIRONMENT": target.environment,
        "GCP_PROJECT_ID": target.project,
        "GCP_REGION": target.region,
        "SUPABASE_URL": target.supabase_url,
        "CORS_ORIGINS": ",".join(target.cors_origins),
        "LOG_LEVEL": target.log_level,
        "DOCUMENTS_BUCKET_NAME": target.bucket("documents"),
        "FAISS_BUCKET_NAME": target.bucket("indexes"),
        **{f"{topic.upper().replace('-', '_')}_TOPIC": topic for topic in topics(manifests)},
        # functions-framework reads these two; a thread for each request that may come at a time.
        "THREADS": str(manifest.resources.concurrency),
        "WORKERS": "1",
    }
    if is_platform(manifest):
        environment["PUSH_AUDIENCE"] = target.url(manifest.name)
        environment["PUSH_SERVICE_ACCOUNT"] = target.push_invoker
    if target.redis_ca_certificate and uses_redis(manifest, target):
        environment["REDIS_CA_CERTIFICATE"] = target.redis_ca_certificate
    environment |= manifest.environment
    return {name: value for name, value in environment.items() if value}
