"""Files are read in a process of their own, which ends in time whatever the file is."""

from __future__ import annotations

import io
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontdesk.knowledge.bounded import (
    AT_ONCE,
    INDEXING,
    TOO_MUCH_MEMORY,
    TOO_MUCH_TEXT,
    TOO_SLOW,
    UNREADABLE,
    UPLOAD,
    _command,
    _environment,
    _judged,
    extract_bounded,
    inspect_bounded,
)
from frontdesk.knowledge.extract import DocumentUnreadable, extract
from frontdesk.knowledge.sniff import Kind
from frontdesk.platform.errors import DeadlineExceeded, UnsupportedMediaType
from tests.support import hostile_files
from tests.support.readers import ReadersMemory, readers
from tests.support.waiting import eventually
from tests.unit.knowledge.builders import a_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLOW = hostile_files.text_operators_without_end()
GUIDE = "# Naxos\n\nDer Bus nach Plaka fährt stündlich.\n\n- Taxi\n\n## Wetter\n\nWarm.".encode()
PATIENT = replace(UPLOAD, seconds=60.0, cpu_seconds=60)
"""For a machine that is busy with other things."""


def a_word_document() -> bytes:
    document = docx.Document()
    document.add_heading("Visa", 0)
    document.add_paragraph("Citizens of the EU need none.")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert readers() == []


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (GUIDE, "naxos.md"),
        (b"<!doctype html><h1>Bags</h1><p>One bag.<ul><li>No knives</ul>", "bags.html"),
        ("hotel;price\nThalassa;120 €\n".encode(), "hotels.csv"),
        (a_word_document(), "visa.docx"),
        (hostile_files.pdf_of_pages(2), "visa.pdf"),
        ("\ud83c\udfd6 \N{SNOWMAN} 李 Łukasz".encode("utf-16", "surrogatepass"), "scripts.txt"),
    ],
)
def test_the_text_is_the_one_that_extract_makes(data: bytes, filename: str) -> None:
    read = extract_bounded(data, filename, limits=PATIENT, deadline=a_deadline(60))
    assert read == extract(data, filename)


def test_an_inspection_tells_of_a_file_without_its_text() -> None:
    found = inspect_bounded(GUIDE, "naxos.md", limits=PATIENT, deadline=a_deadline(60))
    assert (found.kind, found.title, found.language) == (Kind.MARKDOWN, "Naxos", "de")
    assert found.characters == len("Der Bus nach Plaka fährt stündlich.TaxiWarm.")


def test_the_indexer_is_given_no_less_than_an_upload() -> None:
    for name in ("seconds", "cpu_seconds", "memory_bytes", "output_bytes", "open_files"):
        assert getattr(INDEXING, name) >= getattr(UPLOAD, name)
    assert UPLOAD.seconds > UPLOAD.cpu_seconds


def test_what_no_format_is_stays_unsupported() -> None:
    with pytest.raises(UnsupportedMediaType, match="PDF, DOCX"):
        inspect_bounded(hostile_files.PICTURE, "a.pdf", limits=PATIENT, deadline=a_deadline(60))


def test_a_readers_memory_is_seen_from_outside() -> None:
    largest = UPLOAD.memory_bytes // 10
    with ReadersMemory() as memory, pytest.raises(DocumentUnreadable):
        inspect_bounded(b"x" * largest, "a.txt", limits=PATIENT, deadline=a_deadline(60))
    assert largest < memory.peak_bytes <= UPLOAD.memory_bytes


def test_a_file_that_takes_too_much_processor_time_is_given_up() -> None:
    with pytest.raises(DocumentUnreadable) as caught:
        inspect_bounded(
            SLOW, "slow.pdf", limits=replace(PATIENT, cpu_seconds=1), deadline=a_deadline(60)
        )
    assert caught.value.message == TOO_SLOW


def test_a_file_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(DocumentUnreadable) as caught:
        inspect_bounded(
            SLOW, "slow.pdf", limits=replace(PATIENT, seconds=0.5), deadline=a_deadline(60)
        )
    assert caught.value.message == TOO_SLOW


@pytest.mark.parametrize("name", hostile_files.regex_hostile_markdown(10))
def test_markdown_made_for_careless_expressions_costs_no_more_than_another(name: str) -> None:
    page = hostile_files.regex_hostile_markdown(200_000)[name] + b"\n\nVisas cost 50 dollars."
    found = inspect_bounded(
        page, "page.md", limits=replace(PATIENT, cpu_seconds=3), deadline=a_deadline(60)
    )
    assert found.kind is Kind.MARKDOWN


@pytest.mark.parametrize("tag", ["div", "b", "p", "table", "ul", "td", "script"])
def test_tags_nested_a_hundred_thousand_deep_cost_no_more_than_others(tag: str) -> None:
    page = b"<p>Visas cost 50 dollars.</p>" + hostile_files.nested_tags(tag)
    found = inspect_bounded(page, "page.html", limits=PATIENT, deadline=a_deadline(60))
    assert found.kind is Kind.HTML


def test_when_the_request_has_no_time_left_the_file_is_not_to_blame() -> None:
    with pytest.raises(DeadlineExceeded):
        inspect_bounded(SLOW, "slow.pdf", limits=PATIENT, deadline=a_deadline(0.5))
    with pytest.raises(DeadlineExceeded):
        inspect_bounded(GUIDE, "naxos.md", limits=PATIENT, deadline=a_deadline(0))


@pytest.mark.parametrize("make", ["zeros_behind_a_small_size", "a_cell_as_wide_as_the_world"])
def test_a_file_that_takes_too_much_memory_is_given_up(make: str) -> None:
    data = getattr(hostile_files, make)()
    little = replace(PATIENT, memory_bytes=160 * 1024**2)
    with pytest.raises(DocumentUnreadable) as caught:
        inspect_bounded(data, "bomb.docx", limits=little, deadline=a_deadline(60))
    assert caught.value.message == TOO_MUCH_MEMORY


