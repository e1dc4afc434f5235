"""Calendars in neutral words: events, people's answers to them, busy time, working hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from core.errors import Invalid
from core.outside.recurrence import check_recurrence

Answer = Literal["needs_action", "accepted", "tentative", "declined"]
Status = Literal["confirmed", "tentative", "cancelled"]
Notify = Literal["all", "external", "none"]
BusyKind = Literal["busy", "tentative"]
Moment = datetime | date

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Attendee:
    """Somebody who is invited, and what they have answered. `address` is bare and in lower case."""

    address: str
    name: str = ""
    answer: Answer = "needs_action"
    is_optional: bool = False
    is_self: bool = False


@dataclass(frozen=True)
class CalendarEvent:
    """An event, a series (`recurrence` is not empty), or one occurrence of a series (`series_id` names it).

    `start` and `end` are aware datetimes, or both dates for an all-day event; the end is exclusive. `timezone` is the
    IANA zone in which a series keeps its hour. `recurrence` holds lines of RFC 5545 (RRULE:, EXDATE:, RDATE:).
    `guests_can_modify`: those invited may change title, text and time, or the calendar does not say that they may not.
    `etag` changes with every change of the event. Title, description, location and names are others' words.
    Raises Invalid for times that contradict each other.
    """

    id: str
    title: str
    start: Moment
    end: Moment
    timezone: str = "UTC"
    description: str = ""
    location: str = ""
    organizer: Attendee | None = None
    attendees: tuple[Attendee, ...] = ()
    recurrence: tuple[str, ...] = ()
    series_id: str = ""
    original_start: Moment | None = None
    status: Status = "confirmed"
    is_busy: bool = True
    is_private: bool = False
    guests_can_modify: bool = True
    url: str = ""
    etag: str = ""
    calendar: str = ""

    def __post_init__(self) -> None:
        check_span(self.start, self.end)

    @property
    def is_all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def own_answer(self) -> Answer:
        """What the person of this calendar has answered; accepted where nobody asked."""
        for guest in self.attendees:
            if guest.is_self:
                return guest.answer
        return "accepted"

    @property
    def others(self) -> tuple[Attendee, ...]:
        """The attendees without the person of this calendar."""
        return tuple(guest for guest in self.attendees if not guest.is_self)

    def begins(self, zone: ZoneInfo) -> datetime:
        """When it begins: an all-day event at midnight of `zone`."""
        return moment_in(self.start, zone)

    def finishes(self, zone: ZoneInfo) -> datetime:
        """When it ends, as `begins`."""
        return moment_in(self.end, zone)

    def takes_time(self) -> BusyKind | None:
        """Does it keep its person from other things? Not when cancelled, declined or shown as free."""
        if self.status == "cancelled" or not self.is_busy or self.own_answer == "declined":
            return None
        is_open = self.status == "tentative" or self.own_answer in {"tentative", "needs_action"}
        return "tentative" if is_open else "busy"


@dataclass(frozen=True)
class NewEvent:
    """An event that is wanted. Fields as in CalendarEvent; `attendees` are bare addresses."""

    title: str
    start: Moment
    end: Moment
    timezone: str = "UTC"
    description: str = ""
    location: str = ""
    attendees: tuple[str, ...] = ()
    recurrence: tuple[str, ...] = ()
    is_busy: bool = True
    is_private: bool = False

    def __post_init__(self) -> None:
        check_span(self.start, self.end)
        zone_named(self.timezone)
        check_recurrence(self.recurrence)


@dataclass(frozen=True)
class EventChange:
    """What is to be different about an event; None leaves it as it is. Start and end change together."""

    title: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    timezone: str | None = None
    description: str | None = None
    location: str | None = None
    attendees: tuple[str, ...] | None = None
    recurrence: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.start is None) != (self.end is None):
            raise Invalid("A change of time needs both start and end")
        if self.start is not None and self.end is not None:
            check_span(self.start, self.end)
        if self.timezone is not None:
            zone_named(self.timezone)
        check_recurrence(self.recurrence or ())

    def holds_for(self, event: CalendarEvent) -> bool:
        """Is the event as the change wants it?"""
        zone = zone_named(event.timezone)
        plain = all(
            wanted is None or wanted == there
            for wanted, there in (
                (self.title, event.title),
                (self.description, event.description),
                (self.location, event.location),
                (self.recurrence, event.recurrence),
            )
        )
        times = self.start is None or (
            moment_in(self.start, zone) == event.begins(zone)
            and self.end is not None
            and moment_in(self.end, zone) == event.finishes(zone)
        )
        return plain and times and (self.attendees is None or self._invites_those_of(event))

    def _invites_those_of(self, event: CalendarEvent) -> bool:
        """Are the same others invited? Under which of their addresses its own person is there does not matter."""
        own = {guest.address for guest in event.attendees if guest.is_self}
        own |= {event.organizer.address} if event.organizer else set()
        return set(self.attendees or ()) - own == {guest.address for guest in event.attendees} - own


@dataclass(frozen=True)
class Busy:
    """A stretch of time that is taken, or (tentative) perhaps. Aware; the end is exclusive."""

    start: datetime
    end: datetime
    kind: BusyKind = "busy"

    def __post_init__(self) -> None:
        check_span(self.start, self.end)


@dataclass(frozen=True)
class PersonBusy:
    """When somebody is busy. `unknown_because` says why nothing is known of them; then `busy` is empty."""

    address: str
    busy: tuple[Busy, ...] = ()
    unknown_because: str = ""


@dataclass(frozen=True)
class WorkingHours:
    """When somebody works, by the clock of their zone. `days`: 0 is Monday; spans do not cross midnight.

    A span ending at 00:00 goes on to midnight.
    """

    timezone: str
    days: Mapping[int, tuple[tuple[time, time], ...]] = field(
        default_factory=lambda: dict.fromkeys(range(5), ((time(9), time(17)),))
    )
    is_assumed: bool = False

    def __post_init__(self) -> None:
        zone_named(self.timezone)
        for day, spans in self.days.items():
            if day not in range(7):
                raise Invalid(f"There is no weekday {day}: 0 (Monday) to 6 (Sunday)")
            for start, end in spans:
                if end != time(0) and end <= start:
                    raise Invalid(f"Working hours {start:%H:%M}-{end:%H:%M} end before they start")

    @property
    def zone(self) -> ZoneInfo:
        return zone_named(self.timezone)

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The working time of one day of the zone, as moments."""
        return [
            (at_clock(day, start, self.zone), at_clock(day + DAY if end == time(0) else day, end, self.zone))
            for start, end in self.days.get(day.weekday(), ())
        ]


