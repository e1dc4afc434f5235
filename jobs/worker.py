"""The worker: takes "advance task T" from the queue and runs it. Any number of them, on any number of machines.

The queue is Procrastinate's, in schema `jobs` of the same Postgres. Jobs are put in by the database alone, in the
transaction that sets a task to `queued`; a job only wakes, the task's state is the truth.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import structlog
from procrastinate.app import WorkerOptions
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Status
from psycopg_pool import AsyncConnectionPool

from agents.executor import Equipment, advance_task
from core.database import Database, Identity
from core.errors import StewardError
from tasks.functions import requeue_lost_tasks

log = structlog.get_logger()
HEARTBEAT_SECONDS = 3.0
SILENT_SECONDS = 12
SWEEP_SECONDS = 5.0
POLL_SECONDS = 0.5


def queue_app(url: str) -> procrastinate.App:
    """Procrastinate on schema `jobs` of the database at `url`, with no task registered yet."""

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.set_autocommit(True)

    def pool_factory(**kwargs: object) -> AsyncConnectionPool[Any]:
        options = {"options": "-c search_path=jobs -c lock_timeout=3s -c idle_in_transaction_session_timeout=5s"}
        return AsyncConnectionPool(url, kwargs=options, configure=configure, min_size=1, max_size=8, open=False)

    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, pool_factory=pool_factory))


class Worker:
    """Runs jobs until it is told to stop. `queues=None` means all of them."""

    def __init__(
        self,
        database: Database,
        equipment: Equipment,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int = 4,
    ) -> None:
        self.database = database
        self.equipment = equipment
        self.queues = queues
        self.concurrency = concurrency
        self.app = queue_app(database.url)
        self.app.task(name="advance_task", pass_context=False)(self.advance)

    async def advance(self, task_id: str, organization_id: str) -> None:
        """The one kind of job there is."""
        caller = self.database.acting_as(Identity.service(UUID(organization_id)))
        with structlog.contextvars.bound_contextvars(task_id=task_id):
            await advance_task(caller, UUID(task_id), self.equipment)

    async def run(self) -> None:
        """Work until cancelled; a running job gets 10 seconds to end, then the sweep hands it on."""
        await self._open()
        sweep = asyncio.create_task(self._sweep())
        try:
            options: WorkerOptions = {
                "concurrency": self.concurrency,
                "install_signal_handlers": False,
                "fetch_job_polling_interval": POLL_SECONDS,
                "update_heartbeat_interval": HEARTBEAT_SECONDS,
                "stalled_worker_timeout": SILENT_SECONDS,
                "shutdown_graceful_timeout": 10.0,
                "delete_jobs": "always",
            }
            if self.queues is not None:
                options["queues"] = self.queues
            await self.app.run_worker_async(**options)
        finally:
            sweep.cancel()
            with suppress(asyncio.CancelledError):
                await sweep
            await self.app.close_async()

    async def _open(self) -> None:
        """Open the queue's pool. One that is cancelled while it opens would not end: it opens, then is closed."""
        opening = asyncio.ensure_future(self.app.open_async())
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await opening
            await self.app.close_async()
            raise

    async def _sweep(self) -> None:
        caller = self.database.acting_as(Identity.service())
        while True:
            try:
                for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
                    await self.app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
                lost = await requeue_lost_tasks(caller, SILENT_SECONDS)
                if lost:
                    await log.awarning("lost_tasks_requeued", count=lost)
            except (StewardError, ProcrastinateException) as error:
                await log.awarning("sweep_failed", error=str(error))
            await asyncio.sleep(SWEEP_SECONDS)


@asynccontextmanager
async def working(worker: Worker) -> AsyncGenerator[None]:
    """The worker runs beside the block, in the same event loop; its crash ends the block."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run(), name="worker")
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
