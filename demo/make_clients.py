"""Write the agencies' clients.csv: `python -m demo.make_clients`.

The files are what `POST /v1/crm/imports` takes. They come from a fixed seed and nothing else, so
every run writes the same bytes; only `random.random()` is used, whose sequence Python guarantees.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from demo.agencies import Agency, all_agencies
from demo.client_names import COMPANIES, COUNTRIES, LOOK_ALIKES, SHARED_PEOPLE, Country

COLUMNS = (
    "external_id",
    "name",
    "email",
    "phone",
    "company",
    "source",
    "consultant",
    "stage",
    "tags",
    "created_at",
    "quotes",
    "activities",
)
STAGES = ("QUOTED", "NEGOTIATING", "BOOKED", "PAID", "TRAVELLED", "LOST")
FIRST_DAY = datetime(2024, 9, 2, 7, 0, tzinfo=UTC)
DAYS = 780  # until the autumn of 2026
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """What an agency's clients look like.

    `destinations` are (name, lowest and highest total of a quote in whole units of the agency's
    currency); `other_currencies` are what a few customers pay in instead.
    """

    count: int
    seed: int
    prefix: str
    destinations: tuple[tuple[str, int, int], ...]
    other_currencies: tuple[str, ...]
    tags: tuple[str, ...]


PLANS = {
    "coral": Plan(
        count=640,
        seed=20260302,
        prefix="CJ",
        destinations=(
            ("Naxos", 900, 3800),
            ("Paros", 800, 4600),
            ("Santorini", 1900, 7200),
            ("Crete", 1100, 6400),
            ("Rhodes", 950, 5200),
            ("Corfu", 850, 4100),
            ("Zakynthos", 900, 4400),
            ("Karpathos", 700, 2400),
            ("Menorca", 800, 3100),
            ("Fuerteventura", 650, 2700),
            ("Mauritius", 3200, 11800),
            ("La Digue, Seychelles", 3600, 9900),
            ("Maldives", 5200, 16400),
            ("Zanzibar", 2600, 8300),
        ),
        other_currencies=("USD", "GBP"),
        tags=("honeymoon", "family", "diving", "repeat", "vip", "sailing", "single-parent"),
    ),
    "alpine": Plan(
        count=560,
        seed=20260303,
        prefix="AT",
        destinations=(
            ("Zermatt", 1600, 9800),
            ("Saas-Fee", 900, 4200),
            ("Grindelwald", 1100, 5200),
            ("Wengen", 2400, 12500),
            ("Davos", 1400, 6900),
            ("Pontresina", 2600, 11200),
            ("Andermatt", 1300, 6100),
            ("Val Gardena", 1500, 7400),
            ("Cervinia", 1200, 5600),
            ("St. Anton am Arlberg", 1400, 6300),
            ("Chamonix", 1100, 5400),
            ("Verbier", 4800, 29600),
            ("Baqueira", 1200, 4900),
            ("Sierra Nevada", 800, 3200),
        ),
        other_currencies=("EUR", "GBP"),
        tags=("ski", "family", "ski-touring", "repeat", "vip", "hiking", "grp-skiclub"),
    ),
}

# Stage: (share of the clients, statuses of the latest quote, statuses of those before it).
_STAGE_QUOTES = {
    "QUOTED": (0.24, ("sent", "viewed", "quoted"), ("expired",)),
    "NEGOTIATING": (0.17, ("viewed", "sent"), ("declined", "expired")),
    "BOOKED": (0.15, ("accepted",), ("declined", "expired")),
    "PAID": (0.12, ("converted",), ("declined",)),
    "TRAVELLED": (0.20, ("converted",), ("declined", "converted")),
    "LOST": (0.12, ("declined", "expired"), ("expired",)),
}
_SOURCES = (("website", 0.38), ("email", 0.24), ("quote", 0.14), ("manual", 0.14), ("import", 0.1))
_ACTIVITIES = (
    ("call", "Called about {place}: wants a quiet room and asked for the flight times."),
    ("call", "Rang back; {name} compares {place} with another offer until Friday."),
    ("email", "Sent the hotel fact sheet for {place} and the payment terms."),
    ("email", "Answered the question about baggage on the way to {place}."),
    ("note", "Travels with two children and needs connecting rooms in {place}."),
    ("note", "Prefers to be called after 17:00; allergic to nuts."),
    ("meeting", "Met in the office, went through the options for {place}."),
    ("note", "Has been to {place} before and knows the area."),
)


class _Dice:
    """Choices made from `random.random()` alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        rest = self._random.random() * sum(weight for _, weight in options)
        for option, weight in options:
            rest -= weight
            if rest < 0:
                return option
        return options[-1][0]


@dataclass
class _Person:
    name: str
    email: str
    phone: str
    company: str = ""


