"""iCalendar files (RFC 5545) as records, tolerant of what calendars really write."""

import hashlib
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import structlog
from icalendar import Calendar, GloballyUniqueTZIDGuessed
from icalendar.prop.broken import vBroken
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from pydantic import BaseModel, ConfigDict

from core.errors import Invalid, NotFound, TooLarge

LARGEST_FILE_BYTES = 20 * 1024 * 1024
MOST_EVENTS = 50_000
LONGEST_TITLE = 500
LONGEST_TEXT = 100_000
NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
Status = Literal["confirmed", "tentative", "cancelled"]
logger = structlog.get_logger(__name__)


class Attendee(BaseModel):
    """Somebody invited; `partstat` as the file has it, in lower case ("accepted", "needs-action")."""

    model_config = ConfigDict(frozen=True)
    name: str = ""
    address: str
    partstat: str = "needs-action"


class CalendarEntry(BaseModel):
    """An event, a series with its rule, or (with `recurrence_id`) one changed occurrence of a series.

    Times are aware and in `timezone`, an IANA name; an all-day entry runs from midnight to the midnight behind its last
    day. `recurrence` is an RRULE without the prefix. `recurrence_id` is the moment the occurrence stood at, in UTC.
    `etag` is empty for an entry out of a file.
    """

    model_config = ConfigDict(frozen=True)
    uid: str
    recurrence_id: str = ""
    title: str = ""
    description: str = ""
    location: str = ""
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool = False
    timezone: str = "UTC"
    recurrence: str | None = None
    excluded_starts: tuple[datetime, ...] = ()
    added_starts: tuple[datetime, ...] = ()
    organizer: str = ""
    attendees: tuple[Attendee, ...] = ()
    status: Status = "confirmed"
    url: str = ""
    etag: str = ""
    is_busy: bool = True
    is_private: bool = False


def read_ics(
    source: Path | bytes, *, window: tuple[datetime, datetime], timezone: ZoneInfo | None = None
) -> list[CalendarEntry]:
    """The entries of a file that touch the window, every series that may, and their changed occurrences; by start.

    Times without a zone, or in one that nobody knows, are in `timezone` (default: the zone of the window's start).
    Raises NotFound, Invalid for what is no calendar, TooLarge beyond 20 MB or 50,000 events. An event without a start
    is passed over and logged.
    """
    begin, end = window
    if begin.tzinfo is None or end.tzinfo is None or begin > end:
        raise Invalid(f"The window {begin.isoformat()} to {end.isoformat()} must be aware and run forwards")
    name, raw = _load(source)
    zone = timezone or (begin.tzinfo if isinstance(begin.tzinfo, ZoneInfo) else ZoneInfo("UTC"))
    entries = [entry for event in _events(raw, name) if (entry := _entry(event, zone, name))]
    latest = {(entry.uid, entry.recurrence_id): entry for entry in entries}
    series = {entry.uid for entry in latest.values() if _may_touch(entry, begin, end) and entry.recurrence}
    kept = [e for e in latest.values() if _may_touch(e, begin, end) or (e.recurrence_id and e.uid in series)]
    return sorted(kept, key=lambda entry: (entry.starts_at, entry.uid, entry.recurrence_id))


def _may_touch(entry: CalendarEntry, begin: datetime, end: datetime) -> bool:
    if entry.starts_at >= end:
        return False
    if entry.recurrence or entry.added_starts:
        until = re.search(r"UNTIL=(\d{8})", entry.recurrence or "")
        return not until or bool(entry.added_starts) or until[1] >= f"{begin - timedelta(days=1):%Y%m%d}"
    return entry.ends_at > begin or entry.starts_at >= begin


def _load(source: Path | bytes) -> tuple[str, bytes]:
    if isinstance(source, bytes):
        name, raw = "The calendar", source
    else:
        name = source.name
        try:
            with source.open("rb") as file:
                raw = file.read(LARGEST_FILE_BYTES + 1)
        except FileNotFoundError as error:
            raise NotFound(f"There is no file {source}") from error
        except OSError as error:
            raise Invalid(f"{source} cannot be read", detail=error.strerror) from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise TooLarge(f"{name} has more than {LARGEST_FILE_BYTES:,} bytes")
    if not raw.strip():
        raise Invalid(f"{name} is empty")
    return name, raw


def _events(raw: bytes, name: str) -> list[Any]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    text = NOT_TEXT.sub("", text)
    if "BEGIN:VCALENDAR" not in text.upper():
        raise Invalid(f"{name} is not a calendar file: it has no BEGIN:VCALENDAR")
    if "END:VCALENDAR" not in text.upper():
        raise Invalid(f"{name} is not a whole calendar file: its end (END:VCALENDAR) is missing")
    if text.upper().count("BEGIN:VEVENT") > MOST_EVENTS:
        raise TooLarge(f"{name} has more than {MOST_EVENTS:,} events")
    try:
        with warnings.catch_warnings():
            # It warns of zones that it has to guess; here they are resolved by name (`_zone`) anyway.
            warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
            calendars = cast(list[Any], Calendar.from_ical(text, multiple=True))
        return [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"{name} is not a calendar file that can be read", detail=str(error)[:200]) from error


