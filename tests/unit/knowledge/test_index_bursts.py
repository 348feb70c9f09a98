"""Many changes in a row become few builds, and a single one hardly waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.knowledge.agency import Agency


def a_rule(number: int) -> bytes:
    return f"# Rule {number}\nRule number {number} of the house.".encode()


def test_twenty_uploads_in_a_row_become_one_build(agency: Agency) -> None:
    agency.upload(1, a_rule(1))
    for number in range(2, 21):
        agency.clock.after(
            0.4 * (number - 1), lambda number=number: agency.upload(number, a_rule(number))
        )
    agency.run()
    assert len(agency.versions()) == 1
    assert len(agency.texts()) == 20
    assert {agency.status(number) for number in range(1, 21)} == {"indexed"}


def test_a_single_upload_waits_a_second(agency: Agency) -> None:
    agency.upload(1, a_rule(1))
    agency.run()
    assert agency.clock.slept == [1.0]


def test_who_never_stops_uploading_is_indexed_after_ten_seconds(agency: Agency) -> None:
    agency.upload(1, a_rule(1))
    for number in range(2, 40):
        agency.clock.after(
            0.5 * number, lambda number=number: agency.upload(number, a_rule(number))
        )
    agency.run()
    assert sum(agency.clock.slept) == 10.0
    assert agency.status(20) == "indexed"


def test_nothing_to_do_is_not_waited_for(agency: Agency) -> None:
    agency.upload(1, a_rule(1))
    agency.run()
    agency.clock.slept.clear()
    agency.run()
    assert agency.clock.slept == []


def test_a_build_that_is_short_of_time_begins_at_once(agency: Agency) -> None:
    agency.upload(1, a_rule(1))
    agency.run(seconds=9)
    assert agency.clock.slept == []
    assert agency.status(1) == "indexed"


def test_who_waited_while_another_indexer_did_the_work_builds_nothing(agency: Agency) -> None:
    agency.upload(1, a_rule(1))
    agency.clock.after(0.5, agency.run)
    agency.run()
    assert len(agency.versions()) == 1
