"""POST /api/plans/{plan_id}/start."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import Conflict
from tasks.functions import queue_task_execution
from tasks.plans import PlanSummary, get_plan_progress

UNDER_WAY = {"planning", "running", "waiting"}


@responds(summary="Start a plan that waits for it; twice is once", response_model=PlanSummary, problems=(404, 409))
async def post(caller: CurrentCaller, plan_id: UUID) -> PlanSummary:
    await get_plan_progress(caller, plan_id)
    try:
        await queue_task_execution(caller, plan_id)
    except Conflict:
        found = await get_plan_progress(caller, plan_id)
        if found.state not in UNDER_WAY:
            raise
        return found  # somebody else was faster
    return await get_plan_progress(caller, plan_id)
