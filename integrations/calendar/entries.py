"""Between stored entries (rows, files) and the neutral event."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import Invalid
from core.outside.calendar import (
    DAY,
    Answer,
    Attendee,
    CalendarEvent,
    Moment,
    NewEvent,
    moment_in,
    zone_named,
)
from integrations.calendar.ics import LONGEST_TEXT, LONGEST_TITLE, NOT_TEXT, CalendarEntry

ANSWERS: dict[str, Answer] = {"accepted": "accepted", "tentative": "tentative", "declined": "declined"}
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
STAMP = "%Y%m%dT%H%M%SZ"


def as_event(entry: CalendarEntry, own_address: str) -> CalendarEvent:
    """The entry as an event; a series with its rule."""
    zone = ZoneInfo(entry.timezone)
    start, end = entry.starts_at.astimezone(zone), entry.ends_at.astimezone(zone)
    guests = tuple(
        Attendee(
            guest.address,
            guest.name,
            ANSWERS.get(guest.partstat, "needs_action"),
            is_self=guest.address == own_address,
        )
        for guest in entry.attendees
    )
    return CalendarEvent(
        id=entry.uid,
        title=entry.title,
        start=start.date() if entry.is_all_day else start,
        end=max(end.date(), start.date() + DAY) if entry.is_all_day else end,
        timezone=entry.timezone,
        description=entry.description,
        location=entry.location,
        organizer=Attendee(entry.organizer, is_self=entry.organizer == own_address) if entry.organizer else None,
        attendees=guests,
        recurrence=rule_lines(entry),
        status=entry.status,
        is_busy=entry.is_busy,
        is_private=entry.is_private,
        url=entry.url,
        etag=entry.etag,
    )


def entry_from(row: Mapping[str, Any]) -> CalendarEntry:
    """A stored row as an entry, its times by the clock of its zone; UTC where the zone does not exist.

    Times at the ends of the years that can be reckoned with are moved in by one.
    """
    entry = CalendarEntry.model_validate(row)
    try:
        zone = zone_named(entry.timezone)
    except Invalid:
        zone = ZoneInfo("UTC")
    times = {
        name: min(max(at, EARLIEST), LATEST).astimezone(zone)
        for name, at in (("starts_at", entry.starts_at), ("ends_at", entry.ends_at))
    }
    return entry.model_copy(update={"timezone": zone.key, **times})


def occurrence_id(uid: str, at: datetime) -> str:
    """The id of one occurrence of a series: by the moment at which the rule has it."""
    return f"{uid}_{at.astimezone(UTC):{STAMP}}"


def rule_lines(entry: CalendarEntry) -> tuple[str, ...]:
    """RRULE, EXDATE and RDATE of an entry as lines."""
    lines = [f"RRULE:{entry.recurrence}"] if entry.recurrence else []
    for name, moments in (("EXDATE", entry.excluded_starts), ("RDATE", entry.added_starts)):
        if moments:
            lines.append(
                f"{name}:" + ",".join(f"{min(max(at, EARLIEST), LATEST).astimezone(UTC):{STAMP}}" for at in moments)
            )
    return tuple(lines)


def rule_columns(lines: tuple[str, ...], timezone: str) -> dict[str, Any]:
    """The columns of lines RRULE, EXDATE and RDATE (with TZID or VALUE=DATE as parameters, else UTC or the event's zone)."""
    columns: dict[str, Any] = {"recurrence": None, "excluded_starts": [], "added_starts": []}
    for line in lines:
        head, _, value = line.partition(":")
        name = head.partition(";")[0].upper()
        if name == "RRULE":
            columns["recurrence"] = value
            continue
        tzid = re.search(r"TZID=([^;:]+)", head, re.IGNORECASE)
        zone = zone_named(tzid[1] if tzid else timezone)
        key = "excluded_starts" if name == "EXDATE" else "added_starts"
        columns[key] += [_moment(text.strip(), zone).isoformat() for text in value.split(",") if text.strip()]
    return columns


def _moment(text: str, zone: ZoneInfo) -> datetime:
    if text.endswith("Z"):
        return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    form = "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d"
    return datetime.strptime(text, form).replace(tzinfo=zone)


def columns_of(wanted: NewEvent, own_address: str) -> dict[str, Any]:
    """The columns of a wanted event. Whoever invites is its organizer."""
    zone = zone_named(wanted.timezone)
    return {
        "title": wanted.title,
        "description": wanted.description,
        "location": wanted.location,
        "starts_at": _stored(wanted.start, zone),
        "ends_at": _stored(wanted.end, zone),
        "is_all_day": not isinstance(wanted.start, datetime),
        "timezone": wanted.timezone,
        "organizer": own_address if wanted.attendees else "",
        "attendees": [
            {
                "name": "",
                "address": address.casefold(),
                "partstat": "accepted" if address.casefold() == own_address else "needs-action",
            }
            for address in wanted.attendees
        ],
        "is_busy": wanted.is_busy,
        "is_private": wanted.is_private,
        **rule_columns(wanted.recurrence, wanted.timezone),
    }


def row_of(event: CalendarEvent) -> dict[str, Any]:
    """The row of a connected calendar's event; a changed occurrence stands under the id of its series.

    A recurrence that cannot be read is left out: the event itself still stands.
    """
    zone = zone_named(event.timezone)
    try:
        rule = rule_columns(event.recurrence, event.timezone)
    except (ValueError, Invalid):
        rule = rule_columns((), event.timezone)
    original = moment_in(event.original_start, zone) if event.original_start is not None else None
    return {
        "uid": event.series_id or event.id,
        "recurrence_id": original.astimezone(UTC).isoformat() if event.series_id and original else "",
        "title": _plain(event.title)[:LONGEST_TITLE],
        "description": _plain(event.description)[:LONGEST_TEXT],
        "location": _plain(event.location)[:LONGEST_TITLE],
        "starts_at": _stored(event.start, zone),
        "ends_at": _stored(event.end, zone),
        "is_all_day": event.is_all_day,
        "timezone": event.timezone,
        "organizer": event.organizer.address if event.organizer else "",
        "attendees": [
            {"name": _plain(guest.name)[:200], "address": guest.address, "partstat": guest.answer.replace("_", "-")}
            for guest in event.attendees
        ],
        "status": event.status,
        "url": event.url[:2000],
        "etag": event.etag,
        "is_busy": event.is_busy,
        "is_private": event.is_private,
        "guests_can_modify": event.guests_can_modify,
        **rule,
    }


def _plain(text: str) -> str:
    """Without what a database does not take."""
    return NOT_TEXT.sub("", text)


def _stored(at: Moment, zone: ZoneInfo) -> str:
    return moment_in(at, zone).isoformat()
