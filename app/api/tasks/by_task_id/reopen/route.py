"""POST /api/tasks/{task_id}/reopen."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import reopen_task
from tasks.models import Task


@responds(summary="Take back that a person ticked a task off", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID) -> Task:
    """The answer is a new open task in its place; the old one stays `completed` and names it in `superseded_by_id`."""
    return await reopen_task(caller, task_id)