@dataclass
class _Writer:
    """One agency's clients in the making."""

    agency: Agency
    plan: Plan
    dice: _Dice
    emails: set[str] = field(default_factory=set)
    quote_numbers: dict[int, int] = field(default_factory=dict)

    def rows(self) -> Iterator[dict[str, str]]:
        for number, person in enumerate(self._people(), start=1):
            yield self._row(number, person)

    def _people(self) -> Iterator[_Person]:
        fixed = [_Person(*person) for person in SHARED_PEOPLE]
        fixed += [_Person(name, email, "") for name, email in LOOK_ALIKES]
        for person in fixed:
            self.emails.add(person.email)
            yield person
        for serial in range(self.plan.count - len(fixed)):
            yield self._person(serial)

    def _person(self, serial: int) -> _Person:
        country = self.dice.pick(COUNTRIES)
        given, given_latin = self.dice.pick(country.given)
        family, family_latin = self.dice.pick(country.family)
        name = f"{family}{given}" if country.family_first else f"{given} {family}"
        phone = _phone(country, serial) if self.dice.chance(0.86) else ""
        company = self.dice.pick(COMPANIES) if self.dice.chance(0.12) else ""
        return _Person(name, self._email(given_latin, family_latin), phone, company)

    def _email(self, given: str, family: str) -> str:
        for serial in range(1, 1000):
            suffix = "" if serial == 1 else str(serial)
            email = f"{given}.{family}{suffix}@{self.agency.tenant.slug}-guests.example"
            if email not in self.emails:
                self.emails.add(email)
                return email
        raise AssertionError("a thousand people of one name")

    def _row(self, number: int, person: _Person) -> dict[str, str]:
        dice = self.dice
        stage = dice.weighted([(stage, share) for stage, (share, _, _) in _STAGE_QUOTES.items()])
        created = FIRST_DAY + timedelta(days=dice.below(DAYS), minutes=dice.below(600))
        quotes = self._quotes(stage, created)
        tags = [tag for tag in self.plan.tags if dice.chance(0.16)]
        return {
            "external_id": f"{self.plan.prefix}-{number:05d}",
            "name": person.name,
            "email": person.email,
            "phone": person.phone,
            "company": person.company,
            "source": dice.weighted(_SOURCES),
            "consultant": dice.pick(self.agency.tenant.consultants).name,
            "stage": stage,
            "tags": ";".join(tags),
            "created_at": _iso(created),
            "quotes": json.dumps(quotes, ensure_ascii=False),
            "activities": json.dumps(
                self._activities(person, stage, created, quotes), ensure_ascii=False
            ),
        }

    def _quotes(self, stage: str, created: datetime) -> list[dict[str, str]]:
        _, latest, earlier = _STAGE_QUOTES[stage]
        if stage == "QUOTED" and self.dice.chance(0.1):
            return []  # an enquiry that nobody has answered yet
        count = self.dice.weighted([(1, 0.62), (2, 0.27), (3, 0.11)])
        quotes = []
        for index in range(count):
            place, low, high = self.dice.pick(self.plan.destinations)
            moment = created + timedelta(days=4 * index, minutes=90 + self.dice.below(400))
            number = self.quote_numbers[moment.year] = self.quote_numbers.get(moment.year, 0) + 1
            cents = Decimal(low * 100 + self.dice.below((high - low) * 100)) / 100
            foreign = self.dice.chance(0.08)
            quotes.append(
                {
                    "number": f"{self.plan.prefix}-Q-{moment.year}-{number:04d}",
                    "destination": place,
                    "total": f"{cents:.2f}",
                    "currency": self.dice.pick(self.plan.other_currencies)
                    if foreign
                    else self.agency.tenant.currency,
                    "status": self.dice.pick(latest if index == count - 1 else earlier),
                    "created_at": _iso(moment),
                }
            )
        return quotes

    def _activities(
        self, person: _Person, stage: str, created: datetime, quotes: list[dict[str, str]]
    ) -> list[dict[str, str]]:
        place = quotes[-1]["destination"] if quotes else self.dice.pick(self.plan.destinations)[0]
        activities = []
        moment = created
        for _ in range(self.dice.below(4)):
            moment += timedelta(days=self.dice.below(5), minutes=20 + self.dice.below(300))
            kind, text = self.dice.pick(_ACTIVITIES)
            description = text.format(place=place, name=person.name)
            activities.append(
                {"type": kind, "description": description, "occurred_at": _iso(moment)}
            )
        if stage != "QUOTED":
            moment += timedelta(days=1 + self.dice.below(9))
            activities.append(
                {
                    "type": "stage_change",
                    "description": f"Moved to {stage}.",
                    "occurred_at": _iso(moment),
                }
            )
        return activities


def _phone(country: Country, serial: int) -> str:
    """An E.164 number that is unique by its serial; twelve digits in all."""
    width = 13 - len(country.dialling)
    return f"{country.dialling}{10 ** (width - 1) + serial:0{width}d}"


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def clients_csv(agency: Agency) -> bytes:
    """The agency's clients.csv, UTF-8 with a heading and one client per line."""
    plan = PLANS[agency.tenant.slug]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_Writer(agency, plan, _Dice(plan.seed)).rows())
    return buffer.getvalue().encode()


def main() -> int:
    """Write both files."""
    for agency in all_agencies():
        data = clients_csv(agency)
        agency.clients_path.write_bytes(data)
        print(f"{agency.tenant.slug}/clients.csv: {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