def test_more_text_than_may_be_answered_is_given_up() -> None:
    with pytest.raises(DocumentUnreadable) as caught:
        extract_bounded(
            b"word " * 100_000,
            "long.txt",
            limits=replace(PATIENT, output_bytes=1000),
            deadline=a_deadline(60),
        )
    assert caught.value.message == TOO_MUCH_TEXT


def test_a_reader_that_breaks_down_is_the_files_fault() -> None:
    # Not even the interpreter fits into that.
    nothing = replace(PATIENT, memory_bytes=1024**2)
    with pytest.raises(DocumentUnreadable) as caught:
        inspect_bounded(GUIDE, "naxos.md", limits=nothing, deadline=a_deadline(60))
    assert caught.value.message in {UNREADABLE, TOO_MUCH_MEMORY}


def test_a_reader_that_somebody_kills_is_no_bug_of_the_request() -> None:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(
            inspect_bounded, SLOW, "slow.pdf", limits=PATIENT, deadline=a_deadline(60)
        )
        eventually(lambda: bool(readers()))
        for process in readers():
            os.kill(process, signal.SIGKILL)
        with pytest.raises(DocumentUnreadable) as caught:
            reading.result()
    assert caught.value.message == UNREADABLE


def test_a_bug_of_a_reader_is_logged_with_its_place_and_without_the_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(DocumentUnreadable) as caught:
        inspect_bounded(GUIDE, 5, limits=PATIENT, deadline=a_deadline(60))  # type: ignore[arg-type]
    assert caught.value.message == UNREADABLE
    (record,) = caplog.records
    facts = json.dumps(record.__dict__, default=str)
    assert "AttributeError" in facts
    assert "sniff.py" in facts
    assert "Plaka" not in facts


@pytest.mark.parametrize("output", [b"", b"[]", b'{"kind": "pdf"', b"\xff", b"null", b'"x"'])
def test_an_answer_of_another_shape_is_a_file_that_cannot_be_read(output: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        _judged(output, 0, 1)


def test_two_files_are_read_at_once_and_a_third_waits_within_its_time() -> None:
    def read_slowly() -> None:
        with pytest.raises(DocumentUnreadable):
            inspect_bounded(SLOW, "slow.pdf", limits=PATIENT, deadline=a_deadline(60))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        reading = [pool.submit(read_slowly) for _ in range(AT_ONCE)]
        try:
            eventually(lambda: len(readers()) == AT_ONCE)
            with pytest.raises(DeadlineExceeded):
                inspect_bounded(GUIDE, "naxos.md", limits=PATIENT, deadline=a_deadline(0.2))
        finally:
            for process in readers():
                os.kill(process, signal.SIGKILL)
        for each in reading:
            each.result()
    assert inspect_bounded(GUIDE, "naxos.md", limits=PATIENT, deadline=a_deadline(60))


def in_a_reader(code: str) -> str:
    """What that code prints in a process started the way that readers are."""
    *command, _, path = _command()
    start = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); {code}"
    done = subprocess.run(
        [*command, start, path], env=_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_reader_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_JWT_SECRET", "canary")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    names = json.loads(in_a_reader("import os; print(json.dumps(list(os.environ)))"))
    assert set(names) <= {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LC_CTYPE"}


def test_a_reader_lowers_its_own_limits_and_cannot_raise_them() -> None:
    code = (
        "import resource; from frontdesk.knowledge import bounded_worker as w; "
        "w._confine({'cpu_seconds': 3, 'memory_bytes': 10**8, 'open_files': 20,"
        " 'output_bytes': 1000}); "
        "print(json.dumps([resource.getrlimit(getattr(resource, 'RLIMIT_' + name)) for name in"
        " ('CORE', 'CPU', 'AS', 'NOFILE', 'FSIZE', 'NPROC')]))"
    )
    assert json.loads(in_a_reader(code)) == [
        [0, 0],
        [3, 4],
        [10**8, 10**8],
        [20, 20],
        [1000, 1000],
        [0, 0],
    ]


@pytest.mark.soak
@pytest.mark.wall_clock
def test_reading_a_small_file_costs_little_more_than_starting_python() -> None:
    def median(act: Callable[[], object]) -> float:
        times = []
        for _ in range(21):
            began = time.perf_counter()
            act()
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    bare = median(lambda: subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True))
    read = median(lambda: inspect_bounded(GUIDE, "naxos.md", deadline=a_deadline(60)))
    assert read <= max(0.150, 8 * bare), f"{read * 1000:.0f} ms, bare {bare * 1000:.0f} ms"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    head=st.sampled_from(
        [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"<!doctype html>", b"# A\n", b"a,b\n", b"\xff\xfe"]
    ),
    body=st.one_of(st.binary(max_size=2000), st.text(max_size=1000).map(str.encode)),
    suffix=st.sampled_from(["pdf", "docx", "html", "md", "csv", "txt", "tsv", "exe", ""]),
)
def test_any_bytes_are_a_document_or_refused(head: bytes, body: bytes, suffix: str) -> None:
    try:
        found = inspect_bounded(
            head + body, f"file.{suffix}", limits=PATIENT, deadline=a_deadline(60)
        )
    except (DocumentUnreadable, UnsupportedMediaType) as refused:
        message = refused.message
    else:
        message = ""
        assert found.title
        assert len(found.title) <= 300
        assert found.characters > 0
    assert message not in {TOO_SLOW, TOO_MUCH_MEMORY, TOO_MUCH_TEXT}
