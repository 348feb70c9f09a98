"""Redis over TLS: the configured authority is trusted, and it alone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.local.redis_server import Redis
from frontdesk.platform.redis import RedisLink, RedisOff
from tests.support.redis import running_redis
from tests.support.tls import HOST, Authority, tls_in_front_of
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def ours() -> Authority:
    return Authority("ours")


@pytest.fixture(scope="module")
def another() -> Authority:
    return Authority("another")


def link(port: int, trusted: Authority | None) -> RedisLink:
    return RedisLink(f"rediss://{HOST}:{port}/0", ca_certificate=trusted and trusted.pem)


def answers(link: RedisLink) -> bool:
    try:
        return bool(link.run(lambda client: client.ping(), regardless=True))
    except RedisOff:
        return False


def refusal(link: RedisLink) -> BaseException:
    """What was underneath the RedisOff of a link that cannot connect."""
    with pytest.raises(RedisOff) as caught:
        link.run(lambda client: client.ping(), regardless=True)
    assert caught.value.__cause__ is not None
    return caught.value.__cause__


def test_a_server_of_the_configured_authority_is_used(
    server: Redis, ours: Authority, tmp_path: Path
) -> None:
    with tls_in_front_of(port_of(server), ours.server_context(tmp_path)) as port:
        redis = link(port, ours)
        # Its handshake has 100 ms like every read, which a busy machine may miss.
        eventually(lambda: answers(redis))
        redis.close()


def test_its_certificate_need_not_name_the_host(
    server: Redis, ours: Authority, tmp_path: Path
) -> None:
    """Memorystore's are for an address, which they don't hold where clients look for it."""
    with tls_in_front_of(port_of(server), ours.server_context(tmp_path, named=False)) as port:
        redis = link(port, ours)
        eventually(lambda: answers(redis))
        redis.close()


def test_a_server_of_another_authority_is_refused(
    server: Redis, ours: Authority, another: Authority, tmp_path: Path
) -> None:
    with tls_in_front_of(port_of(server), another.server_context(tmp_path)) as port:
        redis = link(port, ours)
        eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in str(refusal(redis)))


def test_nor_does_it_help_that_the_system_trusts_the_other_authority(
    server: Redis,
    ours: Authority,
    another: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = tmp_path / "system.pem"
    system.write_text(another.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    assert ssl.create_default_context().get_ca_certs(), "the system trusts it"

    with tls_in_front_of(port_of(server), another.server_context(tmp_path)) as port:
        by_the_system = link(port, None)
        eventually(lambda: answers(by_the_system))
        by_the_system.close()
        pinned = link(port, ours)
        eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in str(refusal(pinned)))


def test_without_an_authority_of_its_own_an_unknown_server_is_refused(
    server: Redis, ours: Authority, tmp_path: Path
) -> None:
    with tls_in_front_of(port_of(server), ours.server_context(tmp_path)) as port:
        redis = link(port, None)
        eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in str(refusal(redis)))


def port_of(server: Redis) -> int:
    return int(server.url.rpartition(":")[2].partition("/")[0])
