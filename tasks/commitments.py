"""Promises: what the person promised to others, and what others promised to the person. One thin typed call per SQL function."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.database import Caller
from tasks.functions import Page
from tasks.models import ExecutionStatus, Record

CommitmentState = Literal["open", "kept", "dropped"]
ClosedState = Literal["kept", "dropped"]
SourceKind = Literal["mail", "slack", "notes", "manual"]
MailCategory = Literal["needs_reply", "needs_action", "information", "noise"]
MailShelf = Literal["needs_reply", "needs_action", "information", "noise", "suspicious"]
LONGEST_SAID = 200
MAIL_CATEGORIES: tuple[MailCategory, ...] = ("needs_reply", "needs_action", "information", "noise")


class Commitment(Record):
    """A promise found in mail, chat or notes, with the words it was made in."""

    id: UUID
    user_id: UUID | None = None
    """In whose mail or words it was found."""
    is_mine: bool
    person_address: str = ""
    """To whom it was made; who made it, where it is not mine. In lower case; "" where only the name is known."""
    person_name: str = ""
    quote: str
    title: str = ""
    source_kind: SourceKind = "mail"
    message_id: str | None = None
    thread_key: str | None = None
    said_at: datetime
    due_at: datetime | None = None
    due_is_all_day: bool = True
    state: CommitmentState = "open"
    closed_at: datetime | None = None
    closed_because: str | None = None
    """Why it is closed, in words: the mail that answered it, or what the person said."""
    reopened_at: datetime | None = None
    """A person opened it again: mail from before closes it no more."""
    task_id: UUID | None = None
    """The task by which it is kept, where there is one."""
    task_title: str | None = None
    subject: str | None = None
    """Of the mail it was made in."""
    mail_id: UUID | None = None
    is_answered: bool = False
    """Did the person write in its thread?"""
    away_until: datetime | None = None
    """Until when the other is away, by their automatic answer: no nudge before."""
    created_at: datetime

    @property
    def called(self) -> str:
        """Whom it is about, in a sentence."""
        return self.person_name or self.person_address or "somebody"

    @property
    def who(self) -> str:
        """Who promised whom, in words: "You promised Omar", "Omar promised you", "Omar, by the notes"."""
        return self.told_of("you")

    def told_of(self, whose: str) -> str:
        """The same where another reads it; `whose` is the word for whoever it was found for: "you", "Ana"."""
        is_known = bool(self.person_name or self.person_address)
        if self.is_mine:
            begins = f"{whose[:1].upper()}{whose[1:]} promised"
            return f"{begins} {self.called}" if is_known else begins
        called = self.called if is_known else "Somebody"
        return f"{called}, by the notes" if self.source_kind == "notes" else f"{called} promised {whose}"

    @property
    def heading(self) -> str:
        """What was promised, beginning with a capital."""
        said = " ".join((self.title or self.quote).split())
        said = said if len(said) <= LONGEST_SAID else f"{said[: LONGEST_SAID - 1]}…"
        return f"{said[:1].upper()}{said[1:]}"

    @property
    def said(self) -> str:
        """Who promised what in one line, the same wherever it is told."""
        return f"{self.who}: {self.heading}"


class NewCommitment(BaseModel):
    """A promise as it was found. The same words of the same message are kept once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_mine: bool
    person_address: str = Field(default="", max_length=320)
    person_name: str = Field(default="", max_length=300)
    quote: str = Field(min_length=1, max_length=1000)
    title: str = Field(default="", max_length=300)
    source_kind: SourceKind = "mail"
    message_id: str | None = None
    thread_key: str | None = None
    said_at: datetime
    due_at: datetime | None = None
    due_is_all_day: bool = True
    task_id: UUID | None = None

    @property
    def source_key(self) -> str:
        """Its identity: where it was said, by which side, and the words."""
        place = self.message_id or self.said_at.isoformat()
        said = f"{self.is_mine}\x1f{self.person_name.casefold()}\x1f{' '.join(self.quote.split())}"
        return f"{self.source_kind}:{place[:1000]}:{hashlib.sha256(said.encode()).hexdigest()[:24]}"


class CommitmentFilter(BaseModel):
    """Which promises a list shows; None means any. `person`: an address, or a part of a name."""

    model_config = ConfigDict(extra="forbid")

    state: CommitmentState | None = None
    is_closed: bool | None = None
    is_mine: bool | None = None
    person: str | None = Field(default=None, max_length=320)
    due_before: datetime | None = None
    message_id: str | None = None


class TaskOfMail(Record):
    """A task that a mail made."""

    id: UUID
    title: str
    execution_status: ExecutionStatus
    due_at: datetime | None = None
    due_is_all_day: bool = True


class SortedMail(Record):
    """A mail of somebody else, what it needs, and what was made of it. `text` is its beginning; others wrote it."""

    id: UUID
    message_id: str
    thread_key: str
    from_name: str = ""
    from_address: str = ""
    subject: str = ""
    sent_at: datetime | None = None
    created_at: datetime
    text: str = ""
    is_from_me: bool = False
    category: MailCategory | None = None
    suspicious: str | None = None
    corrected_at: datetime | None = None
    corrected_from: MailCategory | Literal[""] | None = None
    """What triage had said, where a person said otherwise; "" where it had said nothing."""
    tasks: list[TaskOfMail] = Field(default_factory=list[TaskOfMail])
    commitments: list[Commitment] = Field(default_factory=list[Commitment])


