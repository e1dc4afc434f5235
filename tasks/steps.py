"""Steps: the rows of the journal. One thin typed call per SQL function."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from core.database import Caller
from tasks.models import Record

StepKind = Literal["model", "read", "act"]
StepState = Literal["started", "finished", "failed", "uncertain"]


class Step(Record):
    """One model or tool call of a task, as the journal keeps it."""

    id: UUID
    task_id: UUID
    key: str
    kind: StepKind
    name: str
    state: StepState
    attempts: int = 1
    replays: int = 0
    error: str | None = None
    cost_usd: float | None = None
    started_at: datetime
    finished_at: datetime | None = None


class StepStart(Record):
    """What to do about a step: do it (new), take its result (finished), find out (unknown), ask (uncertain), or stop (refused)."""

    state: Literal["new", "finished", "unknown", "uncertain", "refused"]
    step_id: UUID | None = None
    result: dict[str, Any] | None = None
    reason: str = ""
    budget: dict[str, Any] | None = None

    @property
    def value(self) -> Any:
        """What the finished step returned; None while it has not."""
        return (self.result or {}).get("value")


async def begin_step(
    caller: Caller,
    task_id: UUID,
    key: str,
    kind: StepKind,
    name: str,
    approval_id: UUID | None = None,
    own: Mapping[str, Any] | None = None,
) -> StepStart:
    """Before the effect. Conflict when the task is paused, cancelled, or the run was taken over; Forbidden for an act without leave.

    `approval_id`: the yes that this step uses up; Conflict when it is not there to be used. `own`: what an own, reversible,
    unshared act does, `{"input": ...}`; the task's input where it is not given. It is kept as the act's approval.
    """
    row = await caller.call(
        "begin_step",
        task_id=task_id,
        key=key,
        kind=kind,
        name=name,
        approval_id=approval_id,
        own=dict(own) if own is not None else None,
    )
    return StepStart.model_validate(row)


async def begin_model_call(
    caller: Caller, task_id: UUID, key: str, name: str, cost_usd: float, limits: Mapping[str, Any]
) -> StepStart:
    """`begin_step` for a request to a model; where it is to be made, `budget` is what `reserve_model_call` says to it (worker only)."""
    row = await caller.call(
        "begin_model_call", task_id=task_id, key=key, name=name, cost_usd=cost_usd, limits=dict(limits)
    )
    return StepStart.model_validate(row)


async def finish_step(caller: Caller, step_id: UUID, result: Any, call: Mapping[str, Any] | None = None) -> None:
    """After the effect: its result, kept for good. `call`: tokens and cost of a model call. Twice is once."""
    await caller.call("finish_step", step_id=step_id, result={"value": result}, call=dict(call) if call else None)


async def fail_step(
    caller: Caller, step_id: UUID, error: str, *, is_uncertain: bool = False, call: Mapping[str, Any] | None = None
) -> None:
    """The call failed and had no effect; or nobody can know (`is_uncertain`), and a person decides."""
    await caller.call(
        "fail_step", step_id=step_id, error=error, is_uncertain=is_uncertain, call=dict(call) if call else None
    )


async def resolve_step(caller: Caller, step_id: UUID, *, happened: bool) -> Step:
    """A person says what became of an uncertain step; its task goes on."""
    return Step.model_validate(await caller.call("resolve_step", step_id=step_id, happened=happened))


async def list_steps(caller: Caller, task_id: UUID) -> list[Step]:
    """The steps of a task, oldest first."""
    return [Step.model_validate(row) for row in await caller.call("list_steps", task_id=task_id)]