@dataclass(frozen=True)
class Changes:
    """What changed in a calendar since a sync token. `is_full`: these are all events, whatever was known before is void.

    `events` are single events, series and changed occurrences, not expanded; `gone` the ids of removed ones.
    `token` is where the next sync begins.
    """

    events: Sequence[CalendarEvent]
    gone: Sequence[str]
    token: str
    is_full: bool = False


def hours_from(text: str, timezone: str) -> WorkingHours:
    """Working hours out of words like "mon-fri 09:00-12:30 13:30-17:00; sat 10:00-12:00". Raises Invalid."""
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    days: dict[int, tuple[tuple[time, time], ...]] = {}
    zone_named(timezone)
    try:
        for part in filter(None, (piece.strip() for piece in text.casefold().split(";"))):
            which, *spans = part.split()
            first, _, last = which.partition("-")
            chosen = range(names.index(first), names.index(last or first) + 1)
            times = tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in (s.split("-") for s in spans))
            if not times or not chosen:
                raise ValueError(part)
            days |= dict.fromkeys(chosen, times)
    except ValueError as error:
        raise Invalid(
            f"Working hours {text[:80]!r} cannot be read", detail='allowed is "mon-fri 09:00-17:00; sat 10:00-12:00"'
        ) from error
    return WorkingHours(timezone, days)


def check_span(start: Moment, end: Moment) -> None:
    """Raises Invalid unless start and end are of one kind, aware, and in order."""
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise Invalid("Start and end must both be times, or both be dates", detail=f"{start}, {end}")
    if isinstance(start, datetime) and isinstance(end, datetime):
        if start.utcoffset() is None or end.utcoffset() is None:
            raise Invalid(
                "Times of an event need a zone or an offset", detail=f"{start.isoformat()}, {end.isoformat()}"
            )
        if end.astimezone(UTC) < start.astimezone(UTC):
            raise Invalid("The end is before the start", detail=f"{start.isoformat()} to {end.isoformat()}")
    elif end <= start:
        raise Invalid(
            "The end is before the start", detail=f"{start} to {end}; the last day of an all-day event is end - 1 day"
        )


def moment_in(at: Moment, zone: ZoneInfo) -> datetime:
    """A moment as it is; a date as its midnight in the zone."""
    return at if isinstance(at, datetime) else at_clock(at, time(), zone)


def at_clock(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """A time on the wall of a zone, in UTC order: one that a clock change skips moves on by the gap.

    Of a time that comes twice it is the first.
    """
    return datetime.combine(day, clock, zone).astimezone(UTC).astimezone(zone)


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises Invalid that names what was meant, where there is something close."""
    if name in _known_zones():
        return ZoneInfo(name)
    import difflib

    close = difflib.get_close_matches(name, _known_zones(), n=1)
    raise Invalid(
        f"There is no time zone {name[:80]!r}",
        hint=f"Perhaps {close[0]}." if close else "It is one like Europe/Berlin.",
    )
