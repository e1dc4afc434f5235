"""POST /api/plans/{plan_id}/start."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import queue_task_execution
from tasks.plans import PlanSummary, get_plan_progress


@responds(summary="Start a plan that waits for it; twice is once", response_model=PlanSummary, problems=(404, 409))
async def post(caller: CurrentCaller, plan_id: UUID) -> PlanSummary:
    await get_plan_progress(caller, plan_id)
    await queue_task_execution(caller, plan_id)
    return await get_plan_progress(caller, plan_id)
