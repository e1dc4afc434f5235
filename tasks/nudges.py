"""Nudges: what Steward brings up by itself, within a budget, with its reason, mutable and measured."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.database import Caller
from core.settings import Settings
from core.settings_attention import read_days, read_hours, read_time
from tasks.functions import Page
from tasks.models import Record, Task

NudgeKind = Literal[
    "agenda",  # a meeting of one's own has none
    "agenda_reply",  # somebody answered an agenda that was sent
    "brief",  # a meeting with people from outside
    "follow_up",  # notes of a meeting that is over
    "rsvp",  # an invitation that nobody answered
    "conflict",  # two things at one time
    "travel",  # when to leave
    "time_proposal",  # somebody proposes times
    "promise",  # one's own promise comes due
    "unanswered",  # somebody owes an answer, or a promise of theirs is over
    "reminder",  # the person asked for it
    "preference",  # something to learn, waiting for a look
]
NudgeState = Literal["held", "told", "acted", "dismissed", "lapsed", "settled", "muted"]


class Finding(BaseModel):
    """What a rule found worth a notice: the input of `offer_nudges`. The same key makes no second nudge."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(min_length=1, max_length=300)
    kind: NudgeKind
    title: str = Field(min_length=1, max_length=300)
    why: str = Field(min_length=1, max_length=2000)
    """The reason in one or two sentences, with the facts it rests on."""
    person: str | None = Field(default=None, max_length=320)  # the address it is about, lower case
    thread_key: str | None = Field(default=None, max_length=1000)
    source_ref: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Where it comes from: {event: {calendar, uid, recurrence_id, starts_at}, message_id, commitment_id, ...}."""
    tell_at: datetime | None = None
    """The right time: it is not told before."""
    expires_at: datetime | None = None
    """From then on it is of no use."""
    is_urgent: bool = False
    """Of no use in tomorrow's digest."""
    confidence: float = Field(0.8, ge=0, le=1)
    task: dict[str, Any] | None = None
    """The task that it makes, as of `task_item` (source and source_key are set by the database)."""
    executes: bool = False
    """Should that task be prepared by itself, where the person lets it?"""


class Nudge(Record):
    """A finding that was kept, and what became of it. Times are of the clock that the rules went by."""

    id: UUID
    key: str
    kind: str
    title: str
    why: str
    person: str | None = None
    thread_key: str | None = None
    source_ref: dict[str, Any] = Field(default_factory=dict[str, Any])
    confidence: float
    is_urgent: bool = False
    tell_at: datetime | None = None
    expires_at: datetime | None = None
    task_id: UUID | None = None
    task: Task | None = None
    digest_id: UUID | None = None
    state: NudgeState
    held_because: Literal["early", "quiet", "budget", "confidence", "person", "digest"] | None = None
    told_at: datetime | None = None
    found_at: datetime
    decided_at: datetime | None = None
    decided_because: str | None = None


class AttentionRules(Record):
    """How much is told and when: the settings, and before them what the person chose.

    `quiet_days` are weekdays (0 is Monday). A kind whose precision over `count_days` is below `mute_below`, with at
    least `mute_cases` decided, is muted for `mute_days`. `told_from`: by kind, the least confidence that is told at once.
    """

    daily_nudges: int = 5
    quiet_from: time = time(20)
    quiet_until: time = time(7, 30)
    quiet_days: list[int] = Field(default_factory=list[int])
    digest_at: time = time(8)
    proactive: Literal["prepare", "suggest", "off"] = "prepare"
    mute_below: float = 0.3
    mute_cases: int = 8
    mute_days: int = 30
    count_days: int = 60
    timezone: str = "UTC"
    told_from: dict[str, float] = Field(default_factory=dict[str, float])

    @classmethod
    def from_settings(cls, settings: Settings, timezone: str) -> "AttentionRules":
        """The defaults of an installation, by the clock of this zone."""
        begins, ends = read_hours(settings.quiet_hours)
        return cls(
            daily_nudges=settings.daily_nudges,
            quiet_from=begins,
            quiet_until=ends,
            quiet_days=read_days(settings.quiet_days),
            digest_at=read_time(settings.digest_at),
            proactive=settings.proactive,
            mute_below=settings.mute_below,
            timezone=timezone,
        )


class KindUse(Record):
    """Of what use a kind of nudge was lately; `precision` is acted / (acted + dismissed + lapsed), null with none.

    Those of no use count only where they were told as certain, and two about one person at most.
    """

    kind: str
    told: int
    acted: int
    dismissed: int
    lapsed: int
    open: int
    precision: float | None = None


