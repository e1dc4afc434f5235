"""A worker is frozen in the middle of a step, another takes its task over, and then the first wakes up and goes on.

Nothing may happen twice at the other end, and what the second has recorded stands.
"""

from contextlib import suppress
from typing import Literal
from uuid import UUID, uuid4

import pytest

from app.house import House
from core.database import Caller, Identity
from core.errors import StewardError
from core.postgres import pool_of
from tasks import functions, review, runs, steps, trees
from tests.chaos.dying_worker import FREEZES
from tests.chaos.model_faults import ModelFaults, running_faults
from tests.chaos.others import Others, approved_draft, tree_with
from tests.chaos.smtp_sink import SmtpSink, running_sink
from tests.emulators.model_server import ModelServer
from tests.gate import allow_own_acts


async def completions(house: House, task_id: UUID) -> int:
    """How often a task was completed, by its log."""
    task = await functions.get_task(house.caller, task_id)
    return sum(entry.event == "completed" for entry in task.execution_log)


async def test_an_act_that_was_found_is_not_done_again_by_the_one_that_did_it(others: Others) -> None:
    caller = others.house.caller
    made = await trees.create_task_tree(caller, tree_with("note"))
    async with others.worker(FREEZES) as frozen:
        await functions.queue_task_execution(caller, made.id)
        await others.until_frozen(frozen)
        async with others.worker():
            await others.until(made.id, "completed")
            await others.wake(frozen)
    later = made.keys["later"]
    assert others.effects("note", later) == 1
    assert await completions(others.house, later) == 1
    assert await completions(others.house, made.id) == 1


@pytest.mark.parametrize("when", ["before the mail was handed over", "after it was taken"])
async def test_a_mail_leaves_once_though_its_sender_wakes_up_late(others: Others, when: str) -> None:
    house = others.house
    sink = SmtpSink(refuse_for_now=0, drop_taken=0, drop_untaken=0)
    if when == "after it was taken":
        sink.on_taken = others.freeze
    else:
        sink.on_recipient = others.freeze
    async with running_sink(sink):
        others.environment["STEWARD_SMTP_URL"] = sink.url
        async with others.worker() as frozen:
            others.victim = frozen
            draft, send_task = await approved_draft(house)
            await others.until_frozen(frozen)
            async with others.worker():
                await others.until(send_task, "blocked", "completed", "failed")
                await others.wake(frozen)
    found = await review.get_draft(house.caller, draft.id)
    assert found.state in {"uncertain", "sent"}
    assert sink.taken == {found.message_id: 1}


async def test_a_late_answer_of_the_model_changes_nothing(others: Others, model_server: ModelServer) -> None:
    caller, marker = others.house.caller, "marker-takeover-0"
    item = {"title": f"Write the invitation {marker}", "kind": "document", "execution_type": "fully_automated"}
    faults = ModelFaults(
        model_server.base_url.removesuffix("/v1"), limited=0, broken=0, malformed=0, cut=0, on_answered=others.freeze
    )
    async with running_faults(faults):
        others.environment |= {"OPENAI_BASE_URL": faults.base_url, "OPENAI_API_KEY": "not-a-key"}
        (task,) = await functions.create_tasks(caller, [item])
        async with others.worker() as frozen:
            others.victim = frozen
            await functions.queue_task_execution(caller, task.id)
            await others.until_frozen(frozen)
            async with others.worker():
                await others.until(task.id, "completed")
                await others.wake(frozen)
    assert faults.answered(marker) == 2
    assert await completions(others.house, task.id) == 1
    (step,) = await steps.list_steps(caller, task.id)
    assert (step.state, step.attempts) == ("finished", 2)


async def taken_over(house: House, kind: Literal["model", "act"]) -> tuple[Caller, Caller, UUID]:
    """A step that one run has begun and its successor has taken up: both runs, and the step."""
    await allow_own_acts(house.database, "noop")
    item = {"title": "Taken over", "tool": "noop", "execution_type": "fully_automated"}
    (task,) = await functions.create_tasks(house.caller, [item])
    await functions.queue_task_execution(house.caller, task.id)
    service = house.database.acting_as(Identity.service(task.organization_id))

    async def begin() -> tuple[Caller, UUID | None]:
        started = await runs.start_task_execution(service, task.id, None, worker_id=uuid4())
        assert started.run_id
        run = service.as_run(task.id, started.run_id)
        return run, (await steps.begin_step(run, task.id, "noop/0", kind, "noop")).step_id

    earlier, step_id = await begin()
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update public.tasks set execution_status = 'queued' where id = %s", (task.id,))
    successor, same = await begin()
    assert step_id is not None
    assert step_id == same
    return earlier, successor, step_id


@pytest.mark.parametrize("kind", ["model", "act"])
async def test_a_failure_of_the_earlier_run_does_not_undo_what_its_successor_does(
    house: House, kind: Literal["model", "act"]
) -> None:
    earlier, successor, step_id = await taken_over(house, kind)
    with suppress(StewardError):  # refused, or taken no notice of
        await steps.fail_step(earlier, step_id, "It woke up too late")
    await steps.finish_step(successor, step_id, {"output": "done"})


@pytest.mark.parametrize("kind", ["model", "act"])
async def test_a_result_of_the_earlier_run_stands(house: House, kind: Literal["model", "act"]) -> None:
    earlier, successor, step_id = await taken_over(house, kind)
    await steps.finish_step(earlier, step_id, {"output": "done by the first"})
    await steps.finish_step(successor, step_id, {"output": "done by the second"})
    async with pool_of(house.database).connection() as connection:
        found = await (
            await connection.execute("select s.result from public.steps s where s.id = %s", (step_id,))
        ).fetchone()
    assert found == ({"value": {"output": "done by the first"}},)
