"""If-Match, as RFC 9110 writes it."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import Headers

from frontdesk.http.preconditions import if_match
from frontdesk.platform.errors import InvalidRequest
from frontdesk.platform.reply import entity_tag


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ('"3"', ("3",)),
        (' "3" ', ("3",)),
        ('"3", "4" ,"five"', ("3", "4", "five")),
        ('""', ("",)),
        ("*", None),
        ('W/"3"', ()),
        ('W/"3", "4"', ("4",)),
        (entity_tag(7), ("7",)),
    ],
)
def test_entity_tags_lose_their_quotes_and_weak_ones_never_match(
    header: str, tags: tuple[str, ...] | None
) -> None:
    assert if_match(Headers({"If-Match": header})) == tags


def test_without_the_header_any_version_will_do() -> None:
    assert if_match(Headers()) is None


NO_TAGS = ("", "3", '"3', '"3" "4"', '"3",', 'w/"3"', '"a b"', '"3",' * 400 + '"3"')


@pytest.mark.parametrize("header", NO_TAGS)
def test_what_is_no_list_of_entity_tags_is_refused_by_name(header: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        if_match(Headers({"If-Match": header}))
    assert caught.value.details["errors"][0]["field"] == "If-Match"
