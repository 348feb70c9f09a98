"""What a question costs, over all its attempts."""

from __future__ import annotations

from frontdesk.platform.llm_usage import Meter, Usage

ASKED = 300  # characters


def test_a_question_that_nobody_took_costs_nothing() -> None:
    meter = Meter(ASKED)
    meter.begin()

    assert meter.usage is None


def test_a_question_that_was_taken_costs_its_prompt_before_a_word_is_said() -> None:
    meter = Meter(ASKED)
    meter.accept()

    assert meter.usage == Usage(100, 0)


def test_an_estimate_rounds_up() -> None:
    meter = Meter(ASKED + 1)
    meter.say(1)

    assert meter.usage == Usage(101, 1)


def test_a_report_replaces_the_estimate() -> None:
    meter = Meter(ASKED)
    meter.say(900)
    meter.report(Usage(80, 200))

    assert meter.usage == Usage(80, 200)


def test_attempts_add_up() -> None:
    meter = Meter(ASKED)
    meter.begin()
    meter.report(Usage(80, 500))
    meter.begin()
    assert meter.usage == Usage(80, 500)

    meter.say(30)

    assert meter.usage == Usage(180, 510)
