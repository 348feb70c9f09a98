"""Tokens signed with private keys, and the set of public keys that they are checked with."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from frontdesk.http.tokens import PublicKeys, TokenVerifier
from frontdesk.platform.errors import Unauthenticated, UpstreamUnavailable
from frontdesk.platform.jwks import KEEP, PAUSE, PAUSE_WITHOUT_KEYS, KeySet
from frontdesk.platform.resilience import Deadline
from tests.support import tokens
from tests.support.clock import START, ManualClock

EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
EC_JWK = {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "ec", "alg": "ES256"}
RSA_JWK = {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "rsa", "use": "sig"}
SYMMETRIC = {"kty": "oct", "kid": "oct", "alg": "HS256", "k": tokens.encode(b"known to everybody")}


class Address:
    """The JWKS address: answers with what it holds, or does not answer; counts."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.answers = True
        self.fetches = 0

    def __call__(self, url: str, timeout: float) -> bytes:
        assert timeout <= 3.0
        self.fetches += 1
        if not self.answers:
            raise OSError("nobody there")
        return json.dumps({"keys": self.keys}).encode()


@pytest.fixture
def address() -> Address:
    return Address(EC_JWK, RSA_JWK, SYMMETRIC)


@pytest.fixture
def keys(address: Address, clock: ManualClock) -> KeySet:
    return KeySet("https://project.example/jwks.json", clock, address)


@pytest.fixture
def deadline(clock: ManualClock) -> Deadline:
    return Deadline.after(10, clock)


@pytest.fixture
def verifier(keys: KeySet, clock: ManualClock) -> TokenVerifier:
    return TokenVerifier(
        PublicKeys(keys), issuer=tokens.ISSUER, audience="authenticated", clock=clock
    )


def signed(key: Any, algorithm: str, kid: str | None, **changes: Any) -> str:
    headers = {"kid": kid} if kid is not None else {}
    payload = {**tokens.claims(START), **changes}
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


@pytest.mark.parametrize(
    "token", [signed(EC_KEY, "ES256", "ec"), signed(RSA_KEY, "RS256", "rsa")], ids=["EC", "RSA"]
)
def test_a_token_of_a_known_key_is_accepted(
    verifier: TokenVerifier, deadline: Deadline, token: str
) -> None:
    assert verifier.verify(token, deadline).user_id == tokens.USER_ID


PEM = EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
RSA_PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
BAD = {
    "another key under a known id": signed(OTHER_KEY, "ES256", "ec"),
    "an unknown id": signed(EC_KEY, "ES256", "new"),
    "no id": signed(EC_KEY, "ES256", None),
    "RS384 with an RS256 key": signed(RSA_KEY, "RS384", "rsa"),
    "PS256 with an RS256 key": signed(RSA_KEY, "PS256", "rsa"),
    "ES256 with the id of an RSA key": signed(EC_KEY, "ES256", "rsa"),
    "HS256 with the EC public key": tokens.sign(
        tokens.claims(START), PEM, header={"alg": "HS256", "kid": "ec"}
    ),
    "HS256 with the RSA public key": tokens.sign(
        tokens.claims(START), RSA_PEM, header={"alg": "HS256", "kid": "rsa"}
    ),
    "HS256 with a symmetric key of the set": tokens.sign(
        tokens.claims(START), b"known to everybody", header={"alg": "HS256", "kid": "oct"}
    ),
    "RS256 that is HMAC with the public key": tokens.sign(
        tokens.claims(START), RSA_PEM, header={"alg": "RS256", "kid": "rsa"}
    ),
    "none": tokens.sign(tokens.claims(START), b"", header={"alg": "none", "kid": "ec"}),
    "an id that is a list": tokens.sign(tokens.claims(START), header={"alg": "ES256", "kid": []}),
    "its own key": tokens.sign(
        tokens.claims(START), header={"alg": "ES256", "kid": "x", "jwk": EC_JWK}
    ),
    "expired": signed(EC_KEY, "ES256", "ec", exp=int(START.timestamp()) - 60),
    "service_role": signed(EC_KEY, "ES256", "ec", role="service_role"),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_any_other_token_is_refused(
    verifier: TokenVerifier, deadline: Deadline, token: str
) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(token, deadline)


def test_every_bad_token_of_the_hmac_deployment_is_refused_here_too(
    verifier: TokenVerifier, deadline: Deadline
) -> None:
    for token in tokens.bad_tokens(tokens.claims(START), START).values():
        with pytest.raises(Unauthenticated):
            verifier.verify(token, deadline)


def test_the_keys_are_fetched_once(
    verifier: TokenVerifier, address: Address, deadline: Deadline
) -> None:
    for _ in range(5):
        verifier.verify(signed(EC_KEY, "ES256", "ec"), deadline)
    assert address.fetches == 1


def test_a_new_key_is_fetched_when_its_id_first_comes(
    keys: KeySet, address: Address, clock: ManualClock, deadline: Deadline
) -> None:
    assert keys.key("ec", deadline) is not None
    address.keys.append({**EC_JWK, "kid": "next"})
    clock.advance(PAUSE)
    assert keys.key("next", Deadline.after(10, clock)) is not None
    assert address.fetches == 2


def test_made_up_ids_do_not_cause_a_fetch_each(
    keys: KeySet, address: Address, deadline: Deadline
) -> None:
    for number in range(100):
        assert keys.key(f"made-up-{number}", deadline) is None
    assert address.fetches == 1


def test_a_withdrawn_key_stops_working_when_the_set_is_fetched_again(
    keys: KeySet, address: Address, clock: ManualClock, deadline: Deadline
) -> None:
    assert keys.key("ec", deadline) is not None
    address.keys = [RSA_JWK]
    clock.advance(KEEP)
    assert keys.key("ec", Deadline.after(10, clock)) is None


def test_an_outage_of_the_address_leaves_known_keys_in_use(
    keys: KeySet, address: Address, clock: ManualClock, deadline: Deadline
) -> None:
    assert keys.key("ec", deadline) is not None
    address.answers = False
    for _ in range(20):
        clock.advance(KEEP)
        assert keys.key("ec", Deadline.after(10, clock)) is not None


def test_without_any_key_the_caller_is_told_to_come_back(
    keys: KeySet, address: Address, clock: ManualClock, deadline: Deadline
) -> None:
    address.answers = False
    for _ in range(10):
        with pytest.raises(UpstreamUnavailable):
            keys.key("ec", deadline)
    assert address.fetches == 1
    address.answers = True
    clock.advance(PAUSE_WITHOUT_KEYS)
    assert keys.key("ec", Deadline.after(10, clock)) is not None


@pytest.mark.parametrize(
    "jwks",
    [
        [],
        [SYMMETRIC],
        [{**EC_JWK, "alg": "HS256"}],
        [{**EC_JWK, "use": "enc"}],
        [{**RSA_JWK, "alg": "RS512"}],
        [{"kty": "EC", "crv": "P-256", "kid": "ec"}],
        [{"kty": "EC", "crv": "P-521", "kid": "ec"}],
        ["ec"],
    ],
)
def test_a_set_without_a_usable_key_is_like_an_outage(
    jwks: list[Any], clock: ManualClock, deadline: Deadline
) -> None:
    keys = KeySet("https://project.example/jwks.json", clock, Address(*jwks))
    with pytest.raises(UpstreamUnavailable):
        keys.key("ec", deadline)
