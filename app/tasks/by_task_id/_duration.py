"""How long a task takes, or took, in a line."""

from datetime import datetime

from agents.estimating import expected
from core.database import Caller
from tasks.day_plans import list_worked_tasks
from tasks.models import Task

OVER = {"cancelled", "failed"}


async def duration_line(caller: Caller, task: Task, now: datetime) -> str:
    """What it is expected to take and why, or what it took; empty where neither is known, or nobody does it by hand."""
    if task.execution_type != "manual" or task.tool is not None or task.subtask_count or task.execution_status in OVER:
        return ""
    if task.execution_status == "completed":
        return f"It took {task.actual_duration_minutes} min." if task.actual_duration_minutes else ""
    minutes, why = expected(task, await list_worked_tasks(caller, now))
    return f"Takes about {minutes} min: {why}." if minutes else ""
