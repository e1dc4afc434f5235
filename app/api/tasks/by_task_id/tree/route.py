"""GET /api/tasks/{task_id}/tree."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import TaskNode, get_task_tree


@responds(summary="The task and everything below it", response_model=TaskNode, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> TaskNode:
    return await get_task_tree(caller, task_id)
