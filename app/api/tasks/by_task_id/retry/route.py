"""POST /api/tasks/{task_id}/retry."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import retry_task
from tasks.models import Task


@responds(summary="Have a failed task tried again", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID) -> Task:
    return await retry_task(caller, task_id)
