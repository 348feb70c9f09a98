"""What a language model replied, read strictly.

The openai SDK builds its objects without validating them: any JSON becomes a completion full of
None. Here a reply holds what we asked for, or it is ``GarbageReply``.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontdesk.platform.llm_failures import GarbageReply
from frontdesk.platform.llm_usage import Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

    from frontdesk.platform.llm_usage import Meter


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer."""

    text: str
    usage: Usage
    model: str


class _Said(BaseModel):
    content: str | None


class _Choice(BaseModel):
    message: _Said


class _ChatReply(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    model: str | None = None
    usage: Any = None


class _Tokens(BaseModel):
    """A report of usage; one that counts no prompt says nothing."""

    model_config = ConfigDict(from_attributes=True)

    prompt_tokens: Annotated[int, Field(ge=1)]
    completion_tokens: Annotated[int, Field(ge=0)] = 0


class _Embedding(BaseModel):
    index: int
    embedding: str | list[float]


class _EmbeddingReply(BaseModel):
    data: list[_Embedding]


def completion(body: bytes, meter: Meter) -> Completion:
    """The answer in the body of a chat completion; one without text was billed all the same."""
    try:
        reply = _ChatReply.model_validate_json(body)
    except ValidationError as error:
        raise GarbageReply from error
    _report(reply.usage, meter)
    if not (text := (reply.choices[0].message.content or "").strip()):
        raise GarbageReply
    meter.say(len(text))
    return Completion(text, meter.usage or Usage(0, 0), model=reply.model or "")


def pieces(chunks: Iterable[ChatCompletionChunk], meter: Meter) -> Iterator[str]:
    """The text in a stream of chunks, which must hold some and must say that it is complete."""
    said = complete = False
    try:
        for chunk in chunks:
            _report(getattr(chunk, "usage", None), meter)
            for choice in chunk.choices:
                if choice.delta.content:
                    said = True
                    meter.say(len(choice.delta.content))
                    yield choice.delta.content
                complete = complete or bool(choice.finish_reason)
    except (AttributeError, TypeError, ValueError) as error:
        # The SDK builds chunks without validating them and parses each event with json.loads.
        raise GarbageReply from error
    if not (said and complete):
        raise GarbageReply


def _report(usage: object, meter: Meter) -> None:
    with suppress(ValidationError):  # no report, or none that can be read: the meter estimates
        tokens = _Tokens.model_validate(usage)
        meter.report(Usage(tokens.prompt_tokens, tokens.completion_tokens))


def vectors_of(body: bytes, number: int) -> list[list[float]]:
    """The reply's vectors in the order of the request, whether packed (float32, little-endian, in
    base64) or, from servers that ignore ``encoding_format``, spelt out.
    """
    try:
        reply = _EmbeddingReply.model_validate_json(body)
        by_index = {item.index: _floats(item.embedding) for item in reply.data}
        found = [by_index[index] for index in range(number)]
    except (ValueError, KeyError) as error:
        raise GarbageReply from error
    lengths = {len(vector) for vector in found}
    if len(lengths) != 1 or 0 in lengths or not all(math.isfinite(sum(v)) for v in found):
        raise GarbageReply
    return found


def _floats(embedding: str | list[float]) -> list[float]:
    if isinstance(embedding, list):
        return embedding
    packed = array("f", base64.b64decode(embedding, validate=True))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tolist()
