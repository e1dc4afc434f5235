"""The worker: takes "advance task T" from the queue and runs it. Any number of them, on any number of machines.

The queue is Procrastinate's, in schema `jobs` of the same Postgres. Jobs are put in by the database alone, in the
transaction that sets a task to `queued`; a job only wakes, the task's state is the truth. A worker shows itself with a
heartbeat that names what it runs; what nobody runs is taken up again by whichever worker sweeps first.
"""

import asyncio
import contextlib
import importlib
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import procrastinate
import psycopg
import structlog
from procrastinate.app import WorkerOptions
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Status
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from agents.equipment import Equipment
from agents.executor import STEWARD_AGENT_ID, carry_out, start_task
from core.database import Caller, Database, Identity
from core.errors import Conflict, NotFound, StewardError
from core.postgres import postgres
from jobs.repeating import bring_back
from tasks import runs, workers
from tasks.agent_work import AgentRules, sweep_agents
from tasks.own_hours import Clocks
from tasks.people import person_of_task
from tasks.runs import Completed, StartedTask

log = structlog.get_logger()
HEARTBEAT_SECONDS = 3.0
SILENT_SECONDS = 12
SWEEP_SECONDS = 5.0
WAKE_SECONDS = 1.0
REPEAT_SECONDS = 3.0
POLL_SECONDS = 0.5
GRACE_SECONDS = 10.0
RESTART_SECONDS = 0.5
# One loop of Procrastinate fetches one job at a time; several fetch side by side. Each holds a connection that listens.
JOBS_PER_LOOP = 4
MOST_LOOPS = 4


