"""Every setting of the service: one typed, frozen class, read from the environment at start.

Each field has a default with which the laptop works, a documented meaning and the environment name
that sets it. ``python -m frontdesk.platform.settings`` prints ``docs/settings.md``.

A secret may be given as ``sm://projects/P/secrets/S/versions/V`` instead of in the open; what needs
it asks ``frontdesk.platform.secrets`` then, at the first use.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.functional_validators import BeforeValidator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

SECRET_REFERENCE = "sm://"  # noqa: S105 -- the scheme of a reference, not a secret
_MIB = 1024 * 1024
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_OUTSIDE_LOCAL = ("staging", "production")


class SettingsError(ValueError):
    """The environment holds wrong values; ``problems`` names all of them, and quotes none."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("The settings are not valid:\n" + "\n".join(f"- {p}" for p in problems))


def _origins(value: Any) -> Any:
    """``https://a.example, https://b.example`` as a tuple of exact origins."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
    for part in (parts := [part for part in parts if part]):
        url = urlsplit(part)
        if url.scheme not in {"http", "https"} or not url.netloc or part != url.geturl():
            raise ValueError(
                "every origin must read scheme://host[:port]; wildcards are not allowed"
            )
        if url.path or url.query or url.fragment or "*" in part or url.username:
            raise ValueError(
                "every origin must read scheme://host[:port]; wildcards are not allowed"
            )
    return tuple(parts)


def _http_url(value: Any) -> Any:
    url = urlsplit(str(value))
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("must be an http or https address")
    return str(value).rstrip("/")


def _certificates(value: Any) -> Any:
    """One or more certificates as PEM text; what cannot be read would only show as a lost cache."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=str(value))
    except (ssl.SSLError, ValueError):
        raise ValueError("must be PEM text that begins -----BEGIN CERTIFICATE-----") from None
    return value


def _admin_tokens(value: Any) -> Any:
    raw = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if not raw.startswith(SECRET_REFERENCE):
        parse_admin_tokens(raw)
    return value


def parse_admin_tokens(raw: str) -> dict[str, str]:
    """The named admin tokens as {name: SHA-256 of the token in lower-case hex}.

    Raises:
        ValueError: it is not a JSON object of that shape.
    """
    try:
        tokens = json.loads(raw)
    except json.JSONDecodeError:
        tokens = None
    if not isinstance(tokens, dict) or not all(
        isinstance(digest, str) and _SHA256_HEX.fullmatch(digest) for digest in tokens.values()
    ):
        raise ValueError('must be a JSON object {"name": "SHA-256 of the token in lower-case hex"}')
    return tokens


