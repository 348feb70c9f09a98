"""What a question's type does to the search and to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from frontdesk.helpdesk.classify import PARAMETERS, AnswerParameters, QueryType
from frontdesk.helpdesk.findings import Finder
from frontdesk.helpdesk.generate import generate
from frontdesk.helpdesk.terms import Terms
from frontdesk.knowledge.embedders import Embedders
from frontdesk.knowledge.index import Filters
from frontdesk.knowledge.retrieve import Retriever
from frontdesk.platform.clock import SystemClock
from frontdesk.platform.llm import LanguageModel
from frontdesk.platform.settings import Settings
from tests.support.scripted_openai import Answer, ScriptedOpenAI
from tests.unit.helpdesk.builders import Library, candidate, passage_of
from tests.unit.knowledge.builders import TENANT, a_deadline
from tests.unit.knowledge.fakes import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from frontdesk.helpdesk.findings import Findings, Gathered

QUESTION = "Does the Asterias Bay have an outdoor pool?"
WIDE = AnswerParameters(k=4, fetch_k=8, mmr_lambda=1.0, mmr=True, temperature=0.1, max_tokens=300)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.of_documents(tmp_path)


def finder(library: Library, parameters: AnswerParameters) -> Finder:
    embedders, clock = Embedders(WordEmbedder()), SystemClock()
    return Finder(
        Retriever(library, embedders, clock=clock),
        embedders,
        clock=clock,
        parameters={**PARAMETERS, QueryType.HOTEL_INFO: parameters},
    )


def found(library: Library, parameters: AnswerParameters) -> Findings:
    return finder(library, parameters).find(QUESTION, TENANT, Filters(), deadline=a_deadline())


def gathered(library: Library, parameters: AnswerParameters) -> Gathered:
    return finder(library, parameters).gather(QUESTION, TENANT, Filters(), deadline=a_deadline())


def test_k_is_how_many_passages_an_answer_rests_on(library: Library) -> None:
    assert [len(found(library, replace(WIDE, k=k)).order) for k in (1, 2, 3)] == [1, 2, 3]


def test_fetch_k_is_how_many_candidates_are_kept(library: Library) -> None:
    kept = [len(found(library, replace(WIDE, k=1, fetch_k=n)).passages) for n in (1, 2, 4)]
    assert kept == [1, 2, 4]


def test_lambda_and_mmr_say_which_candidates_are_picked(library: Library) -> None:
    def picked(**changes: Any) -> list[int]:
        selected = gathered(library, replace(WIDE, k=3, **changes)).retrieval.selected
        return [candidate.chunk_id for candidate in selected]

    assert picked(mmr_lambda=1.0) != picked(mmr_lambda=0.0)
    assert picked(mmr=False, mmr_lambda=1.0) == picked(mmr=False, mmr_lambda=0.0)


def test_the_agencys_own_words_decide_on_the_type(library: Library) -> None:
    finds, asked = finder(library, WIDE), "Who sweeps the courtyard of the Asterias?"
    plain = finds.find(asked, TENANT, Filters(), deadline=a_deadline())
    named = finds.find(
        asked,
        TENANT,
        Filters(),
        terms=Terms.of({"hotel_info": ["Asterias"]}),
        deadline=a_deadline(),
    )
    assert (plain.query_type, named.query_type) == (QueryType.GENERAL, QueryType.HOTEL_INFO)
    assert named.parameters is WIDE


@pytest.fixture
def openai() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.mark.parametrize("kind", [QueryType.PRICING, QueryType.DESTINATION])
def test_temperature_and_length_of_the_type_reach_the_model(
    openai: ScriptedOpenAI, kind: QueryType
) -> None:
    openai.chat(Answer("The pool is heated. [1]"))
    settings = Settings(openai_api_key=SecretStr("sk-test"), openai_base_url=openai.base_url)
    generate(
        LanguageModel(settings),
        "Is the pool heated?",
        [passage_of(candidate("Asterias Bay", "The pool is heated."))],
        PARAMETERS[kind],
        request_id="1",
        history=(),
        deadline=a_deadline(),
        clock=SystemClock(),
    )
    [(_, sent, _)] = openai.requests
    assert sent["temperature"] == PARAMETERS[kind].temperature
    assert sent["max_tokens"] == PARAMETERS[kind].max_tokens
