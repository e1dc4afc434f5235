"""What comes in: conversations, mail, calendar: one thin typed call per SQL function."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.functions import Page, task_item
from tasks.models import Extraction, Record, Task


class Conversation(Record):
    """A chat, without its messages."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class ConversationMessage(Record):
    """One line of a chat, with the tasks that came from it."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    task_ids: list[UUID] = Field(default_factory=list[UUID])
    tasks: list[Task] = Field(default_factory=list[Task])
    created_at: datetime


class ConversationWithMessages(Conversation):
    """A chat with its messages, oldest first."""

    messages: list[ConversationMessage] = Field(default_factory=list[ConversationMessage])


class ChatTurn(Record):
    """The answer to one message of a person."""

    conversation_id: UUID
    message_id: UUID
    reply: str
    tasks: list[Task] = Field(default_factory=list[Task])


class MailImport(Record):
    """What an import of mail added."""

    messages_added: int
    tasks: list[Task] = Field(default_factory=list[Task])


class CalendarEvent(Record):
    """An event, or a series with its rule."""

    id: UUID
    uid: str
    recurrence_id: str = ""
    title: str
    description: str = ""
    location: str = ""
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool = False
    timezone: str = "UTC"
    recurrence: str | None = None
    excluded_starts: list[datetime] = Field(default_factory=list[datetime])
    added_starts: list[datetime] = Field(default_factory=list[datetime])
    organizer: str = ""
    attendees: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    status: str = "confirmed"


async def save_chat_turn(
    caller: Caller, message: str, extraction: Extraction, conversation_id: UUID | None = None
) -> ChatTurn:
    """Keep one turn of a chat and make the tasks that were found in it."""
    tasks = [task_item(found) for found in extraction.tasks]
    row = await caller.call(
        "save_chat_turn",
        message=message,
        reply=extraction.reply,
        tasks=tasks,
        conversation_id=conversation_id,
    )
    return ChatTurn.model_validate(row)


async def list_conversations(caller: Caller, *, after: list[Any] | None = None, limit: int = 50) -> Page[Conversation]:
    """One's own conversations, the last one used first."""
    return Page[Conversation].model_validate(await caller.call("list_conversations", after=after, page_size=limit))


async def get_conversation(caller: Caller, conversation_id: UUID) -> ConversationWithMessages:
    """A conversation with its messages."""
    return ConversationWithMessages.model_validate(
        await caller.call("get_conversation", conversation_id=conversation_id)
    )


async def import_mail(
    caller: Caller, messages: Sequence[Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]]
) -> MailImport:
    """Keep messages and make the tasks found in them; what is known already is passed over."""
    row = await caller.call("import_mail", messages=[dict(m) for m in messages], tasks=[dict(t) for t in tasks])
    return MailImport.model_validate(row)


async def import_calendar(caller: Caller, events: Sequence[Mapping[str, Any]]) -> int:
    """Keep events by their uid; how many were added or brought up to date."""
    row = await caller.call("import_calendar", events=[dict(e) for e in events])
    return int(row["events"])


async def list_calendar_events(caller: Caller, starts_before: datetime, ends_after: datetime) -> list[CalendarEvent]:
    """Events that touch a span, and every series that began before its end."""
    rows = await caller.call("list_calendar_events", starts_before=starts_before, ends_after=ends_after)
    return [CalendarEvent.model_validate(row) for row in rows]


class StoredMail(Record):
    """A mail as it was read; `suspicious` quotes a line that tries to command the assistant."""

    id: UUID
    from_name: str
    from_address: str
    subject: str
    sent_at: datetime | None = None
    category: str | None = None
    suspicious: str | None = None
    created_at: datetime


async def list_mail(caller: Caller, limit: int = 50) -> list[StoredMail]:
    """Mail, newest first."""
    return [StoredMail.model_validate(row) for row in await caller.call("list_mail", page_size=limit)]


async def get_profile(caller: Caller) -> dict[str, Any]:
    """Who is signed in, and the organization they act for."""
    return await caller.call("get_profile")
