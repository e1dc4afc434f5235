"""Google's events as neutral ones, and back. Source: the reference of `Events` in Google Calendar API v3."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import structlog

from core.errors import Invalid
from core.outside.calendar import (
    DAY,
    Answer,
    Attendee,
    CalendarEvent,
    EventChange,
    Moment,
    NewEvent,
    Notify,
    Status,
    zone_named,
)
from core.outside.errors import Malformed

log = structlog.get_logger(__name__)
SEND_UPDATES: Mapping[Notify, str] = {"all": "all", "external": "externalOnly", "none": "none"}
ANSWERS: Mapping[str, Answer] = {
    "needsAction": "needs_action", "accepted": "accepted", "tentative": "tentative", "declined": "declined",
}  # fmt: skip
WORDS: Mapping[Answer, str] = {answer: word for word, answer in ANSWERS.items()}
STATES: Mapping[str, Status] = {"confirmed": "confirmed", "tentative": "tentative", "cancelled": "cancelled"}
NO_TIME = {"workingLocation", "birthday"}  # shown on a calendar, and in nobody's way
RULES = ("RRULE", "EXDATE", "RDATE")
Json = Mapping[str, Any]


def event_from(item: object, calendar_zone: str) -> CalendarEvent:
    """An event out of Google's JSON. Raises Malformed for what is none."""
    row = _mapping(item)
    event_id = row.get("id")
    if not isinstance(event_id, str) or not event_id:
        raise Malformed("Google's calendar answered an event without an id", detail=str(sorted(row))[:200])
    try:
        original = _moment(row.get("originalStartTime"))
        start = _moment(row.get("start")) or original
        if start is None:
            raise Malformed("Google's calendar answered an event without a start", detail=f"event {event_id[:200]}")
        return CalendarEvent(
            id=event_id,
            title=str(row.get("summary") or ""),
            start=start,
            end=_end(start, _moment(row.get("end"))),
            timezone=_zone(_mapping(row.get("start")).get("timeZone"), calendar_zone),
            description=str(row.get("description") or ""),
            location=str(row.get("location") or ""),
            organizer=_organizer(row),
            attendees=tuple(guest for one in _items(row.get("attendees")) if (guest := _person(one))),
            recurrence=tuple(
                str(line) for line in _items(row.get("recurrence")) if str(line).upper().startswith(RULES)
            ),
            series_id=str(row.get("recurringEventId") or ""),
            original_start=original,
            status=STATES.get(str(row.get("status")), "confirmed"),
            is_busy=row.get("transparency") != "transparent" and row.get("eventType") not in NO_TIME,
            is_private=row.get("visibility") in {"private", "confidential"},
            guests_can_modify=row.get("guestsCanModify") is True,
            url=str(row.get("htmlLink") or ""),
            etag=str(row.get("etag") or ""),
        )
    except (ValueError, OverflowError, TypeError, Invalid) as error:
        raise Malformed(
            "Google's calendar answered an event that cannot be understood", detail=f"event {event_id[:200]}: {error}"
        ) from error


def events_from(items: object, calendar_zone: str) -> list[CalendarEvent]:
    """The events of a list; one that cannot be understood is passed over and logged. Raises Malformed for no list."""
    if not isinstance(items, list):
        raise Malformed("Google's calendar answered no list of events", detail=type(items).__name__)
    found: list[CalendarEvent] = []
    for item in cast("list[object]", items):
        try:
            found.append(event_from(item, calendar_zone))
        except Malformed as error:
            log.warning("calendar_event_not_understood", error=error.message, detail=error.detail)
    return found


def body_of(event_id: str, wanted: NewEvent, own_address: str) -> dict[str, Any]:
    """A new event as Google takes it, under an id of our own; without a conference."""
    return {
        "id": event_id,
        "summary": wanted.title,
        "start": _time(wanted.start, wanted.timezone),
        "end": _time(wanted.end, wanted.timezone),
        "description": wanted.description,
        "location": wanted.location,
        "attendees": guests_of(wanted.attendees, (), own_address),
        "recurrence": list(wanted.recurrence),
        "transparency": "opaque" if wanted.is_busy else "transparent",
        "visibility": "private" if wanted.is_private else "default",
    }


def patch_of(change: EventChange, before: Json, timezone: str, own_address: str) -> dict[str, Any]:
    """A change as Google takes it: the fields that change, and nothing else."""
    zone = change.timezone or timezone
    body: dict[str, Any] = {
        name: value
        for name, value in (
            ("summary", change.title),
            ("description", change.description),
            ("location", change.location),
        )
        if value is not None
    }
    if change.start is not None and change.end is not None:
        body |= {"start": _either(_time(change.start, zone)), "end": _either(_time(change.end, zone))}
    if change.attendees is not None:
        body["attendees"] = guests_of(change.attendees, _items(before.get("attendees")), own_address)
    if change.recurrence is not None:
        body["recurrence"] = list(change.recurrence)
    return body


def guests_of(addresses: Sequence[str], before: Sequence[object], own_address: str) -> list[dict[str, Any]]:
    """Attendees for Google; those who were invited before keep their answers."""
    known = {str(row.get("email") or "").casefold(): dict(row) for row in map(_mapping, before)}
    own = {"email": own_address, "responseStatus": "accepted"}
    return [
        known.get(address.casefold()) or (own if address.casefold() == own_address else {"email": address})
        for address in addresses
    ]


def _moment(value: object) -> Moment | None:
    row = _mapping(value)
    if row.get("dateTime"):
        at = datetime.fromisoformat(str(row["dateTime"]))
        if at.tzinfo is None:
            at = at.replace(tzinfo=ZoneInfo(_zone(row.get("timeZone"), "UTC")))
        return at.astimezone(ZoneInfo(_zone(row["timeZone"], "UTC"))) if row.get("timeZone") else at
    return date.fromisoformat(str(row["date"])) if row.get("date") else None


def _end(start: Moment, end: Moment | None) -> Moment:
    """The end where there is a possible one; else a day, or no time at all."""
    if isinstance(start, datetime):
        return end if isinstance(end, datetime) and end >= start else start
    return end if end is not None and not isinstance(end, datetime) and end > start else start + DAY


def _time(at: Moment, timezone: str) -> dict[str, str]:
    if isinstance(at, datetime):
        return {"dateTime": at.astimezone(zone_named(timezone)).isoformat(), "timeZone": timezone}
    return {"date": at.isoformat()}


def _either(time: dict[str, str]) -> dict[str, str | None]:
    """A patch from a time to a day has to take the time away, and the other way round."""
    return {"date": None, "dateTime": None, "timeZone": None, **time}


def _zone(name: object, otherwise: str) -> str:
    """A zone that exists; the calendar's where the event names one that does not."""
    try:
        return zone_named(str(name)).key if name else otherwise
    except Invalid:
        return otherwise


def _organizer(row: dict[str, Any]) -> Attendee | None:
    """Who organizes it: by its own field, else the guest who is marked so."""
    marked = (one for one in _items(row.get("attendees")) if _mapping(one).get("organizer") is True)
    return _person(row.get("organizer")) or _person(next(marked, None))


def _person(value: object) -> Attendee | None:
    row = _mapping(value)
    address = str(row.get("email") or "").strip().casefold()
    if not address:
        return None
    return Attendee(
        address=address,
        name=str(row.get("displayName") or ""),
        answer=ANSWERS.get(str(row.get("responseStatus")), "needs_action"),
        is_optional=row.get("optional") is True,
        is_self=row.get("self") is True,
    )


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
