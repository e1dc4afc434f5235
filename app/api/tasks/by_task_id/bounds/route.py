"""GET and PATCH /api/tasks/{task_id}/bounds."""

from uuid import UUID

from app.api.tasks._shapes import Bounds
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import get_task, update_task
from tasks.trees import TreeBounds, get_tree_bounds


@responds(summary="What the task's tree may use, and has used", response_model=TreeBounds, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> TreeBounds:
    return await get_tree_bounds(caller, task_id)


@responds(summary="Change what the task's tree may use", response_model=TreeBounds, problems=(404, 409))
async def patch(caller: CurrentCaller, task_id: UUID, body: Bounds) -> TreeBounds:
    """What is absent stays. What stopped at a bound waits for Execute."""
    root_id = (await get_tree_bounds(caller, task_id)).root_task_id
    own = (await get_task(caller, root_id)).bounds
    await update_task(caller, root_id, {"bounds": own | body.as_json()})
    return await get_tree_bounds(caller, root_id)
