"""What the language model costs an agency, and what happens when its day's tokens are used up."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from tests.integration.helpdesk.conftest import BAGGAGE_QUESTION, Desk
from tests.support import door
from tests.support.callers import HttpCaller
from tests.support.logged import logged
from tests.support.scripted_openai import Answer, OutOfQuota, ScriptedOpenAI, Stream

if TYPE_CHECKING:
    import psycopg
    from werkzeug.test import TestResponse

    from frontdesk.platform.services import Services
    from tests.integration.knowledge.conftest import Agency
    from tests.support.tenants import Tenant, TenantFactory

SAID = "You may check one suitcase of 23 kilograms [1]."
TOKENS_SAID = len(SAID.split())  # as the scripted server counts
PLANS = {"lite": 200_000, "pro": 2_000_000, "enterprise": 20_000_000}
PLAN = PLANS["pro"]
"""Tokens a day of the plan that the tests' agencies have."""


class Account:
    """An agency's tokens, as its owner reads them and as a test sets them."""

    def __init__(self, desk: Desk, tenant: Tenant, sql: psycopg.Connection) -> None:
        self.tenant = tenant
        self._desk = desk
        self._sql = sql

    def ask(self, way: str = "json") -> dict[str, Any]:
        """An agent's question and its answer, as JSON or as the end of events."""
        agent = self.tenant.token("agent")
        if way == "json":
            return self._desk.ask(agent, BAGGAGE_QUESTION)
        answer: dict[str, Any] = self._desk.listen(agent, BAGGAGE_QUESTION).last["data"]
        return answer

    def get(self, query: str = "", role: str = "owner") -> TestResponse:
        headers = {"Authorization": f"Bearer {self.tenant.token(role)}"}
        client = door.client(self._desk.function)
        return client.get(f"/v1/helpdesk/usage{query}", headers=headers)

    def read(self, query: str = "") -> dict[str, Any]:
        reply = self.get(query)
        assert reply.status_code == 200, reply.text
        usage: dict[str, Any] = reply.get_json()["data"]
        return usage

    def allow(self, tokens: int) -> None:
        """Set the agency's own quota."""
        self._sql.execute(
            "insert into app.tenant_settings (tenant_id, quotas) values (%s, %s)"
            " on conflict (tenant_id) do update set quotas = excluded.quotas",
            [self.tenant.id, Jsonb({"llm_tokens_per_day": tokens})],
        )

    def let_days_pass(self, days: int) -> None:
        """What was counted was counted so many days earlier."""
        self._sql.execute(
            "update app.usage_counters set period = period - %s where tenant_id = %s",
            [days, self.tenant.id],
        )

    def live_in(self, time_zone: str) -> None:
        self._sql.execute(
            "insert into app.tenant_settings (tenant_id, time_zone) values (%s, %s)"
            " on conflict (tenant_id) do update set time_zone = excluded.time_zone",
            [self.tenant.id, time_zone],
        )


@pytest.fixture
def account(desk_with_model: Desk, baggage_agency: Agency, sql: psycopg.Connection) -> Account:
    return Account(desk_with_model, baggage_agency.tenant, sql)


@pytest.fixture(autouse=True)
def answering(model: ScriptedOpenAI) -> None:
    model.always(chat=Answer(SAID))


@pytest.mark.parametrize("plan", PLANS)
def test_an_agency_that_never_asked_has_its_plans_tokens(
    plan: str, desk: Desk, make_tenant: TenantFactory, sql: psycopg.Connection
) -> None:
    usage = Account(desk, make_tenant(plan=plan), sql).read()

    assert usage["tokens_per_day"] == usage["tokens_left"] == PLANS[plan]
    assert usage["days"] == []
    assert date.fromisoformat(usage["today"])


def test_a_day_adds_up_what_its_answers_cost(account: Account, with_model: Services) -> None:
    account.ask()
    account.ask("events")

    usage = account.read()
    (day,) = usage["days"]
    assert day["day"] == usage["today"]
    assert day["completion_tokens"] == 2 * TOKENS_SAID
    assert day["prompt_tokens"] > 2 * 100
    assert usage["tokens_left"] == PLAN - day["prompt_tokens"] - day["completion_tokens"]
    settings = with_model.settings
    micros = (
        day["prompt_tokens"] * settings.openai_prompt_price
        + day["completion_tokens"] * settings.openai_completion_price
    )
    assert day["cost"]["currency"] == "USD"
    assert float(day["cost"]["amount"]) == pytest.approx(micros / 1_000_000, abs=2e-6)


@pytest.mark.parametrize(
    "said",
    ["NO_ANSWER", "It weighs 77 tons [1].", "Nobody knows [9]."],
    ids=["refused", "untrue", "unsupported"],
)
@pytest.mark.parametrize("way", ["json", "events"])
def test_words_that_nobody_is_shown_are_paid_for_too(
    account: Account, model: ScriptedOpenAI, said: str, way: str
) -> None:
    model.always(chat=Answer(said))
    account.ask(way)

    (day,) = account.read()["days"]
    assert day["completion_tokens"] == len(said.split())


def test_an_answer_without_text_is_paid_for_each_time(
    account: Account, model: ScriptedOpenAI
) -> None:
    model.always(chat=Answer(" "))
    account.ask()
    (once,) = [sum(len(m["content"].split()) for m in model.requests[0][1]["messages"])]

    (day,) = account.read()["days"]
    assert (model.calls("chat"), day["prompt_tokens"]) == (3, 3 * once)


