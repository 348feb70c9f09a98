"""The toy function behind the real door."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from frontdesk.platform.services import Services
from tests.support import door
from tests.support.clock import ManualClock
from tests.support.toy import make_toy


@pytest.fixture
def services(clock: ManualClock) -> Services:
    return door.services(clock)


@pytest.fixture
def toy(services: Services) -> FlaskClient:
    return door.client(make_toy(services))
