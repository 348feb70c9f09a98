"""The gateway hands each path to the function whose manifest names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from frontdesk.local.gateway import Gateway
from frontdesk.platform.manifest import Manifest, ManifestRoute, Resources

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def manifest(name: str, *paths: str) -> Manifest:
    return Manifest(
        folder=Path(name),
        name=name,
        description="",
        entry_point=name,
        extra=name,
        routes=tuple(ManifestRoute(path, ("GET",)) for path in paths),
        pubsub=None,
        schedule=None,
        resources=Resources(256, 1, 1, 10, 1),
        secrets=(),
        roles=(),
        environment={},
    )


def load(manifest: Manifest) -> Application:
    """A function that says its name."""

    def application(
        _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [manifest.name.encode()]

    return application


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(
        [
            manifest("clients", "/v1/crm/clients", "/v1/crm/clients/{client_id}"),
            manifest("search", "/v1/crm/search"),
        ],
        load=load,
    )


def get(gateway: Gateway, path: str) -> tuple[str, bytes]:
    answers: list[str] = []
    body = gateway({"PATH_INFO": path}, lambda status, _headers: answers.append(status))
    return answers[0], b"".join(body)


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("/v1/crm/clients", b"clients"),
        ("/v1/crm/clients/01a2", b"clients"),
        ("/v1/crm/search", b"search"),
        ("/v1/health/search", b"search"),
        ("/v1/ready/clients", b"clients"),
    ],
)
def test_a_path_reaches_its_function(gateway: Gateway, path: str, function: bytes) -> None:
    assert get(gateway, path) == ("200 OK", function)


@pytest.mark.parametrize(
    "path", ["/", "/v1/crm/clients/", "/v1/crm/clients/a/b", "/v1/health/nope", "/v1xcrm/search"]
)
def test_other_paths_get_the_one_error_shape(gateway: Gateway, path: str) -> None:
    status, body = get(gateway, path)
    assert status == "404 Not Found"
    reply = json.loads(body)
    assert reply["success"] is False
    assert reply["error"]["code"] == "not_found"
    assert reply["request_id"]
