"""An agency's own words decide how its questions are answered, and nobody else's."""

from __future__ import annotations

from frontdesk.helpdesk.classify import QueryType
from frontdesk.helpdesk.desk_settings import HelpdeskSettingsChange, change_helpdesk_settings
from tests.integration.helpdesk.conftest import AskAs
from tests.integration.knowledge.conftest import Agency
from tests.support.contexts import member_context

QUESTION = "Who sweeps the courtyard of Dar Zitoun?"


def test_the_owners_words_give_a_question_its_type(
    agency: Agency, other_agency: Agency, ask_as: AskAs
) -> None:
    assert ask_as(agency.services, agency.tenant, QUESTION).query_type is QueryType.GENERAL

    change_helpdesk_settings(
        member_context(agency.services, agency.tenant, "owner"),
        HelpdeskSettingsChange.model_validate({"query_terms": {"hotel_info": ["Dar Zitoun"]}}),
    )

    types = [
        ask_as(asked.services, asked.tenant, QUESTION).query_type
        for asked in (agency, other_agency)
    ]
    assert types == [QueryType.HOTEL_INFO, QueryType.GENERAL]
