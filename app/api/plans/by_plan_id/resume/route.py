"""POST /api/plans/{plan_id}/resume."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import resume_task
from tasks.plans import PlanSummary, get_plan_progress


@responds(summary="Take the pause off", response_model=PlanSummary, problems=(404, 409))
async def post(caller: CurrentCaller, plan_id: UUID) -> PlanSummary:
    await get_plan_progress(caller, plan_id)
    await resume_task(caller, plan_id)
    return await get_plan_progress(caller, plan_id)
