"""What an agency may be called and what it may choose."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from frontdesk.tenants.models import RESERVED_SLUGS, NewTenant

CORAL: dict[str, Any] = {
    "slug": "coral",
    "name": "Coral Travel",
    "currency": "EUR",
    "time_zone": "Europe/Athens",
    "owner_email": "owner@coral.example",
}


def problems(**changes: Any) -> list[str]:
    """The fields that are refused."""
    with pytest.raises(ValidationError) as refused:
        NewTenant.model_validate(CORAL | changes)
    return [".".join(map(str, entry["loc"])) for entry in refused.value.errors()]


def test_an_agency_needs_little_to_begin_with() -> None:
    tenant = NewTenant.model_validate(CORAL)

    assert (tenant.plan, tenant.locale, tenant.branding.logo_url) == ("lite", "en", None)


@pytest.mark.parametrize("slug", ["ab", "coral-2", "a1", "a-b-c", "x" * 40])
def test_a_slug_is_a_readable_name(slug: str) -> None:
    assert NewTenant.model_validate(CORAL | {"slug": slug}).slug == slug


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "a",
        "Coral",
        "1coral",
        "-coral",
        "coral-",
        "co--ral",
        "co_ral",
        "korálle",
        "a b",
        "x" * 41,
        "coral\n",
        "../etc",
        "coral.example",
    ],
)
def test_what_is_no_slug_is_refused(slug: str) -> None:
    assert problems(slug=slug) == ["slug"]


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS - {"me"}))
def test_names_that_are_ours_are_refused(slug: str) -> None:
    assert problems(slug=slug) == ["slug"]


@pytest.mark.parametrize("currency", ["", "EURO", "eur", "XXX", "XAU", "DEM", "ABC"])
def test_only_currencies_in_use_can_be_chosen(currency: str) -> None:
    assert problems(currency=currency) == ["currency"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "America/Argentina/Buenos_Aires"])
def test_time_zones_have_iana_names(zone: str) -> None:
    assert NewTenant.model_validate(CORAL | {"time_zone": zone}).time_zone == zone


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "CET+1",
        "Europe",
        "europe/athens",
        "Europe/Nowhere",
        "../../etc/passwd",
        "+02:00",
        "/UTC",
        "Europe/Athens\n",
        "Europe/../Europe/Athens",
    ],
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert problems(time_zone=zone) == ["time_zone"]


@pytest.mark.parametrize("locale", ["en", "de-CH", "zh-Hant-TW", "fil"])
def test_locales_are_language_tags(locale: str) -> None:
    assert NewTenant.model_validate(CORAL | {"locale": locale}).locale == locale


@pytest.mark.parametrize("locale", ["", "english", "de_CH", "DE", "de-ch"])
def test_what_is_no_locale_is_refused(locale: str) -> None:
    assert problems(locale=locale) == ["locale"]


def test_an_address_is_kept_in_one_spelling() -> None:
    tenant = NewTenant.model_validate(CORAL | {"owner_email": " Owner@Coral.Example "})

    assert tenant.owner_email == "owner@coral.example"


@pytest.mark.parametrize("email", ["", "owner", "owner@", "@coral.example", "a b@coral.example"])
def test_what_is_no_address_is_refused(email: str) -> None:
    assert problems(owner_email=email) == ["owner_email"]


@pytest.mark.parametrize(
    ("branding", "field"),
    [
        ({"primary_colour": "red"}, "branding.primary_colour"),
        ({"logo_url": "http://coral.example/logo.png"}, "branding.logo_url"),
        ({"logo_url": "javascript:alert(1)"}, "branding.logo_url"),
        ({"font": "Comic Sans"}, "branding.font"),
    ],
)
def test_branding_is_colours_and_a_safe_logo(branding: dict[str, str], field: str) -> None:
    assert problems(branding=branding) == [field]


def test_unknown_fields_and_plans_are_refused() -> None:
    assert problems(plan="free") == ["plan"]
    assert problems(status="active") == ["status"]
