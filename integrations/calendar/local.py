"""The local calendar: what was imported or made here, kept in the house's own database. It sends no invitations."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from core.errors import Conflict, NotFound
from core.outside.calendar import (
    Answer,
    Busy,
    CalendarEvent,
    EventChange,
    NewEvent,
    Notify,
    PersonBusy,
    WorkingHours,
)
from core.outside.errors import Refused
from integrations.calendar.entries import as_event, columns_of, occurrence_id, rule_columns
from integrations.calendar.ics import CalendarEntry
from integrations.calendar.recurrence import Occurrence, all_occurrences, occurrences

OCCURRENCE = re.compile(r"^(?P<uid>.+)_(?P<stamp>\d{8}T\d{6}Z)$", re.DOTALL)


class Store(Protocol):
    """Where the rows are. They carry the columns of `CalendarEntry`."""

    async def touching(self, start: datetime, end: datetime) -> Sequence[CalendarEntry]:
        """What may touch the span: events, series, and the changed occurrences of these series."""
        ...

    async def get(self, uid: str) -> Sequence[CalendarEntry]:
        """An event or series, and its changed occurrences."""
        ...

    async def add(self, row: Mapping[str, Any]) -> CalendarEntry:
        """A new row. Raises Conflict where its uid and recurrence_id are taken."""
        ...

    async def change(self, row: Mapping[str, Any], etag: str | None, *, drops_changes: bool = False) -> CalendarEntry:
        """Change the named columns. Raises NotFound; Conflict when it is not that version."""
        ...


@dataclass(frozen=True)
class LocalCalendar:
    """Fulfils `agents.services.calendar.Calendar` on a store."""

    store: Store
    address: str
    hours: WorkingHours
    name: str = "local calendar"
    invites: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return self.hours.zone

    async def list_events(self, start: datetime, end: datetime) -> list[CalendarEvent]:
        found = all_occurrences(await self.store.touching(start, end), start, end)
        return [self._occurrence(occurrence) for occurrence in found]

    async def get_event(self, event_id: str) -> CalendarEvent | None:
        entry, occurrence = await self._find(event_id)
        if occurrence is not None:
            return self._occurrence(occurrence)
        return as_event(entry, self.address) if entry is not None else None

    async def free_busy(self, addresses: Sequence[str], start: datetime, end: datetime) -> list[PersonBusy]:
        own: tuple[Busy, ...] | None = None
        found: list[PersonBusy] = []
        for address in addresses:
            if address.casefold() != self.address:
                found.append(PersonBusy(address, unknown_because="the local calendar knows nobody else"))
                continue
            if own is None:
                own = tuple(
                    _busy(event, self.zone) for event in await self.list_events(start, end) if _takes(event, self.zone)
                )
            found.append(PersonBusy(address, own))
        return found

    async def working_hours(self) -> WorkingHours:
        return self.hours

    async def create_event(self, event_id: str, wanted: NewEvent, notify: Notify) -> CalendarEvent:
        try:
            return as_event(await self.store.add({"uid": event_id, **columns_of(wanted, self.address)}), self.address)
        except Conflict:
            there = await self.get_event(event_id)
            if there is None:
                raise Refused("This event was cancelled after it had been made", detail=f"event {event_id}") from None
            return there

    async def update_event(
        self, event_id: str, change: EventChange, notify: Notify, etag: str | None = None
    ) -> CalendarEvent:
        entry, occurrence = await self._existing(event_id)
        before = self._occurrence(occurrence) if occurrence else as_event(entry, self.address)
        _check_version(before, etag)
        wanted = _changed(before, change)
        if occurrence is not None:
            if change.recurrence is not None:
                raise Refused("One occurrence has no rule of its own", hint="Change the whole series.")
            return await self._change_occurrence(entry, occurrence, wanted)
        row: dict[str, Any] = {"uid": entry.uid, **columns_of(wanted, self.address)}
        row["attendees"] = _kept_answers(row["attendees"], entry)
        if change.recurrence is None:
            row = {name: value for name, value in row.items() if name not in rule_columns((), "UTC")}
        moves = bool(entry.recurrence) and (change.start is not None or change.recurrence is not None)
        return as_event(await self._write(row, entry.etag, drops_changes=moves), self.address)

    async def cancel_event(self, event_id: str, notify: Notify, etag: str | None = None) -> None:
        entry, occurrence = await self._find(event_id)
        if entry is None:
            return
        if occurrence is None:
            _check_version(as_event(entry, self.address), etag)
            await self._write({"uid": entry.uid, "status": "cancelled"}, entry.etag)
            return
        _check_version(self._occurrence(occurrence), etag)
        row = self._row_of(occurrence) | {"status": "cancelled"}
        await self._put_occurrence(occurrence, row)

    async def respond(self, event_id: str, answer: Answer, comment: str, notify: Notify) -> CalendarEvent:
        entry, occurrence = await self._existing(event_id)
        guests = [guest.model_dump() for guest in (occurrence.entry if occurrence else entry).attendees]
        mine = [guest for guest in guests if guest["address"] == self.address]
        if not mine:
            raise Refused(f"{self.address} is not invited to this event", detail=f"event {event_id}")
        for guest in mine:
            guest["partstat"] = answer.replace("_", "-")
        if occurrence is None:
            return as_event(await self._write({"uid": entry.uid, "attendees": guests}, entry.etag), self.address)
        written = await self._put_occurrence(occurrence, self._row_of(occurrence) | {"attendees": guests})
        return self._occurrence(Occurrence(written, written.starts_at, written.ends_at))

    async def _change_occurrence(
        self, series: CalendarEntry, occurrence: Occurrence, wanted: NewEvent
    ) -> CalendarEvent:
        row = self._row_of(occurrence) | columns_of(wanted, self.address)
        row["attendees"] = _kept_answers(row["attendees"], series)
        row["recurrence"] = None
        written = await self._put_occurrence(occurrence, row)
        return self._occurrence(Occurrence(written, written.starts_at, written.ends_at))

    async def _put_occurrence(self, occurrence: Occurrence, row: dict[str, Any]) -> CalendarEntry:
        if occurrence.entry.recurrence_id:
            return await self._write(row, occurrence.entry.etag)
        try:
            return await self.store.add(row)
        except Conflict as error:
            raise Refused("This occurrence was changed meanwhile", hint="Look at it again.") from error

    async def _write(self, row: Mapping[str, Any], etag: str | None, *, drops_changes: bool = False) -> CalendarEntry:
        try:
            return await self.store.change(row, etag, drops_changes=drops_changes)
        except (Conflict, NotFound) as error:
            raise Refused("This event was changed meanwhile", detail=error.detail, hint="Look at it again.") from error

    async def _existing(self, event_id: str) -> tuple[CalendarEntry, Occurrence | None]:
        entry, occurrence = await self._find(event_id)
        if entry is None:
            raise Refused("There is no such event on the local calendar", detail=f"event {event_id[:200]}")
        return entry, occurrence

    async def _find(self, event_id: str) -> tuple[CalendarEntry | None, Occurrence | None]:
        """The event or series of an id, and where the id names one, the occurrence; (None, None) for what is not there."""
        found = await self.store.get(event_id)
        if found and found[0].recurrence_id == "":
            return (None, None) if found[0].status == "cancelled" else (found[0], None)
        named = OCCURRENCE.match(event_id)
        found = await self.store.get(named["uid"]) if named else ()
        if not named or not found or found[0].status == "cancelled":
            return None, None
        at = datetime.strptime(named["stamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        changes = [entry for entry in found if entry.recurrence_id]
        for change in changes:
            if datetime.fromisoformat(change.recurrence_id).astimezone(UTC) == at:
                if change.status == "cancelled":
                    return None, None
                return found[0], Occurrence(change, change.starts_at, change.ends_at)
        for occurrence in occurrences(found[0], at, at + timedelta(seconds=1), changes):
            if occurrence.starts_at.astimezone(UTC) == at:
                return found[0], occurrence
        return None, None

    def _occurrence(self, occurrence: Occurrence) -> CalendarEvent:
        """One occurrence, with an id of its own where it is of a series."""
        entry = occurrence.entry
        event = as_event(
            entry.model_copy(update={"starts_at": occurrence.starts_at, "ends_at": occurrence.ends_at}), self.address
        )
        if not (entry.recurrence or entry.added_starts or entry.recurrence_id):
            return event
        at = datetime.fromisoformat(entry.recurrence_id) if entry.recurrence_id else occurrence.starts_at
        return replace(event, id=occurrence_id(entry.uid, at), series_id=entry.uid, original_start=at, recurrence=())

    def _row_of(self, occurrence: Occurrence) -> dict[str, Any]:
        """The row that stands in for an occurrence."""
        entry = occurrence.entry
        at = entry.recurrence_id or occurrence.starts_at.astimezone(UTC).isoformat()
        row = entry.model_dump(mode="json", exclude={"etag", "excluded_starts", "added_starts"})
        return row | {
            "recurrence_id": at,
            "recurrence": None,
            "starts_at": occurrence.starts_at.isoformat(),
            "ends_at": occurrence.ends_at.isoformat(),
        }


def _changed(event: CalendarEvent, change: EventChange) -> NewEvent:
    """The event as it is wanted after the change."""

    def or_else(wanted: Any, there: Any) -> Any:
        return there if wanted is None else wanted

    return NewEvent(
        title=or_else(change.title, event.title),
        start=or_else(change.start, event.start),
        end=or_else(change.end, event.end),
        timezone=or_else(change.timezone, event.timezone),
        description=or_else(change.description, event.description),
        location=or_else(change.location, event.location),
        attendees=or_else(change.attendees, tuple(guest.address for guest in event.attendees)),
        recurrence=change.recurrence or (),
        is_busy=event.is_busy,
        is_private=event.is_private,
    )


def _kept_answers(guests: list[dict[str, str]], before: CalendarEntry) -> list[dict[str, str]]:
    known = {guest.address: guest.model_dump() for guest in before.attendees}
    return [known.get(guest["address"], guest) for guest in guests]


def _check_version(event: CalendarEvent, etag: str | None) -> None:
    if etag is not None and event.etag != etag:
        raise Refused("The event has changed since it was looked at", detail=f"event {event.id}")


def _takes(event: CalendarEvent, zone: ZoneInfo) -> bool:
    return event.takes_time() is not None and event.finishes(zone) > event.begins(zone)


def _busy(event: CalendarEvent, zone: ZoneInfo) -> Busy:
    return Busy(event.begins(zone), event.finishes(zone), event.takes_time() or "busy")
