"""Events as an iCalendar file (RFC 5545), for programs that subscribe or import."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog

from core.outside.calendar import CalendarEvent, Moment, zone_named
from integrations.calendar.ics import NOT_TEXT

PRODUCT = "-//Steward//Steward//EN"
MEDIA_TYPE = "text/calendar; charset=utf-8"
logger = structlog.get_logger(__name__)


def write_ics(events: Iterable[CalendarEvent], name: str, now: datetime, refresh: timedelta | None = None) -> bytes:
    """A file with these events, under a name that programs show. `refresh` is how often subscribers may ask again.

    Times are in UTC; those of a series by the clock of its zone, which the file describes. Whatever stands in a text
    stays text: no line of the file comes out of it.
    """
    from icalendar import Calendar

    made = cast(Any, Calendar())
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", " ".join(_text(name).split()))  # this one is not escaped by the library
    if refresh:
        made.add("refresh-interval", refresh, parameters={"VALUE": "DURATION"})
        made.add("x-published-ttl", refresh)
    has_zones = False
    for event in events:
        made.add_component(_component(event, now))
        has_zones |= bool(event.recurrence) and not event.is_all_day
    if has_zones:
        made.add_missing_timezones()
    return bytes(made.to_ical())


def _component(event: CalendarEvent, now: datetime) -> Any:
    from icalendar import Event, vCalAddress
    from icalendar.prop import vRecur

    made = cast(Any, Event())
    made.add("uid", _text(event.id))
    made.add("dtstamp", now.astimezone(UTC))
    made.add("dtstart", _time(event.start, event))
    made.add("dtend", _time(event.end, event))
    for field, value in (("summary", event.title), ("description", event.description), ("location", event.location)):
        if value:
            made.add(field, _text(value))
    if event.url.startswith(("http://", "https://")):
        made.add("url", _text(event.url).replace("\n", ""))
    made.add("status", event.status.upper())
    made.add("transp", "OPAQUE" if event.is_busy else "TRANSPARENT")
    if event.is_private:
        made.add("class", "PRIVATE")
    for line in event.recurrence:
        name, _, value = line.partition(":")
        if name.upper() == "RRULE":
            try:
                made.add("rrule", cast(Any, vRecur).from_ical(value))
            except ValueError as error:  # one odd event of somebody's must not cost all the others
                logger.warning("calendar_rule_left_out", uid=event.id[:200], error=str(error)[:200])
    for guest in event.attendees:
        address = cast(Any, vCalAddress)("mailto:" + "".join(_text(guest.address).split()))
        address.params["PARTSTAT"] = guest.answer.replace("_", "-").upper()
        made.add("attendee", address, encode=0)
    return made


def _time(at: Moment, event: CalendarEvent) -> Moment:
    if not isinstance(at, datetime):
        return at
    return at.astimezone(zone_named(event.timezone) if event.recurrence else UTC)


def _text(text: str) -> str:
    return NOT_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
