"""Logs: their fields, and what never gets into them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from frontdesk.platform.logging import (
    MAX_TEXT,
    REDACTED,
    bind,
    configure,
    get_logger,
    is_sensitive,
    redact_text,
)
from frontdesk.platform.settings import Settings

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLWJ5dGVz"
log = get_logger("frontdesk.tests")

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What has been logged since the last look, parsed."""
    handlers, level = logging.root.handlers[:], logging.root.level
    configure(Settings(gcp_project_id="agency", function_name="crm-search"))
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_line_is_one_json_object_with_the_fields_of_cloud_logging(lines: Lines) -> None:
    with bind(request_id="r-1", tenant_id=UUID(int=1), trace="abc", function="crm-search"):
        log.warning("The index is old", age_seconds=90, share=Decimal("0.5"))

    [line] = lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "severity": "WARNING",
        "message": "The index is old",
        "logger": "frontdesk.tests",
        "function": "crm-search",
        "logging.googleapis.com/trace": "projects/agency/traces/abc",
        "request_id": "r-1",
        "tenant_id": "00000000-0000-0000-0000-000000000001",
        "age_seconds": 90,
        "share": "0.5",
    }


def test_bound_fields_end_with_their_block_and_stay_in_their_thread(lines: Lines) -> None:
    with bind(request_id="r-1"), bind(tenant_id="t-1"):
        thread = threading.Thread(target=lambda: log.info("elsewhere"))
        thread.start()
        thread.join()
        log.info("within")
    log.info("after")

    seen = [(line.get("request_id"), line.get("tenant_id")) for line in lines()]
    assert seen == [(None, None), ("r-1", "t-1"), (None, None)]


TELLING_NAMES = """
    token access_token Authorization X-Admin-Token apiKey api_key client_secret cookie password
    email owner_email phone question message_text user_name body prompt answer query
"""


@pytest.mark.parametrize("key", TELLING_NAMES.split())
def test_a_field_with_a_telling_name_is_not_printed(lines: Lines, key: str) -> None:
    log.info("Something happened", **{key: "hunter2", "nested": {key: ["hunter2"]}})

    [line] = lines()
    assert "hunter2" not in json.dumps(line)
    assert line["nested"] == {key: REDACTED} or line["nested"] == {key: [REDACTED]}


@pytest.mark.parametrize("key", ["query_type", "prompt_tokens", "error_code", "rows"])
def test_a_field_that_only_resembles_one_is_printed(key: str) -> None:
    assert not is_sensitive(key)


@pytest.mark.parametrize(
    "secret",
    [
        "ada@example.com",
        JWT,
        "Bearer abcdefgh12345678",
        "sk-proj-abcdefghijklmnop1234",
        "redis://user:hunter2@10.0.0.1:6379/0",
        "https://host/path?key=hunter2&page=1",
    ],
)
def test_what_looks_like_a_secret_or_an_address_is_cut_out_of_any_text(
    lines: Lines, secret: str
) -> None:
    sentence = f"It said {secret} twice"
    log.info(sentence, upstream=f"before {secret} after")

    [line] = lines()
    for text in (line["message"], line["upstream"]):
        assert REDACTED in text
        for part in ("ada@", "eyJ", "abcdefgh", "hunter2"):
            assert part not in text


def test_a_long_text_is_cut() -> None:
    assert redact_text("a" * 1_000) == "a" * MAX_TEXT + "…"


def test_an_exception_is_logged_without_source_lines_and_with_redacted_words(lines: Lines) -> None:
    def fail() -> None:
        error = ValueError("no such client: ada@example.com")
        error.add_note("database code 42883")
        raise error

    try:
        try:
            fail()
        except ValueError as error:
            raise RuntimeError("The search failed\nsecond line with hunter2") from error
    except RuntimeError:
        log.exception("It failed")

    [line] = lines()
    assert line["severity"] == "ERROR"
    assert line["exception"] == "RuntimeError: The search failed"
    assert f"ValueError: no such client: {REDACTED}" in line["stack_trace"]
    assert " fail" in line["stack_trace"]
    assert "database code 42883" in line["stack_trace"]
    assert "hunter2" not in json.dumps(line)
    assert "ada@" not in json.dumps(line)


def test_an_error_as_a_field_is_logged_by_class_and_redacted_words(lines: Lines) -> None:
    log.warning("Going on without it", cause=ValueError("for ada@example.com"))

    assert lines()[0]["cause"] == f"ValueError: for {REDACTED}"


def test_an_unknown_object_is_logged_by_its_type_alone(lines: Lines) -> None:
    class Client:
        def __repr__(self) -> str:
            return "Client(name='Ada')"

    log.info("Something happened", thing=Client())

    assert lines()[0]["thing"] == "<Client>"


def test_a_field_cannot_pretend_to_be_the_line_itself(lines: Lines) -> None:
    log.info("Something happened", severity="DEBUG", message="another")

    [line] = lines()
    assert (line["severity"], line["message"]) == ("INFO", "Something happened")


def test_other_libraries_log_through_the_same_sieve(lines: Lines) -> None:
    logging.getLogger("some.library").warning("token is %s", JWT)
    logging.getLogger("httpx").info("HTTP Request: GET https://host/?apikey=abc")

    [line] = lines()
    assert line["message"] == f"token is {REDACTED}"


def test_a_line_below_the_level_costs_nothing_and_prints_nothing(lines: Lines) -> None:
    log.debug("Something happened")

    assert lines() == []