def hash_admin_token(token: str) -> str:
    """What ADMIN_API_TOKENS stores of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


HttpUrl = Annotated[str, BeforeValidator(_http_url)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_origins)]
AdminTokens = Annotated[SecretStr, BeforeValidator(_admin_tokens)]
Certificates = Annotated[str, BeforeValidator(_certificates)]


def _setting(env: str, default: Any, description: str, *fallbacks: str, **limits: Any) -> Any:
    alias = AliasChoices(env, *fallbacks) if fallbacks else env
    return Field(default, validation_alias=alias, description=description, **limits)


class Settings(BaseModel):
    """All settings. Build it with ``load_settings``; tests may name fields directly."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )

    environment: Literal["local", "staging", "production"] = _setting(
        "ENVIRONMENT", "local", "Where this runs. Staging and production insist on https and keys."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "LOG_LEVEL", "INFO", "The least severity that is logged."
    )
    function_name: str = _setting(
        "FUNCTION_NAME",
        "frontdesk",
        "The function that this process serves, for logs; Cloud Run sets K_SERVICE itself.",
        "K_SERVICE",
    )
    revision: str = _setting(
        "REVISION",
        "local",
        "The deployed version; two versions share no cached answer. Cloud Run sets K_REVISION.",
        "K_REVISION",
    )
    function_timeout_seconds: float | None = _setting(
        "FRONTDESK_FUNCTION_TIMEOUT",
        None,
        "Seconds a request may take, instead of the time-out in the function's manifest.",
        gt=0,
    )
    gcp_project_id: str = _setting("GCP_PROJECT_ID", "frontdesk-local", "The Google Cloud project.")
    gcp_region: str = _setting("GCP_REGION", "europe-west1", "The region of the functions.")

    supabase_url: HttpUrl = _setting(
        "SUPABASE_URL", "http://127.0.0.1:54321", "The address of the Supabase project."
    )
    supabase_anon_key: SecretStr | None = _setting(
        "SUPABASE_ANON_KEY",
        None,
        "The project's anon key; it accompanies every caller's own token.",
    )
    supabase_service_key: SecretStr | None = _setting(
        "SUPABASE_SERVICE_KEY",
        None,
        "The service-role key. Only tenants, provisioner, indexer and maintenance get it.",
    )
    supabase_jwt_secret: SecretStr | None = _setting(
        "SUPABASE_JWT_SECRET",
        None,
        "The secret of HS256 tokens. When set, HS256 alone is accepted, else what the JWKS has.",
    )
    supabase_jwks_url: HttpUrl | None = _setting(
        "SUPABASE_JWKS_URL",
        None,
        "Public keys of ES256 and RS256 tokens; by default the project's own address of them.",
    )
    supabase_jwt_issuer: str | None = _setting(
        "SUPABASE_JWT_ISSUER", None, "The required `iss`; by default SUPABASE_URL + `/auth/v1`."
    )
    supabase_jwt_audience: str = _setting(
        "SUPABASE_JWT_AUDIENCE", "authenticated", "The required `aud`."
    )
    admin_api_tokens: AdminTokens | None = _setting(
        "ADMIN_API_TOKENS",
        None,
        'Named admin tokens, several for rotation: JSON `{"name": "SHA-256 of the token, hex"}`.',
    )
    admin_api_token: SecretStr | None = _setting(
        "ADMIN_API_TOKEN", None, "One admin token in the open, named `default`."
    )
    cursor_secret: SecretStr | None = _setting(
        "CURSOR_SECRET",
        None,
        "Signs list cursors and answer ids; by default derived from SUPABASE_JWT_SECRET.",
    )

    redis_url: str | None = _setting(
        "REDIS_URL",
        None,
        "Redis for the cache and rate limits; without it no cache, and limits per process.",
    )
    redis_ca_certificate: Certificates | None = _setting(
        "REDIS_CA_CERTIFICATE",
        None,
        "The CA that signed a rediss:// server's certificate, as PEM text; it alone is trusted,"
        " whatever host name the certificate is for. Several may follow each other.",
    )
    cache_ttl_seconds: int = _setting(
        "CACHE_TTL_SECONDS", 60, "How long a cached answer lives; 0 switches the cache off.", ge=0
    )
    rate_limit_per_user: int = _setting(
        "RATE_LIMIT_PER_USER", 120, "Requests a minute of one user, and of one admin address.", ge=1
    )
    rate_limit_per_tenant: int = _setting(
        "RATE_LIMIT_PER_TENANT", 600, "Requests a minute of one tenant.", ge=1
    )

    documents_bucket_name: str = _setting(
        "DOCUMENTS_BUCKET_NAME", "frontdesk-documents", "The bucket of uploaded documents."
    )
    faiss_bucket_name: str = _setting(
        "FAISS_BUCKET_NAME", "frontdesk-indexes", "The bucket of published indexes and models."
    )
    faiss_index_prefix: str = _setting(
        "FAISS_INDEX_PREFIX", "indexes", "Where indexes start in that bucket."
    )
    models_prefix: str = _setting("MODELS_PREFIX", "models", "Where models start in that bucket.")
    index_cache_dir: str = _setting(
        "INDEX_CACHE_DIR",
        "/tmp/frontdesk/indexes",  # noqa: S108 -- Cloud Run's only writable place
        "Where downloaded indexes and models are kept. On Cloud Run this is memory.",
    )
    index_cache_bytes: int = _setting(
        "INDEX_CACHE_BYTES", 512 * _MIB, "How many bytes of indexes stay loaded.", ge=_MIB
    )

    index_quiet_seconds: float = _setting(
        "INDEX_QUIET_SECONDS",
        1.0,
        "How long documents must be unchanged before an index is built of them, so that a burst of"
        " changes becomes one build; 0 builds at once.",
        ge=0,
        le=10,
    )

    embedder: Literal["minilm", "openai"] = _setting(
        "EMBEDDER", "minilm", "What turns text into vectors for new indexes."
    )
    openai_api_key: SecretStr | None = _setting(
        "OPENAI_API_KEY",
        None,
        "The key of the language model; without it answers are extractive, whatever the address."
        " A server that asks for no key is given any word.",
    )
    openai_base_url: HttpUrl = _setting(
        "OPENAI_BASE_URL",
        "https://api.openai.com/v1",
        "The language model: OpenAI, or anything that speaks its API.",
    )
    openai_chat_model: str = _setting(
        "OPENAI_CHAT_MODEL", "gpt-4o-mini", "The model that writes answers."
    )
    openai_prompt_price: float = _setting(
        "OPENAI_PROMPT_PRICE",
        0.15,
        "US dollars for a million tokens that OPENAI_CHAT_MODEL reads, for the account of costs.",
        ge=0,
    )
    openai_completion_price: float = _setting(
        "OPENAI_COMPLETION_PRICE",
        0.60,
        "US dollars for a million tokens that OPENAI_CHAT_MODEL writes.",
        ge=0,
    )
    openai_embedding_model: str = _setting(
        "OPENAI_EMBEDDING_MODEL", "text-embedding-3-small", "The model that embeds, when chosen."
    )

    tenant_operations_topic: str = _setting(
        "TENANT_OPERATIONS_TOPIC", "tenant-operations", "The topic that wakes the provisioner."
    )
    knowledge_topic: str = _setting(
        "KNOWLEDGE_TOPIC", "knowledge", "The topic that wakes the indexer."
    )
    push_audience: str | None = _setting(
        "PUSH_AUDIENCE", None, "The `aud` that Pub/Sub and Scheduler tokens must carry."
    )
    push_service_account: str | None = _setting(
        "PUSH_SERVICE_ACCOUNT", None, "The e-mail that Pub/Sub and Scheduler tokens must carry."
    )
    oidc_jwks_url: HttpUrl = _setting(
        "OIDC_JWKS_URL",
        "https://www.googleapis.com/oauth2/v3/certs",
        "Public keys of Google's OIDC tokens.",
    )
    oidc_issuer: str = _setting(
        "OIDC_ISSUER", "https://accounts.google.com", "The required `iss` of those tokens."
    )

    cors_origins: Origins = _setting(
        "CORS_ORIGINS", (), "Browser origins that may call, comma-separated, matched exactly."
    )
    max_body_bytes: int = _setting(
        "MAX_BODY_BYTES", 10 * _MIB, "The largest request body that is no upload.", ge=1024
    )
    max_upload_bytes: int = _setting("MAX_UPLOAD_BYTES", 50 * _MIB, "The largest upload.", ge=1024)

    @property
    def is_local(self) -> bool:
        return self.environment == "local"

    @property
    def jwks_url(self) -> str:
        """Where the public keys of users' tokens are."""
        return self.supabase_jwks_url or f"{self.supabase_url}/auth/v1/.well-known/jwks.json"

    @property
    def jwt_issuer(self) -> str:
        """The issuer that users' tokens must name."""
        return self.supabase_jwt_issuer or f"{self.supabase_url}/auth/v1"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the environment; an empty variable is one that is not set.

    Raises:
        SettingsError: with every problem at once, by the name of its variable, never its value.
    """
    given: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        for env in environment_names(field):
            if value := environ.get(env, "").strip():
                given[name] = value
                break
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        problems = [_problem(entry["loc"], entry["msg"]) for entry in error.errors()]
    problems += _missing_outside_local(given)
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def environment_names(field: FieldInfo) -> tuple[str, ...]:
    """The variables that set a field, in order of precedence."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices)
    return (str(alias),)


