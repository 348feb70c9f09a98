"""Settings: defaults, problems, and their documentation."""

from __future__ import annotations

import hashlib
import json

import pytest

from frontdesk.platform.settings import (
    Settings,
    SettingsError,
    environment_names,
    hash_admin_token,
    load_settings,
    parse_admin_tokens,
    settings_reference,
)
from tests.support.tls import Authority

DEPLOYED = {
    "ENVIRONMENT": "production",
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "anon",
    "GCP_PROJECT_ID": "agency-prod",
}


def test_an_empty_environment_is_a_laptop() -> None:
    settings = load_settings({})

    assert settings.is_local
    assert settings.openai_api_key is None
    assert settings.supabase_url == "http://127.0.0.1:54321"


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load_settings({"REDIS_URL": "  ", "LOG_LEVEL": ""}) == load_settings({})


def test_every_problem_is_listed_at_once_by_the_name_of_its_variable() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(
            {
                "ENVIRONMENT": "staging",
                "LOG_LEVEL": "LOUD",
                "CACHE_TTL_SECONDS": "soon",
                "OPENAI_BASE_URL": "not an address",
                "CORS_ORIGINS": "*",
                "ADMIN_API_TOKENS": "hunter2",
            }
        )

    named = {problem.partition(":")[0] for problem in caught.value.problems}
    assert named == {
        "LOG_LEVEL",
        "CACHE_TTL_SECONDS",
        "OPENAI_BASE_URL",
        "CORS_ORIGINS",
        "ADMIN_API_TOKENS",
        "SUPABASE_URL",
        "SUPABASE_ANON_KEY",
        "GCP_PROJECT_ID",
    }


def test_a_problem_never_quotes_the_value() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"ADMIN_API_TOKENS": "hunter2", "MAX_BODY_BYTES": "hunter2"})

    assert "hunter2" not in str(caught.value)


def test_a_deployment_starts_with_what_it_must_have() -> None:
    settings = load_settings(DEPLOYED)

    assert settings.jwks_url == "https://project.supabase.co/auth/v1/.well-known/jwks.json"
    assert settings.jwt_issuer == "https://project.supabase.co/auth/v1"


def test_a_deployment_refuses_an_address_in_the_open() -> None:
    with pytest.raises(SettingsError, match="SUPABASE_URL: must be https"):
        load_settings(DEPLOYED | {"SUPABASE_URL": "http://project.supabase.co"})


@pytest.mark.parametrize(
    "origins",
    ["*", "https://*.example.com", "example.com", "https://a.example/path", "https://a.example/"],
)
def test_only_exact_origins_are_accepted(origins: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        load_settings({"CORS_ORIGINS": origins})


def test_origins_are_a_comma_separated_list() -> None:
    settings = load_settings({"CORS_ORIGINS": "https://a.example, http://localhost:5173,"})

    assert settings.cors_origins == ("https://a.example", "http://localhost:5173")


def test_admin_tokens_are_stored_as_named_hashes() -> None:
    digest = hash_admin_token("a token")
    raw = json.dumps({"alice": digest})

    assert digest == hashlib.sha256(b"a token").hexdigest()
    assert parse_admin_tokens(raw) == {"alice": digest}
    assert load_settings({"ADMIN_API_TOKENS": raw}).admin_api_tokens is not None


@pytest.mark.parametrize("raw", ['{"alice": "a token"}', "[]", '{"alice": 1}', "{"])
def test_admin_tokens_in_the_open_are_refused(raw: str) -> None:
    with pytest.raises(SettingsError, match="ADMIN_API_TOKENS"):
        load_settings({"ADMIN_API_TOKENS": raw})


def test_a_reference_to_a_secret_is_taken_as_it_is() -> None:
    reference = "sm://projects/p/secrets/s/versions/latest"

    settings = load_settings({"ADMIN_API_TOKENS": reference})

    assert settings.admin_api_tokens is not None
    assert settings.admin_api_tokens.get_secret_value() == reference


@pytest.mark.parametrize(
    "certificate", ["a file name", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_a_certificate_that_cannot_be_read_is_refused_at_start(certificate: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_CA_CERTIFICATE: must be PEM"):
        load_settings({"REDIS_CA_CERTIFICATE": certificate})


def test_a_certificate_for_redis_comes_with_an_address_that_uses_it() -> None:
    given = DEPLOYED | {"REDIS_CA_CERTIFICATE": Authority("ours").pem}

    assert load_settings(given | {"REDIS_URL": "rediss://10.0.0.3:6378"}).redis_ca_certificate
    with pytest.raises(SettingsError, match="REDIS_URL: must be rediss"):
        load_settings(given | {"REDIS_URL": "redis://10.0.0.3:6379"})


def test_cloud_run_names_the_function_and_its_revision_unless_we_do() -> None:
    assert load_settings({"K_SERVICE": "quotes", "K_REVISION": "7"}).function_name == "quotes"
    assert load_settings({"K_SERVICE": "quotes", "FUNCTION_NAME": "x"}).function_name == "x"
    assert load_settings({"K_REVISION": "quotes-7"}).revision == "quotes-7"


def test_settings_cannot_be_changed_and_do_not_print_secrets() -> None:
    settings = load_settings({"SUPABASE_SERVICE_KEY": "hunter2"})

    assert "hunter2" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "log_level", "DEBUG")  # noqa: B010 -- mypy refuses the assignment


def test_every_setting_is_documented() -> None:
    reference = settings_reference()

    for field in Settings.model_fields.values():
        assert field.description
        for name in environment_names(field):
            assert f"`{name}`" in reference


def test_the_reference_says_what_is_a_secret() -> None:
    lines = {
        line.split("`")[1]: line for line in settings_reference().splitlines() if "| `" in line
    }

    assert lines["OPENAI_API_KEY"].endswith("Secret. |")
    assert "Secret." not in lines["OPENAI_BASE_URL"]
