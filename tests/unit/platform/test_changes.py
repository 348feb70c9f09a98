"""Bodies of which only what is sent counts."""

from __future__ import annotations

from uuid import UUID

import pytest
from pydantic import Field, ValidationError

from frontdesk.platform.changes import Changes


class BookingChange(Changes):
    """A change of a booking."""

    title: str = Field("", min_length=1)
    guide_id: UUID | None = None


def test_only_what_is_sent_is_changed_and_null_is_something_sent() -> None:
    assert BookingChange.model_validate({}).sent == {}
    assert BookingChange.model_validate({"guide_id": None}).sent == {"guide_id": None}
    assert BookingChange.model_validate({"title": "Oman"}).sent == {"title": "Oman"}


@pytest.mark.parametrize("body", [{"title": None}, {"title": ""}, {"colour": "red"}])
def test_what_is_wrong_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BookingChange.model_validate(body)


def test_its_schema_demands_nothing_and_promises_no_default() -> None:
    schema = BookingChange.model_json_schema()
    assert "required" not in schema
    assert not any("default" in field for field in schema["properties"].values())
