"""GET and POST /api/plans/{plan_id}/changes: what the document of an execution, as it is now, would change about it."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from agents.playbooks.document.diff import ExecutionDiff
from agents.playbooks.document.execution import apply_diff, preview_diff
from app._plans.reading import told
from app._plans.showing import PlanShown
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of


class Sealed(BaseModel):
    """Which changes: those that were shown under this digest, and no others."""

    model_config = ConfigDict(extra="forbid")

    digest: Annotated[str, StringConstraints(min_length=1, max_length=200)]


@responds(
    summary="What the plan's document would change about it: kept, changed, dropped, new; nothing is written",
    response_model=ExecutionDiff,
    problems=(404, 409),
)
async def get(caller: CurrentCaller, plan_id: UUID) -> ExecutionDiff:
    """409 for a plan that carries out no document. What has begun or ended stays."""
    return await preview_diff(caller, plan_id)


@responds(summary="Bring the plan to what its document says now", response_model=PlanShown, problems=(404, 409))
async def post(request: Request, caller: CurrentCaller, plan_id: UUID, body: Sealed) -> PlanShown:
    """Exactly what GET showed under this digest, all or nothing; 409 where something has changed since."""
    return await told(house_of(request), caller, await apply_diff(caller, plan_id, body.digest))
