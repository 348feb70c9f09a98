"""The database client: whose token goes out, what is repeated, what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from frontdesk.platform.database import CallerDatabase, Database, Rpc
from frontdesk.platform.database_errors import DatabaseUnavailable
from frontdesk.platform.errors import DeadlineExceeded, NotConfigured, TenantSuspended
from frontdesk.platform.resilience import Deadline
from frontdesk.platform.settings import Settings
from tests.support.clock import ManualClock

Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Network(httpx.BaseTransport):
    """Answers as it is told, one step a request, and remembers what was sent."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = self._steps.pop(0) if self._steps else httpx.Response(200, json={})
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else step

    @property
    def timeouts(self) -> list[dict[str, float]]:
        return [request.extensions["timeout"] for request in self.requests]


def database(clock: ManualClock, network: Network) -> Database:
    settings = Settings(
        supabase_url="https://project.supabase.co",
        supabase_anon_key=SecretStr("anon"),
        supabase_service_key=SecretStr("service"),
    )
    return Database(settings, clock=clock, transport=network, jitter=lambda wait: wait)


def ask(
    caller: CallerDatabase,
    clock: ManualClock,
    *,
    rpc: Rpc = Rpc.PIPELINE,
    idempotent: bool = True,
    seconds: float = 10,
    **params: Any,
) -> Any:
    return caller.call(rpc, params, deadline=Deadline.after(seconds, clock), idempotent=idempotent)


def test_a_call_is_one_post_to_the_function_in_schema_api_with_the_callers_token(
    clock: ManualClock,
) -> None:
    network = Network()

    ask(database(clock, network).as_member("hunter2"), clock, p_id=UUID(int=1), p_filter={"a": [1]})

    [request] = network.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "https://project.supabase.co/rest/v1/rpc/pipeline",
    )
    assert request.headers["authorization"] == "Bearer hunter2"
    assert request.headers["apikey"] == "anon"
    assert request.headers["content-profile"] == "api"
    assert json.loads(request.content) == {
        "p_id": "00000000-0000-0000-0000-000000000001",
        "p_filter": {"a": [1]},
    }


def test_platform_functions_are_called_with_the_service_key_in_both_places(
    clock: ManualClock,
) -> None:
    network = Network()

    ask(database(clock, network).as_service(), clock)

    assert network.requests[0].headers["authorization"] == "Bearer service"
    assert network.requests[0].headers["apikey"] == "service"


def test_a_function_without_the_service_key_has_no_platform_functions(clock: ManualClock) -> None:
    with pytest.raises(NotConfigured):
        Database(Settings(), clock=clock).as_service()


def test_a_member_cannot_be_served_without_the_anon_key(clock: ManualClock) -> None:
    with pytest.raises(NotConfigured):
        ask(Database(Settings(), clock=clock, transport=Network()).as_member("t"), clock)


def test_nothing_of_one_caller_is_left_for_the_next(clock: ManualClock) -> None:
    network = Network(httpx.Response(200, json={}, headers={"Set-Cookie": "session=hunter2"}))
    shared = database(clock, network)

    ask(shared.as_member("first"), clock)
    ask(shared.as_member("second"), clock)

    headers = network.requests[1].headers
    assert headers["authorization"] == "Bearer second"
    assert "cookie" not in headers
    assert not any("first" in value or "hunter2" in value for value in headers.values())


def test_numbers_with_a_fraction_are_decimals_and_others_are_exact(clock: ManualClock) -> None:
    network = Network(httpx.Response(200, content=b'{"share": 0.10, "minor": 9007199254740993}'))

    answer = ask(database(clock, network).as_member("t"), clock)

    assert answer == {"share": Decimal("0.10"), "minor": 9007199254740993}
    assert str(answer["share"]) == "0.10"


def test_a_function_that_returns_nothing_returns_none(clock: ManualClock) -> None:
    assert ask(database(clock, Network(httpx.Response(204))).as_member("t"), clock) is None


def test_a_success_that_is_no_json_is_a_failure_and_not_an_empty_answer(
    clock: ManualClock,
) -> None:
    network = Network(*[httpx.Response(200, content=b"<html>Welcome to the hotel</html>")] * 2)

    with pytest.raises(DatabaseUnavailable):
        ask(database(clock, network).as_member("t"), clock)


