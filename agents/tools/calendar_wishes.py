"""What is wanted of a calendar: a wish resolved to its event, and shown to the person who is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agents.equipment import Run
from agents.services.calendar import Calendar
from agents.tools.calendar_shapes import EventInput, PrivateEventInput, span_of
from agents.tools.tool import Shown
from core.outside.calendar import Answer, CalendarEvent, EventChange, Moment, NewEvent, Notify, moment_in, zone_named
from core.outside.errors import Refused

MOST_CLASHES = 5
VERSION = "version of the event"
ANSWERS: dict[Answer, str] = {
    "accepted": "Accept", "tentative": "Answer “maybe” to", "declined": "Decline", "needs_action": "Take back your answer to",
}  # fmt: skip


def own_event_id(run: Run) -> str:
    """The id under which this task makes its event: letters a-v and digits, as calendars ask for."""
    return f"st{run.task.id.hex}"


@dataclass(frozen=True)
class Wanted:
    """A wish on a calendar: on which event (None for a new one), by which id, and what is to be different."""

    calendar: Calendar
    event_id: str
    before: CalendarEvent | None
    new: NewEvent | None = None
    change: EventChange | None = None

    @property
    def after(self) -> tuple[Moment, Moment] | None:
        """The time as it would be."""
        if self.new:
            return self.new.start, self.new.end
        if self.change and self.change.start is not None and self.change.end is not None:
            return self.change.start, self.change.end
        return (self.before.start, self.before.end) if self.before else None


async def wanted_of(run: Run, given: PrivateEventInput, *, is_private: bool) -> Wanted:
    """What is wanted, with the event it is about. Raises Refused when there is none, or it is not this one's to change."""
    calendar = await run.reach(Calendar)
    own_zone = run.equipment.clock.timezone
    guests = tuple(given.attendees) if isinstance(given, EventInput) and given.attendees is not None else None
    if given.action == "create":
        name = given.timezone or own_zone.key
        start, end = span_of(given, zone_named(name)) or (run.equipment.clock.now(),) * 2
        invited = _with_self(guests, calendar)
        new = NewEvent(
            title=given.title or "",
            start=start,
            end=end,
            timezone=name,
            description=given.description or "",
            location=given.location or "",
            attendees=invited,
            recurrence=tuple(given.recurrence or ()),
            is_private=is_private,
        )
        return Wanted(calendar, own_event_id(run), None, new)
    before = await _target(calendar, given)
    if is_private and (before.others or (before.organizer and not before.organizer.is_self)):
        raise Refused(
            "This event has other attendees: it is not private", hint="Use the tool calendar_event, which asks first."
        )
    if given.action != "update":
        return Wanted(calendar, before.id, before)
    zone = zone_named(given.timezone or before.timezone)
    span = span_of(given, zone)
    if span and given.scope == "all" and given.event_id != before.id:
        span = await _for_series(calendar, str(given.event_id), before, span)
    change = EventChange(
        title=given.title,
        start=span[0] if span else None,
        end=span[1] if span else None,
        timezone=given.timezone,
        description=given.description,
        location=given.location,
        attendees=None if guests is None else _with_self(guests, calendar),
        recurrence=None if given.recurrence is None else tuple(given.recurrence),
    )
    return Wanted(calendar, before.id, before, change=change)


def _with_self(guests: tuple[str, ...] | None, calendar: Calendar) -> tuple[str, ...]:
    """Whoever invites attends as well."""
    others = tuple(dict.fromkeys(guest for guest in guests or () if guest != calendar.address))
    return (calendar.address, *others) if others else ()


async def _target(calendar: Calendar, given: PrivateEventInput) -> CalendarEvent:
    event = await calendar.get_event(str(given.event_id))
    if event is None:
        raise Refused(f"There is no event {str(given.event_id)[:80]} on the {calendar.name}, or it was cancelled")
    if given.scope == "all" and event.series_id:
        series = await calendar.get_event(event.series_id)
        if series is None:
            raise Refused(f"The series of “{event.title}” is not there any more")
        return series
    if given.scope == "this" and event.recurrence:
        raise Refused(f"“{event.title}” is a whole series", hint="Name one occurrence by its own id, or say scope all.")
    return event


async def _for_series(
    calendar: Calendar, occurrence_id: str, series: CalendarEvent, span: tuple[Moment, Moment]
) -> tuple[Moment, Moment]:
    """A new time that was given for one occurrence, as the time of the series' first: moved by as much on the clock."""
    occurrence = await calendar.get_event(occurrence_id)
    at = occurrence.original_start or occurrence.start if occurrence else series.start
    zone = zone_named(series.timezone)
    if not isinstance(span[0], datetime) or not isinstance(at, datetime) or not isinstance(series.start, datetime):
        return span
    moved = span[0].astimezone(zone).replace(tzinfo=None) - at.astimezone(zone).replace(tzinfo=None)
    length = moment_in(span[1], zone) - span[0]
    start = (series.start.astimezone(zone).replace(tzinfo=None) + moved).replace(tzinfo=zone)
    return start, start + length


