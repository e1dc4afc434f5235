"""Google Calendar's fake on loopback, and Robin's calendar on it."""

from collections.abc import AsyncGenerator, Generator

import pytest

from core.outside.calendar import WorkingHours
from integrations.google.calendar import GoogleCalendar
from integrations.google.places import GooglePlaces
from tests.emulators.google_calendar_fake import GoogleCalendarFake, running_google_calendar
from tests.emulators.google_client import open_google

TOKENS = {"token-of-robin": "robin@vega.example", "token-of-alex": "alex@vega.example"}


@pytest.fixture(scope="session")
def google_server() -> Generator[GoogleCalendarFake]:
    with running_google_calendar(TOKENS) as fake:
        yield fake


@pytest.fixture
def google(google_server: GoogleCalendarFake) -> GoogleCalendarFake:
    """The fake without any event."""
    google_server.begin_anew()
    google_server.page_size = 2500
    return google_server


async def calendar_of(google: GoogleCalendarFake, token: str) -> AsyncGenerator[GoogleCalendar]:
    async with open_google(token, GooglePlaces.at(google.url), pauses_seconds=(0.0, 0.0)) as client:
        yield GoogleCalendar(client, TOKENS.get(token, "nobody@vega.example"), WorkingHours("Europe/Berlin"))


@pytest.fixture
async def calendar(google: GoogleCalendarFake) -> AsyncGenerator[GoogleCalendar]:
    async for made in calendar_of(google, "token-of-robin"):
        yield made


@pytest.fixture
async def alex(google: GoogleCalendarFake) -> AsyncGenerator[GoogleCalendar]:
    async for made in calendar_of(google, "token-of-alex"):
        yield made


@pytest.fixture
async def stranger(google: GoogleCalendarFake) -> AsyncGenerator[GoogleCalendar]:
    async for made in calendar_of(google, "token-of-nobody"):
        yield made
