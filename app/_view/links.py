"""Edges that lead nowhere: what a task waits for though it was cancelled."""

from core.database import Caller
from tasks import functions
from tasks.models import Task
from tasks.trees import Dependencies


async def hanging_on(caller: Caller, task: Task, links: Dependencies) -> list[Task]:
    """The cancelled tasks that a task waits for until a person goes on without them or takes the edge away."""
    if task.execution_status != "pending":
        return []
    cancelled = [link.id for link in links.depends_on if link.execution_status == "cancelled"]
    found = [await functions.get_task(caller, task_id) for task_id in cancelled]
    return [one for one in found if one.waived_at is None]
