"""GET /api/plans/{plan_id}/executions."""

from uuid import UUID

from starlette.responses import Response

from app.api._answers import Listing, listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.plan_links import list_plan_executions
from tasks.plans import PlanSummary


@responds(
    summary="The plans that carry a document out, newest first", response_model=Listing[PlanSummary], problems=(404,)
)
async def get(caller: CurrentCaller, plan_id: UUID) -> Response:
    return listing(await list_plan_executions(caller, plan_id), None)
