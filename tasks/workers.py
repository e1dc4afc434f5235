"""Workers: how they show themselves, and the sweeps over every tenant. Service only."""

import os
import socket
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.database import Caller


async def heartbeat_worker(
    caller: Caller,
    worker_id: UUID,
    *,
    queues: Sequence[str] | None,
    concurrency: int,
    running: Sequence[tuple[UUID, UUID | None]],
) -> list[UUID]:
    """Show that a worker lives and which (task, run) it is at; the tasks that it should stop working on."""
    row = await caller.call(
        "heartbeat_worker",
        worker_id=worker_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        concurrency=concurrency,
        queues=list(queues) if queues is not None else None,
        running=[{"task_id": str(task), "run_id": str(run) if run else None} for task, run in running],
    )
    return [UUID(task_id) for task_id in row]


async def retire_worker(caller: Caller, worker_id: UUID) -> None:
    """A worker ended in order."""
    await caller.call("retire_worker", worker_id=worker_id)


async def list_workers(caller: Caller) -> list[dict[str, Any]]:
    """Every worker heard lately: id, host, pid, queues, concurrency, running, started_at, heartbeat_at, is_alive."""
    return await caller.call("list_workers")


async def requeue_lost_tasks(caller: Caller, silent_seconds: int) -> int:
    """Take up again what a dead or silent worker left behind; how many tasks."""
    return await caller.call("requeue_lost_tasks", silent_seconds=silent_seconds)


async def wake_waiting_tasks(caller: Caller) -> int:
    """Go on with delays that are over, fail waits past their deadline, remind; how many tasks."""
    return await caller.call("wake_waiting_tasks")
