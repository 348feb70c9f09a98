"""Only Google, for us, as our service account: everybody else's push is refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.errors import NotConfigured, Unauthenticated, UpstreamUnavailable
from frontdesk.platform.events import PushVerifier
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings

ACCOUNT = "push@agency.iam.gserviceaccount.com"
AUDIENCE = "https://frontdesk.example"
ISSUER = "https://accounts.google.com"
KEY = rsa.generate_private_key(65537, 2048)
STRANGERS_KEY = rsa.generate_private_key(65537, 2048)


class Certificates:
    """The address of Google's public keys; counts how often it is asked."""

    def __init__(self) -> None:
        jwk = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "k1", "use": "sig"}
        self.body = json.dumps({"keys": [jwk]}).encode()
        self.asked = 0
        certificates = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                certificates.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(certificates.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/certs"


@pytest.fixture
def certificates() -> Iterator[Certificates]:
    certificates = Certificates()
    thread = threading.Thread(target=certificates.server.serve_forever, args=(0.02,))
    thread.start()
    yield certificates
    certificates.server.shutdown()
    certificates.server.server_close()
    thread.join()


@pytest.fixture
def verifier(certificates: Certificates) -> PushVerifier:
    return PushVerifier(settings(certificates.url), SystemClock())


def soon() -> Deadline:
    return Deadline.after(5, SystemClock())


def settings(url: str) -> Settings:
    return Settings(oidc_jwks_url=url, push_audience=AUDIENCE, push_service_account=ACCOUNT)


def bearer(key: Any = KEY, algorithm: str = "RS256", kid: str | None = "k1", **claims: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 600,
    }
    kept = {name: value for name, value in (payload | claims).items() if value is not None}
    headers = {"kid": kid} if kid else {}
    return "Bearer " + jwt.encode(kept, key, algorithm=algorithm, headers=headers)


def test_our_own_push_is_let_in(verifier: PushVerifier, certificates: Certificates) -> None:
    assert [verifier.verify(bearer(), soon()) for _ in range(3)] == [ACCOUNT] * 3
    assert certificates.asked == 1


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer ",
        "Bearer nonsense",
        "Basic " + bearer().split()[1],
        bearer(aud="https://somebody-else.example"),
        bearer(aud=None),
        bearer(aud=[AUDIENCE, "https://somebody-else.example"]),
        bearer(email="stranger@gmail.com"),
        bearer(email=None),
        bearer(email_verified=False),
        bearer(email_verified="true"),
        bearer(email_verified=None),
        bearer(iss="https://accounts.example"),
        bearer(iss=None),
        bearer(exp=int(time.time()) - 60),
        bearer(exp=None),
        bearer(iat=int(time.time()) + 600),
        bearer(STRANGERS_KEY),
        bearer(kid=None),
        bearer(kid="unknown"),
        bearer("a-secret-of-at-least-thirty-two-bytes", "HS256"),
        bearer("", "none"),
    ],
)
def test_anybody_else_is_refused(verifier: PushVerifier, authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(authorization, soon())


def test_made_up_key_ids_do_not_make_us_ask_again_and_again(
    verifier: PushVerifier, certificates: Certificates
) -> None:
    for number in range(10):
        with pytest.raises(Unauthenticated):
            verifier.verify(bearer(kid=f"made-up-{number}"), soon())

    assert certificates.asked == 1


def test_without_googles_keys_the_push_comes_again_later(certificates: Certificates) -> None:
    port_nobody_listens_on = "http://127.0.0.1:9"

    with pytest.raises(UpstreamUnavailable):
        PushVerifier(settings(port_nobody_listens_on), SystemClock()).verify(bearer(), soon())


@pytest.mark.parametrize("missing", ["push_audience", "push_service_account"])
def test_what_is_not_configured_lets_nobody_in(certificates: Certificates, missing: str) -> None:
    incomplete = settings(certificates.url).model_copy(update={missing: None})

    with pytest.raises(NotConfigured):
        PushVerifier(incomplete, SystemClock()).verify(bearer(), soon())
