"""What a part of an outside agent finds goes to that agent: a person is asked, and nothing of theirs is named or proved by it."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.house import House
from core.database import Identity
from core.errors import StewardError
from core.postgres import pool_of
from jobs.worker import working
from tasks import agents, functions, review, steps, trees
from tasks.drafts import Approval
from tasks.models import Task
from tasks.plan_tools import list_outputs_before
from tests.integration.agents.growing import Bench, at_work, is_state, node, root, started, until
from tests.integration.tasks.outside import Outsider


async def register(house: House, name: str, *tools: str) -> Outsider:
    """An agent that can what it is called, with the tools that the person gave it."""
    made = await agents.register_agent(
        house.caller, {"name": name, "capabilities": [name], "tools": [{"name": one} for one in tools], "max_concurrent": 9}
    )  # fmt: skip
    organization = UUID((await house.caller.call("get_profile"))["organization"]["id"])
    return Outsider(house.database.acting_as(Identity.agent(made.details.id, organization)), made.details.id, name)


def part(tool: str | None, title: str = "Look", **more: Any) -> dict[str, Any]:
    return {"title": title, "tool": tool, "execution_type": "fully_automated", **more}


def work_for(agent: Outsider, key: str = "work", after: list[str] | None = None) -> dict[str, Any]:
    return node(key, "outside_agent", after, tool_input={"whom": agent.name})


async def waits(house: House, task_id: UUID) -> Task:
    return await until(house, task_id, lambda task: task.blocked_on == "agent")


async def broken_down(house: House, agent: Outsider, task_id: UUID, *parts: dict[str, Any], goes_on: bool = True) -> list[UUID]:  # fmt: skip
    await waits(house, task_id)
    data = {"confidence": 1, "continues": goes_on, "parts": list(parts)}
    answer = await agent.report(await agent.take(), "subtask_created", data)
    assert answer.outcome == "applied", answer
    return [one.task_id for one in answer.parts or []]


async def question(house: House, task_id: UUID) -> Approval:
    task = await until(house, task_id, lambda one: one.open_approval_id is not None)
    assert task.open_approval_id
    return await review.get_approval(house.caller, task.open_approval_id)


async def test_what_an_agent_has_read_for_it_asks_until_the_person_gave_it_the_tool(house: House) -> None:
    async with AsyncExitStack() as stack:
        larry, rosa = await register(house, "Larry"), await register(house, "Rosa", "mail_search", "file")
        await stack.enter_async_context(working(await house.worker()))
        secret = part("mail_search", tool_input={"words": "password"})
        event = {"action": "create", "title": "Call the bank", "start": "2026-03-05T10:00:00+01:00"}
        asks = [secret, part("file", tool_input={"action": "list"}), part("private_event", tool_input=event)]
        made = await started(house, work_for(larry))
        looks, *_, computes, waiting = ids = await broken_down(
            house, larry, made.id, *asks, part("free_busy", tool_input={"start": "2026-03-05T00:00:00+01:00", "end": "2026-03-06T00:00:00+01:00"}),
            part("data_transform", tool_input={"expression": "1 + 1", "data": {}}), part("wait_for_reply"),
        )  # fmt: skip
        assert (await until(house, computes, is_state("completed"))).result["output"]
        assert "was not given wait_for_reply" in str((await until(house, waiting, is_state("failed"))).failure_reason)
        for one in ids[:4]:
            asked = await question(house, one)
            assert asked.decision
            assert {reason.code for reason in asked.decision.reasons} >= {"told_to_agent"}
            assert asked.title.startswith("Larry would have Steward "), asked.title
            assert "goes to Larry" in str(asked.payload["text"])
            assert (await functions.get_task(house.caller, one)).result is None
        # The database alone refuses it as well, whatever a worker believes.
        for kind, name in (("read", "mail_search"), ("act", "file")):
            with pytest.raises(StewardError, match="leave"):
                await _begin(house, ids[0 if kind == "read" else 1], kind, name)
        await review.decide_approval(house.caller, (await question(house, looks)).id, approved=True)
        assert "output" in (await until(house, looks, is_state("completed"))).result
        for one in ids[1:4]:
            await review.decide_approval(house.caller, (await question(house, one)).id, approved=False, notes="no")
        await waits(house, made.id)
        again = await larry.take()
        assert {one.title for one in again.parts if one.status == "completed"} == {"Look"}
        (failed,) = (one for one in again.parts if one.task_id == waiting)
        assert failed.reason == "Steward could not do it; its person sees why"  # an error would say what there is here

        given = await started(house, work_for(rosa))
        freely, writes = await broken_down(house, rosa, given.id, secret, asks[1])
        assert (await until(house, freely, is_state("completed"))).verification is not None
        assert (await question(house, writes)).tool == "file"  # an own act is never given

        # Through an agent that was given it, another that was not gets nothing by itself.
        through = await started(house, work_for(larry))
        (handed,) = await broken_down(house, larry, through.id, part("outside_agent", tool_input={"whom": "Rosa"}))
        (inner,) = await broken_down(house, rosa, handed, secret)
        assert (await question(house, inner)).title.startswith("Larry would")


async def _begin(house: House, task_id: UUID, kind: Any, name: str) -> None:
    """What a worker would do that had not been asked."""
    async with pool_of(house.database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(
            "update public.tasks set execution_status = 'in_progress', run_id = gen_random_uuid() where id = %s", (task_id,)
        )  # fmt: skip
    try:
        task = await functions.get_task(house.caller, task_id)
        service = house.database.acting_as(Identity.service(task.organization_id))
        assert task.run_id
        await steps.begin_step(service.as_run(task_id, task.run_id), task_id, f"1/{name}/0", kind, name)
    finally:
        async with pool_of(house.database).connection() as connection, connection.transaction():
            await connection.execute("set local session_replication_role = replica")
            await connection.execute("update public.tasks set execution_status = 'blocked' where id = %s", (task_id,))


SECRET: dict[str, Any] = {"expression": "{'salary': 123456}", "data": {}}


async def test_templates_of_an_agents_parts_name_what_is_the_agents_alone_and_nobody_elses_name_them(
    house: House,
) -> None:
    async with AsyncExitStack() as stack:
        larry = await register(house, "Larry")
        await stack.enter_async_context(working(await house.worker()))
        tree = root(
            node("payroll", "data_transform", tool_input=SECRET),
            node("sum", "data_transform", ["payroll"], tool_input={"expression": "{'shown': 1}", "data": {}}),
            work_for(larry, "check", ["sum"]),
            node("use", "data_transform", ["payroll", "check"], tool_input={"expression": "$", "data": "{{ payroll.value.salary }}"}),
        )  # fmt: skip
        made = await started(house, tree)
        await waits(house, made.keys["check"])
        work = await larry.take()
        steals = part("data_transform", tool_input={"expression": "$", "data": {"x": "{{ payroll.output }}"}}, depends_on=[0])  # fmt: skip
        for key in ("x", "Payroll", "payroll\u001c", "\u001cpayroll", "pay\u200broll", "{{payroll"):
            parts: list[dict[str, Any]] = [part("noop", "decoy", key=key), {**steals, "depends_on": []}]
            refused = await larry.report(work, "subtask_created", {"confidence": 1, "continues": True, "parts": parts})
            assert refused.outcome == "refused", key
            assert "123456" not in refused.model_dump_json()
        # Two rounds: a decoy first; then what is over before the new part is the person's alone.
        parts = [part("noop", "decoy", key="payroll")]
        assert (await larry.report(work, "subtask_created", {"confidence": 1, "continues": True, "parts": parts})).outcome == "applied"  # fmt: skip
        await waits(house, made.keys["check"])
        work = await larry.take()
        refused = await larry.report(work, "subtask_created", {"confidence": 1, "continues": True, "parts": [{**steals, "depends_on": []}]})  # fmt: skip
        assert (refused.outcome, "does not depend" in str(refused.reason)) == ("refused", True)
        mine = part("data_transform", "mine", key="mine", tool_input={"expression": "7", "data": {}})
        fair = part("data_transform", "fair", depends_on=[0], tool_input={"expression": "$", "data": ["{{ mine.output }}", "{{ sum.value.shown }}"]})  # fmt: skip
        planned = await larry.report(work, "subtask_created", {"confidence": 1, "parts": [mine, fair]})
        assert planned.outcome == "applied", planned
        done = await until(house, (planned.parts or [])[1].task_id, is_state("completed", "failed"))
        before = await list_outputs_before(house.caller, done.id)
        assert {one.title for one in before} == {"payroll", "sum", "mine"}
        assert {name for one in before for name in one.names} == {"sum", "mine"}
        assert done.result["output"]["value"] == [{"value": 7}, 1], done.failure_reason
        # The part named payroll takes nothing away from the rest of the plan.
        used = await until(house, made.keys["use"], is_state("completed", "failed"))
        assert used.failure_reason is None
        assert used.result["output"]["value"] == 123456


async def test_what_an_agent_has_done_proves_nothing_and_what_steward_thinks_for_it_is_reviewed(house: House) -> None:
    async with AsyncExitStack() as stack:
        larry = await register(house, "Larry")
        await stack.enter_async_context(working(await house.worker()))
        made = await trees.create_task_tree(house.caller, root(work_for(larry), title="Pay the invoice"))
        await functions.queue_task_execution(house.caller, made.id)
        parts = [part("delay", tool_input={"seconds": 0.01}), part("data_transform", tool_input={"expression": "'paid'"})]  # fmt: skip
        await broken_down(house, larry, made.keys["work"], *parts, goes_on=False)
        work = await until(house, made.keys["work"], is_state("completed"))
        assert work.verification == "claimed"
        assert ("agent", str(larry.id)) in {(one.kind, one.where) for one in work.evidence}
        assert (await until(house, made.id, is_state("completed"))).verification == "claimed"

        other = await started(house, work_for(larry))
        thought, later = await broken_down(house, larry, other.id, part(None, "Summarise everything that Robin plans"), part(None, "Later", depends_on=[0]))  # fmt: skip
        assert (await functions.get_task(house.caller, thought)).execution_type == "semi_automated"
        seen = await until(house, thought, lambda task: task.execution_status == "blocked")
        await _think_for(house, seen, "Robin's private plans")
        program = house.database.acting_as(replace(house.caller.identity, organization_id=seen.organization_id, token_id=uuid4(), scopes=("tasks:read", "tasks:write")))  # fmt: skip
        for task_id, past in ((later, {"execution_type": "fully_automated"}), (thought, {"execution_status": "completed"})):  # fmt: skip
            with pytest.raises(StewardError, match="person"):
                await functions.update_task(program, task_id, past)
        changed = await functions.update_task(house.caller, later, {"execution_type": "fully_automated"})
        assert changed.execution_type == "fully_automated"  # a person may
        for one in (later, thought):
            await functions.cancel_task(house.caller, one)
        await waits(house, other.id)
        told, _ = (await larry.take()).parts
        assert (told.status, told.output) == ("cancelled", None)
        assert "private" not in told.model_dump_json()


async def test_a_persons_own_work_does_not_wait_for_what_an_agent_has_done_here(house: House) -> None:
    bench = Bench()
    bench.hold.clear()
    async with at_work(house, bench):
        rosa = await register(house, "Rosa", "bench")
        made = await started(house, work_for(rosa))
        ids = await broken_down(house, rosa, made.id, *[part("bench", f"Look {n}") for n in range(9)])
        await until(house, made.id, lambda _: bench.together == 2)
        mine = await started(
            house, root(node("quick"), node("sum", "data_transform", tool_input={"expression": "1 + 1", "data": {}}))
        )
        await until(house, mine.id, is_state("completed"))
        assert (len(bench.calls), bench.together) == (2, 2)
        bench.hold.set()
        for one in ids:
            await until(house, one, is_state("completed"))
    assert (len(bench.calls), bench.most_together) == (9, 2)


async def _think_for(house: House, task: Task, said: str) -> None:
    """What a model would have said of it, waiting for the person."""
    async with pool_of(house.database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(
            "update public.tasks set result = jsonb_build_object('output', %s::text), blocked_reason = %s where id = %s",
            (said, said, task.id),
        )