def _problem(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]) if location else ""
    env = (
        environment_names(Settings.model_fields[name])[0] if name in Settings.model_fields else name
    )
    return f"{env}: {message.removeprefix('Value error, ')}"


def _missing_outside_local(given: Mapping[str, str]) -> list[str]:
    """What a laptop may leave out and a deployment may not."""
    if given.get("environment") not in _OUTSIDE_LOCAL:
        return []
    missing = [
        _problem((name,), "is required outside ENVIRONMENT=local")
        for name in ("supabase_url", "supabase_anon_key", "gcp_project_id")
        if name not in given
    ]
    in_the_open = [
        _problem((name,), "must be https outside ENVIRONMENT=local")
        for name in ("supabase_url", "supabase_jwks_url", "openai_base_url", "oidc_jwks_url")
        if given.get(name, "").startswith("http:")
    ]
    if given.get("redis_ca_certificate") and given.get("redis_url", "").startswith("redis:"):
        in_the_open.append(
            _problem(("redis_url",), "must be rediss when REDIS_CA_CERTIFICATE is set")
        )
    return missing + in_the_open


def settings_reference() -> str:
    """The Markdown of docs/settings.md: every variable, its default and its meaning."""
    lines = [
        "# Settings",
        "",
        "Generated by `python -m frontdesk.platform.settings > docs/settings.md`; do not edit.",
        "",
        "Every variable is optional on a laptop. With `ENVIRONMENT=staging` or `production` the",
        "addresses must be https, and `SUPABASE_URL`, `SUPABASE_ANON_KEY` and `GCP_PROJECT_ID`",
        "must be set. A process with wrong settings does not start: it lists every problem.",
        "",
        "A secret may also be a reference, `sm://projects/P/secrets/S/versions/V`, which is read",
        "from Secret Manager at the first use.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for field in Settings.model_fields.values():
        first, *others = environment_names(field)
        names = f"`{first}`" + "".join(f" (else `{other}`)" for other in others)
        secret = " Secret." if "SecretStr" in str(field.annotation) else ""
        lines.append(f"| {names} | {_default(field)} | {field.description}{secret} |")
    lines += [
        "",
        "The Google client libraries read `STORAGE_EMULATOR_HOST` and `PUBSUB_EMULATOR_HOST`",
        "themselves; `make run` sets both.",
    ]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    return "–" if field.default in (None, ()) else f"`{field.default}`"


if __name__ == "__main__":
    print(settings_reference(), end="")  # noqa: T201 -- this is the command's output