def _entry(event: Any, user_zone: ZoneInfo, name: str) -> CalendarEntry | None:
    start, changed = _first(event, "DTSTART"), _first(event, "RECURRENCE-ID")
    at = getattr(start, "dt", None)
    if not isinstance(at, date) or ("RECURRENCE-ID" in event and changed is None):
        logger.warning("calendar_event_without_place_in_time", file=name, uid=_text(event, "UID")[:200])
        return None
    try:
        starts_at, zone = _aware(start, user_zone)
        ends_at = _end(event, starts_at, zone, is_all_day=not isinstance(at, datetime))
        _ = (starts_at.astimezone(UTC), ends_at.astimezone(UTC))  # beyond the calendar's end this overflows
        rule = _first(event, "RRULE")
        organizer = _person(_first(event, "ORGANIZER"))
        guests = [person for value in _all(event, "ATTENDEE") if (person := _person(value))]
        status = _text(event, "STATUS").casefold()
        identity = f"{_text(event, 'SUMMARY')}{starts_at.isoformat()}"
        return CalendarEntry(
            uid=_text(event, "UID")[:500] or hashlib.sha256(identity.encode()).hexdigest()[:40],
            recurrence_id=_aware(changed, zone)[0].astimezone(UTC).isoformat() if changed is not None else "",
            title=" ".join(_text(event, "SUMMARY").split())[:LONGEST_TITLE],
            description=_text(event, "DESCRIPTION")[:LONGEST_TEXT],
            location=_text(event, "LOCATION")[:LONGEST_TITLE],
            starts_at=starts_at,
            ends_at=max(ends_at, starts_at),
            is_all_day=not isinstance(at, datetime),
            timezone=zone.key,
            recurrence=rule.to_ical().decode() if rule is not None and changed is None else None,
            excluded_starts=tuple(_moments(event, "EXDATE", zone)),
            added_starts=tuple(_moments(event, "RDATE", zone)),
            organizer=organizer.address if organizer else "",
            attendees=tuple(guests),
            status=cast(Status, status) if status in {"tentative", "cancelled"} else "confirmed",
            url=_text(event, "URL")[:2000],
            is_busy=_text(event, "TRANSP").casefold() != "transparent",
            is_private=_text(event, "CLASS").casefold() in {"private", "confidential"},
        )
    except (ValueError, OverflowError) as error:
        logger.warning("calendar_event_out_of_range", file=name, uid=_text(event, "UID")[:200], error=str(error)[:200])
        return None


def _end(event: Any, starts_at: datetime, zone: ZoneInfo, *, is_all_day: bool) -> datetime:
    """DTEND, or DURATION, or what RFC 5545 (3.6.1) says without both: a day, or no time at all."""
    end = _first(event, "DTEND")
    if isinstance(getattr(end, "dt", None), date):
        return _aware(end, zone)[0].astimezone(zone)
    duration = getattr(_first(event, "DURATION"), "dt", None)
    if not isinstance(duration, timedelta):
        duration = timedelta(days=1) if is_all_day else timedelta()
    # Days are counted on the clock, hours as they pass.
    by_clock = (starts_at.replace(tzinfo=None) + timedelta(days=duration.days)).replace(tzinfo=zone)
    return (by_clock.astimezone(UTC) + timedelta(seconds=duration.seconds)).astimezone(zone)


def _aware(value: Any, user_zone: ZoneInfo) -> tuple[datetime, ZoneInfo]:
    """A DATE or DATE-TIME property in its zone, by name: the zone of a file's own VTIMEZONE is known by its offset alone."""
    at: date = value.dt
    if not isinstance(at, datetime):
        return datetime.combine(at, time(), user_zone), user_zone
    named = _zone(str(value.params.get("TZID", "")))
    if named:
        return at.replace(tzinfo=named), named
    if at.tzinfo is None:
        return at.replace(tzinfo=user_zone), user_zone
    if at.utcoffset() == timedelta() and _is_utc(at.tzinfo):
        return at.replace(tzinfo=ZoneInfo("UTC")), ZoneInfo("UTC")
    return at.astimezone(user_zone), user_zone


def _is_utc(zone: tzinfo) -> bool:
    return str(zone) in {"UTC", "Etc/UTC", "tzutc()", "Z"}


def _zone(tzid: str) -> ZoneInfo | None:
    """The zone of a TZID: an IANA name, one with a vendor's prefix, or a Windows name."""
    tzid = tzid.strip('"')
    if not tzid:
        return None
    tail = "/".join(tzid.strip("/").split("/")[-2:])
    for name in (tzid, WINDOWS_TO_OLSON.get(tzid, ""), tail):
        try:
            if name:
                return ZoneInfo(name)
        except (ValueError, OSError):  # unknown, or not a name at all; ZoneInfoNotFoundError is a KeyError
            continue
        except KeyError:
            continue
    return None


def _moments(event: Any, name: str, zone: ZoneInfo) -> Iterator[datetime]:
    for listed in _all(event, name):
        for value in getattr(listed, "dts", ()):
            if isinstance(value.dt, date):
                at = value.dt if isinstance(value.dt, datetime) else None
                named = _zone(str(listed.params.get("TZID", "")))
                if at is not None and named:
                    yield at.replace(tzinfo=named)
                else:
                    yield _aware(value, zone)[0]


def _first(event: Any, name: str) -> Any:
    values = _all(event, name)
    return values[0] if values else None


def _all(event: Any, name: str) -> list[Any]:
    value = event.get(name)
    if value is None:
        return []
    values = cast(list[Any], value) if isinstance(value, list) else [value]
    return [one for one in values if not isinstance(one, vBroken)]  # what could not be parsed is as good as not there


def _text(event: Any, name: str) -> str:
    value = _first(event, name)
    return NOT_TEXT.sub("", str(value)).strip() if value is not None else ""


def _person(value: Any) -> Attendee | None:
    if value is None:
        return None
    address = re.sub(r"^mailto:", "", str(value).strip(), flags=re.IGNORECASE).strip().casefold()
    params = getattr(value, "params", {})
    name = " ".join(str(params.get("CN", "")).strip('"').split())[:200]
    if not address:
        return None
    return Attendee(name=name, address=address[:320], partstat=str(params.get("PARTSTAT", "needs-action")).casefold())
