"""POST /api/tasks/{task_id}/cancel."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import cancel_task
from tasks.models import Task


@responds(summary="Cancel the tree from this task down", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID) -> Task:
    return await cancel_task(caller, task_id)
