"""What the calendar tools take and give, and how times are read."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, model_validator

from agents.availability import PartOfDay
from agents.tools.tool import StrictInput
from core.errors import Invalid
from core.outside.calendar import DAY, Answer, CalendarEvent, Moment, Notify, hours_from, zone_named
from core.outside.recurrence import check_recurrence

ADDRESS = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
LONGEST_DESCRIPTION = 2_000
DEFAULT_MINUTES = 30


def _said(check: Callable[[], object]) -> None:
    """Errors of the house as errors of the form."""
    try:
        check()
    except Invalid as error:
        raise ValueError(" ".join(filter(None, [error.message, error.detail, error.hint]))) from None


def _when(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time; allowed is 2026-03-04T15:00 or, all day, 2026-03-04") from None
    return text


def _zone(name: str) -> str:
    _said(lambda: zone_named(name))
    return name


def _hours(text: str) -> str:
    _said(lambda: hours_from(text, "UTC"))
    return text


def _rule(line: str) -> str:
    _said(lambda: check_recurrence([line]))
    return line


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no mail address; allowed is one like ana@example.org")
    return text.casefold()


When = Annotated[
    str,
    Field(
        max_length=40, description="2026-03-04T15:00, without an offset in the given timezone; 2026-03-04 is all day"
    ),
    AfterValidator(_when),
]
Zone = Annotated[str, Field(max_length=80, description="An IANA time zone like Europe/Berlin"), AfterValidator(_zone)]
Hours = Annotated[str, Field(max_length=200, description='Like "mon-fri 09:00-17:00"'), AfterValidator(_hours)]
Address = Annotated[str, Field(max_length=320, description="A mail address"), AfterValidator(_address)]
Rule = Annotated[
    str, Field(max_length=500, description="RRULE:, EXDATE: or RDATE: as in RFC 5545"), AfterValidator(_rule)
]
Title = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
EventId = Annotated[str, Field(min_length=1, max_length=1100)]


class ReadInput(StrictInput):
    """Which stretch of the calendar."""

    start: When | None = Field(default=None, description="From when; now where it is left out")
    end: When | None = Field(default=None, description="Until when; a week later where it is left out")
    text: str = Field(default="", max_length=200, description="Only events with these words")
    limit: int = Field(default=50, ge=1, le=200)


class Guest(BaseModel):
    """Somebody invited."""

    address: str
    name: str = ""
    answer: Answer = "needs_action"


class SeenEvent(BaseModel):
    """An event as it stands on the calendar. Times are ISO 8601; dates for all-day events, whose end is exclusive."""

    id: str
    title: str
    start: str
    end: str
    timezone: str
    is_all_day: bool = False
    location: str = ""
    description: str = ""
    organizer: str = ""
    attendees: list[Guest] = Field(default_factory=list[Guest])
    own_answer: Answer = "accepted"
    recurrence: list[str] = Field(default_factory=list[str])
    series_id: str = ""
    status: str = "confirmed"
    url: str = ""

    @classmethod
    def of(cls, event: CalendarEvent, zone: ZoneInfo) -> "SeenEvent":
        """The event with its times in the person's zone."""
        return cls(
            id=event.id,
            title=event.title,
            start=_shown(event.start, zone),
            end=_shown(event.end, zone),
            timezone=event.timezone,
            is_all_day=event.is_all_day,
            location=event.location,
            description=event.description[:LONGEST_DESCRIPTION],
            organizer=event.organizer.address if event.organizer else "",
            attendees=[Guest(address=a.address, name=a.name, answer=a.answer) for a in event.attendees],
            own_answer=event.own_answer,
            recurrence=list(event.recurrence),
            series_id=event.series_id,
            status=event.status,
            url=event.url,
        )


class ReadOutput(BaseModel):
    """What stands on the calendar, in order; `more` when the limit left some out."""

    calendar: str
    events: list[SeenEvent]
    more: bool = False


class FreeBusyInput(StrictInput):
    """Whose time, and which stretch of it. Without addresses one's own."""

    addresses: list[Address] = Field(default_factory=list[str], max_length=50)
    start: When
    end: When


class BusyStretch(BaseModel):
    """A stretch of time that is taken, or perhaps."""

    start: str
    end: str
    kind: Literal["busy", "tentative"]


class PersonTime(BaseModel):
    """When somebody is busy; `unknown_because` when that is not known."""

    address: str
    busy: list[BusyStretch]
    unknown_because: str = ""


class FreeBusyOutput(BaseModel):
    """When people are busy."""

    people: list[PersonTime]


class FindTimeInput(StrictInput):
    """Who is to meet, for how long, within which window."""

    attendees: list[Address] = Field(default_factory=list[str], max_length=30, description="Without oneself")
    optional_attendees: list[Address] = Field(default_factory=list[str], max_length=30)
    duration_minutes: int = Field(default=DEFAULT_MINUTES, ge=1, le=1440)
    start: When | None = Field(default=None, description="From when; now where it is left out")
    end: When | None = Field(default=None, description="Until when; two weeks later where it is left out")
    buffer_minutes: int = Field(default=0, ge=0, le=240, description="Room before and after other meetings")
    preferred: list[PartOfDay] = Field(default_factory=list[PartOfDay], max_length=5)
    zones: dict[Address, Zone] = Field(default_factory=dict[str, str], description="Time zones of people, by address")
    hours: dict[Address, Hours] = Field(default_factory=dict[str, str], description="Working hours of people")
    count: int = Field(default=5, ge=1, le=20)

    @model_validator(mode="after")
    def _forwards(self) -> "FindTimeInput":
        if self.start and self.end:
            start, end = datetime.fromisoformat(self.start), datetime.fromisoformat(self.end)
            if (start.tzinfo is None) == (end.tzinfo is None) and end <= start:
                raise ValueError(f"end lies after start ({self.start}), not at {self.end}")
        return self


