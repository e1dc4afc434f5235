"""The digest: one page a day of what was held back, what was done without a person, and what that cost."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from core.database import Caller
from core.errors import NotFound
from tasks.models import Record
from tasks.nudges import AttentionRules


class DoneByItself(Record):
    """An act that a standing permission let go: one line."""

    approval_id: UUID
    task_id: UUID
    title: str
    root_task_id: UUID | None = None
    root_title: str
    at: datetime
    action: str | None = None
    subject: str | None = None
    to: list[str] | None = None
    draft_id: UUID | None = None
    policy_id: UUID | None = None


class SilentRuns(Record):
    """What was prepared unasked, and what it cost in US dollars. `waiting`: tasks that wait at a bound, as for money."""

    runs: int = 0
    cost_usd: float = 0
    model_calls: int = 0
    waiting: int = 0

    @property
    def cost_words(self) -> str:
        """What it cost: "at no cost", "for $0.12"."""
        if not self.cost_usd:
            return "at no cost"
        cost = f"${self.cost_usd:.2f}" if self.cost_usd >= 0.01 else "less than a cent"
        return f"for {cost}"


class KeptPromise(Record):
    """An open promise as it stood: `said` is who promised what, in words."""

    id: UUID
    said: str
    due_at: datetime | None = None
    due_is_all_day: bool = True
    is_overdue: bool = False


class KeptTask(Record):
    """A task that was put off; `until` is None where it waits for somebody's answer alone."""

    task_id: UUID
    title: str
    until: datetime | None = None


class KeptReminder(Record):
    """A reminder that was to come."""

    task_id: UUID
    title: str
    note: str = ""
    at: datetime


class KeptInDigest(Record):
    """What was due by the end of the day after, and put off, when the digest was made."""

    promises: list[KeptPromise] = Field(default_factory=list[KeptPromise])
    snoozed: list[KeptTask] = Field(default_factory=list[KeptTask])
    reminders: list[KeptReminder] = Field(default_factory=list[KeptReminder])


class DigestContent(Record):
    """What a digest tells, since the one before. `nudges`: how many it brings; `waiting`: told before, and undecided."""

    nudges: int = 0
    waiting: int = 0
    by_itself: list[DoneByItself] = Field(default_factory=list[DoneByItself])
    silent: SilentRuns = SilentRuns()
    done: int = 0
    kept: KeptInDigest | None = None
    since: datetime | None = None
    """When the digest before was made; None for the first, which tells of one day."""
    is_from_start: bool = False
    """Is it the first, of a house that began within that day?"""
    preparing: int = 0
    """How many tasks that were found unasked were being prepared when it was made."""


class Digest(Record):
    """The digest of a day."""

    id: UUID
    day: date
    made_at: datetime
    content: DigestContent
    read_at: datetime | None = None
    previous: date | None = None
    next: date | None = None
    """The days of the digests before and after; where one is asked for by its day."""


async def make_digest(caller: Caller, at: datetime, rules: AttentionRules) -> Digest | None:
    """The digest of this day, once its hour has come; None before that, and when it is there already."""
    row: dict[str, Any] | None = await caller.call("make_digest", at=at, rules=rules.model_dump(mode="json"))
    return Digest.model_validate(row) if row else None


async def keep_in_digest(caller: Caller, digest_id: UUID, kept: KeptInDigest) -> Digest:
    """Keep in a digest what was due when it was made; what is kept already stays. PT404."""
    row = await caller.call("keep_in_digest", digest_id=digest_id, kept=kept.model_dump(mode="json"))
    return Digest.model_validate(row)


async def list_digests(caller: Caller, limit: int = 30) -> list[Digest]:
    """Digests, the newest day first."""
    return [Digest.model_validate(row) for row in await caller.call("list_digests", page_size=limit)]


async def find_digest(caller: Caller, digest_id: UUID) -> Digest:
    """One of the last year's digests by its id. Raises NotFound."""
    found = next((one for one in await list_digests(caller, 400) if one.id == digest_id), None)
    if found is None:
        raise NotFound("There is no such digest")
    return found


async def get_digest(caller: Caller, day: date) -> Digest:
    """The digest of a day. PT404."""
    return Digest.model_validate(await caller.call("get_digest", day=day))


async def read_digest(caller: Caller, digest_id: UUID, at: datetime) -> Digest:
    """A digest, which counts as read from now on. PT404."""
    return Digest.model_validate(await caller.call("read_digest", digest_id=digest_id, at=at))
