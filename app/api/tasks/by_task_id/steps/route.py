"""GET /api/tasks/{task_id}/steps."""

from uuid import UUID

from starlette.responses import Response

from app.api._answers import Listing, listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.steps import Step, list_steps


@responds(summary="The model and tool calls of the task, oldest first", response_model=Listing[Step], problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> Response:
    return listing(await list_steps(caller, task_id), None)
