"""If-Match, as RFC 9110 writes it."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from werkzeug.datastructures import Headers

from frontdesk.http import PUBLIC, get, http_function, patch
from frontdesk.http.preconditions import if_match
from frontdesk.platform.context import Context
from frontdesk.platform.errors import InvalidRequest
from frontdesk.platform.reply import entity_tag
from tests.support import door


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


class Told(BaseModel):
    """The command that the handler was given."""

    command: dict[str, object]


def tell(context: Context) -> Told:
    """Tell."""
    return Told(command=context.command_json)


def test_only_a_route_that_honours_it_hands_it_to_its_command() -> None:
    services = door.services()
    client = door.client(
        http_function(
            "pages",
            patch("/v1/pages/versioned", tell, allow=PUBLIC, conditional=True),
            patch("/v1/pages/plain", tell, allow=PUBLIC),
            services=lambda: services,
        )
    )

    def told(page: str, **headers: str) -> object:
        reply = client.patch(f"/v1/pages/{page}", headers=headers)
        return reply.get_json()["data"]["command"].get("if_match")

    assert told("versioned", **{"If-Match": '"3"'}) == ["3"]
    assert told("versioned", **{"If-Match": 'W/"3"'}) == []
    assert told("versioned") is None
    assert told("plain", **{"If-Match": '"3"'}) is None
    refused = client.patch("/v1/pages/versioned", headers={"If-Match": "3"})
    assert set(door.fields_of(refused)) == {"If-Match"}


def test_reading_cannot_honour_it() -> None:
    with pytest.raises(TypeError, match="If-Match is for changes"):
        get("/v1/pages/plain", tell, allow=PUBLIC, conditional=True)