class Mute(Record):
    """What is not brought up: of all that is named."""

    id: UUID
    kind: str | None = None
    person: str | None = None
    thread_key: str | None = None
    muted_by: Literal["person", "precision"]
    because: str = ""
    muted_at: datetime
    until: datetime | None = None


class Attention(Record):
    """The rules that hold, what the person chose of them, and how things stand."""

    rules: AttentionRules
    chosen: dict[str, Any] | None = None
    is_quiet: bool
    told_today: int
    held: int
    mutes: list[Mute]
    kinds: list[KindUse]


class Offered(Record):
    """What `offer_nudges` kept: new nudges in the order they were taken, and how many old ones were settled."""

    made: list[Nudge]
    settled: int
    rules: AttentionRules


async def offer_nudges(
    caller: Caller,
    findings: Sequence[Finding],
    at: datetime,
    rules: AttentionRules,
    *,
    looked_at: Sequence[str] = (),
) -> Offered:
    """Keep what was found, at this moment: each key once; one that settled by itself may come back. `looked_at` names kinds whose other nudges are settled."""
    row = await caller.call(
        "offer_nudges",
        findings=[finding.model_dump(mode="json") for finding in findings],
        at=at,
        rules=_defaults(rules),
        looked_at=list(looked_at),
    )
    return Offered.model_validate(row)


async def release_nudges(caller: Caller, at: datetime, rules: AttentionRules) -> list[Nudge]:
    """Tell what was held and may be told now; let lapse what is over. Those that were told."""
    return [Nudge.model_validate(row) for row in await caller.call("release_nudges", at=at, rules=_defaults(rules))]


async def decide_nudge(
    caller: Caller,
    nudge_id: UUID,
    decision: Literal["acted", "dismissed"],
    at: datetime,
    because: str | None = None,
) -> Nudge:
    """A person's word about a nudge. PT403 for a program, PT404, PT409 where it was decided otherwise."""
    row = await caller.call("decide_nudge", nudge_id=nudge_id, decision=decision, at=at, because=because)
    return Nudge.model_validate(row)


async def get_nudge(caller: Caller, nudge_id: UUID) -> Nudge:
    """One nudge with its task. PT404."""
    return Nudge.model_validate(await caller.call("get_nudge", nudge_id=nudge_id))


async def list_nudges(
    caller: Caller,
    *,
    states: Sequence[NudgeState] = (),
    kinds: Sequence[str] = (),
    digest_id: UUID | None = None,
    task_id: UUID | None = None,
    after: list[Any] | None = None,
    limit: int = 50,
) -> Page[Nudge]:
    """Nudges, newest first."""
    filter: dict[str, Any] = {
        "state": list(states) or None,
        "kind": list(kinds) or None,
        "digest_id": str(digest_id) if digest_id else None,
        "task_id": str(task_id) if task_id else None,
    }
    given = {name: value for name, value in filter.items() if value is not None}
    return Page[Nudge].model_validate(await caller.call("list_nudges", filter=given, after=after, page_size=limit))


async def mute_nudges(
    caller: Caller,
    at: datetime,
    *,
    kind: str | None = None,
    person: str | None = None,
    thread_key: str | None = None,
    until: datetime | None = None,
    because: str = "",
) -> Mute:
    """Nothing more of this kind, about this person, in this thread: of all that are named. PT422 where none is."""
    row = await caller.call(
        "mute_nudges", at=at, kind=kind, person=person, thread_key=thread_key, until=until, because=because
    )
    return Mute.model_validate(row)


async def mute_nudge(
    caller: Caller,
    nudge_id: UUID,
    what: Literal["kind", "person", "thread"],
    at: datetime,
    until: datetime | None = None,
) -> Mute:
    """Nothing more of the kind, the person or the thread of a nudge, which is dismissed. PT404, PT422."""
    row = await caller.call("mute_nudge", nudge_id=nudge_id, what=what, at=at, until=until)
    return Mute.model_validate(row)


async def unmute_nudges(caller: Caller, mute_id: UUID, at: datetime) -> None:
    """It may be brought up again; of what use a whole kind is, is counted anew. PT404."""
    await caller.call("unmute_nudges", mute_id=mute_id, at=at)


async def get_attention(caller: Caller, at: datetime, rules: AttentionRules) -> Attention:
    """How much is told and when, what is muted, of what use each kind was."""
    return Attention.model_validate(await caller.call("get_attention", at=at, rules=_defaults(rules)))


async def save_attention(caller: Caller, changes: Mapping[str, Any]) -> None:
    """Keep what the person chose; null goes back to the setting. PT422 for a wrong value."""
    await caller.call("save_attention", changes=dict(changes))


def _defaults(rules: AttentionRules) -> dict[str, Any]:
    return rules.model_dump(mode="json")
