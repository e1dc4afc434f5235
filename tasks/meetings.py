"""What there is about the meeting of a task: one thin typed call."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.calendar import StoredEvent
from tasks.models import Record, Task


class EventRef(Record):
    """Which occurrence a task is about, as it stands in `source_ref.event`."""

    calendar: str = ""
    uid: str = ""
    recurrence_id: str = ""
    starts_at: datetime | None = None
    title: str = ""


class MailOfMeeting(Record):
    """A mail with the people of a meeting, what it quotes included. `is_own`: the person's own words for certain."""

    message_id: str
    thread_key: str
    account: str = ""
    from_name: str = ""
    from_address: str = ""
    to_addresses: list[str] = Field(default_factory=list[str])
    cc_addresses: list[str] = Field(default_factory=list[str])
    subject: str = ""
    sent_at: datetime
    text_body: str = ""
    is_from_me: bool = False
    category: str | None = None
    suspicious: str | None = None
    auto_submitted: str | None = None
    is_own: bool = False


class EventAround(Record):
    """Something in the calendar around now."""

    title: str
    starts_at: datetime
    is_all_day: bool = False


class MeetingFacts(Record):
    """All that is known of the meeting of a task. `notes_id`: the mail with its notes; `is_own_event`: title and time are nobody else's word."""

    event: EventRef = EventRef()
    notes_id: str | None = None
    is_own_event: bool = False
    entries: list[StoredEvent] = Field(default_factory=list[StoredEvent])
    around: list[EventAround] = Field(default_factory=list[EventAround])
    own_addresses: list[str] = Field(default_factory=list[str])
    mails: list[MailOfMeeting] = Field(default_factory=list[MailOfMeeting])
    tasks: list[Task] = Field(default_factory=list[Task])
    earlier: str | None = None


async def get_meeting_facts(caller: Caller, task_id: UUID, since: datetime, until: datetime) -> MeetingFacts:
    """The meeting of a task with mail of the span, oldest first, and open tasks (worker only)."""
    row: dict[str, Any] = await caller.call("get_meeting_facts", task_id=task_id, since=since, until=until)
    return MeetingFacts.model_validate(row)
