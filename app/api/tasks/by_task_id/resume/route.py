"""POST /api/tasks/{task_id}/resume."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import resume_task
from tasks.models import Task


@responds(summary="Take the pause off", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID) -> Task:
    return await resume_task(caller, task_id)
