"""The local calendar, on the database that it lives in."""

from datetime import datetime
from typing import Any

import pytest

from agents.services.calendar import Calendar
from core.database import Caller
from core.errors import Conflict, NotFound
from core.outside.calendar import EventChange, WorkingHours
from integrations.calendar.local import LocalCalendar
from jobs.outside.calendar import StoredEvents
from tasks import calendar as stored
from tests.integration.integrations.calendar.contract import (
    ID,
    MARCH,
    WEEK,
    CalendarContract,
    berlin,
    meeting,
    standup,
    titles,
)

ROBIN = "robin@vega.example"


@pytest.fixture
def calendar(service: Caller) -> LocalCalendar:
    return LocalCalendar(StoredEvents(service), ROBIN, WorkingHours("Europe/Berlin"))


class TestLocalCalendar(CalendarContract):
    """The contract."""


def row(uid: str, day: int, hour: int, **columns: Any) -> dict[str, Any]:
    times = {"starts_at": berlin(day, hour).isoformat(), "ends_at": berlin(day, hour + 1).isoformat()}
    return {"uid": uid, "title": uid, "timezone": "Europe/Berlin", **times, **columns}


async def test_an_occurrence_that_moved_into_the_window_is_there_and_one_that_moved_out_is_not(
    calendar: Calendar,
) -> None:
    await calendar.create_event(ID, standup(), "none")
    in_week = await calendar.list_events(*WEEK)
    away = in_week[0]
    await calendar.update_event(away.id, EventChange(start=berlin(14, 9), end=berlin(14, 10)), "none")
    assert len(await calendar.list_events(*WEEK)) == 4
    assert [e.id for e in await calendar.list_events(berlin(14), berlin(15))] == [away.id]


async def test_imported_entries_are_events_with_the_uid_of_their_file(calendar: Calendar, service: Caller) -> None:
    guests = [{"address": ROBIN, "name": "Robin", "partstat": "tentative"}]
    await service.call(
        "import_calendar", events=[row("demo_1@cal.example", 4, 9, attendees=guests, organizer="a@b.example")]
    )
    (event,) = await calendar.list_events(*WEEK)
    assert (event.id, event.own_answer, event.takes_time()) == ("demo_1@cal.example", "tentative", "tentative")
    assert event.organizer is not None
    assert (await calendar.get_event("demo_1@cal.example")) == event
    moved = await calendar.update_event(event.id, EventChange(title="Moved"), "none", event.etag)
    assert moved.title == "Moved"


async def test_importing_the_same_again_keeps_the_version(service: Caller) -> None:
    await service.call("import_calendar", events=[row("a", 4, 9)])
    (before,) = await stored.list_calendar(service, WEEK[1], WEEK[0])
    await service.call("import_calendar", events=[row("a", 4, 9)])
    (same,) = await stored.list_calendar(service, WEEK[1], WEEK[0])
    await service.call("import_calendar", events=[row("a", 4, 10)])
    (later,) = await stored.list_calendar(service, WEEK[1], WEEK[0])
    assert before.etag == same.etag != later.etag


async def test_ten_thousand_events_are_read(calendar: Calendar, service: Caller) -> None:
    many = [
        row(
            f"e{n}",
            2 + n % 5,
            n % 23,
            starts_at=berlin(2 + n % 5, n % 23, n % 60).isoformat(),
            ends_at=berlin(2 + n % 5, n % 23, 59).isoformat(),
        )
        for n in range(10_000)
    ]
    await service.call("import_calendar", events=many)
    assert len(await calendar.list_events(*WEEK)) == 10_000
    (busy,) = await calendar.free_busy([ROBIN], *WEEK)
    assert len(busy.busy) > 5_000


async def test_a_zone_that_does_not_exist_in_a_row_is_read_as_utc(calendar: Calendar, service: Caller) -> None:
    await service.call("import_calendar", events=[row("odd", 4, 9, timezone="Mars/Olympus")])
    (event,) = await calendar.list_events(*WEEK)
    assert event.start == berlin(4, 9)
    assert event.timezone == "UTC"


async def test_an_endless_rule_and_a_broken_one_are_single_events(calendar: Calendar, service: Caller) -> None:
    rules = ["FREQ=SECONDLY", "FREQ=NEVER;BYDAY=XX", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "x" * 500]
    await service.call("import_calendar", events=[row(f"r{n}", 4, 9, recurrence=rule) for n, rule in enumerate(rules)])
    assert sorted(await titles(calendar, MARCH)) == ["r0", "r1", "r2", "r3"]


async def test_nobody_reaches_into_another_tenants_calendar(
    service: Caller, ana: Caller, mallory: Caller, nobody: Caller
) -> None:
    await stored.add_calendar_event(service, row("secret", 4, 9))
    span = (datetime(2027, 1, 1, tzinfo=berlin(1).tzinfo), datetime(2026, 1, 1, tzinfo=berlin(1).tzinfo))
    assert [e.uid for e in await stored.list_calendar(ana, *span)] == ["secret"]
    assert await stored.list_calendar(mallory, *span) == []
    assert await stored.get_calendar_event(mallory, "local", "secret") == []
    with pytest.raises(NotFound):
        await stored.change_calendar_event(mallory, {"uid": "secret", "title": "x"})
    with pytest.raises(Exception, match=r"permission denied"):
        await stored.list_calendar(nobody, *span)
    with pytest.raises(Conflict):
        await stored.add_calendar_event(ana, row("secret", 4, 9))
    assert (await stored.add_calendar_event(mallory, row("secret", 4, 9))).uid == "secret"


async def test_a_meeting_that_ends_before_it_starts_is_refused_by_the_database(service: Caller) -> None:
    with pytest.raises(Exception, match="ends_after_start"):
        await stored.add_calendar_event(service, row("back", 4, 9, ends_at=berlin(4, 8).isoformat()))
    assert meeting().title == "Planning"
