"""Calendars as they are kept: one thin typed call per SQL function. What each refuses stands in its comment in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.database import Caller
from tasks.capture import CalendarEvent
from tasks.models import Record


class StoredEvent(CalendarEvent):
    """An event, a series with its rule, or (with `recurrence_id`) a changed occurrence, of one of several calendars."""

    calendar: str = "local"
    url: str = ""
    etag: str = ""
    is_busy: bool = True
    is_private: bool = False
    guests_can_modify: bool = False


class Synced(Record):
    """What a sync did: events kept, and rows removed."""

    kept: int
    removed: int


class FeedOwner(Record):
    """Whose feed link was opened."""

    user_id: UUID
    organization_id: UUID


async def list_calendar(
    caller: Caller, starts_before: datetime, ends_after: datetime, calendars: Sequence[str] | None = None
) -> list[StoredEvent]:
    """Events and series that touch a span, with the changed occurrences of these series; of some calendars or of all."""
    named = "{" + ",".join(f'"{name}"' for name in calendars) + "}" if calendars is not None else None
    rows = await caller.call("list_calendar", starts_before=starts_before, ends_after=ends_after, calendars=named)
    return [StoredEvent.model_validate(row) for row in rows]


async def get_calendar_event(caller: Caller, calendar: str, uid: str) -> list[StoredEvent]:
    """An event or a series (first), and its changed occurrences; empty when there is none."""
    rows = await caller.call("get_calendar_event", calendar=calendar, uid=uid)
    return [StoredEvent.model_validate(row) for row in rows]


async def add_calendar_event(caller: Caller, event: Mapping[str, Any]) -> StoredEvent:
    """A new event on the local calendar. Raises Conflict where its uid (and occurrence) is taken."""
    return StoredEvent.model_validate(await caller.call("add_calendar_event", event=dict(event)))


async def change_calendar_event(
    caller: Caller, event: Mapping[str, Any], etag: str | None = None, *, drops_changes: bool = False
) -> StoredEvent:
    """Change the named columns of a local event. Raises NotFound, or Conflict when it is not the version of `etag`."""
    row = await caller.call("change_calendar_event", event=dict(event), expected_etag=etag, drops_changes=drops_changes)
    return StoredEvent.model_validate(row)


async def sync_calendar(
    caller: Caller, calendar: str, events: Sequence[Mapping[str, Any]], gone: Sequence[str], *, is_full: bool
) -> Synced:
    """Bring the copy of a connected calendar up to date, all or nothing (worker only)."""
    listed = "{" + ",".join('"' + uid.replace("\\", "\\\\").replace('"', '\\"') + '"' for uid in gone) + "}"
    row = await caller.call(
        "sync_calendar", calendar=calendar, events=[dict(e) for e in events], gone=listed, is_full=is_full
    )
    return Synced.model_validate(row)


async def renew_calendar_feed(caller: Caller, token_hash: str) -> None:
    """Make one's feed link, or replace it: the one before stops working."""
    await caller.call("renew_calendar_feed", token_hash=token_hash)


async def get_calendar_feed(caller: Caller) -> datetime | None:
    """Since when one has a feed link; None without one."""
    row = await caller.call("get_calendar_feed")
    return datetime.fromisoformat(row["created_at"]) if row else None


async def drop_calendar_feed(caller: Caller) -> bool:
    """Take one's feed link away; whether there was one."""
    return bool(await caller.call("drop_calendar_feed"))


async def open_calendar_feed(caller: Caller, token_hash: str) -> FeedOwner | None:
    """Whose feed link this is; None for one that is not, or not any more (worker only)."""
    row = await caller.call("open_calendar_feed", token_hash=token_hash)
    return FeedOwner.model_validate(row) if row else None
