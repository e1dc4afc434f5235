"""What a tool is, and what it may answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agents.equipment import Run
from tasks.models import BlockedOn, Evidence, Verification

ToolKind = Literal["read", "act", "control"]


@dataclass(frozen=True)
class Done:
    """The tool has done its work: what came out, and what shows it. `output` is JSON."""

    output: Any = None
    verification: Verification = "unverifiable"
    evidence: Sequence[Evidence] = ()
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Waiting:
    """The task goes on later: what it waits for, and until when. `remember` is kept as the task's result meanwhile."""

    blocked_on: BlockedOn
    reason: str
    unblocked_by: str = ""
    wait_seconds: float | None = None
    until: datetime | None = None
    remind_after_seconds: float | None = None
    remember: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Settled:
    """The tool has left the task in its next state by itself."""


Outcome = Done | Waiting | Settled


@dataclass(frozen=True)
class Tool:
    """Something a task can have done.

    `kind`: read brings something in, act has an effect outside, control only moves the task. Reads and acts are
    journaled: a finished one is not done again. `find` looks for the effect of an act that broke off: its result, None
    when it certainly did not happen, or StepUncertain. A tool raises a StewardError when nothing took effect.
    """

    name: str
    description: str
    kind: ToolKind
    run: Callable[[Run], Awaitable[Outcome]]
    find: Callable[[Run], Awaitable[Any | None]] | None = None
