"""GET /api/tasks/{task_id}/plan-changes."""

from uuid import UUID

from starlette.responses import Response

from app.api._answers import Listing, listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.trees import PlanChange, list_plan_changes


@responds(
    summary="How the plan was changed after failures, oldest first; of the whole tree for its root",
    response_model=Listing[PlanChange],
    problems=(404,),
)
async def get(caller: CurrentCaller, task_id: UUID) -> Response:
    return listing(await list_plan_changes(caller, task_id), None)