def test_what_sql_raises_arrives_as_our_error(clock: ManualClock) -> None:
    body = {"code": "PT403", "message": "Not active.", "details": "tenant_suspended", "hint": None}
    network = Network(httpx.Response(403, json=body))

    with pytest.raises(TenantSuspended, match="Not active"):
        ask(database(clock, network).as_member("t"), clock)

    assert len(network.requests) == 1


DROPPED = httpx.RemoteProtocolError("Server disconnected without sending a response.")
KEYED = {"p_command": {"idempotency_key": "k-1"}}
UNKEYED = {"p_command": {"idempotency_key": None}}


@pytest.mark.parametrize(
    ("idempotent", "params", "sent"),
    [(True, {}, 2), (False, KEYED, 2), (False, UNKEYED, 1), (False, {}, 1)],
)
def test_after_a_dropped_connection_only_what_cannot_happen_twice_is_sent_again(
    clock: ManualClock, idempotent: bool, params: dict[str, Any], sent: int
) -> None:
    network = Network(DROPPED, DROPPED)

    with pytest.raises(DatabaseUnavailable):
        ask(database(clock, network).as_member("t"), clock, idempotent=idempotent, **params)

    assert len(network.requests) == sent


def test_a_read_survives_one_dropped_connection(clock: ManualClock) -> None:
    network = Network(DROPPED, httpx.Response(200, json={"total": 3}))

    assert ask(database(clock, network).as_member("t"), clock) == {"total": 3}


def test_a_command_that_never_left_is_sent_again(clock: ManualClock) -> None:
    network = Network(httpx.ConnectError("refused"), httpx.Response(200, json={"status": 201}))

    answer = ask(database(clock, network).as_member("t"), clock, idempotent=False)

    assert answer == {"status": 201}


def test_a_deadlock_is_tried_once_more(clock: ManualClock) -> None:
    network = Network(
        httpx.Response(500, json={"code": "40P01", "message": "deadlock detected"}),
        httpx.Response(200, json={"status": 201}),
    )

    answer = ask(database(clock, network).as_member("t"), clock, idempotent=False)

    assert answer == {"status": 201}


def test_a_time_out_is_not_repeated_for_its_statement_still_runs(clock: ManualClock) -> None:
    network = Network(httpx.ReadTimeout("no answer"))

    with pytest.raises(DatabaseUnavailable):
        ask(database(clock, network).as_member("t"), clock)

    assert len(network.requests) == 1


def test_time_outs_are_cut_to_the_deadline(clock: ManualClock) -> None:
    network = Network()
    shared = database(clock, network)

    ask(shared.as_member("t"), clock, seconds=60)
    ask(shared.as_member("t"), clock, seconds=3)
    ask(shared.as_member("t"), clock, seconds=0.5)

    assert [(cut["connect"], cut["read"]) for cut in network.timeouts] == [
        (1.0, 15.0),
        (1.0, 3),
        (0.5, 0.5),
    ]


def test_a_time_out_at_the_end_of_the_request_is_the_requests_own(clock: ManualClock) -> None:
    def hang(request: httpx.Request) -> httpx.Response:
        clock.advance(request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("no answer")

    with pytest.raises(DeadlineExceeded):
        ask(database(clock, Network(hang)).as_member("t"), clock, seconds=3)


def test_an_expired_request_sends_nothing(clock: ManualClock) -> None:
    network = Network()

    with pytest.raises(DeadlineExceeded):
        ask(database(clock, network).as_member("t"), clock, seconds=0)

    assert network.requests == []


def test_a_database_that_is_gone_is_left_alone_for_two_seconds_and_then_found_again(
    clock: ManualClock,
) -> None:
    network = Network(*[httpx.ConnectError("refused")] * 5)
    shared = database(clock, network)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            ask(shared.as_member("t"), clock)
    assert len(network.requests) == 5

    with pytest.raises(DatabaseUnavailable) as caught:
        ask(shared.as_member("t"), clock)
    assert len(network.requests) == 5
    assert caught.value.retry_after == pytest.approx(1.9)  # it has waited 0.1 s before this call

    clock.advance(2)
    assert ask(shared.as_member("t"), clock) == {}
    assert ask(shared.as_member("t"), clock) == {}


def test_refusals_do_not_open_the_circuit(clock: ManualClock) -> None:
    body = {"code": "42501", "message": "permission denied"}
    network = Network(*[httpx.Response(403, json=body)] * 20)
    shared = database(clock, network)
    for _ in range(20):
        with pytest.raises(Exception, match="role"):
            ask(shared.as_member("t"), clock)

    assert ask(shared.as_member("t"), clock) == {}
