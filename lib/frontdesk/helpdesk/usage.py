"""GET /v1/helpdesk/usage: what the language model cost an agency, by day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.money import Money

PRICE_CURRENCY: Final = "USD"
"""Of OPENAI_PROMPT_PRICE and OPENAI_COMPLETION_PRICE."""

_CENT: Final = Decimal("0.01")


class UsageQuery(BaseModel):
    """How far back to look."""

    days: Annotated[int, Field(ge=1, le=366)] = 31


class UsageDay(BaseModel):
    """A day on which the language model was asked, in the agency's time zone."""

    day: date
    prompt_tokens: int
    completion_tokens: int
    cost: Money = Field(description="By the prices in the settings.")


class HelpdeskUsage(BaseModel):
    """What the language model cost, and what it may still cost today."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    tokens_per_day: int | None = Field(description="The agency's allowance; null: no limit.")
    tokens_left: int | None = Field(
        description="Of today. At 0 answers are extractive until tomorrow. Null: no limit."
    )
    today: date = Field(description="In the agency's time zone.")
    days: list[UsageDay] = Field(description="The newest first, without days of no use.")


def read_usage(context: Context, query: UsageQuery) -> HelpdeskUsage:
    """What the language model cost, by day, and what is left of today's tokens."""
    usage = context.database.call(
        Rpc.READ_USAGE, {"p_days": query.days}, deadline=context.deadline, idempotent=True
    )
    return HelpdeskUsage(
        tokens_per_day=usage["tokens_per_day"],
        tokens_left=usage["tokens_left"],
        today=usage["today"],
        days=[_day(day) for day in usage["days"]],
    )


def _day(day: dict[str, Any]) -> UsageDay:
    cost = dollars(day.pop("cost_micros"))
    return UsageDay.model_validate({**day, "cost": cost})


def dollars(micros: int) -> Money:
    """Millionths of a dollar as money: exact, with cents at least."""
    amount = Decimal(micros).scaleb(-6).normalize()
    if amount == amount.quantize(_CENT):
        amount = amount.quantize(_CENT)
    return Money(amount=amount, currency=PRICE_CURRENCY)
