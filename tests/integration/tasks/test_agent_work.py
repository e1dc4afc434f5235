"""What an agent is told of the work it holds, and what becomes of parts that nobody agreed to."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from core.database import Caller, Database
from core.errors import Forbidden
from tasks import functions, runs
from tasks.thresholds import pin_threshold
from tests.integration.tasks.outside import Yard

HIS = {"tool": "outside_agent", "execution_type": "fully_automated", "tool_input": {"whom": "Larry"}}


@pytest.fixture
def yard(database: Database, ana: Caller, service: Caller) -> Yard:
    return Yard(database, ana, service)


async def test_how_sure_an_agent_has_to_be_is_the_tenants(yard: Yard) -> None:
    larry = await yard.register("Larry", "x")
    await pin_threshold(yard.ana, "decomposition", 0.9, 0.8, datetime.now(UTC))
    await yard.offer(whom="Larry")
    parts = [{"title": "Guess", "execution_type": "manual"}]
    answer = await larry.report(await larry.take(), "subtask_created", {"confidence": 0.85, "parts": parts})
    assert answer.human_review_required


async def test_what_was_found_for_one_agent_or_said_to_it_is_not_shown_to_another(yard: Yard) -> None:
    larry, rosa = await yard.register("Larry", "x", max_concurrent=2), await yard.register("Rosa", "x")
    task_id = await yard.offer(capabilities=["x"])
    mine = {"title": "Ask", "key": "ask", **HIS, "max_retries": 0}
    thought = {"title": "Think", "execution_type": "semi_automated"}
    planned = await larry.report(
        await larry.take(), "subtask_created", {"confidence": 1, "continues": True, "parts": [mine, thought, mine]}
    )
    ask, think, lost = (one.task_id for one in planned.parts or [])
    for part, kind, data in ((ask, "complete", {"output": "4111 1111"}), (lost, "error", {"error": "4111 lost"})):
        await yard.offer_queued(part)
        await larry.report(await larry.take(), f"subtask_{kind}", data)
    for title in ("By hand", "Looked up"):
        child = await functions.create_subtask(yard.ana, task_id, title)
        tool = "calendar_read" if title == "Looked up" else None
        await yard.sql("update public.tasks set source = 'manual', tool = %s where id = %s", tool, child.id)
        await functions.update_task(yard.ana, child.id, {"execution_status": "completed"})
        await yard.sql("update public.tasks set result = jsonb_build_object('output', title) where id = %s", child.id)
    await runs.start_task_execution(yard.service, think, uuid4(), worker_id=uuid4())
    await functions.update_task(yard.ana, think, {"execution_status": "completed"})
    await yard.sql("update public.tasks set result = jsonb_build_object('plan', 'inner words') where id = %s", think)
    await yard.offer_queued(task_id)

    work = await larry.take()
    assert [(one.title, one.is_own, one.output) for one in work.parts] == [
        ("By hand", False, "By hand"),
        ("Looked up", False, None),
        ("Ask", True, "4111 1111"),
        ("Think", True, None),
        ("Ask", True, None),
    ]
    assert work.parts[4].reason == "Larry: 4111 lost"
    assert "inner words" not in work.model_dump_json()
    await larry.report(work, "task_error", {"error": "4111 is no card"})
    await yard.sql("update public.tasks set run_after = null where id = %s", task_id)
    await yard.offer_queued(task_id)
    other = await rosa.take()
    assert "4111" not in other.model_dump_json()
    assert other.earlier.failure_reason == "The attempt of another agent failed"
    assert [(one.status, one.is_own, one.output) for one in other.parts] == [
        ("completed", False, "By hand"),
        ("completed", False, None),
        ("completed", False, None),
        ("completed", False, None),
        ("failed", False, None),
    ]
    await rosa.report(other, "task_blocked", {"reason": "her own obstacle", "recheck_after_seconds": 1})
    assert (await yard.offered(task_id, "obstacle")) == "her own obstacle"


async def test_taking_the_question_away_is_a_no_and_no_program_does_it(yard: Yard) -> None:
    larry = await yard.register("Larry")
    home = UUID((await yard.ana.call("get_profile"))["organization"]["id"])
    token = Caller(
        yard.database,
        replace(yard.ana.identity, organization_id=home, token_id=uuid4(), scopes=("tasks:read", "tasks:write")),
    )
    for by in (yard.ana, token):
        task_id = await yard.offer(whom="Larry")
        part = {"title": "Guess", **HIS}
        await larry.report(await larry.take(), "subtask_created", {"confidence": 0.1, "continues": True, "parts": [part]})  # fmt: skip
        gate, guess = (await functions.get_task_tree(yard.ana, task_id)).children
        if by is token:
            for cancelling in (
                functions.cancel_task(token, gate.id),
                functions.update_task(token, gate.id, {"execution_status": "cancelled"}),
            ):
                with pytest.raises(Forbidden, match="may not decide"):
                    await cancelling
            await functions.cancel_task(token, task_id)  # the whole, it may
            assert (await yard.task(gate.id)).execution_status == "cancelled"
            continue
        await functions.cancel_task(by, gate.id)
        task = await yard.task(task_id)
        assert (task.blocked_on, task.blocked_reason) == ("person", "You did not agree to how it was broken down")
        assert (await yard.task(guess.id)).execution_status == "cancelled"
        await functions.queue_task_execution(by, task_id)
        await yard.offer_queued(task_id)
        await larry.report(await larry.take(), "task_complete", {"output": 1})


async def test_a_part_for_an_agent_that_nobody_registered_is_refused_by_name(yard: Yard) -> None:
    larry = await yard.register("Larry")
    await yard.offer(whom="Larry")
    work = await larry.take()
    for whom in ("Nobody here", str(uuid4()), "{{ x.output }}"):
        parts = [{"title": "a"}, {"title": "b", "tool": "outside_agent", "tool_input": {"whom": whom}}]
        answer = await larry.report(work, "subtask_created", {"confidence": 1, "parts": parts})
        assert (answer.outcome, answer.status) == ("refused", 422)
        assert f"parts[1].agent: there is no agent called {whom}" in str(answer.reason)
        assert "Larry" in str(answer.reason)
    parts = [{"title": "b", "tool": "outside_agent", "tool_input": {"whom": " lARRY "}}]
    assert (await larry.report(work, "subtask_created", {"confidence": 1, "parts": parts})).outcome == "applied"