class FoundSlot(BaseModel):
    """A time that was found. `local`: when it begins for whom."""

    start: str
    end: str
    local: dict[str, str]
    reasons: list[str]
    clashes: list[str] = Field(default_factory=list[str])
    is_compromise: bool = False


class FindTimeOutput(BaseModel):
    """Slots, best first. `is_compromise`: none suits everybody. `assumed`: whose zone or hours nobody has told."""

    slots: list[FoundSlot]
    summary: str
    is_compromise: bool
    assumed: list[str] = Field(default_factory=list[str])


class PrivateEventInput(StrictInput):
    """An event that concerns nobody else."""

    action: Literal["create", "update", "cancel"]
    event_id: EventId | None = Field(default=None, description="Which event; not for create")
    scope: Literal["this", "all"] = Field(default="this", description="This occurrence of a series, or all of it")
    title: Title | None = None
    start: When | None = None
    end: When | None = Field(default=None, description="When it ends; for all-day events the day after the last")
    duration_minutes: int | None = Field(default=None, ge=1, le=366 * 1440)
    timezone: Zone | None = Field(default=None, description="Where the times are meant; one's own where left out")
    location: str | None = Field(default=None, max_length=500)
    description: str | None = Field(default=None, max_length=8000)
    recurrence: list[Rule] | None = Field(default=None, max_length=20)

    @model_validator(mode="after")
    def _whole(self) -> "PrivateEventInput":
        if self.action == "create":
            if self.event_id is not None:
                raise ValueError("event_id is not for create: the event gets one")
            if not self.title or not self.start:
                raise ValueError("create needs title and start")
        elif self.event_id is None:
            raise ValueError(f"{self.action} needs event_id")
        if self.end is not None and self.duration_minutes is not None:
            raise ValueError("give either end or duration_minutes")
        if (self.end is not None or self.duration_minutes is not None) and self.start is None:
            raise ValueError("a new end needs start as well")
        if self.action == "update" and not self.wants_change():
            raise ValueError("update needs something to change")
        return self

    def wants_change(self) -> bool:
        fields = (self.title, self.start, self.location, self.description, self.recurrence)
        return any(value is not None for value in fields)


class EventInput(PrivateEventInput):
    """An event with others, or an answer to an invitation."""

    action: Literal["create", "update", "cancel", "respond"]  # pyright: ignore[reportIncompatibleVariableOverride]
    attendees: list[Address] | None = Field(
        default=None, max_length=200, description="Everybody invited, without oneself; for update the whole new list"
    )
    zones: dict[Address, Zone] = Field(default_factory=dict[str, str], description="Time zones of people, by address")
    answer: Literal["accepted", "tentative", "declined"] | None = None
    comment: str = Field(default="", max_length=1000, description="A word with the answer")
    notify: Notify = Field(default="all", description="Whom the calendar writes to: all, external guests only, nobody")

    @model_validator(mode="after")
    def _answered(self) -> "EventInput":
        if (self.action == "respond") != (self.answer is not None):
            raise ValueError("respond, and only that, needs answer")
        return self

    def wants_change(self) -> bool:
        return super().wants_change() or self.attendees is not None


class EventOutput(BaseModel):
    """What was done, and the event as it stands; None when it was cancelled."""

    action: str
    event: SeenEvent | None = None


def moment_of(text: str, zone: ZoneInfo) -> Moment:
    """The time that was written; without an offset by the clock of the zone. Raises Invalid for one that a clock change skips."""
    at = datetime.fromisoformat(text)
    if DATE.fullmatch(text):
        return at.date()
    if at.tzinfo is not None:
        return at.astimezone(zone)
    here = at.replace(tzinfo=zone)
    if here.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise Invalid(f"{at:%H:%M} does not exist on {at:%d %B %Y} in {zone.key}", detail="the clocks go forward then")
    return here


def time_of(text: str | None, zone: ZoneInfo, default: datetime) -> datetime:
    """As `moment_of`; a date is its midnight."""
    if text is None:
        return default
    at = moment_of(text, zone)
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=zone)


def span_of(given: PrivateEventInput, zone: ZoneInfo) -> tuple[Moment, Moment] | None:
    """Start and end of a wish; None where it says nothing of time. Without an end 30 minutes, or one day."""
    if given.start is None:
        return None
    start = moment_of(given.start, zone)
    if given.end is not None:
        return start, moment_of(given.end, zone)
    if not isinstance(start, datetime):
        days = -(-(given.duration_minutes or 1440) // 1440)
        return start, start + days * DAY
    length = timedelta(minutes=given.duration_minutes or DEFAULT_MINUTES)
    return start, (start.astimezone(UTC) + length).astimezone(zone)


def _shown(at: Moment, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat() if isinstance(at, datetime) else at.isoformat()