def queue_app(url: str, loops: int = 1) -> procrastinate.App:
    """Procrastinate on schema `jobs` of the database at `url`, with no task registered yet."""

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.set_autocommit(True)

    def pool_factory(**kwargs: object) -> AsyncConnectionPool[Any]:
        # A worker that is frozen inside a statement must not hold up the others for ever. Plans made while the queue was
        # empty are kept: they must go by the indexes.
        options = (
            "-c search_path=jobs -c synchronous_commit=off -c lock_timeout=3s -c idle_in_transaction_session_timeout=2s"
        )
        return AsyncConnectionPool(
            url,
            kwargs={"options": options},
            configure=configure,
            min_size=1,
            max_size=loops * 3 + 2,
            open=False,
            timeout=10,
        )

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
        grace_seconds: float = GRACE_SECONDS,
        agent_rules: AgentRules | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self.id = uuid4()
        self.agent_rules = agent_rules or AgentRules()
        self.database = database
        self.equipment = equipment
        self.clocks = clocks or Clocks(equipment.clock)
        self.queues = queues
        self.concurrency = concurrency
        self.grace_seconds = grace_seconds
        self.loops = min(math.ceil(concurrency / JOBS_PER_LOOP), MOST_LOOPS)
        self.app = queue_app(postgres(database).url, self.loops)
        self.app.task(name="advance_task", pass_context=False)(self.advance)
        self._service = database.acting_as(Identity.service())
        self._runs: dict[UUID, asyncio.Task[Completed]] = {}
        self._started: dict[UUID, UUID | None] = {}  # what this worker is at, and the run of each once it has begun
        self._beside: set[asyncio.Task[None]] = set()
        self._stopping = False
        # A worker of all queues goes on with what it released; one of some leaves it to the queue.
        self._go_on = None if queues is not None else self._own_ticket()

    def _own_ticket(self) -> dict[str, object]:
        return {
            "worker_id": str(self.id),
            "executor_id": str(STEWARD_AGENT_ID),
            "journaled": self.equipment.journaled_tools,
        }

    async def advance(self, task_id: str, organization_id: str) -> None:
        """The one kind of job there is."""
        await self._follow(UUID(task_id), self.database.acting_as(Identity.service(UUID(organization_id))))

    async def _follow(self, task_id: UUID, caller: Caller) -> None:
        """Run a task and then what it released, without a way through the queue, as far as there are hands free.

        The jobs of tasks that are begun here find nothing left to do.
        """
        if task_id in self._runs or self._stopping:
            return
        self._started[task_id] = None
        try:
            task = await start_task(caller, task_id, self.equipment, self.id)
        finally:
            if self._started.get(task_id) is None:  # else it was begun here meanwhile, by what released it: it runs
                self._started.pop(task_id, None)
        while task is not None:
            done = await self._run(task, caller)
            task = done.started
            for ready in done.released if self.queues is None else []:
                if len(self._runs) + 1 >= self.concurrency or self._stopping:
                    break
                beside = asyncio.create_task(self._follow(ready, caller), name=f"beside {task_id}")
                self._beside.add(beside)
                beside.add_done_callback(self._beside.discard)

    async def _run(self, task: StartedTask, caller: Caller) -> Completed:
        with structlog.contextvars.bound_contextvars(task_id=str(task.id), worker_id=str(self.id)):
            running = asyncio.create_task(self._carry_out(task, caller), name=f"run of {task.id}")
            self._runs[task.id], self._started[task.id] = running, task.run_id
            try:
                if self._stopping:
                    running.cancel()
                return await self._outcome(running, task.id, caller)
            finally:
                self._runs.pop(task.id, None)
                self._started.pop(task.id, None)

    async def _carry_out(self, task: StartedTask, caller: Caller) -> Completed:
        """By the clock of whoever the task belongs to."""
        person = await person_of_task(caller, task)
        clock = await self.clocks.of(self.database.acting_as(Identity(person))) if person else self.clocks.clock
        return await carry_out(caller, task, replace(self.equipment, clock=clock), self._go_on)

    async def _outcome(self, running: "asyncio.Task[Completed]", task_id: UUID, caller: Caller) -> Completed:
        """Wait for a run; one that is cut off because the worker ends is handed back."""
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not running.done():
                running.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await running
            run_id = self._started.get(task_id)
            if self._stopping and run_id is not None:
                with suppress(Conflict, NotFound):  # the run had ended already, or somebody was faster
                    await runs.hand_back_task(caller.as_run(task_id, run_id), task_id)
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return Completed()

    async def run(self) -> None:
        """Work until cancelled; then running tasks get `grace_seconds` to end, and what is left is handed back."""
        await self._open()
        await self._beat()
        preparing = asyncio.create_task(asyncio.to_thread(_import_thinking), name="imports")
        beside = [
            asyncio.create_task(self._again_and_again(step, seconds), name=step.__name__)
            for step, seconds in (
                (self._beat, HEARTBEAT_SECONDS),
                (self._sweep, SWEEP_SECONDS),
                (self._wake, WAKE_SECONDS),
                (self._bring_back, REPEAT_SECONDS),
            )
        ]
        loops = [
            asyncio.create_task(self._work(concurrency), name=f"loop {number}")
            for number, concurrency in enumerate(self._shares())
        ]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in ended:
                loop.result()  # they end by an error alone
        finally:
            # Until the last run has ended the heartbeat goes on, or others would take the runs over.
            for loop in loops:
                loop.cancel()
            await self._let_end()
            await asyncio.gather(*loops, *self._beside, return_exceptions=True)
            await asyncio.wait([preparing])
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            with suppress(StewardError):
                await workers.retire_worker(self._service, self.id)
            await self.app.close_async()

    async def _let_end(self) -> None:
        """The running tasks end in their own time, up to the grace; then they are cut off and handed back."""
        running = list(self._runs.values())
        if running:
            await asyncio.wait(running, timeout=self.grace_seconds)
        self._stopping = True
        for run in list(self._runs.values()):
            run.cancel()

    def _shares(self) -> list[int]:
        """How many jobs each loop may run at a time; together the concurrency."""
        share, rest = divmod(self.concurrency, self.loops)
        return [share + (number < rest) for number in range(self.loops)]

    async def _work(self, concurrency: int) -> None:
        """One loop of Procrastinate, begun again whenever the database went away under it."""
        options: WorkerOptions = {
            "concurrency": concurrency,
            "install_signal_handlers": False,
            "fetch_job_polling_interval": POLL_SECONDS,
            "update_heartbeat_interval": HEARTBEAT_SECONDS,
            "stalled_worker_timeout": SILENT_SECONDS,
            "shutdown_graceful_timeout": self.grace_seconds + 5,
            "delete_jobs": "always",
        }
        if self.queues is not None:
            options["queues"] = self.queues
        while True:
            try:
                await self.app.run_worker_async(**options)
            except (ProcrastinateException, psycopg.Error, PoolTimeout) as error:
                await log.awarning("queue_out_of_reach", error=str(error).strip())
            await asyncio.sleep(RESTART_SECONDS)

    async def _open(self) -> None:
        """Open the queue's pool. One that is cancelled while it opens would not end: it opens, then is closed."""
        opening = asyncio.ensure_future(self.app.open_async())
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await opening
            await self.app.close_async()
            raise

    async def _again_and_again(self, step: Any, seconds: float) -> None:
        while True:
            try:
                await step()
            except (StewardError, ProcrastinateException, psycopg.Error, PoolTimeout) as error:
                await log.awarning("worker_step_failed", step=step.__name__, error=str(error).strip())
            await asyncio.sleep(seconds)

    async def _beat(self) -> None:
        """Show that this worker lives and what it runs; cut off what was cancelled or taken over."""
        stop = await workers.heartbeat_worker(
            self._service,
            self.id,
            queues=self.queues,
            concurrency=self.concurrency,
            running=list(self._started.items()),
        )
        for task_id in stop:
            running = self._runs.get(task_id)
            if running is not None:
                await log.ainfo("run_cut_off", task_id=str(task_id))
                running.cancel()

    async def _wake(self) -> None:
        await workers.wake_waiting_tasks(self._service)

    async def _bring_back(self) -> None:
        await bring_back(self.database, self.equipment.clock)

    async def _sweep(self) -> None:
        """Clear jobs of dead workers out of the queue, and take up again what was lost."""
        for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
            await self.app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        lost = await workers.requeue_lost_tasks(self._service, SILENT_SECONDS)
        if lost:
            await log.awarning("lost_tasks_requeued", count=lost)
        concerned = await sweep_agents(self._service, self.agent_rules)
        if concerned:
            await log.ainfo("agents_swept", tasks=concerned)


def _import_thinking() -> None:
    """The heavy libraries, before a task needs them: an import in the middle of a run would hold up those beside it."""
    for name in ("agents.answering", "agents.work"):
        importlib.import_module(name)


@asynccontextmanager
async def working(worker: Worker) -> AsyncGenerator[None]:
    """The worker runs beside the block, in the same event loop; its crash ends the block."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run(), name="worker")
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
