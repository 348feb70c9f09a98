"""Money: a decimal amount and its currency, never a float and never summed across currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code.")]


class Money(BaseModel):
    """An amount in one currency; in JSON ``{"amount": "1234.50", "currency": "EUR"}``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[
        Decimal,
        Field(max_digits=15, allow_inf_nan=False, description="Decimal number as text."),
        PlainSerializer(lambda amount: format(amount, "f"), return_type=str),
    ]
    currency: CurrencyCode
