"""POST /api/tasks/{task_id}/cancel."""

from uuid import UUID

from fastapi import Request

from app.dependencies import CurrentCaller
from app.repeats import go_on
from app.router import responds
from tasks.functions import cancel_task
from tasks.models import Task


@responds(summary="Cancel the tree from this task down", response_model=Task, problems=(404, 409))
async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Task:
    task = await cancel_task(caller, task_id)
    if task.repeats:
        await go_on(request, [task_id])
    return task
