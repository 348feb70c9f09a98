"""The door: from a request to a handler and back, in one order.

1. request id        the caller's or a new one; every reply and log line has it
2. CORS              preflights are answered here
3. route             404, 405
4. size              what Content-Length admits to is refused before it is read
5. authentication    401, 403; an address is counted before its admin token is compared
6. rate limits       429
7. validation        400 with every problem, 413, 415
8. handler           a domain function; its deadline is the manifest's time-out less a margin;
                     who wants events takes one of the process's slots: 429 when all are taken
9. envelope          one shape for success, one for pages, one for errors
10. headers          security, CORS, rate limits, the request id
11. one log line     method, route, status, latency, tenant, outcome, error code
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FunctionType
from typing import Any

from flask import Request, Response

from frontdesk.http import cors, limits, requestids
from frontdesk.http.arguments import read_arguments, size_limit
from frontdesk.http.authentication import Authenticator
from frontdesk.http.body import drain, refuse_large
from frontdesk.http.capacity import StreamSlots, streams_at_once
from frontdesk.http.envelope import error_json, success_json
from frontdesk.http.events import EVENT_STREAM, EventStream, prefers_events
from frontdesk.http.events import HEADERS as EVENT_HEADERS
from frontdesk.http.exchange import Exchange
from frontdesk.http.framework import adopt_application
from frontdesk.http.headers import SECURITY_HEADERS
from frontdesk.http.health import Probe, Readiness, health, readiness
from frontdesk.http.process import process_services
from frontdesk.http.replies import WatchedStream, no_content, refusal, reply
from frontdesk.http.routing import ADMIN, PUBLIC, WATCHER, Route, Router, allowed, get
from frontdesk.http.timeouts import seconds_for_handlers
from frontdesk.platform.context import Context, Member
from frontdesk.platform.errors import FrontdeskError, InternalError, InvalidRequest
from frontdesk.platform.logging import bind, get_logger
from frontdesk.platform.reply import Events
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.services import Services

_MAX_PATH = 2048

log = get_logger(__name__)


class HttpFunction:
    """One Cloud Function: its routes, and the pipeline in front of them."""

    def __init__(
        self,
        name: str,
        routes: Sequence[Route],
        *,
        ready: Sequence[Probe] = (),
        folder: Path | None = None,
        services: Callable[[], Services] = process_services,
    ) -> None:
        """See ``http_function``; ``folder`` is where function.yaml may be."""
        self.name = name
        self._made_of = (tuple(routes), tuple(ready), folder)
        self._probes: Mapping[str, Probe] = {probe.__name__: probe for probe in ready}
        self.routes: tuple[Route, ...] = (
            *routes,
            get(f"/v1/health/{name}", health, allow=PUBLIC, limited=False),
            get(f"/v1/ready/{name}", self._readiness(), allow=WATCHER),
        )
        self._router = Router(self.routes)
        self._seconds = seconds_for_handlers(folder)
        self._streams = StreamSlots(streams_at_once(folder))
        self._services = services
        self._lock = threading.Lock()
        self._authenticator: Authenticator | None = None

    def over(self, services: Callable[[], Services]) -> HttpFunction:
        """The same function over other services: tests run the real routes on their own parts."""
        routes, ready, folder = self._made_of
        return HttpFunction(self.name, routes, ready=ready, folder=folder, services=services)

    def __call__(self, request: Request) -> Response:
        """Answer a request. Whatever it holds, the reply has one of the three shapes."""
        services = self._services()
        exchange = Exchange.begin(request, services)
        trace = requestids.trace_id(request.headers)
        with bind(request_id=exchange.request_id, function=self.name, trace=trace):
            try:
                response = self._answer(exchange, services)
            except Exception as error:  # noqa: BLE001 -- mapped, and logged when it is a bug
                response = refusal(_failed(error, exchange), exchange.request_id)
            return self._finish(exchange, response, services)

    def _answer(self, exchange: Exchange, services: Services) -> Response:
        request, settings = exchange.request, services.settings
        path = _path(request)
        if request.method == "OPTIONS" and (methods := self._router.methods(path)):
            return _options(request, allowed(methods), settings.cors_origins)
        route, parameters = self._router.match(request.method, path)
        exchange.route = route
        refuse_large(request, size_limit(route, settings))
        deadline = Deadline.after(self._seconds, services.clock)

        if route.limited and route.allow in {ADMIN, PUBLIC, WATCHER}:
            exchange.limit(limits.address_limit(request, settings), services)
        caller = self._authenticator_over(services).caller(route.allow, request.headers, deadline)
        if isinstance(caller, Member):
            exchange.tenant_id = caller.tenant_id
            exchange.limit(limits.user_limit(caller, settings), services)
            exchange.limit(limits.tenant_limit(caller, settings), services)

        with bind(tenant_id=exchange.tenant_id):
            arguments = read_arguments(route, parameters, exchange, settings)
            wants_events = route.handler.pieces is not None and prefers_events(request)
            context = Context(
                request_id=exchange.request_id,
                function=self.name,
                caller=caller,
                deadline=deadline,
                command=arguments.command,
                services=services,
                wants_events=wants_events,
            )
            values = arguments.values
            if "context" in route.handler.takes:
                values["context"] = context
            with ExitStack() as slot:
                if wants_events:
                    slot.enter_context(self._streams.taken())
                result = route.handler.function(**values)
                if isinstance(result, Events):
                    return _event_stream(result, exchange, services, slot.pop_all().close)
        return reply(result, route.status, exchange.request_id)

    def _finish(self, exchange: Exchange, response: Response, services: Services) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers[requestids.HEADER] = exchange.request_id
        response.headers.update(limits.policy_headers(exchange.limits))
        cors.permit(response, exchange.request, services.settings.cors_origins)
        drain(exchange.request)
        if response.is_streamed:
            ended = exchange.end_of_stream(self.name, response)
            response.response = WatchedStream(iter(response.response), ended)
        else:
            exchange.end(response)
        return response

    def _authenticator_over(self, services: Services) -> Authenticator:
        with self._lock:
            if self._authenticator is None or self._authenticator.services is not services:
                self._authenticator = Authenticator(services)
            return self._authenticator

    def _readiness(self) -> Callable[[Context], Readiness]:
        def ready(context: Context) -> Readiness:
            """Run this function's probes."""
            return readiness(context, self._probes)

        return ready


