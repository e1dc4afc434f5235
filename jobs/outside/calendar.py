"""Which calendar a task works with: the connected one of its person, else the local one in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.services.calendar import Calendar
from core.database import Caller, Identity
from core.outside.calendar import WorkingHours
from core.outside.errors import NotConnected, SignInExpired
from integrations.calendar.entries import entry_from
from integrations.calendar.ics import CalendarEntry
from integrations.calendar.local import LocalCalendar
from jobs.outside.google import google_client
from jobs.outside.persons import person_of
from jobs.outside.world import Given, Service
from tasks import calendar, capture
from tasks.calendar import StoredEvent
from tasks.models import Task
from tasks.own_hours import clock_of

LOCAL = "local"


def services(given: Given) -> Mapping[type, Service]:
    """The calendar. There always is one, so nothing is missing."""

    async def reach(caller: Caller, task: Task) -> Calendar:
        return await open_calendar(given, caller, await person_of(caller, task))

    return {Calendar: Service(reach)}


async def open_calendar(given: Given, caller: Caller, user_id: UUID | None = None) -> Calendar:
    """The calendar of a person: that of a Google account which may see it, else the local one.

    `caller` is the worker inside one organization. Raises SignInExpired where there was an account that worked, Temporary.
    """
    hours = (await clock_of(_as_person(caller, user_id), given.clock)).hours
    try:
        account, client = await google_client(given, caller, "calendar", user_id=user_id)
    except SignInExpired:
        raise
    except NotConnected:
        return await local_calendar(given, caller, hours, user_id)
    from integrations.google.calendar import GoogleCalendar

    return GoogleCalendar(client, account.address.casefold(), hours)


def _as_person(caller: Caller, user_id: UUID | None) -> Caller:
    """A person of the organization that the worker acts for; the worker itself where none is named."""
    if user_id is None or caller.identity.user_id is not None:
        return caller
    return Caller(caller.database, Identity(user_id, organization_id=caller.identity.organization_id))


async def local_calendar(
    given: Given, caller: Caller, hours: WorkingHours, user_id: UUID | None = None
) -> LocalCalendar:
    """The calendar in the database, as that person's."""
    profile = await capture.get_profile(_as_person(caller, user_id))
    address = str(profile.get("email") or given.settings.owner_email).casefold()
    return LocalCalendar(StoredEvents(caller), address, hours)


@dataclass(frozen=True)
class StoredEvents:
    """The rows of the local calendar; fulfils `integrations.calendar.local.Store`."""

    caller: Caller

    async def touching(self, start: datetime, end: datetime) -> Sequence[CalendarEntry]:
        return [_entry(row) for row in await calendar.list_calendar(self.caller, end, start, [LOCAL])]

    async def get(self, uid: str) -> Sequence[CalendarEntry]:
        return [_entry(row) for row in await calendar.get_calendar_event(self.caller, LOCAL, uid)]

    async def add(self, row: Mapping[str, Any]) -> CalendarEntry:
        return _entry(await calendar.add_calendar_event(self.caller, row))

    async def change(self, row: Mapping[str, Any], etag: str | None, *, drops_changes: bool = False) -> CalendarEntry:
        return _entry(await calendar.change_calendar_event(self.caller, row, etag, drops_changes=drops_changes))


def _entry(row: StoredEvent) -> CalendarEntry:
    return entry_from(row.model_dump(exclude={"id", "calendar"}))
