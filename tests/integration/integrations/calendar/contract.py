"""What every calendar fulfils, whoever provides it. A provider's tests subclass `CalendarContract` with a fixture `calendar`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agents.services.calendar import Calendar
from core.outside.calendar import Busy, CalendarEvent, EventChange, NewEvent
from core.outside.errors import Refused

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = (datetime(2026, 3, 2, tzinfo=BERLIN), datetime(2026, 3, 9, tzinfo=BERLIN))
MARCH = (datetime(2026, 3, 1, tzinfo=BERLIN), datetime(2026, 4, 30, tzinfo=BERLIN))
ID = "st00000000000040008000000000000001"
GUEST = "alex@vega.example"


def berlin(day: int, hour: int = 0, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def meeting(title: str = "Planning", day: int = 4, hour: int = 15, **fields: object) -> NewEvent:
    made = NewEvent(title, berlin(day, hour), berlin(day, hour + 1), "Europe/Berlin")
    return replace(made, **fields)  # pyright: ignore[reportArgumentType]


def standup(**fields: object) -> NewEvent:
    """Every weekday at nine, over the change of the clocks on 29 March."""
    return meeting("Stand-up", 2, 9, recurrence=("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=40",), **fields)


async def titles(calendar: Calendar, span: tuple[datetime, datetime] = WEEK) -> list[str]:
    return [event.title for event in await calendar.list_events(*span)]


async def occurrences(calendar: Calendar, span: tuple[datetime, datetime] = WEEK) -> list[CalendarEvent]:
    return [event for event in await calendar.list_events(*span) if event.series_id == ID]


class CalendarContract:
    """The tests; `calendar` is empty at first, and its person is robin@vega.example."""

    async def test_an_event_is_made_and_read_back(self, calendar: Calendar) -> None:
        wanted = meeting(
            description="Lines\nand ünïcode 🙂", location="Room; 1, \\ left", attendees=(calendar.address, GUEST)
        )
        made = await calendar.create_event(ID, wanted, "none")
        assert made.id == ID
        there = await calendar.get_event(ID)
        assert there is not None
        assert (there.title, there.start, there.end) == ("Planning", berlin(4, 15), berlin(4, 16))
        assert (there.description, there.location) == (wanted.description, wanted.location)
        assert {guest.address: guest.answer for guest in there.attendees} == {
            calendar.address: "accepted", GUEST: "needs_action",
        }  # fmt: skip
        assert [guest.address for guest in there.others] == [GUEST]
        assert there.etag
        assert [event.id for event in await calendar.list_events(*WEEK)] == [ID]

    async def test_the_same_id_twice_is_one_event(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting("First"), "none")
        again = await calendar.create_event(ID, meeting("Second"), "none")
        assert again.title == "First"
        assert await titles(calendar) == ["First"]

    async def test_an_event_that_was_cancelled_is_not_made_again(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(), "none")
        await calendar.cancel_event(ID, "none")
        assert await calendar.get_event(ID) is None
        with pytest.raises(Refused, match="cancelled"):
            await calendar.create_event(ID, meeting(), "none")

    async def test_an_all_day_event_has_dates(self, calendar: Calendar) -> None:
        wanted = NewEvent("Holiday", date(2026, 3, 3), date(2026, 3, 5), "Europe/Berlin")
        await calendar.create_event(ID, wanted, "none")
        (there,) = await calendar.list_events(*WEEK)
        assert (there.start, there.end, there.is_all_day) == (date(2026, 3, 3), date(2026, 3, 5), True)
        assert await calendar.list_events(berlin(5), berlin(6)) == []
        assert len(await calendar.list_events(berlin(4, 23), berlin(5))) == 1

    async def test_a_list_ends_where_its_window_does(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(), "none")
        assert await calendar.list_events(berlin(4, 16), berlin(4, 17)) == []
        assert await calendar.list_events(berlin(4, 14), berlin(4, 15)) == []
        assert len(await calendar.list_events(berlin(4, 15, 59), berlin(4, 16))) == 1

    async def test_a_change_leaves_everything_else(self, calendar: Calendar) -> None:
        made = await calendar.create_event(
            ID, meeting(description="Agenda", attendees=(calendar.address, GUEST)), "none"
        )
        change = EventChange(start=berlin(5, 10), end=berlin(5, 11, 30))
        changed = await calendar.update_event(ID, change, "none", made.etag)
        assert (changed.start, changed.end) == (berlin(5, 10), berlin(5, 11, 30))
        assert (changed.title, changed.description) == ("Planning", "Agenda")
        assert len(changed.attendees) == 2
        assert changed.etag != made.etag
        assert change.holds_for(changed)

    async def test_a_change_to_another_version_is_refused(self, calendar: Calendar) -> None:
        made = await calendar.create_event(ID, meeting(), "none")
        await calendar.update_event(ID, EventChange(title="Moved"), "none", made.etag)
        with pytest.raises(Refused, match="changed"):
            await calendar.update_event(ID, EventChange(title="Late"), "none", made.etag)
        with pytest.raises(Refused, match="changed"):
            await calendar.cancel_event(ID, "none", made.etag)
        assert await titles(calendar) == ["Moved"]

    async def test_a_timed_event_becomes_an_all_day_one(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(), "none")
        change = EventChange(start=date(2026, 3, 4), end=date(2026, 3, 5))
        assert (await calendar.update_event(ID, change, "none")).is_all_day

    async def test_what_is_not_there_is_none_or_refused(self, calendar: Calendar) -> None:
        assert await calendar.get_event("stabc") is None
        assert await calendar.get_event("stabc_20260304T080000Z") is None
        with pytest.raises(Refused, match="no such event"):
            await calendar.update_event("stabc", EventChange(title="x"), "none")
        with pytest.raises(Refused, match="no such event"):
            await calendar.respond("stabc", "accepted", "", "none")
        await calendar.cancel_event("stabc", "none")

    async def test_a_series_keeps_its_hour_when_the_clocks_change(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, standup(), "none")
        found = await occurrences(calendar, (berlin(26), berlin(1, month=4)))
        starts = [event.start for event in found if isinstance(event.start, datetime)]
        assert [at.astimezone(BERLIN).hour for at in starts] == [9, 9, 9, 9]
        assert [at.astimezone(UTC).hour for at in starts] == [8, 8, 7, 7]
        series = await calendar.get_event(ID)
        assert series is not None
        assert series.recurrence == standup().recurrence

    async def test_one_occurrence_is_changed_and_the_others_stay(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, standup(), "none")
        second = (await occurrences(calendar))[1]
        assert (await calendar.get_event(second.id)) is not None
        await calendar.update_event(
            second.id, EventChange(start=berlin(3, 16), end=berlin(3, 17), title="Later"), "none", second.etag
        )
        found = await occurrences(calendar)
        assert [(event.title, event.start) for event in found[:3]] == [
            ("Stand-up", berlin(2, 9)), ("Later", berlin(3, 16)), ("Stand-up", berlin(4, 9)),
        ]  # fmt: skip
        assert found[1].id == second.id
        again = await calendar.update_event(second.id, EventChange(title="Latest"), "none")
        assert (again.title, again.start) == ("Latest", berlin(3, 16))

    async def test_one_occurrence_has_no_rule_of_its_own(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, standup(), "none")
        second = (await occurrences(calendar))[1]
        with pytest.raises(Refused, match="no rule of its own"):
            await calendar.update_event(second.id, EventChange(recurrence=("RRULE:FREQ=DAILY",)), "none")

    async def test_who_is_invited_is_changed_and_answers_are_kept(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(attendees=(calendar.address, GUEST)), "none")
        await calendar.respond(ID, "tentative", "", "none")
        change = EventChange(attendees=(calendar.address, "new@vega.example"))
        changed = await calendar.update_event(ID, change, "none")
        assert {guest.address for guest in changed.others} == {"new@vega.example"}
        assert changed.own_answer == "tentative"
        assert change.holds_for(changed)
        assert not EventChange(attendees=(calendar.address,)).holds_for(changed)
        assert not EventChange(attendees=(calendar.address, GUEST)).holds_for(changed)

    async def test_one_occurrence_is_cancelled_and_stays_so(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, standup(), "none")
        first, second, *_ = await occurrences(calendar)
        await calendar.cancel_event(first.id, "none", first.etag)
        assert (await occurrences(calendar))[0].id == second.id
        assert await calendar.get_event(first.id) is None
        await calendar.cancel_event(first.id, "none")

    async def test_a_series_is_changed_as_a_whole(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, standup(), "none")
        await calendar.update_event(ID, EventChange(start=berlin(2, 10), end=berlin(2, 10, 30)), "none")
        found = await occurrences(calendar)
        assert [event.start for event in found] == [berlin(day, 10) for day in (2, 3, 4, 5, 6)]
        await calendar.cancel_event(ID, "none")
        assert await occurrences(calendar, MARCH) == []

    async def test_a_day_left_out_of_a_series_is_left_out(self, calendar: Calendar) -> None:
        rule = (*standup().recurrence, "EXDATE;TZID=Europe/Berlin:20260303T090000")
        await calendar.create_event(ID, replace(standup(), recurrence=rule), "none")
        assert [event.start for event in await occurrences(calendar)] == [berlin(day, 9) for day in (2, 4, 5, 6)]

    async def test_an_invitation_is_answered(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(attendees=(calendar.address, GUEST)), "none")
        answered = await calendar.respond(ID, "declined", "Sorry", "none")
        assert answered.own_answer == "declined"
        assert answered.takes_time() is None
        assert {guest.address for guest in answered.attendees} == {calendar.address, GUEST}

    async def test_nobody_answers_for_an_event_they_are_not_invited_to(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(), "none")
        with pytest.raises(Refused, match="not invited"):
            await calendar.respond(ID, "accepted", "", "none")

    async def test_busy_is_what_takes_time(self, calendar: Calendar) -> None:
        await calendar.create_event(ID, meeting(), "none")
        await calendar.create_event("st222", meeting("Free", 5, is_busy=False), "none")
        await calendar.create_event("st345", meeting("Off", 6, attendees=(calendar.address, GUEST)), "none")
        await calendar.respond("st345", "declined", "", "none")
        (known,) = await calendar.free_busy([calendar.address], *WEEK)
        assert known.busy == (Busy(berlin(4, 15), berlin(4, 16)),)
        assert known.unknown_because == ""

    async def test_of_strangers_nothing_is_known_and_that_is_said(self, calendar: Calendar) -> None:
        nobody, own = await calendar.free_busy(["nobody@elsewhere.example", calendar.address], *WEEK)
        assert nobody.busy == ()
        assert nobody.unknown_because
        assert own.address == calendar.address

    async def test_working_hours_are_told(self, calendar: Calendar) -> None:
        hours = await calendar.working_hours()
        assert hours.on(date(2026, 3, 4)) == [(berlin(4, 9), berlin(4, 17))]
        assert hours.on(date(2026, 3, 7)) == []

    async def test_many_events_are_all_listed(self, calendar: Calendar) -> None:
        for number in range(30):
            at = berlin(2, 0) + timedelta(hours=number)
            await calendar.create_event(f"st{number:05d}", NewEvent(str(number), at, at + timedelta(hours=1)), "none")
        assert await titles(calendar) == [str(number) for number in range(30)]
