"""The generated description of the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from frontdesk.http import openapi
from frontdesk.http.catalogue import catalogue
from frontdesk.http.error_page import error_page
from frontdesk.platform.errors import ErrorCode

REPOSITORY = Path(__file__).resolve().parents[3]
MAIN = '''
from frontdesk.http import PLATFORM, PUBLIC, Role, get, http_function, post
from frontdesk.platform.context import Context
from tests.support.toy import create_booking, list_bookings, read_booking, stream, upload

def push(context: Context) -> None:
    """Do the rounds."""

toy = http_function(
    "toy",
    get("/v1/toy/bookings", list_bookings, allow=Role.VIEWER),
    post("/v1/toy/bookings", create_booking, allow=Role.AGENT, status=201),
    get("/v1/toy/bookings/{booking_id}", read_booking, allow=Role.VIEWER),
    post("/v1/toy/files", upload, allow=Role.AGENT),
    get("/v1/toy/stream", stream, allow=PUBLIC, produces="text/plain"),
    post("/v1/toy/push", push, allow=PLATFORM),
)
'''
MANIFEST = """
format: 1
name: toy
description: A function of the tests.
entry_point: toy
extra: toy
trigger: {routes: [{path: /v1/toy/bookings, methods: [GET, POST]}]}
resources: {memory_mb: 256, cpu: 1, concurrency: 1, timeout_seconds: 10, max_instances: 1}
secrets: []
roles: []
environment: {}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "functions" / "toy"
    folder.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (folder / "main.py").write_text(MAIN)
    (folder / "function.yaml").write_text(MANIFEST)
    return tmp_path


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    return openapi.build(repository)


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_the_repositorys_own_is_valid_too() -> None:
    validate(openapi.build(REPOSITORY))


def test_it_is_the_same_every_time(repository: Path) -> None:
    assert openapi.render(openapi.build(repository)) == openapi.render(openapi.build(repository))


def test_every_route_is_in_it(document: dict[str, Any], repository: Path) -> None:
    (listed,) = catalogue(repository)
    for route in listed.function.routes:
        assert route.method.lower() in document["paths"][route.path]


def test_parameters_come_from_the_models(document: dict[str, Any]) -> None:
    listing = document["paths"]["/v1/toy/bookings"]["get"]
    page_size = next(p for p in listing["parameters"] if p["name"] == "page_size")
    assert page_size == {
        "name": "page_size",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "default": 20, "minimum": 1, "maximum": 100},
    }
    reading = document["paths"]["/v1/toy/bookings/{booking_id}"]["get"]
    assert reading["parameters"] == [
        {
            "name": "booking_id",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
    ]


def test_a_list_has_the_paginated_envelope(document: dict[str, Any]) -> None:
    reply = document["paths"]["/v1/toy/bookings"]["get"]["responses"]["200"]
    name = reply["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    fields = document["components"]["schemas"][name]["properties"]
    assert {"success", "data", "count", "page_size", "next_cursor", "has_more"} < set(fields)


def test_a_command_has_its_body_status_and_key(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/toy/bookings"]["post"]
    assert operation["requestBody"]["required"] is True
    assert "201" in operation["responses"]
    assert [p["name"] for p in operation["parameters"]] == ["Idempotency-Key"]
    assert operation["operationId"] == "create_booking"
    assert operation["summary"] == "Show the command"


def test_what_only_requests_hold_is_closed_and_replies_are_open(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    closed = {name for name in schemas if schemas[name].get("additionalProperties") is False}
    assert any("Booking" in name for name in closed)
    assert not any(name.startswith(("APIResponse", "Paginated", "Error")) for name in closed)


def test_an_upload_is_a_form_with_a_file(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/toy/files"]["post"]["requestBody"]["content"]
    form = body["multipart/form-data"]["schema"]
    assert set(form["properties"]) == {"file", "note", "tag"}
    assert form["required"] == ["note", "file"]


def test_a_stream_has_its_content_type(document: dict[str, Any]) -> None:
    reply = document["paths"]["/v1/toy/stream"]["get"]["responses"]["200"]
    assert set(reply["content"]) == {"text/plain"}


def test_it_says_who_may_call(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert paths["/v1/toy/bookings"]["get"]["security"] == [{"member": []}]
    assert paths["/v1/toy/bookings"]["get"]["x-frontdesk-allow"] == "viewer"
    assert paths["/v1/toy/push"]["post"]["security"] == [{"platform": []}]
    assert paths["/v1/toy/stream"]["get"]["security"] == []
    assert paths["/v1/ready/toy"]["get"]["security"] == [{}, {"admin": []}]


def test_operation_ids_are_unique() -> None:
    document = openapi.build(REPOSITORY)
    ids = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert len(ids) == len(set(ids))


def test_every_schema_is_used(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def run(repository: Path, *arguments: str) -> int:
    return openapi.main(list(arguments), repository)


def test_the_check_fails_until_it_is_written_and_when_it_is_out_of_date(repository: Path) -> None:
    assert run(repository, "--check") == 1
    assert run(repository, "--write") == 0
    assert run(repository, "--check") == 0
    main = repository / "functions" / "toy" / "main.py"
    main.write_text(MAIN.replace('"/v1/toy/files"', '"/v1/toy/uploads"'))
    assert run(repository, "--check") == 1


def test_a_breaking_change_is_written_only_when_it_is_meant(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(repository, "--write")
    main = repository / "functions" / "toy" / "main.py"
    main.write_text(MAIN.replace("allow=Role.VIEWER", "allow=Role.OWNER"))
    assert run(repository, "--write") == 1
    assert "breaking: GET /v1/toy/bookings was for viewer and is now for owner" in (
        capsys.readouterr().err
    )
    assert run(repository, "--check") == 1
    assert run(repository, "--write", "--allow-breaking") == 0
    assert run(repository, "--check") == 0


def test_an_added_route_is_written_without_asking(repository: Path) -> None:
    run(repository, "--write")
    main = repository / "functions" / "toy" / "main.py"
    main.write_text(MAIN.replace('"/v1/toy/files", upload', '"/v1/toy/files2", upload', 1))
    added = '    post("/v1/toy/files", upload, allow=Role.AGENT),\n)'
    main.write_text(main.read_text().replace("\n)", "\n" + added))
    assert run(repository, "--write") == 0


def test_a_main_that_contradicts_its_manifest_is_refused(repository: Path) -> None:
    main = repository / "functions" / "toy" / "main.py"
    main.write_text(MAIN.replace('"toy",', '"other",'))
    with pytest.raises(ValueError, match="other"):
        openapi.build(repository)


def test_the_error_page_lists_every_code_once() -> None:
    page = error_page()
    for code in ErrorCode:
        assert page.count(f"| `{code}` |") == 1
