"""POST /api/plans/{plan_id}/retry."""

from uuid import UUID

from app._plans.acting import retry_plan
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.plans import PlanSummary


@responds(
    summary="Have what failed, or lacked something, tried again; what is done stays",
    response_model=PlanSummary,
    problems=(404, 409),
)
async def post(caller: CurrentCaller, plan_id: UUID) -> PlanSummary:
    return (await retry_plan(caller, plan_id)).plan
