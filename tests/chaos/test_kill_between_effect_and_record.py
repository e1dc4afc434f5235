"""A worker process is killed after an effect took place and before that was recorded, for every kind of step.

The other end does the killing where it can (the mail server, the proxy before the model server), else the tool itself.
A second process takes over. What counts is the other end's own count, never our rows alone.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from app.house import House
from tasks import functions, review, steps, trees
from tasks.models import Draft, Task
from tests.chaos.dying_worker import AFTER, BEFORE, NEVER
from tests.chaos.model_faults import ModelFaults, running_faults
from tests.chaos.smtp_sink import SmtpSink, running_sink
from tests.emulators.model_server import ModelServer

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
DIES_SECONDS = 40


@dataclass
class Others:
    """Worker processes of this test, their ledger, and what else they are told."""

    house: House
    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])
    victim: subprocess.Popen[str] | None = None

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def effects(self, tool: str, task_id: UUID) -> int:
        """How often a tool had its effect for a task, by the other end."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return lines.count(f"{tool} {task_id}")

    @asynccontextmanager
    async def worker(self, dies: str = NEVER) -> AsyncGenerator[subprocess.Popen[str]]:
        """A worker process for as long as the block runs; it is killed at its end at the latest."""
        settings = self.house.settings
        environment = {
            **os.environ,
            "STEWARD_HOME": str(settings.home),
            "STEWARD_DATABASE_URL": self.house.database.url,
            "STEWARD_OWNER_EMAIL": settings.owner_email,
            "STEWARD_OWNER_NAME": settings.owner_name,
            "STEWARD_TIMEZONE": "Europe/Berlin",
            "STEWARD_CHAOS_LEDGER": str(self.ledger),
            "STEWARD_CHAOS_DIES": dies,
            **self.environment,
        }
        with (self.folder / "workers.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.dying_worker"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
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
        # The dead worker has been silent for longer than another waits: the same as waiting, only sooner.
        async with self.house.database.pool.connection() as connection:
            await connection.execute("update private.workers set heartbeat_at = heartbeat_at - interval '1 minute'")

    def kill(self, *_: object) -> None:
        """For the other end: kill the worker that it is talking to."""
        if self.victim is not None:
            os.kill(self.victim.pid, signal.SIGKILL)
            self.victim = None

    async def until(self, task_id: UUID, *states: str) -> Task:
        for _ in range(PATIENCE_SECONDS * 10):
            task = await functions.get_task(self.house.caller, task_id)
            if task.execution_status in states:
                return task
            await asyncio.sleep(0.1)
        raise AssertionError(f"{task_id} does not become {' or '.join(states)}: {self.log}")


@pytest.fixture
def others(house: House, tmp_path: Path) -> Others:
    """Worker processes on the database of this test."""
    return Others(house, tmp_path)


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


async def killed_in(others: Others, tool: str, dies: str) -> trees.MadeTree:
    """A tree of two parts, whose second killed its worker around its effect."""
    made = await trees.create_task_tree(others.house.caller, tree_with(tool))
    await others.until_a_worker_dies(dies, lambda: functions.queue_task_execution(others.house.caller, made.id))
    return made


@pytest.mark.parametrize("dies", [BEFORE, AFTER])
async def test_an_act_that_can_be_looked_up_takes_effect_once(others: Others, dies: str) -> None:
    made = await killed_in(others, "note", dies)
    async with others.worker():
        await others.until(made.id, "completed")
    later = made.keys["later"]
    assert others.effects("note", later) == 1
    assert others.effects("note", made.keys["earlier"]) == 1
    (step,) = await steps.list_steps(others.house.caller, later)
    assert (step.state, step.attempts) == ("finished", 2)


@pytest.mark.parametrize("dies", [BEFORE, AFTER])
async def test_an_act_that_nobody_can_look_up_is_asked_about(others: Others, dies: str) -> None:
    made = await killed_in(others, "shout", dies)
    later, caller = made.keys["later"], others.house.caller
    happened = dies == AFTER
    async with others.worker():
        task = await others.until(later, "blocked", "completed", "failed")
        assert (task.execution_status, task.blocked_on) == ("blocked", "person")
        (step,) = await steps.list_steps(caller, later)
        assert step.state == "uncertain"
        assert others.effects("shout", later) == (1 if happened else 0)
        # The person looks, and says what is so; then the tree goes on.
        await steps.resolve_step(caller, step.id, happened=happened)
        await others.until(made.id, "completed", "failed")
        assert (await functions.get_task(caller, later)).execution_status == "completed", others.log
    assert others.effects("shout", later) == 1
    assert others.effects("note", made.keys["earlier"]) == 1


async def test_a_reading_tool_reads_again_and_nothing_before_it_is_done_again(others: Others) -> None:
    made = await killed_in(others, "look", AFTER)
    async with others.worker():
        await others.until(made.id, "completed")
    assert others.effects("look", made.keys["later"]) == 2
    assert others.effects("note", made.keys["earlier"]) == 1


async def test_a_mail_leaves_once_through_the_outbox(others: Others) -> None:
    house = others.house
    outbox = house.settings.home / "outbox"
    sent: list[tuple[Draft, UUID]] = []

    async def begin() -> None:
        sent.append(await approved_draft(house))

    await others.until_a_worker_dies(AFTER, begin)
    ((draft, send_task),) = sent
    assert len(list(outbox.glob("*.eml"))) == 1, "the effect took place before the worker died"
    async with others.worker():
        task = await others.until(send_task, "completed", "failed", "blocked")
    assert (task.execution_status, task.verification) == ("completed", "verified")
    assert (await review.get_draft(house.caller, draft.id)).state == "sent"
    assert len(list(outbox.glob("*.eml"))) == 1


async def test_a_mail_leaves_at_most_once_by_smtp_and_a_person_is_asked(others: Others) -> None:
    house = others.house
    sink = SmtpSink(refuse_for_now=0, drop_taken=0, drop_untaken=0, on_taken=others.kill)
    sent: list[tuple[Draft, UUID]] = []

    async def begin() -> None:
        sent.append(await approved_draft(house))

    async with running_sink(sink):
        others.environment["STEWARD_SMTP_URL"] = sink.url
        await others.until_a_worker_dies(NEVER, begin)
        ((draft, send_task),) = sent
        async with others.worker():
            task = await others.until(send_task, "completed", "failed", "blocked")
    assert (task.execution_status, task.blocked_on) == ("blocked", "person")
    found = await review.get_draft(house.caller, draft.id)
    assert found.state == "uncertain"
    assert sink.taken == {found.message_id: 1}
    # The person found it, and says so.
    await review.resolve_draft(house.caller, draft.id, was_sent=True)
    assert (await functions.get_task(house.caller, send_task)).execution_status == "completed"


@pytest.mark.parametrize("interrupted", ["strategy", "check"])
async def test_a_model_is_asked_again_only_for_the_answer_that_did_not_arrive(
    others: Others, model_server: ModelServer, interrupted: str
) -> None:
    caller = others.house.caller
    marker = f"marker-invitation-{['strategy', 'check'].index(interrupted)}"
    last = 1 if interrupted == "strategy" else 2
    item = {
        "title": f"Write the invitation {marker}",
        "kind": "document",
        "execution_type": "fully_automated",
        "acceptance_criteria": ["says when"],
    }

    def answered(_: str) -> None:
        if faults.answered(marker) == last:
            others.kill()

    faults = ModelFaults(
        model_server.base_url.removesuffix("/v1"),
        limited=0,
        broken=0,
        malformed=0,
        cut=0,
        on_answered=answered,
    )
    async with running_faults(faults):
        others.environment |= {"OPENAI_BASE_URL": faults.base_url, "OPENAI_API_KEY": "not-a-key"}
        (task,) = await functions.create_tasks(caller, [item])
        await others.until_a_worker_dies(NEVER, lambda: functions.queue_task_execution(caller, task.id))
        async with others.worker():
            done = await others.until(task.id, "completed", "failed", "blocked")
    assert done.execution_status == "completed"
    assert done.result["output"] == "You are invited on 14 May at six."
    assert faults.answered(marker) == 3, "two answers are needed, and one did not arrive"
    found = {step.name: (step.state, step.attempts) for step in await steps.list_steps(caller, task.id)}
    other = "check" if interrupted == "strategy" else "strategy"
    assert found == {interrupted: ("finished", 2), other: ("finished", 1)}