class CorrectedMail(Record):
    """A mail whose category a person said."""

    id: UUID
    category: MailCategory | None = None
    corrected_at: datetime | None = None
    corrected_from: MailCategory | Literal[""] | None = None


class MailCounts(Record):
    """How many mails of others there were, by what they need; `corrected`: put right by a person."""

    needs_reply: int = 0
    needs_action: int = 0
    information: int = 0
    noise: int = 0
    suspicious: int = 0
    corrected: int = 0
    all: int = 0


async def record_commitments(caller: Caller, found: Sequence[NewCommitment]) -> list[Commitment]:
    """Keep promises; those that are known already are left out of the answer."""
    if not found:
        return []
    items = [{**one.model_dump(mode="json"), "source_key": one.source_key} for one in found]
    return [Commitment.model_validate(row) for row in await caller.call("record_commitments", items=items)]


async def get_commitment(caller: Caller, commitment_id: UUID) -> Commitment:
    """One promise. Raises NotFound."""
    return Commitment.model_validate(await caller.call("get_commitment", commitment_id=commitment_id))


async def list_commitments(
    caller: Caller, wanted: CommitmentFilter | None = None, *, after: list[Any] | None = None, limit: int = 50
) -> Page[Commitment]:
    """Promises: open ones first, by what is due; then closed ones, the last closed first."""
    filters = wanted.model_dump(mode="json", exclude_none=True) if wanted else {}
    row = await caller.call("list_commitments", filter=filters, after=after, page_size=limit)
    return Page[Commitment].model_validate(row)


async def all_commitments(caller: Caller, wanted: CommitmentFilter) -> list[Commitment]:
    """Every promise that fits, page by page."""
    found: list[Commitment] = []
    after: list[Any] | None = None
    while True:
        page = await list_commitments(caller, wanted, after=after, limit=200)
        found += page.items
        after = page.after
        if after is None:
            return found


async def close_commitment(
    caller: Caller, commitment_id: UUID, state: ClosedState, because: str, at: datetime
) -> Commitment:
    """It is kept or dropped. Raises NotFound, Conflict when it was closed otherwise."""
    row = await caller.call(
        "close_commitment", commitment_id=commitment_id, state=state, because=because[:1000], at=at.isoformat()
    )
    return Commitment.model_validate(row)


async def reopen_commitment(caller: Caller, commitment_id: UUID, at: datetime) -> Commitment:
    """It is open again. Raises NotFound."""
    row = await caller.call("reopen_commitment", commitment_id=commitment_id, at=at.isoformat())
    return Commitment.model_validate(row)


async def move_commitment(
    caller: Caller, commitment_id: UUID, due_at: datetime | None, *, due_is_all_day: bool = True
) -> Commitment:
    """It is due at another time, or at none. Raises NotFound, Conflict when it is closed."""
    row = await caller.call(
        "move_commitment",
        commitment_id=commitment_id,
        due_at=due_at.isoformat() if due_at else None,
        due_is_all_day=due_is_all_day,
    )
    return Commitment.model_validate(row)


async def settle_commitments(caller: Caller, changes: Sequence[Mapping[str, Any]]) -> int:
    """What later mail says of open promises; how many it changed."""
    return int(await caller.call("settle_commitments", changes=[dict(one) for one in changes])) if changes else 0


async def link_commitments(caller: Caller) -> int:
    """Link one's own open promises to the tasks that mail made of them; how many."""
    return int(await caller.call("link_commitments"))


async def list_later_mail(caller: Caller, commitment_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Rows of mail that may settle these promises, oldest first."""
    return list(await caller.call("list_later_mail", commitment_ids=[str(one) for one in commitment_ids]))


async def correct_mail(caller: Caller, mail_id: UUID, category: MailCategory, at: datetime) -> CorrectedMail:
    """A person says what a mail needs. Raises NotFound, Invalid."""
    row = await caller.call("correct_mail", mail_id=mail_id, category=category, at=at.isoformat())
    return CorrectedMail.model_validate(row)


async def get_triaged_mail(caller: Caller, mail_id: UUID) -> SortedMail:
    """One mail with what triage made of it. Raises NotFound."""
    return SortedMail.model_validate(await caller.call("get_triaged_mail", mail_id=mail_id))


async def list_triaged_mail(
    caller: Caller,
    category: MailShelf | None = None,
    *,
    after: list[Any] | None = None,
    limit: int = 50,
) -> Page[SortedMail]:
    """Mail of others by what it needs, newest first, with its tasks and promises."""
    row = await caller.call("list_triaged_mail", category=category, after=after, page_size=limit)
    return Page[SortedMail].model_validate(row)


async def count_triaged_mail(caller: Caller, since: datetime) -> MailCounts:
    """How many mails of others came since then, by what they need."""
    return MailCounts.model_validate(await caller.call("count_triaged_mail", since=since.isoformat()))
