"""Chunks are whole sentences about one thing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.knowledge.chunk import MAX_CHARACTERS, MAX_WORDS, chunk, count_words
from frontdesk.knowledge.extract import Block, BlockKind, Extracted, Section

SENTENCE = "The ferry from Naxos to Paros takes about forty minutes in good weather."  # 13 words


def document(*blocks: Block, path: tuple[str, ...] = ("Ferries",)) -> Extracted:
    return Extracted("Getting around", "en", (Section(path, blocks),))


def test_a_short_section_is_one_chunk_with_its_headings_as_context() -> None:
    (only,) = chunk(document(Block(SENTENCE), Block("Book early.")))
    assert only.text == f"{SENTENCE}\nBook early."
    assert only.context == "Getting around > Ferries"
    assert only.embedded_text == f"Getting around > Ferries\n{only.text}"
    assert [only.text[start:end] for start, end in only.sentences] == [SENTENCE, "Book early."]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    chunks = chunk(document(Block(" ".join([SENTENCE] * 40))))
    assert len(chunks) > 2
    for made in chunks:
        assert made.text.endswith("weather.")
        assert 100 < count_words(made.text) <= MAX_WORDS or made is chunks[-1]


def test_a_full_chunk_ends_at_a_paragraph() -> None:
    long, short = (Block(" ".join([SENTENCE] * count)) for count in (5, 3))
    assert [made.text for made in chunk(document(long, long, short, short))] == [
        long.text,
        f"{long.text}\n{short.text}",
        short.text,
    ]


def test_table_rows_share_a_chunk_only_while_it_is_small_and_stay_whole() -> None:
    rows = [
        Block(f"Hotel: House {n}; Price: {n} EUR. Pets: yes; Pool: no.", BlockKind.ROW)
        for n in range(20)
    ]
    chunks = chunk(document(*rows))
    assert len(chunks) > 2
    assert [made.text[start:end] for made in chunks for start, end in made.sentences] == [
        row.text for row in rows
    ]


def test_equal_passages_under_other_headings_have_other_hashes() -> None:
    here, there = (
        chunk(document(Block(SENTENCE), path=path))[0] for path in (("Ferries",), ("Planes",))
    )
    assert here.text == there.text
    assert here.embedded_text != there.embedded_text


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(alphabet="ab. 海。", min_size=1, max_size=6_000), min_size=1, max_size=4),
    st.sampled_from(list(BlockKind)),
)
def test_no_chunk_is_over_the_limits_and_no_text_is_lost(texts: list[str], kind: BlockKind) -> None:
    chunks = chunk(document(*[Block(" ".join(text.split()), kind) for text in texts]))
    for made in chunks:
        assert count_words(made.text) <= MAX_WORDS + 1
        assert len(made.text) <= MAX_CHARACTERS * 2
        assert all(0 <= start < end <= len(made.text) for start, end in made.sentences)
    assert "".join("".join(made.text.split()) for made in chunks) == "".join(
        "".join(text.split()) for text in texts
    )
