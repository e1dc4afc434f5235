"""Documents and the plans that carry them out. One thin typed call per SQL function."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core.database import Caller
from tasks.plans import PlanSummary, PlanTree


async def list_plan_executions(caller: Caller, plan_id: UUID) -> list[PlanSummary]:
    """Plans that carry out a document, newest first."""
    rows = await caller.call("list_plan_executions", plan_id=plan_id)
    return [PlanSummary.model_validate(row) for row in rows]


async def execute_plan_document(
    caller: Caller,
    plan: Mapping[str, Any],
    paths: Sequence[str],
    confidence: float,
    wait_because: str | None = None,
    *,
    again: bool = False,
) -> PlanSummary:
    """A plan with the tasks of a document, as in `create_plan`; it waits for its start where `wait_because` says why.

    `paths` tell which tasks it was made with, so that one that somebody takes out is not put back.
    Conflict where the document is being carried out already, unless `again`.
    """
    row = await caller.call(
        "execute_plan_document",
        plan=dict(plan),
        paths=list(paths),
        confidence=confidence,
        wait_because=wait_because,
        again=again,
    )
    return PlanSummary.model_validate(row)


async def apply_plan_diff(caller: Caller, plan_id: UUID, diff: Mapping[str, Any]) -> PlanTree:
    """Bring an execution to what its document says now, all or nothing: {add, change, renumber, remove, paths}. Begun work is refused."""
    return PlanTree.model_validate(await caller.call("apply_plan_diff", plan_id=plan_id, diff=dict(diff)))
