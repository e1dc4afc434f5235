"""POST /api/plans/{plan_id}/start."""

from uuid import UUID

from app._plans.acting import start_plan
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.plans import PlanSummary


@responds(summary="Start a plan that waits for it; twice is once", response_model=PlanSummary, problems=(404, 409))
async def post(caller: CurrentCaller, plan_id: UUID) -> PlanSummary:
    return await start_plan(caller, plan_id)
