"""GET /api/tasks/{task_id}/log."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import get_task
from tasks.models import LogEntry


@responds(summary="Every state change of the task, oldest first", response_model=list[LogEntry], problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> list[LogEntry]:
    return (await get_task(caller, task_id)).execution_log
