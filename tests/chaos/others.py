"""Worker processes of a test, struck in the middle of a step: started here, killed, frozen and woken by their pids."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil

from app.house import House
from core.postgres import pool_of, postgres
from tasks import functions, review
from tasks.drafts import Draft
from tasks.models import Task
from tests import forked
from tests.chaos.dying_worker import NEVER
from tests.forked import Forked
from tests.passing_time import let_silence_pass

ROOT = Path(__file__).parents[2]
DYING_WORKER = "tests.chaos.dying_worker:main"
PATIENCE_SECONDS = 60
DIES_SECONDS = 40
AT_REST = """
  select 1 from private.workers w
  where w.pid = %s and w.running = '{}' and w.heartbeat_at > clock_timestamp() - interval '2 seconds'"""


@dataclass
class Others:
    """Worker processes of this test, their ledger, and what else they are told. `victim`: whom the other end strikes next."""

    house: House
    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])
    victim: Forked | None = None

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def effects(self, tool: str, task_id: UUID) -> int:
        """How often a tool had its effect for a task, by the other end."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return lines.count(f"{tool} {task_id}")

    @asynccontextmanager
    async def worker(self, dies: str = NEVER) -> AsyncGenerator[Forked]:
        """A worker process for as long as the block runs; it is killed at its end at the latest."""
        settings = self.house.settings
        environment = {
            **os.environ,
            "STEWARD_HOME": str(settings.home),
            "STEWARD_DATABASE_URL": postgres(self.house.database).url,
            "STEWARD_OWNER_EMAIL": settings.owner_email,
            "STEWARD_OWNER_NAME": settings.owner_name,
            "STEWARD_TIMEZONE": "Europe/Berlin",
            "STEWARD_CHAOS_LEDGER": str(self.ledger),
            "STEWARD_CHAOS_DIES": dies,
            **self.environment,
        }
        with (self.folder / "workers.log").open("a") as log:
            process = forked.start([], environment, ROOT, target=DYING_WORKER, stderr=log.fileno())
        assert process.stdout
        try:
            assert await asyncio.to_thread(process.stdout.readline) == "ready\n", self.log
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    @property
    def log(self) -> str:
        return (self.folder / "workers.log").read_text()[-3000:]

    async def until_a_worker_dies(self, dies: str, begin: Callable[[], Awaitable[object]]) -> None:
        """A worker takes up what `begin` starts, and is killed in the middle of it."""
        async with self.worker(dies) as process:
            self.victim = process
            await begin()
            assert await asyncio.to_thread(process.wait, DIES_SECONDS) == -signal.SIGKILL, self.log
        await let_silence_pass(self.house.database)

    async def until_frozen(self, process: Forked) -> None:
        """The worker stands still in the middle of a step, and nobody has heard of it for long."""
        for _ in range(DIES_SECONDS * 20):
            if psutil.Process(process.pid).status() == psutil.STATUS_STOPPED:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(f"the worker did not freeze: {self.log}")
        await let_silence_pass(self.house.database)

    async def wake(self, process: Forked) -> None:
        """Let a frozen worker go on, and see it come to the end of what it was at."""
        process.send_signal(signal.SIGCONT)
        for _ in range(PATIENCE_SECONDS * 10):
            async with pool_of(self.house.database).connection() as connection:
                found = await connection.execute(AT_REST, (process.pid,))
                if await found.fetchone():
                    return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the worker did not come to rest: {self.log}")

    def kill(self, *_: object) -> None:
        """For the other end: kill the worker that it is talking to."""
        self._strike(signal.SIGKILL)

    def freeze(self, *_: object) -> None:
        """For the other end: freeze the worker that it is talking to."""
        self._strike(signal.SIGSTOP)

    def _strike(self, number: int) -> None:
        if self.victim is not None:
            os.kill(self.victim.pid, number)
            self.victim = None

    async def until(self, task_id: UUID, *states: str) -> Task:
        for _ in range(PATIENCE_SECONDS * 10):
            task = await functions.get_task(self.house.caller, task_id)
            if task.execution_status in states:
                return task
            await asyncio.sleep(0.1)
        raise AssertionError(f"{task_id} does not become {' or '.join(states)}: {self.log}")


async def approved_draft(house: House) -> tuple[Draft, UUID]:
    """A draft that waits for nothing but being sent, and the task that sends it."""
    item = {
        "title": "Draft email to john@example.com thanking him for the meeting",
        "kind": "email",
        "execution_type": "fully_automated",
        "recipient": "john@example.com",
    }
    (task,) = await functions.create_tasks(house.caller, [item])
    await functions.queue_task_execution(house.caller, task.id)
    await house.work_until(task.id)
    (draft,) = (await review.list_drafts(house.caller, task_id=task.id)).items
    await review.approve_draft(house.caller, draft.id, draft.digest)
    tree = await functions.get_task_tree(house.caller, task.id)
    return draft, next(child.id for child in tree.children if child.tool == "email_send")


def tree_with(tool: str) -> dict[str, object]:
    """A part that ends well, and one after it that uses the tool."""
    part = {"execution_type": "fully_automated", "on_failure": "escalate"}
    return {
        "title": "Two parts",
        "execution_type": "fully_automated",
        "children": [
            {**part, "key": "earlier", "title": "The earlier part", "tool": "note"},
            {**part, "key": "later", "title": "The later part", "tool": tool, "depends_on": ["earlier"]},
        ],
    }
