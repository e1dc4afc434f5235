"""The worker over a real queue: runs, retries, dies and is replaced; a mail leaves once whatever happens."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from app.house import House
from core.outside.errors import Refused, Temporary, Uncertain
from core.postgres import pool_of, postgres
from jobs.worker import Worker, working
from tasks import functions, organizations, review, runs, steps
from tasks.drafts import Draft
from tasks.models import Task
from tests import forked
from tests.conftest import house_with
from tests.passing_time import let_silence_pass
from tests.scripted_mail import ScriptedSender, equipment_sending_by


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker here looks around more often than one that has days for it."""
    monkeypatch.setattr("jobs.worker.HEARTBEAT_SECONDS", 0.3)
    monkeypatch.setattr("jobs.worker.SWEEP_SECONDS", 0.3)


async def drafted(house: House) -> Draft:
    """A mail task executed up to its draft, and approved."""
    item = {
        "title": "Draft email to john@example.com thanking him for the meeting",
        "kind": "email",
        "execution_type": "fully_automated",
        "source": "chat",
        "recipient": "john@example.com",
    }
    task = (await functions.create_tasks(house.caller, [item]))[0]
    await functions.queue_task_execution(house.caller, task.id)
    await house.work_until(task.id)
    task = await functions.get_task(house.caller, task.id)
    assert task.open_draft_id, task
    draft = await review.get_draft(house.caller, task.open_draft_id)
    return await review.approve_draft(house.caller, draft.id, draft.digest)


@asynccontextmanager
async def sending(house: House, sender: ScriptedSender) -> AsyncGenerator[None]:
    async with working(Worker(house.database, equipment_sending_by(house, sender))):
        yield


async def until(check: Callable[[Draft], bool], house: House, draft: Draft, seconds: float = 20) -> Draft:
    for _ in range(int(seconds / 0.05)):
        draft = await review.get_draft(house.caller, draft.id)
        if check(draft):
            return draft
        await asyncio.sleep(0.05)
    raise AssertionError(f"the draft stays {draft.state}")


async def send_task(house: House, draft: Draft) -> Task:
    tree = await functions.get_task_tree(house.caller, draft.task_id)
    return await functions.get_task(house.caller, next(c.id for c in tree.children if c.tool == "email_send"))


async def test_a_mail_server_that_is_away_is_tried_again_until_it_takes_the_mail(house: House) -> None:
    draft = await drafted(house)
    sender = ScriptedSender([lambda: Temporary("away")])
    async with sending(house, sender):
        await until(lambda d: d.state == "sent", house, draft)
    assert len(sender.sent) == 1
    task = await send_task(house, draft)
    assert [e.event for e in task.execution_log] == [
        "created",
        "queued",
        "started",
        "retry_queued",
        "started",
        "completed",
    ]


async def test_a_refused_mail_fails_with_the_reason_and_can_be_mended(house: House) -> None:
    draft = await drafted(house)
    sender = ScriptedSender([lambda: Refused("no such mailbox", detail="550")])
    async with sending(house, sender):
        failed = await until(lambda d: d.state == "failed", house, draft)
        assert failed.failure_reason == "no such mailbox: 550"
        mended = await review.revise_draft(house.caller, draft.id, {"to_recipients": ["johnny@example.com"]})
        await review.approve_draft(house.caller, mended.id, mended.digest)
        await until(lambda d: d.state == "sent", house, mended)
    assert [m.to for m in sender.sent] == [("johnny@example.com",)]


async def test_a_line_that_breaks_leaves_the_decision_to_a_person(house: House) -> None:
    draft = await drafted(house)
    sender = ScriptedSender([lambda: Uncertain("the line broke")])
    async with sending(house, sender):
        await until(lambda d: d.state == "uncertain", house, draft)
        assert sender.sent == []
        for _ in range(100):
            if (await send_task(house, draft)).execution_status == "blocked":
                break
            await asyncio.sleep(0.05)
    resolved = await review.resolve_draft(house.caller, draft.id, was_sent=True)
    assert resolved.state == "sent"
    assert (await send_task(house, draft)).execution_status == "completed"


@pytest.mark.parametrize("knows_earlier", [True, False])
async def test_a_run_cut_off_between_sending_and_recording_does_not_send_again(
    house: House, knows_earlier: bool
) -> None:
    draft = await drafted(house)
    sender = ScriptedSender(knows_earlier=knows_earlier)
    await _begin_as_a_worker_that_dies(house, draft, sender)
    async with sending(house, sender):
        found = await until(lambda d: d.state in {"sent", "uncertain"}, house, draft, seconds=30)
    assert found.state == ("sent" if knows_earlier else "uncertain")
    assert len(sender.sent) == 1


