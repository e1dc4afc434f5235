"""What the rules know of a mail, and what they say of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tasks.models import ExtractedTask

Category = Literal["needs_reply", "needs_action", "information", "noise"]


@dataclass(frozen=True, kw_only=True)
class MailForTriage:
    """A mail as the rules need it. `text` is its new part; `quoted` the rest; `hidden_text` what its HTML hides.

    Addresses are bare; `people` are the names in To and Cc.
    """

    message_id: str
    thread_key: str = ""
    in_reply_to: str | None = None
    from_address: str
    from_name: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    quoted: str = ""
    hidden_text: str = ""
    sent_at: datetime | None = None
    list_unsubscribe: bool = False
    auto_submitted: bool = False
    precedence: str = ""
    is_calendar_reply: bool = False


@dataclass(frozen=True)
class CalendarSlot:
    """An occurrence in the owner's calendar."""

    title: str
    starts_at: datetime
    uid: str


@dataclass(frozen=True)
class LinkedEvent:
    """A line of a mail that is in the calendar already, so it makes no task."""

    uid: str
    title: str
    quote: str


@dataclass(frozen=True)
class Commitment:
    """Something the owner promised in a mail of theirs."""

    quote: str
    due_at: datetime | None
    due_is_all_day: bool = True


@dataclass(frozen=True)
class MailTriage:
    """What a mail means. `suspicious` says why, with the line that shows it."""

    category: Category
    suspicious: str | None = None
    tasks: tuple[ExtractedTask, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    linked_events: tuple[LinkedEvent, ...] = ()


@dataclass(frozen=True)
class TriagedMail:
    """A mail of a mailbox with what it means there: its thread is taken into account."""

    mail: MailForTriage
    triage: MailTriage
