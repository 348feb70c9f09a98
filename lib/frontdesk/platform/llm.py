"""The language model: chat, streamed chat and embeddings, over the openai SDK.

The SDK builds, signs and sends; what it would decide by itself is decided here. Its retries are
off (it makes two of its own), its time-out (600 s) is replaced by ours on every call, and its
lenient parsing by ``llm_replies``. What each failure means is the table in ``llm_failures``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from frontdesk.platform.cancellation import Cancellation
from frontdesk.platform.clock import Clock, SystemClock
from frontdesk.platform.errors import NotConfigured
from frontdesk.platform.llm_failures import (
    ModelUnavailable,
    Reason,
    as_model_unavailable,
    openai_verdict,
)
from frontdesk.platform.llm_replies import Completion, completion, pieces, vectors_of
from frontdesk.platform.llm_usage import Meter, Usage
from frontdesk.platform.llm_wire import Wire
from frontdesk.platform.resilience import CircuitBreaker, Deadline, Policy, full_jitter
from frontdesk.platform.secrets import Secrets
from frontdesk.platform.settings import Settings

if TYPE_CHECKING:
    import ssl

    import httpx2
    import openai

__all__ = [
    "ChatStream",
    "Completion",
    "LanguageModel",
    "Message",
    "ModelUnavailable",
    "Reason",
    "Usage",
]

ATTEMPT_TIMEOUT = 15.0
CONNECT_TIMEOUT = 2.0
EMBEDDING_BATCH = 256
"""Texts in one request; OpenAI allows 2,048 and 300,000 tokens, ours are up to 1,000 each."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class ChatStream(Iterator[str]):
    """The pieces of one answer. Closing it hangs up on the model.

    Args:
        pieces: as they come.
        meter: counts what they cost.
    """

    def __init__(self, pieces: Generator[str], meter: Meter) -> None:
        self._pieces = pieces
        self._meter = meter

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Say no more. For the thread that reads; another one cancels."""
        self._pieces.close()

    @property
    def usage(self) -> Usage | None:
        """What was spent so far, estimated until the model reports it; None when nothing was."""
        return self._meter.usage


class LanguageModel:
    """One client of one provider per process; safe to share between threads.

    Args:
        settings: OPENAI_API_KEY, OPENAI_BASE_URL and the two models.
        secrets: resolves the key when it is a reference.
        jitter: the waits between attempts, see ``Policy``.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        secrets: Secrets | None = None,
        clock: Clock | None = None,
        jitter: Callable[[float], float] = full_jitter,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._secrets = secrets or Secrets(clock=self._clock)
        self._lock = threading.Lock()
        self._client: openai.OpenAI | None = None
        self._certificates: ssl.SSLContext | None = None
        self._chat_breaker = CircuitBreaker("openai-chat", clock=self._clock)
        self._chat = self._policy("chat", jitter, self._chat_breaker)
        self._embeddings = self._policy(
            "embeddings", jitter, CircuitBreaker("openai-embeddings", clock=self._clock)
        )
        # A stream's outcome is known at its end, long after the policy has let go of it. So its
        # policy has no breaker: the stream asks the chat breaker and reports to it itself.
        self._opening = self._policy("chat", jitter, None)

    def _policy(
        self, service: str, jitter: Callable[[float], float], breaker: CircuitBreaker | None
    ) -> Policy:
        return Policy(
            service,
            attempts=3,
            base_wait=0.25,
            max_wait=4.0,
            attempt_timeout=ATTEMPT_TIMEOUT,
            breaker=breaker,
            classify=openai_verdict,
            jitter=jitter,
            clock=self._clock,
        )

    @property
    def configured(self) -> bool:
        """Whether there is a key to call with. A server that asks for none is given any."""
        return self._settings.openai_api_key is not None

    def close(self) -> None:
        """Give back the connections to the provider."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def cost_micros(self, usage: Usage) -> int:
        """What a chat cost, in millionths of a US dollar, by the prices in the settings."""
        settings = self._settings
        return round(
            usage.prompt_tokens * settings.openai_prompt_price
            + usage.completion_tokens * settings.openai_completion_price
        )

    def chat(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        deadline: Deadline,
    ) -> Completion:
        """The model's whole answer.

        Raises:
            ModelUnavailable: see ``Reason``.
            NotConfigured: there is no key.
        """
        meter = _meter(messages)

        def attempt(timeout: float) -> Completion:
            meter.begin()
            with (
                self._openai.chat.completions.with_streaming_response.create(
                    **self._question(messages, temperature, max_tokens, timeout)
                ) as response,
                Wire.of(response.http_response).cut_after(timeout),
            ):
                return completion(b"".join(response.iter_bytes()), meter)

        with as_model_unavailable(meter):
            return self._chat.run(attempt, deadline)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        deadline: Deadline,
        cancellation: Cancellation | None = None,
    ) -> ChatStream:
        """The model's answer piece by piece, as it comes.

        Attempts are repeated until the first piece, never after it. Nothing is sent before the
        first ``next()``.

        Args:
            cancellation: cancelled from another thread, it hangs up on the model at once, also
                while the model says nothing.

        Raises:
            ModelUnavailable: before the first piece or in the middle; also when the answer ends
                without saying that it is complete.
            CallerGone: it was cancelled.
            NotConfigured: there is no key.
        """
        meter = _meter(messages)
        gone = cancellation or Cancellation()

        def attempt(timeout: float) -> tuple[str, Generator[str]]:
            meter.begin()
            question = self._question(messages, temperature, max_tokens, timeout)
            answer = self._answer(question, deadline, gone, meter)
            return next(answer), answer

        def said() -> Generator[str]:
            with as_model_unavailable(meter):
                first, rest = self._opening.run(attempt, deadline)
            with as_model_unavailable(meter), closing(rest):
                yield first
                yield from rest

        return ChatStream(said(), meter)

    def _answer(
        self, question: dict[str, Any], deadline: Deadline, gone: Cancellation, meter: Meter
    ) -> Generator[str]:
        """One attempt at a stream. The breaker learns how it went when it ends: well, badly, or
        not at all, because the reader left.

        A stream has a connection of its own: only of a new one is the socket known before the
        first byte of a reply, and a model may think for long before that.
        """
        wire = Wire()
        with (
            self._chat_breaker.guard(
                is_failure=lambda error: openai_verdict(error).breaker_failure
            ),
            wire.cut_when_gone(gone),
            self._http(event_hooks={"request": [wire.on_request]}) as http,
            self._openai.with_options(http_client=http).chat.completions.create(
                stream=True, stream_options={"include_usage": True}, **question
            ) as stream,
            wire.cut_after(deadline.remaining()),
        ):
            meter.accept()
            yield from pieces(stream, meter)

    def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[list[float]]:
        """One vector a text, in the order of the texts; as long as the model makes them.

        Raises:
            ValueError: a text is empty, which the provider would refuse with the whole batch.
            ModelUnavailable: see ``Reason``.
            NotConfigured: there is no key.
        """
        if not all(text.strip() for text in texts):
            raise ValueError("an empty text cannot be embedded")
        vectors: list[list[float]] = []
        for start in range(0, len(texts), EMBEDDING_BATCH):
            batch = list(texts[start : start + EMBEDDING_BATCH])

            def attempt(timeout: float, batch: list[str] = batch) -> list[list[float]]:
                with (
                    self._openai.embeddings.with_streaming_response.create(
                        model=self._settings.openai_embedding_model,
                        input=batch,
                        encoding_format="base64",  # a quarter of the bytes, and no digits to parse
                        timeout=_timeout(timeout),
                    ) as response,
                    Wire.of(response.http_response).cut_after(timeout),
                ):
                    return vectors_of(b"".join(response.iter_bytes()), len(batch))

            with as_model_unavailable():
                vectors += self._embeddings.run(attempt, deadline)
        return vectors

    def _question(
        self, messages: Sequence[Message], temperature: float, max_tokens: int, timeout: float
    ) -> dict[str, Any]:
        return {
            "model": self._settings.openai_chat_model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in messages],
            "temperature": temperature,
            "max_tokens": max_tokens,
            "timeout": _timeout(timeout),
        }

    @property
    def _openai(self) -> openai.OpenAI:
        """The SDK's client, imported and built at the first call (0.8 s)."""
        key = self._settings.openai_api_key
        if key is None:
            raise NotConfigured("No language model is configured here.")
        with self._lock:
            if self._client is None:
                import openai

                self._client = openai.OpenAI(
                    api_key=lambda: self._secrets.resolve(key),
                    base_url=self._settings.openai_base_url,
                    max_retries=0,
                )
            return self._client

    def _http(self, **options: Any) -> httpx2.Client:
        """What the SDK would make itself, over certificates that are read once (50 ms): with them
        it takes half a millisecond.
        """
        import httpx2
        import openai

        if self._certificates is None:
            self._certificates = httpx2.create_ssl_context()
        return openai.DefaultHttpxClient(verify=self._certificates, **options)


def _meter(messages: Sequence[Message]) -> Meter:
    return Meter(sum(len(message.content) for message in messages))


def _timeout(seconds: float) -> openai.Timeout:
    import openai

    return openai.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds))
