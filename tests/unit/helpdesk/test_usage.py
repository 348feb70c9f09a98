"""What a model cost, as money."""

from __future__ import annotations

import pytest

from frontdesk.helpdesk.usage import dollars


@pytest.mark.parametrize(
    ("micros", "amount"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (12_300, "0.0123"),
        (500_000, "0.50"),
        (12_000_000, "12.00"),
        (1_234_567_890_123, "1234567.890123"),
    ],
)
def test_millionths_of_a_dollar_are_exact_with_two_decimals_at_least(
    micros: int, amount: str
) -> None:
    assert dollars(micros).model_dump(mode="json") == {"amount": amount, "currency": "USD"}