async def show(run: Run, given: EventInput) -> Shown:
    """What a person says yes to: who, when in whose zone, what clashes, and whom the calendar writes to."""
    wanted = await wanted_of(run, given, is_private=False)
    zone = run.equipment.clock.timezone
    title = (wanted.new.title if wanted.new else wanted.before.title if wanted.before else "")[:200]
    span = wanted.after
    facts: dict[str, Any] = {"event": title, "calendar": wanted.calendar.name}
    if span:
        facts["when"] = in_words(*span, zone)
        facts |= _elsewhere(span, wanted, given, zone)
    if wanted.before:
        if wanted.change and wanted.change.start is not None:
            facts["before"] = in_words(wanted.before.start, wanted.before.end, zone)
        if wanted.before.recurrence:
            facts["concerns"] = "the whole series"
        elif wanted.before.series_id:
            facts["concerns"] = "this occurrence alone"
    guests = guests_of(wanted)
    facts["attendees"] = ", ".join(guests) or "nobody else"
    facts["invitations"] = _letters(wanted.calendar, given.notify, guests)
    for name, value in (
        ("location", given.location),
        ("repeats", "; ".join(given.recurrence or [])),
        ("comment", given.comment),
    ):
        if value:
            facts[name] = value
    if span and given.action in {"create", "update"}:
        facts["clashes"] = "; ".join(await _clashes(wanted, span, zone)) or "none"
    if wanted.before:
        facts[VERSION] = wanted.before.etag
    return Shown(_question(given, title, facts, guests), facts, given.description or "")


async def show_private(run: Run, given: PrivateEventInput) -> Shown:
    """What a person says yes to where an event of their own is to go."""
    wanted = await wanted_of(run, given, is_private=True)
    title = (wanted.new.title if wanted.new else wanted.before.title if wanted.before else "")[:200]
    span = wanted.after
    when = in_words(*span, run.equipment.clock.timezone) if span else ""
    verb = {"create": "Put", "update": "Change", "cancel": "Cancel"}[given.action]
    return Shown(
        f"{verb} “{title}”, {when}?",
        {"event": title, "calendar": wanted.calendar.name, "when": when},
        given.description or "",
    )


def _question(given: EventInput, title: str, facts: dict[str, Any], guests: list[str]) -> str:
    whom = f"{guests[0]} and {len(guests) - 1} more" if len(guests) > 2 else " and ".join(guests)
    when = facts.get("when", "")
    match given.action:
        case "create":
            return f"Put “{title}” on the calendar, {when}{f', and invite {whom}' if whom else ''}?"
        case "update":
            return f"Change “{title}”, {when}?"
        case "cancel":
            return f"Cancel “{title}”, {when}?"
        case "respond":
            return f"{ANSWERS[given.answer or 'accepted']} “{title}”, {when}?"


def _elsewhere(span: tuple[Moment, Moment], wanted: Wanted, given: EventInput, zone: ZoneInfo) -> dict[str, str]:
    """The time in the zones of others, and of the event."""
    named = dict(given.zones)
    event_zone = given.timezone or (wanted.before.timezone if wanted.before else None)
    if event_zone and event_zone != "UTC":
        named.setdefault("the event", event_zone)
    told = {who: in_words(*span, zone_named(name)) for who, name in named.items() if name != zone.key}
    return {"when for others": "; ".join(f"{who}: {when}" for who, when in told.items())} if told else {}


def guests_of(wanted: Wanted) -> list[str]:
    """The addresses of who is invited as it would be, without one's own."""
    if wanted.new:
        invited = wanted.new.attendees
    elif wanted.change and wanted.change.attendees is not None:
        invited = wanted.change.attendees
    else:
        invited = tuple(guest.address for guest in wanted.before.attendees) if wanted.before else ()
    return [address for address in invited if address != wanted.calendar.address]


def _letters(calendar: Calendar, notify: Notify, guests: list[str]) -> str:
    if not guests:
        return "none: nobody else is invited"
    if not calendar.invites:
        return f"none: the {calendar.name} sends no mail; tell them yourself"
    return {"all": "sent to all attendees", "external": "sent to guests elsewhere alone", "none": "none are sent"}[
        notify
    ]


async def _clashes(wanted: Wanted, span: tuple[Moment, Moment], zone: ZoneInfo) -> list[str]:
    """Other events of one's own at that time."""
    start, end = (moment_in(at, zone) for at in span)
    if end <= start:
        return []
    series = wanted.before.series_id or wanted.before.id if wanted.before else wanted.event_id
    found = [
        f"{event.title or '(no title)'}, {in_words(event.start, event.end, zone)}"
        for event in await wanted.calendar.list_events(start, end)
        if event.takes_time() and series not in {event.id, event.series_id}
    ]
    return [*found[:MOST_CLASHES], *([f"and {len(found) - MOST_CLASHES} more"] if len(found) > MOST_CLASHES else [])]


def in_words(start: Moment, end: Moment, zone: ZoneInfo) -> str:
    """A span as people say it, in a zone: "Thu 5 Mar 2026 15:00-16:00 (Europe/Berlin)"."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        last = end - timedelta(days=1)
        first = f"{start:%a} {start.day} {start:%b %Y}"
        return f"{first}, all day" if last == start else f"{first} to {last:%a} {last.day} {last:%b %Y}, all day"
    here, there = start.astimezone(zone), end.astimezone(zone)
    until = f"{there:%H:%M}" if here.date() == there.date() else f"{there:%a} {there.day} {there:%b} {there:%H:%M}"
    return f"{here:%a} {here.day} {here:%b %Y} {here:%H:%M}-{until} ({zone.key})"
