"""Nudges: what Steward brings up by itself, within a budget, with its reason, mutable and measured."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
NUDGE_KINDS: tuple[NudgeKind, ...] = NudgeKind.__args__  # type: ignore[attr-defined]


class Finding(BaseModel):
    """What a rule found worth a notice: the input of `offer_nudges`. The same key makes no second nudge, ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(min_length=1, max_length=300)
    kind: NudgeKind
    title: str = Field(min_length=1, max_length=300)
    why: str = Field(min_length=1, max_length=2000)
    """The reason in one or two sentences, with the facts it rests on."""
    person: str | None = Field(None, max_length=320)  # the address it is about, lower case
    thread_key: str | None = Field(None, max_length=1000)
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
