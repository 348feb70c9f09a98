"""POST /v1/helpdesk/ask, from the question to the stored answer, whatever fails on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.helpdesk.answering import AnswerMode
from frontdesk.platform.database import Rpc
from tests.support.contexts import member_context
from tests.support.scripted_openai import (
    Answer,
    Behaviour,
    Fail,
    Garbage,
    Hang,
    HangUp,
    OutOfQuota,
    ScriptedOpenAI,
)

if TYPE_CHECKING:
    from frontdesk.platform.services import Services
    from tests.integration.helpdesk.conftest import AskAs
    from tests.integration.knowledge.conftest import Agency

BAGGAGE = (
    b"# Baggage on Halcyon Air\n\n"
    b"Each passenger of Halcyon Air may check one suitcase of 23 kilograms.\n"
)
QUESTION = "How heavy may my suitcase be on Halcyon Air?"


@pytest.fixture
def informed(agency: Agency) -> Agency:
    """An agency whose one document answers the question."""
    agency.upload(BAGGAGE, "baggage.md", visibility="public")
    agency.index()
    return agency


def test_without_a_model_the_documents_own_sentence_answers(
    informed: Agency, ask_as: AskAs
) -> None:
    reply = ask_as(informed.services, informed.tenant, QUESTION)
    assert (reply.mode, reply.degraded) == (AnswerMode.EXTRACTIVE, False)
    assert "23 kilograms" in reply.answer
    assert [citation.title for citation in reply.citations] == ["Baggage on Halcyon Air"]


def test_the_answer_is_stored_with_its_question(informed: Agency, ask_as: AskAs) -> None:
    reply = ask_as(informed.services, informed.tenant, QUESTION)
    context = member_context(informed.services, informed.tenant, "agent")
    stored = context.database.call(
        Rpc.READ_CONVERSATION,
        {"p_id": str(reply.conversation_id)},
        deadline=context.deadline,
        idempotent=True,
    )["conversation"]["messages"]
    assert [message["role"] for message in stored] == ["user", "assistant"]
    assert [message["text"] for message in stored] == [QUESTION, reply.answer]


def test_with_a_model_the_answer_is_written_and_its_citation_checked(
    informed: Agency, with_model: Services, model: ScriptedOpenAI, ask_as: AskAs
) -> None:
    model.chat(Answer("You may check one suitcase of 23 kilograms. [1]"))
    reply = ask_as(with_model, informed.tenant, QUESTION)
    assert (reply.mode, reply.degraded) == (AnswerMode.GENERATED, False)
    assert [citation.title for citation in reply.citations] == ["Baggage on Halcyon Air"]


def test_an_answer_that_rests_on_an_invented_source_is_not_shown(
    informed: Agency, with_model: Services, model: ScriptedOpenAI, ask_as: AskAs
) -> None:
    model.chat(Answer("You may check three suitcases of 50 kilograms. [9]"))
    reply = ask_as(with_model, informed.tenant, QUESTION)
    assert (reply.mode, reply.degraded_reason) == (AnswerMode.EXTRACTIVE, "unsupported")
    assert "50 kilograms" not in reply.answer


@pytest.mark.parametrize(
    "failing",
    [
        (Fail(500), "unreachable"),
        (HangUp(), "unreachable"),
        (Fail(401, "invalid_api_key"), "rejected"),
        (OutOfQuota(), "quota"),
        (Garbage(), "garbage"),
    ],
    ids=["fails", "hangs up", "rejects us", "has no money left", "talks garbage"],
)
def test_a_model_that_fails_leaves_the_extractive_answer_which_says_so(
    failing: tuple[Behaviour, str],
    informed: Agency,
    with_model: Services,
    model: ScriptedOpenAI,
    ask_as: AskAs,
) -> None:
    behaviour, reason = failing
    model.chat(*[behaviour] * 5)
    reply = ask_as(with_model, informed.tenant, QUESTION)
    assert (reply.mode, reply.degraded) == (AnswerMode.EXTRACTIVE, True)
    assert reply.degraded_reason == reason
    assert "23 kilograms" in reply.answer


def test_a_model_that_hangs_costs_no_more_than_its_share_of_the_time(
    informed: Agency, with_model: Services, model: ScriptedOpenAI, ask_as: AskAs
) -> None:
    model.chat(*[Hang()] * 5)
    reply = ask_as(with_model, informed.tenant, QUESTION, seconds=5.0)
    assert (reply.mode, reply.degraded_reason) == (AnswerMode.EXTRACTIVE, "timeout")
    assert reply.answer_id is not None, "there was time to store it"


def test_after_five_failures_the_model_is_left_alone_and_answers_go_on(
    informed: Agency, with_model: Services, model: ScriptedOpenAI, ask_as: AskAs
) -> None:
    model.chat(*[OutOfQuota()] * 20)
    reasons = [ask_as(with_model, informed.tenant, QUESTION).degraded_reason for _ in range(8)]
    assert reasons == ["quota"] * 5 + ["breaker_open"] * 3
    assert model.calls("chat") == 5


def test_a_document_of_one_sentence_is_answered_from(agency: Agency, ask_as: AskAs) -> None:
    only = b"Each passenger of Halcyon Air may check one suitcase of 23 kilograms.\n"
    agency.upload(only, "baggage.md", visibility="public")
    agency.index()
    reply = ask_as(agency.services, agency.tenant, "How many suitcases may I check on Halcyon Air?")
    assert reply.mode == AnswerMode.EXTRACTIVE
    assert "one suitcase" in reply.answer


def test_another_agencys_documents_are_never_cited(
    informed: Agency, other_agency: Agency, ask_as: AskAs
) -> None:
    other_agency.upload(
        BAGGAGE.replace(b"23", b"31").replace(b"Baggage", b"Luggage"), "b.md", visibility="public"
    )
    other_agency.index()
    ours = ask_as(informed.services, informed.tenant, QUESTION)
    theirs = ask_as(other_agency.services, other_agency.tenant, QUESTION)
    assert "23 kilograms" in ours.answer
    assert "31 kilograms" in theirs.answer
    assert {c.document_id for c in ours.citations}.isdisjoint(
        c.document_id for c in theirs.citations
    )


def test_a_loaded_index_goes_on_answering_while_storage_is_down(
    informed: Agency, ask_as: AskAs
) -> None:
    ask_as(informed.services, informed.tenant, QUESTION)
    informed.storage.stop()
    reply = ask_as(informed.services, informed.tenant, QUESTION)
    assert (reply.mode, reply.degraded) == (AnswerMode.EXTRACTIVE, False)


def test_an_agency_without_documents_gets_an_honest_reply(agency: Agency, ask_as: AskAs) -> None:
    reply = ask_as(agency.services, agency.tenant, QUESTION)
    assert (reply.mode, reply.citations) == (AnswerMode.NO_ANSWER, [])
