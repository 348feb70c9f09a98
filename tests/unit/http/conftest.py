"""The toy function behind the real door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from frontdesk.platform.services import Services
from tests.support import door
from tests.support.clock import ManualClock
from tests.support.logged import logged
from tests.support.toy import make_toy


@pytest.fixture
def services(clock: ManualClock) -> Services:
    return door.services(clock)


@pytest.fixture
def toy(services: Services) -> FlaskClient:
    return door.client(make_toy(lambda: services))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """The lines that are logged, as they would be printed."""
    with logged() as printed:
        yield printed