def test_the_words_of_a_server_that_does_not_count_are_estimated(
    account: Account, model: ScriptedOpenAI
) -> None:
    model.always(chat=Stream([SAID], ignores_usage=True))
    account.ask("events")

    (day,) = account.read()["days"]
    asked = sum(len(message["content"]) for message in model.requests[0][1]["messages"])
    assert day["prompt_tokens"] == -(-asked // 3)
    assert day["completion_tokens"] == -(-len(SAID) // 3)


@pytest.mark.parametrize("way", ["json", "events"])
def test_at_the_cap_answers_are_the_documents_own_and_the_model_is_left_alone(
    account: Account, model: ScriptedOpenAI, way: str
) -> None:
    def mode_and_reason() -> tuple[str, str | None]:
        data = account.ask(way)
        return data["mode"], data["degraded_reason"]

    account.allow(1)
    assert mode_and_reason() == ("generated", None)  # the last token is not spent yet
    assert [mode_and_reason() for _ in range(2)] == [("extractive", "quota")] * 2
    assert model.calls("chat") == 1
    assert account.read()["tokens_left"] == 0

    account.let_days_pass(1)
    assert mode_and_reason() == ("generated", None)
    assert model.calls("chat") == 2


def test_without_a_cap_there_is_no_end(account: Account) -> None:
    account.allow(-1)
    account.ask()

    usage = account.read()
    assert (usage["tokens_per_day"], usage["tokens_left"]) == (None, None)
    assert account.ask()["mode"] == "generated"


def test_nothing_is_allowed_where_the_quota_is_nothing(
    account: Account, model: ScriptedOpenAI
) -> None:
    account.allow(0)

    assert account.ask()["degraded_reason"] == "quota"
    assert model.calls("chat") == 0


def test_the_day_is_the_agencys_own(account: Account) -> None:
    # Between these two it is never the same day.
    account.live_in("Pacific/Kiritimati")
    account.ask()
    there = account.read()
    assert there["tokens_left"] < PLAN

    account.live_in("Pacific/Pago_Pago")
    here = account.read()
    assert here["today"] < there["today"]
    assert here["tokens_left"] == PLAN


def test_so_many_days_back_are_listed_the_newest_first(account: Account) -> None:
    account.ask()
    account.let_days_pass(3)
    account.ask()

    days = [day["day"] for day in account.read()["days"]]
    assert len(days) == 2
    assert days == sorted(days, reverse=True)
    assert [day["day"] for day in account.read("?days=3")["days"]] == days[:1]


@pytest.mark.parametrize("days", ["0", "367", "many", "1.5"])
def test_another_number_of_days_is_refused(account: Account, days: str) -> None:
    assert set(door.fields_of(account.get(f"?days={days}"))) == {"days"}


def test_only_the_owner_reads_it(account: Account) -> None:
    door.error_of(account.get(role="agent"), 403, "permission_denied")


def test_nobody_can_spend_an_agencys_day_by_telling_the_database_so(
    account: Account, baggage_agency: Agency
) -> None:
    visitor = HttpCaller(baggage_agency.tenant.stack, baggage_agency.tenant.token("viewer"))
    reply = visitor.rpc(
        "record_usage",
        p_usage={"prompt_tokens": 999_999_999, "completion_tokens": 0, "cost_micros": 999_999_999},
    )

    assert reply.is_success, reply.text
    assert account.read()["tokens_left"] == PLAN - 50_000


def test_what_is_no_number_is_not_counted(account: Account, baggage_agency: Agency) -> None:
    caller = HttpCaller(baggage_agency.tenant.stack, baggage_agency.tenant.token("agent"))
    for wrong in ({}, {"prompt_tokens": -1}, {"prompt_tokens": "1e9"}):
        usage = {"completion_tokens": 1, "cost_micros": 1, **wrong}
        assert caller.rpc("record_usage", p_usage=usage).status_code == 400
    assert account.read()["days"] == []


def test_the_line_of_an_answer_says_what_it_cost_and_not_a_word_of_it(
    account: Account, model: ScriptedOpenAI
) -> None:
    model.always(chat=Answer(f"{SAID} Skis and bicycles cost 40 EUR each way [2][7]."))
    with logged() as lines:
        account.ask()

    (line,) = [line for line in lines if line["message"] == "The question was answered."]
    assert line["mode"] == "generated"
    assert line["removed_markers"] == 1
    assert line["completion_tokens"] > TOKENS_SAID
    assert line["tenant_id"]
    assert {"query_type", "reasons", "prompt_tokens", "answer_ms"} <= set(line)
    assert "suitcase" not in str(line)


@pytest.mark.parametrize(
    ("allowed", "shortfall"), [(-1, "quota"), (0, None)], ids=["the provider's", "the agency's"]
)
def test_the_line_of_an_answer_tells_the_providers_limit_from_the_agencys_own(
    account: Account, model: ScriptedOpenAI, allowed: int, shortfall: str | None
) -> None:
    model.always(chat=OutOfQuota())
    account.allow(allowed)
    with logged() as lines:
        reply = account.ask()

    (line,) = [line for line in lines if line["message"] == "The question was answered."]
    assert reply["degraded_reason"] == line["reasons"] == "quota"
    assert line["shortfall"] == shortfall
