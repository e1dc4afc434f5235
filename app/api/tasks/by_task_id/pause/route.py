"""POST /api/tasks/{task_id}/pause."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import pause_task
from tasks.models import Task


@responds(summary="Pause the tree from this task down", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID) -> Task:
    return await pause_task(caller, task_id)
