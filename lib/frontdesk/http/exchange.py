"""One request on its way through the door: what is known of it so far, for its end's log line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from uuid import UUID

from flask import Request, Response

from frontdesk.http.limits import Limit, take
from frontdesk.http.requestids import request_id
from frontdesk.http.routing import Route
from frontdesk.platform.errors import FrontdeskError
from frontdesk.platform.logging import bind, get_logger

if TYPE_CHECKING:
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.services import Services

log = get_logger(__name__)

_SERVER_ERROR = 500
_CLIENT_ERROR = 400


@dataclass(slots=True)
class Exchange:
    """A request and what the door has found out about it.

    Attributes:
        route: None as long as no route matched.
        tenant_id: of the member who calls.
        limits: the buckets it was counted in.
        error: what it was refused or failed with.
        resources: what was opened for it, closed at its end.
    """

    request: Request
    request_id: str
    clock: Clock
    began: float
    route: Route | None = None
    tenant_id: UUID | None = None
    limits: list[Limit] = field(default_factory=list)
    error: FrontdeskError | None = None
    resources: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def begin(cls, request: Request, services: Services) -> Self:
        """Start the clock and name the request."""
        return cls(
            request=request,
            request_id=request_id(request.headers, services.ids),
            clock=services.clock,
            began=services.clock.monotonic(),
        )

    def limit(self, limit: Limit, services: Services) -> None:
        """Count this request in a bucket.

        Raises:
            RateLimited: the bucket is empty.
        """
        self.limits.append(limit)
        take(limit, services)

    def end(self, response: Response) -> None:
        """Close what was opened, and write the request's one line."""
        self.resources.close()
        status = response.status_code
        write = log.error if status >= _SERVER_ERROR else log.info
        outcome = "ok"
        if status >= _CLIENT_ERROR:
            outcome = "failed" if status >= _SERVER_ERROR else "refused"
        write(
            "Request answered.",
            method=self.request.method,
            route=self.route.path if self.route else None,
            status=status,
            latency_ms=round((self.clock.monotonic() - self.began) * 1000, 1),
            tenant_id=self.tenant_id,
            outcome=outcome,
            error_code=self.error.code if self.error else None,
        )

    def end_of_stream(
        self, function: str, response: Response
    ) -> Callable[[Exception | None], None]:
        """What to call when a streamed body ends; the request's context is gone by then."""

        def ended(error: Exception | None) -> None:
            with bind(request_id=self.request_id, function=function, tenant_id=self.tenant_id):
                if error is not None:
                    log.error("The stream broke off.", error=error)
                self.end(response)

        return ended