_functions: dict[FunctionType, HttpFunction] = {}


def http_function(
    name: str,
    *routes: Route,
    ready: Sequence[Probe] = (),
    services: Callable[[], Services] = process_services,
) -> FunctionType:
    """The entry point of a Cloud Function, as functions-framework wants it.

    Args:
        name: the function's, as its folder is called.
        routes: what it answers; ``/v1/health/<name>`` and ``/v1/ready/<name>`` are added.
        ready: checks that ``/v1/ready`` runs, see ``health.Probe``.
        services: where the process's services come from; tests hand in their own.

    Raises:
        TypeError: two routes collide.
        SettingsError: functions-framework is loading us and the environment is wrong.
    """
    # function.yaml is beside the main.py that calls us.
    folder = Path(sys._getframe(1).f_code.co_filename).parent  # noqa: SLF001
    function = HttpFunction(name, routes, ready=ready, folder=folder, services=services)

    def entry(request: Request) -> Response:
        return function(request)

    entry.__name__ = entry.__qualname__ = name.replace("-", "_")
    entry.__doc__ = f"Answers HTTP requests for {name}."
    assert isinstance(entry, FunctionType)  # noqa: S101 -- functions-framework insists on it
    _functions[entry] = function
    adopt_application()
    return entry


def function_of(entry: FunctionType) -> HttpFunction:
    """What is behind an entry point made by ``http_function``: OpenAPI and tests read it."""
    return _functions[entry]


def _failed(error: Exception, exchange: Exchange) -> FrontdeskError:
    """What the caller is told of an error; it is noted for the request's log line."""
    known = error if isinstance(error, FrontdeskError) else InternalError()
    if known.status == InternalError.status:
        # It is called while the error is being handled.
        log.exception("The request failed on a bug.")  # noqa: LOG004
        known = InternalError()  # what a bug says is for the log alone
    exchange.error = known
    return known


def _event_stream(
    events: Events[Any], exchange: Exchange, services: Services, ended: Callable[[], None]
) -> Response:
    stream = EventStream(
        events,
        clock=services.clock,
        final=lambda result: success_json(result, exchange.request_id),
        failed=lambda error: error_json(_failed(error, exchange), exchange.request_id),
        ended=ended,
    )
    return Response(stream, content_type=EVENT_STREAM, headers=EVENT_HEADERS)


def _path(request: Request) -> str:
    """The path as text.

    Raises:
        InvalidRequest: it is too long, not UTF-8, or holds a control character.
    """
    raw = request.environ.get("PATH_INFO", "")
    try:
        path: str = raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise InvalidRequest("The path is not valid UTF-8.") from None
    if len(path) > _MAX_PATH:
        raise InvalidRequest("The path is too long.")
    if not path.isprintable():
        raise InvalidRequest("The path holds a character that cannot be printed.")
    return path


def _options(request: Request, methods: list[str], origins: Sequence[str]) -> Response:
    """The reply to OPTIONS on a path that exists, a browser's preflight or a plain question."""
    response = no_content()
    if cors.is_preflight(request):
        cors.permit_methods(response, request, origins, methods)
    else:
        response.headers["Allow"] = ", ".join(methods)
    return response
