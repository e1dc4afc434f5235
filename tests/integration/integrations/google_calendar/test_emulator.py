"""The same client on the npm emulator, which nobody here wrote: as far as that has a calendar.

It has no `events.get`, `patch` or sync tokens, drops our ids and recurrences, and leaves out strangers' free/busy times.
"""

from collections.abc import AsyncGenerator

import pytest

from core.outside.calendar import Busy, EventChange, WorkingHours
from core.outside.errors import Refused
from integrations.google.calendar import GoogleCalendar
from integrations.google.places import GooglePlaces
from tests.emulators.google_client import open_google
from tests.emulators.outside_servers import ROBIN, OutsideServers, outside
from tests.integration.integrations.calendar.contract import BERLIN, GUEST, ID, WEEK, berlin, meeting

__all__ = ["outside"]


async def opened(outside: OutsideServers, token: str) -> AsyncGenerator[GoogleCalendar]:
    async with open_google(token, GooglePlaces.at(outside.google), pauses_seconds=()) as client:
        yield GoogleCalendar(client, ROBIN, WorkingHours("Europe/Berlin"))


@pytest.fixture
async def emulated(outside: OutsideServers) -> AsyncGenerator[GoogleCalendar]:
    outside.reset()
    async for calendar in opened(outside, "google-token-of-robin"):
        yield calendar


async def test_an_event_is_made_listed_and_removed(emulated: GoogleCalendar) -> None:
    made = await emulated.create_event(ID, meeting(attendees=(ROBIN, GUEST), location="Room 1"), "all")
    assert (made.title, made.start, made.end) == ("Planning", berlin(4, 15), berlin(4, 16))
    (there,) = await emulated.list_events(*WEEK)
    assert (there.title, there.location) == ("Planning", "Room 1")
    assert GUEST in {guest.address for guest in there.attendees}
    assert there.begins(BERLIN) == berlin(4, 15)
    await emulated.cancel_event(there.id, "all")
    await emulated.cancel_event(there.id, "all")
    assert await emulated.list_events(*WEEK) == []


async def test_busy_times_are_read_and_strangers_are_unknown(emulated: GoogleCalendar) -> None:
    await emulated.create_event(ID, meeting(), "none")
    own, stranger = await emulated.free_busy([ROBIN, "nobody@else.example"], *WEEK)
    assert own.busy == (Busy(berlin(4, 15), berlin(4, 16)),)
    assert stranger.unknown_because


async def test_what_it_lacks_is_refused_and_nothing_breaks(emulated: GoogleCalendar) -> None:
    made = await emulated.create_event(ID, meeting(), "none")
    assert await emulated.get_event(made.id) is None
    with pytest.raises(Refused):
        await emulated.update_event(made.id, EventChange(title="x"), "none")
    everything = await emulated.changes(None, berlin(4))
    assert [event.title for event in everything.events] == ["Planning"]
