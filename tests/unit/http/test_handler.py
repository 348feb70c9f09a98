"""What a handler's signature may say."""

from __future__ import annotations

from typing import Any

import pytest

from frontdesk.http.handler import Handler, Shape
from frontdesk.platform.context import Context
from frontdesk.platform.events import CloudEvent, PushMessage
from frontdesk.platform.paging import Page
from frontdesk.platform.reply import Reply, Stream
from frontdesk.platform.upload import Upload
from tests.support.toy import Booking, FileNote, Filter, Seen


def one(context: Context, body: Booking) -> Seen:
    raise NotImplementedError


def page(query: Filter) -> Page[Booking]:
    raise NotImplementedError


def reply(body: Booking | None) -> Reply[Seen]:
    raise NotImplementedError


def paged_reply() -> Reply[Page[Seen]]:
    raise NotImplementedError


def streamed() -> Stream:
    raise NotImplementedError


def either() -> Seen | Stream:
    raise NotImplementedError


def event(event: CloudEvent) -> None:
    raise NotImplementedError


def message(event: PushMessage) -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("handler", "shape", "returns", "streams"),
    [
        (one, Shape.ONE, Seen, False),
        (page, Shape.PAGE, Booking, False),
        (reply, Shape.ONE, Seen, False),
        (paged_reply, Shape.PAGE, Seen, False),
        (streamed, Shape.STREAM, None, True),
        (either, Shape.ONE, Seen, True),
        (event, Shape.EMPTY, None, False),
        (message, Shape.EMPTY, None, False),
    ],
)
def test_the_return_annotation_says_the_envelope(
    handler: Any, shape: Shape, returns: Any, streams: bool
) -> None:
    read = Handler.of(handler)
    assert (read.shape, read.returns, read.streams) == (shape, returns, streams)


def test_the_parameters_say_what_is_read_from_the_request() -> None:
    assert Handler.of(one).takes == {"context", "body"}
    assert Handler.of(one).models == {"body": Booking}
    assert not Handler.of(one).body_optional
    assert Handler.of(reply).body_optional
    assert Handler.of(message).event is PushMessage


def bare_dict() -> dict[str, Any]:
    raise NotImplementedError


def bare_list() -> list[Booking]:
    raise NotImplementedError


def optional() -> Seen | None:
    raise NotImplementedError


def page_of_dicts() -> Page[dict[str, Any]]:
    raise NotImplementedError


def unknown_parameter(request: Booking) -> Seen:
    raise NotImplementedError


def dict_body(body: dict[str, Any]) -> Seen:
    raise NotImplementedError


def body_and_file(body: Booking, file: Upload) -> Seen:
    raise NotImplementedError


def body_and_form(body: Booking, form: FileNote) -> Seen:
    raise NotImplementedError


def no_return(body: Booking):  # type: ignore[no-untyped-def]
    raise NotImplementedError


def no_annotation(body) -> Seen:  # type: ignore[no-untyped-def]
    raise NotImplementedError


def other_context(context: Booking) -> Seen:
    raise NotImplementedError


def not_importable(body: Elsewhere) -> Seen:  # type: ignore[name-defined]  # noqa: F821
    raise NotImplementedError


@pytest.mark.parametrize(
    "handler",
    [
        bare_dict,
        bare_list,
        optional,
        page_of_dicts,
        unknown_parameter,
        dict_body,
        body_and_file,
        body_and_form,
        no_return,
        no_annotation,
        other_context,
        not_importable,
    ],
)
def test_a_signature_that_no_request_fits_is_refused_at_import(handler: Any) -> None:
    with pytest.raises(TypeError, match=handler.__name__):
        Handler.of(handler)
