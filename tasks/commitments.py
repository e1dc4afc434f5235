"""Promises: what the person promised to others, and what others promised to the person."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from tasks.models import Record

CommitmentState = Literal["open", "kept", "dropped"]


class Commitment(Record):
    """A promise found in mail, chat or notes, with the words it was made in."""

    id: UUID
    is_mine: bool
    person_address: str = ""
    """To whom it was made; who made it, where it is not mine. In lower case; "" where only the name is known."""
    person_name: str = ""
    quote: str
    title: str = ""
    source_kind: Literal["mail", "slack", "notes", "manual"] = "mail"
    message_id: str | None = None
    thread_key: str | None = None
    said_at: datetime
    due_at: datetime | None = None
    due_is_all_day: bool = True
    state: CommitmentState = "open"
    closed_at: datetime | None = None
    closed_because: str | None = None
    """Why it is closed, in words: the mail that answered it, or what the person said."""
    task_id: UUID | None = None
    """The task by which it is kept, where there is one."""
    away_until: datetime | None = None
    """Until when the other is away, by their automatic answer: no nudge before."""
    created_at: datetime
