"""The line that says that what is queued waits for a worker, when none is at work."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from fastapi import Request

from app._view.advice import is_owner
from app.house import House, worker_lives
from app.seen import house_of
from core.database import Identity
from tasks.models import Task

LONG = timedelta(minutes=1)
FOR_OWNER = "No worker is at work, so what is queued waits. Start one: steward worker"
FOR_OTHERS = "No worker is at work at the moment. What is queued waits until one runs."


async def waits_for_worker(request: Request, tasks: Iterable[Task]) -> str | None:
    """What to say where one of these is queued for long and no worker shows a heartbeat; None: nothing."""
    now = datetime.now(UTC)
    if not any(_waits_long(task, now) for task in tasks) or not await nobody_works(house_of(request)):
        return None
    return FOR_OWNER if is_owner(request) else FOR_OTHERS


async def nobody_works(house: House) -> bool:
    """Is there no worker? False where it cannot be asked."""
    return house.database.can_speak_for(Identity.service()) and not await worker_lives(house.database)


def _waits_long(task: Task, now: datetime) -> bool:
    is_due = task.run_after is None or task.run_after < now - LONG
    return task.execution_status == "queued" and task.paused_at is None and task.updated_at < now - LONG and is_due
