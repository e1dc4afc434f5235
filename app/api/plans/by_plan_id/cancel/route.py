"""POST /api/plans/{plan_id}/cancel."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import cancel_task
from tasks.plans import PlanSummary, get_plan_progress


@responds(summary="Cancel the plan; what is done stays", response_model=PlanSummary, problems=(404, 409))
async def post(caller: CurrentCaller, plan_id: UUID) -> PlanSummary:
    await get_plan_progress(caller, plan_id)
    await cancel_task(caller, plan_id)
    return await get_plan_progress(caller, plan_id)
