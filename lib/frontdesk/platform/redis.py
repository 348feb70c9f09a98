"""The way to Redis: short time-outs, no retry, and a process that stops asking when it is away.

redis-py 8.1 retries ten times by default (4 s to fail on a refused port) and takes 0.2 to 0.4 s to
import. So the client is made here alone, without retries, and on a thread of its own, soon after
the first use: until it is there Redis counts as away, which is safe by construction, and the first
request of a cold process neither waits for the import nor shares its processor with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.logging import get_logger
from frontdesk.platform.resilience import CircuitBreaker, CircuitOpen

if TYPE_CHECKING:
    import socket
    import ssl

    from frontdesk.platform.clock import Clock

log = get_logger(__name__)
T = TypeVar("T")

CONNECT_TIMEOUT = 0.05
READ_TIMEOUT = 0.1
POOL_SIZE = 16
RESET_AFTER = 2.0
"""Seconds for which nobody asks after a failure."""
IMPORT_DELAY = 1.0
"""Seconds from the first use to the import, in which a cold process answers its first request."""
_CONNECTED_WITHIN = 5.0


class RedisOff(Exception):
    """Redis is not configured, not reached or not asked at present; go on without it."""


class RedisLink:
    """One Redis for the process; safe to share between threads.

    Args:
        url: REDIS_URL, None for no Redis at all.
        ca_certificate: REDIS_CA_CERTIFICATE, for a rediss:// address: whom alone to trust.
        clock: for the breaker.
    """

    def __init__(
        self, url: str | None, *, ca_certificate: str | None = None, clock: Clock | None = None
    ) -> None:
        self._url = url
        self._ca_certificate = ca_certificate
        self._lock = threading.Lock()
        self._client: Any = None
        self._failures: tuple[type[Exception], ...] = ()
        self._connecting: threading.Thread | None = None
        self._wanted_now = threading.Event()
        self._breaker = CircuitBreaker(
            "redis",
            failure_threshold=1,
            reset_after=RESET_AFTER,
            probes=1,
            probe_timeout=CONNECT_TIMEOUT + READ_TIMEOUT,
            clock=clock or SystemClock(),
        )

    @property
    def configured(self) -> bool:
        return self._url is not None

    def connect(self) -> None:
        """Wait until the client is made; the first use does it in the background otherwise."""
        self._wanted_now.set()
        self._start()
        if self._connecting is not None:
            self._connecting.join(_CONNECTED_WITHIN)

    def run(self, use: Callable[[Any], T], *, regardless: bool = False) -> T:
        """``use(client)``, a redis-py client whose replies are bytes.

        Args:
            use: a few commands; a failed one switches Redis off for the whole process for a while.
            regardless: for what must be tried: waits for the client, and asks past the breaker.

        Raises:
            RedisOff: it is away.
        """
        if regardless:
            self.connect()
        client = self._client
        if client is None:
            self._start()
            raise RedisOff
        try:
            if regardless and self._breaker.state != "closed":
                return use(client)
            return self._breaker.call(lambda: use(client), is_failure=self._is_failure)
        except CircuitOpen:
            raise RedisOff from None
        except self._failures as error:
            log.warning("Redis does not answer; going on without it", cause=error)
            raise RedisOff from error

    def close(self) -> None:
        """Close the pool's connections; a later use opens new ones."""
        if self._client is not None:
            self._client.connection_pool.disconnect()

    def _is_failure(self, error: BaseException) -> bool:
        return isinstance(error, self._failures)

    def _start(self) -> None:
        if self._url is None or self._client is not None:
            return
        with self._lock:
            if self._connecting is None:
                self._connecting = threading.Thread(
                    target=self._make_client, args=(self._url,), name="redis-import", daemon=True
                )
                self._connecting.start()

    def _make_client(self, url: str) -> None:
        self._wanted_now.wait(IMPORT_DELAY)
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # What any of these means for us is the same: go on without it.
        self._failures = (redis.RedisError, OSError)
        # A pool that waits: one that is merely busy must not look like a Redis that is away.
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=POOL_SIZE,
            timeout=READ_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=READ_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            # RESP2 without a client name: connecting takes no round trip of its own.
            protocol=2,
            driver_info=None,
        )
        if self._ca_certificate and pool.connection_class is redis.SSLConnection:
            pool.connection_class = _pinned_connection(self._ca_certificate)
        self._client = redis.Redis(connection_pool=pool)


def _pinned_connection(ca_certificate: str) -> type:
    """A connection that trusts this CA alone, for any host name.

    redis-py's own ``ssl_ca_data`` adds the CA to all that the system trusts, so that the host name
    has to be checked too; and Memorystore's certificates are for an address, not a host name. A CA
    that signs for one instance only needs no name beside it. The context is also made once:
    reading the system's authorities for every connection takes longer than connecting.
    """
    import ssl

    import redis

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=ca_certificate)

    class PinnedConnection(redis.SSLConnection):
        def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
            return context.wrap_socket(sock, server_hostname=self.host)

    return PinnedConnection
