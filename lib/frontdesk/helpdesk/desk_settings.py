"""/v1/helpdesk/settings: what an agency sets for its helpdesk."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from frontdesk.helpdesk.classify import QueryType
from frontdesk.platform.changes import Changes
from frontdesk.platform.context import Context
from frontdesk.platform.database import Rpc
from frontdesk.platform.database_calls import change, read

_WORD = r"[^\s*]*[^\W_][^\s*]*\*?"
Term = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=50, pattern=rf"^{_WORD}(?:\s+{_WORD})*$"),
]
QueryTerms = dict[QueryType, Annotated[list[Term], Field(max_length=50)]]


class HelpdeskSettings(BaseModel):
    """What an agency has set."""

    query_terms: dict[str, list[str]] = Field(
        description="Words of the agency's own by query type: `riad` asks for a hotel."
    )
    retention_days: int | None = Field(
        description="Conversations are deleted so many days after their last question; null keeps "
        "them."
    )


class HelpdeskSettingsChange(Changes):
    """What to set; null takes away."""

    query_terms: QueryTerms | None = Field(
        None,
        description="Each word of a term has a letter or digit; `*` at its end stands for the rest "
        "of the word.",
    )
    retention_days: int | None = Field(None, ge=1, le=3650)


def read_helpdesk_settings(context: Context) -> HelpdeskSettings:
    """Read what the agency has set for its helpdesk."""
    reply = read(context, Rpc.READ_HELPDESK_SETTINGS, {})
    return HelpdeskSettings.model_validate(reply["settings"])


def change_helpdesk_settings(context: Context, body: HelpdeskSettingsChange) -> HelpdeskSettings:
    """Set the agency's own words and how long conversations are kept; for owners."""
    outcome = change(context, Rpc.CHANGE_HELPDESK_SETTINGS, {"p_changes": body.sent})
    return HelpdeskSettings.model_validate(outcome["data"])