async def _begin_as_a_worker_that_dies(house: House, draft: Draft, sender: ScriptedSender) -> None:
    """Everything up to the sent mail, and nothing after it."""
    from agents.executor import STEWARD_AGENT_ID
    from agents.sending import outgoing_mail
    from core.database import Identity

    worker = house.database.acting_as(Identity.service(draft.organization_id))
    task = await send_task(house, draft)
    await runs.start_task_execution(worker, task.id, STEWARD_AGENT_ID)
    message_id = f"<{draft.id}@vega.example>"
    begun = await review.begin_sending(worker, draft.id, message_id)
    await steps.begin_step(worker, task.id, f"send draft {draft.id}/0", "act", f"send draft {draft.id}")
    await sender.send(outgoing_mail(begun, message_id, house.clock))
    async with pool_of(house.database).connection() as connection:
        await connection.execute("delete from jobs.procrastinate_jobs")
        await connection.execute("update public.tasks set updated_at = now() - interval '1 minute'")


async def test_a_killed_worker_is_replaced_and_nothing_is_lost(house: House, tmp_path: Path) -> None:
    items = [
        {"title": f"Write an outline for chapter {n}", "kind": "outline", "execution_type": "fully_automated"}
        for n in range(10)
    ]
    tasks = await functions.create_tasks(house.caller, items)
    environment = {
        **os.environ,
        "STEWARD_HOME": str(tmp_path / "other"),
        "STEWARD_DATABASE_URL": postgres(house.database).url,
    }
    process = forked.start(["worker"], environment, tmp_path, stderr=subprocess.DEVNULL)
    assert process.stdout
    try:
        assert await asyncio.to_thread(process.stdout.readline) == "The worker is ready.\n"
        for task in tasks:
            await functions.queue_task_execution(house.caller, task.id)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    states: list[str] = []
    await let_silence_pass(house.database)
    async with working(await house.worker()):
        for _ in range(300):
            states = [(await functions.get_task(house.caller, task.id)).execution_status for task in tasks]
            if set(states) == {"completed"}:
                break
            await asyncio.sleep(0.1)
    assert set(states) == {"completed"}


async def test_a_crash_of_the_rules_is_retried_and_then_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents import work

    async def crash(*_: object) -> None:
        raise RuntimeError("secret words of a mail")

    monkeypatch.setattr(work, "think", crash)
    task = (
        await functions.create_tasks(
            house.caller, [{"title": "x", "execution_type": "fully_automated", "max_retries": 1}]
        )
    )[0]
    await functions.queue_task_execution(house.caller, task.id)
    async with working(await house_with(house).worker()):
        for _ in range(200):
            task = await functions.get_task(house.caller, task.id)
            if task.execution_status == "failed":
                break
            await asyncio.sleep(0.05)
    assert (task.execution_status, task.failure_reason) == ("failed", "An unexpected error: RuntimeError")
    assert "secret" not in str(task.model_dump())


async def test_a_job_that_finds_nothing_to_do_does_not_hide_the_run_that_began_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job of a task and what released it come at once: the worker must go on saying that it runs it.

    `start_task` is a stand-in, since the moment between the two cannot be hit from outside.
    """
    worker = Worker(house.database, house.equipment)
    task_id, run_id = uuid4(), uuid4()
    shown = worker._started  # pyright: ignore[reportPrivateUsage]

    async def begun_by_another(*_: object) -> None:
        shown[task_id] = run_id  # what released it has begun it, in this worker

    monkeypatch.setattr("jobs.worker.start_task", begun_by_another)
    await worker.advance(str(task_id), str(uuid4()))
    assert shown == {task_id: run_id}

    async def nothing_to_do(*_: object) -> None:
        assert task_id in shown

    shown.clear()
    monkeypatch.setattr("jobs.worker.start_task", nothing_to_do)
    await worker.advance(str(task_id), str(uuid4()))
    assert shown == {}


async def test_what_runs_is_cut_off_when_its_organization_is_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents import work

    begun, ended = asyncio.Event(), asyncio.Event()

    async def think(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(work, "think", think)
    vega = await organizations.create_organization(house.caller, "Vega")
    (task,) = await functions.create_tasks(house.caller, [{"title": "x", "execution_type": "fully_automated"}])
    await functions.queue_task_execution(house.caller, task.id)
    async with working(await house.worker()):
        await asyncio.wait_for(begun.wait(), 20)
        await organizations.delete_organization(house.caller, vega.id, "Vega")
        await asyncio.wait_for(ended.wait(), 20)
        (fresh,) = await functions.create_tasks(house.caller, [{"title": "y", "execution_type": "fully_automated"}])
        monkeypatch.undo()
        await functions.queue_task_execution(house.caller, fresh.id)
        await house.work_until(fresh.id)
