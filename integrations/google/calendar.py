"""Google Calendar of one account. Source: the reference and guides of Google Calendar API v3.

An event that we make carries our own id, so that asking again answers 409 and does nothing; changes name the version that
they are made to (If-Match). Conferences are never added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

from core.errors import Conflict, NotFound
from core.outside.calendar import (
    Answer,
    Busy,
    CalendarEvent,
    Changes,
    EventChange,
    NewEvent,
    Notify,
    PersonBusy,
    WorkingHours,
)
from core.outside.errors import Malformed, Refused
from integrations.google.calendar_events import SEND_UPDATES, WORDS, body_of, event_from, events_from, patch_of
from integrations.google.client import GoogleClient
from integrations.google.faults import TooOld

PAGE = 2500
MOST_EVENTS = 50_000
PEOPLE_AT_ONCE = 50
DAYS_AT_ONCE = timedelta(days=60)
LOOK_BACK = timedelta(days=366)
UNKNOWN = {
    "notFound": "there is no such calendar, or it is not shared with you",
    "notACalendarUser": "they have no Google calendar",
    "forbidden": "they do not share it with you",
}


class _Page(Protocol):
    def __call__(self, api: Any, token: str | None, /) -> Any: ...


@dataclass(frozen=True)
class GoogleCalendar:
    """Fulfils `agents.services.calendar.Calendar` for one account.

    `hours` are the person's: Google's API does not tell working hours. `calendar_id` is one of the account's calendars.
    """

    client: GoogleClient
    address: str
    hours: WorkingHours
    calendar_id: str = "primary"
    invites: bool = True

    @property
    def name(self) -> str:
        return f"Google Calendar of {self.address}"

    async def list_events(self, start: datetime, end: datetime) -> list[CalendarEvent]:
        def page(api: Any, token: str | None) -> Any:
            return api.events().list(
                calendarId=self.calendar_id,
                timeMin=_stamp(start),
                timeMax=_stamp(end),
                singleEvents=True,
                orderBy="startTime",
                maxResults=PAGE,
                pageToken=token,
            )

        items, _ = await self._pages(page, "read the calendar")
        zone = self.hours.zone
        found = [event for event in events_from(items, self.hours.timezone) if event.status != "cancelled"]
        touching = [e for e in found if e.begins(zone) < end and (e.finishes(zone) > start or e.begins(zone) >= start)]
        return sorted(touching, key=lambda event: event.begins(zone))

    async def get_event(self, event_id: str) -> CalendarEvent | None:
        row = await self._get(event_id)
        return self._event(row) if row is not None else None

    async def free_busy(self, addresses: Sequence[str], start: datetime, end: datetime) -> list[PersonBusy]:
        busy: dict[str, list[Busy]] = {address: [] for address in addresses}
        unknown: dict[str, str] = {}
        for first in range(0, len(addresses), PEOPLE_AT_ONCE):
            some = addresses[first : first + PEOPLE_AT_ONCE]
            at = start
            while at < end:
                until = min(at + DAYS_AT_ONCE, end)
                answered = await self._free_busy(some, at, until)
                for address in some:
                    row: object = answered.get(self.calendar_id if address.casefold() == self.address else address)
                    if isinstance(row, dict) and not cast("dict[str, Any]", row).get("errors"):
                        busy[address] += _busy(cast("dict[str, Any]", row))
                    else:
                        unknown[address] = _why(cast("object", row))
                at = until
        return [
            PersonBusy(a, unknown_because=unknown[a]) if a in unknown else PersonBusy(a, tuple(busy[a]))
            for a in addresses
        ]

    async def working_hours(self) -> WorkingHours:
        return self.hours

    async def create_event(self, event_id: str, wanted: NewEvent, notify: Notify) -> CalendarEvent:
        body = body_of(event_id, wanted, self.address)

        def make(api: Any) -> Any:
            return api.events().insert(
                calendarId=self.calendar_id, body=body, sendUpdates=SEND_UPDATES[notify], conferenceDataVersion=0
            )

        try:
            return self._event(await self.client.call("calendar", make, "put an event on the calendar", is_effect=True))
        except Conflict:
            there = await self.get_event(event_id)
            if there is None:
                raise Refused("This event was cancelled after it had been made", detail=f"event {event_id}") from None
            return there
        except NotFound as error:
            raise Refused(f"The {self.name} is not there", detail=error.detail) from error

    async def update_event(
        self, event_id: str, change: EventChange, notify: Notify, etag: str | None = None
    ) -> CalendarEvent:
        before = await self._existing(event_id)
        if before.get("recurringEventId") and change.recurrence is not None:
            raise Refused("One occurrence has no rule of its own", hint="Change the whole series.")
        body = patch_of(change, before, self._event(before).timezone, self.address)
        return await self._patch(event_id, body, notify, etag or str(before.get("etag") or ""))

    async def cancel_event(self, event_id: str, notify: Notify, etag: str | None = None) -> None:
        def make(api: Any) -> Any:
            request = api.events().delete(
                calendarId=self.calendar_id, eventId=event_id, sendUpdates=SEND_UPDATES[notify]
            )
            return _if_match(request, etag)

        try:
            await self.client.call("calendar", make, "cancel an event", is_effect=True)
        except NotFound:
            return  # 404 and 410: it is gone
        except Conflict as error:
            raise Refused("The event has changed since it was looked at", detail=f"event {event_id}") from error

    async def respond(self, event_id: str, answer: Answer, comment: str, notify: Notify) -> CalendarEvent:
        before = await self._existing(event_id)
        guests = cast("list[Mapping[str, Any]]", before.get("attendees") or [])
        mine = next((guest for guest in guests if guest.get("self")), None)
        if mine is None:
            raise Refused(f"{self.address} is not invited to this event", detail=f"event {event_id}")
        # With attendeesOmitted Google changes this person's answer alone, and leaves the other guests as they are.
        own = {"email": mine.get("email"), "responseStatus": WORDS[answer], **({"comment": comment} if comment else {})}
        body = {"attendeesOmitted": True, "attendees": [own]}
        return await self._patch(event_id, body, notify, str(before.get("etag") or ""))

    async def changes(self, token: str | None, now: datetime) -> Changes:
        """What changed since a token; everything from a year back where there is none, or Google forgot it (410)."""
        if token:
            try:
                return await self._changes(token, now)
            except TooOld:
                pass  # the copy is void: begin anew
        return await self._changes(None, now)

    async def _changes(self, token: str | None, now: datetime) -> Changes:
        def page(api: Any, page_token: str | None) -> Any:
            begin = {"syncToken": token} if token else {"timeMin": _stamp(now - LOOK_BACK)}
            return api.events().list(
                calendarId=self.calendar_id, maxResults=PAGE, pageToken=page_token, singleEvents=False, **begin
            )

        items, last = await self._pages(page, "read the calendar")
        events = events_from([i for i in items if not _is_gone(i)], self.hours.timezone)
        gone = [str(item.get("id")) for item in items if _is_gone(item)]
        return Changes(events, gone, str(last.get("nextSyncToken") or ""), is_full=token is None)

    async def _pages(self, page: _Page, what: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The items of all pages, and the last page."""
        items: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            answer = await self.client.call("calendar", lambda api, at=token: page(api, at), what)
            listed = answer.get("items", [])
            if not isinstance(listed, list):
                raise Malformed("Google's calendar answered no list of events", detail=type(listed).__name__)
            items += [cast("dict[str, Any]", one) for one in cast("list[object]", listed) if isinstance(one, dict)]
            following = answer.get("nextPageToken")
            if not following:
                return items, answer
            if following == token or len(items) > MOST_EVENTS:
                raise Malformed(f"Google's calendar does not end after {len(items):,} events")
            token = str(following)

    async def _get(self, event_id: str) -> dict[str, Any] | None:
        """Google's event; None when there is none or it was cancelled."""
        try:
            row = await self.client.call(
                "calendar",
                lambda api: api.events().get(calendarId=self.calendar_id, eventId=event_id),
                "look an event up",
            )
        except NotFound:
            return None
        return None if row.get("status") == "cancelled" else row

    async def _existing(self, event_id: str) -> dict[str, Any]:
        row = await self._get(event_id)
        if row is None:
            raise Refused(f"There is no such event on the {self.name}", detail=f"event {event_id[:200]}")
        return row

    async def _patch(self, event_id: str, body: Mapping[str, Any], notify: Notify, etag: str) -> CalendarEvent:
        def make(api: Any) -> Any:
            request = api.events().patch(
                calendarId=self.calendar_id,
                eventId=event_id,
                body=dict(body),
                sendUpdates=SEND_UPDATES[notify],
                conferenceDataVersion=0,
            )
            return _if_match(request, etag)

        try:
            return self._event(await self.client.call("calendar", make, "change an event", is_effect=True))
        except Conflict as error:
            raise Refused("The event has changed since it was looked at", detail=f"event {event_id}") from error
        except NotFound as error:
            raise Refused(f"There is no such event on the {self.name}", detail=f"event {event_id}") from error

    async def _free_busy(self, addresses: Sequence[str], start: datetime, end: datetime) -> Mapping[str, Any]:
        ids = [self.calendar_id if address.casefold() == self.address else address for address in addresses]
        body = {"timeMin": _stamp(start), "timeMax": _stamp(end), "timeZone": "UTC", "items": [{"id": i} for i in ids]}
        answer = await self.client.call("calendar", lambda api: api.freebusy().query(body=body), "see who is busy")
        calendars = answer.get("calendars")
        if not isinstance(calendars, dict):
            raise Malformed("Google's calendar answered no free/busy times")
        return cast("dict[str, Any]", calendars)

    def _event(self, row: Mapping[str, Any]) -> CalendarEvent:
        return event_from(row, self.hours.timezone)


def _is_gone(item: Mapping[str, Any]) -> bool:
    """A removed event or series; a removed occurrence stays, as a change of its series."""
    return item.get("status") == "cancelled" and not item.get("recurringEventId")


def _if_match(request: Any, etag: str | None) -> Any:
    if etag:
        request.headers["if-match"] = etag
    return request


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _busy(row: Mapping[str, Any]) -> list[Busy]:
    listed = cast("list[Mapping[str, Any]]", row.get("busy") or [])
    try:
        return [Busy(datetime.fromisoformat(str(a["start"])), datetime.fromisoformat(str(a["end"]))) for a in listed]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Malformed("Google's calendar answered busy times that cannot be understood", detail=str(error)) from error


def _why(row: object) -> str:
    errors = cast("dict[str, list[dict[str, str]]]", row).get("errors") if isinstance(row, dict) else None
    reason = errors[0].get("reason", "") if errors else "notFound"
    return UNKNOWN.get(reason, f"Google does not tell ({reason or 'no reason given'})")
