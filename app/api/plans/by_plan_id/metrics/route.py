"""GET /api/plans/{plan_id}/metrics."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.plans import PlanMetrics, get_plan_metrics


@responds(
    summary="What the plan took: calls of models, tokens, money, time; of the whole and of each task",
    response_model=PlanMetrics,
    problems=(404,),
)
async def get(caller: CurrentCaller, plan_id: UUID) -> PlanMetrics:
    return await get_plan_metrics(caller, plan_id)
