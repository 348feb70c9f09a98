"""``chunks.sqlite``: passages, their metadata and the lexical index, in one read-only file.

Chunk ids are the row numbers of ``vectors.faiss``; a document's chunks are neighbours, so a filter
on documents is a few ranges. Texts are compressed against a shared dictionary: at 98,086 chunks
that is the difference between a download of 150 MB and one of 190.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from frontdesk.knowledge.chunk import Chunk
from frontdesk.knowledge.tokens import index_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from frontdesk.knowledge.build import SourceDocument
    from frontdesk.knowledge.sentences import Span

_SCHEMA = """
create table meta (key text primary key, value blob not null) without rowid;
create table documents (
    id integer primary key,
    document_id text not null,
    source_key text not null,
    title text not null,
    language text not null,
    visibility text not null,
    tags text not null,
    first_chunk integer not null,
    chunks integer not null
);
create table chunks (
    id integer primary key,
    context text not null,
    text blob not null,
    sentences blob not null
);
create table terms (term text primary key, documents integer not null) without rowid;
-- The body first: every posting of a column that is not the first takes two more bytes.
create virtual table lexical using fts5 (
    body, context, content = '', tokenize = 'ascii', detail = full
);
"""
_DICTIONARY_BYTES = 32_768  # the reach of zlib's window
_COMPRESSION = 9


def write_chunk_file(path: Path, documents: Sequence[SourceDocument]) -> None:
    """Write a new file from documents in their order.

    Equal documents give equal bytes: a rebuild that changes nothing has the same checksum.
    """
    dictionary = _dictionary(documents)
    frequencies: Counter[str] = Counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(
            "pragma page_size = 8192; pragma journal_mode = off; pragma synchronous = off;"
            "begin;" + _SCHEMA
        )
        database.execute("insert into meta values ('dictionary', ?)", (dictionary,))
        database.executemany(
            "insert into documents values (?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(documents)
        )
        chunks = [chunk for document in documents for chunk in document.chunks]
        database.executemany(
            "insert into chunks values (?, ?, ?, ?)",
            (
                (
                    number,
                    chunk.context,
                    compress(chunk.text, dictionary),
                    pack_spans(chunk.sentences),
                )
                for number, chunk in enumerate(chunks)
            ),
        )
        database.executemany(
            "insert into lexical (rowid, body, context) values (?, ?, ?)",
            _lexical_rows(chunks, frequencies),
        )
        database.executemany("insert into terms values (?, ?)", sorted(frequencies.items()))
        database.execute("insert into lexical (lexical) values ('optimize')")
        database.execute("commit")


def read_chunks(path: Path) -> dict[str, tuple[Chunk, ...]]:
    """The chunks of each document by its source key, so that a build reads only what changed.

    Raises:
        sqlite3.Error: the file is damaged.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        dictionary = database.execute("select value from meta where key = 'dictionary'").fetchone()[
            0
        ]
        return {
            source_key: tuple(
                Chunk(decompress(text, dictionary), context, language, unpack_spans(spans))
                for context, text, spans in database.execute(
                    "select context, text, sentences from chunks where id >= ? and id < ?"
                    " order by id",
                    (first, first + count),
                )
            )
            for source_key, language, first, count in database.execute(
                "select source_key, language, first_chunk, chunks from documents"
            ).fetchall()
        }


def _rows(documents: Sequence[SourceDocument]) -> Iterator[tuple[object, ...]]:
    first = 0
    for number, document in enumerate(documents):
        yield (
            number,
            str(document.document_id),
            document.source_key,
            document.title,
            document.language,
            document.visibility,
            json.dumps(sorted(document.tags), ensure_ascii=False),
            first,
            len(document.chunks),
        )
        first += len(document.chunks)


def _lexical_rows(
    chunks: Iterable[Chunk], frequencies: Counter[str]
) -> Iterator[tuple[int, str, str]]:
    for number, chunk in enumerate(chunks):
        context = index_tokens(chunk.context, chunk.language)
        body = index_tokens(chunk.text, chunk.language)
        frequencies.update({*context, *body})
        yield number, " ".join(body), " ".join(context)


def _dictionary(documents: Sequence[SourceDocument]) -> bytes:
    """Passages spread evenly over the corpus, as many as zlib's window holds."""
    chunks = [chunk for document in documents for chunk in document.chunks]
    wanted = max(1, _DICTIONARY_BYTES // 600)
    step = max(1, len(chunks) // wanted)
    sample = "\n".join(chunk.text for chunk in chunks[::step][:wanted])
    return sample.encode()[:_DICTIONARY_BYTES] or b" "


def compress(text: str, dictionary: bytes) -> bytes:
    """Raw deflate against the file's dictionary."""
    packer = zlib.compressobj(_COMPRESSION, wbits=-15, zdict=dictionary)
    return packer.compress(text.encode()) + packer.flush()


def decompress(data: bytes, dictionary: bytes) -> str:
    """The inverse of `compress`."""
    return zlib.decompressobj(wbits=-15, zdict=dictionary).decompress(data).decode()


def pack_spans(spans: Sequence[Span]) -> bytes:
    """Sentence spans as little-endian unsigned 16-bit numbers: start, end, start, end, …"""
    return struct.pack(f"<{len(spans) * 2}H", *(edge for span in spans for edge in span))


def unpack_spans(data: bytes) -> tuple[Span, ...]:
    """The inverse of `pack_spans`."""
    edges = struct.unpack(f"<{len(data) // 2}H", data)
    return tuple(zip(edges[::2], edges[1::2], strict=True))
