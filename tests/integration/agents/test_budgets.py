"""Budgets for models: of a day, of a task, of a tree; held before a request is made. Real Postgres, real HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.budget import BudgetUsedUp, TenantBudget, metered, of_the_house, out_of_budget
from agents.equipment import Equipment
from agents.extractor import extract, extract_stream
from agents.journal import Journal
from agents.strategist import PROMPT, Immediate
from agents.thinking import Limits, ModelCall, Question
from app.house import House
from core.database import Caller, Database
from core.errors import Forbidden, Invalid, NotFound, Unauthorized
from core.postgres import pool_of
from jobs.worker import Worker, working
from tasks import functions, model_calls, runs, steps
from tasks.models import Task
from tests.emulators.model_server import ModelServer, thinking_on
from tests.integration.agents.growing import Bench, is_state, node, root, started, until

CALL = ModelCall("strategy", "openai", "gpt-5-mini", "strategist/2", 100, 10, 0.6, 5)


async def running(service: Caller, **item: Any) -> Task:
    (task,) = await functions.create_tasks(
        service, [{"title": "Write it", "execution_type": "fully_automated", **item}]
    )
    return await runs.start_task_execution(service, task.id, None)


async def spend(caller: Caller, usd: float, task_id: UUID | None = None) -> None:
    house = await of_the_house(caller)
    await model_calls.record_llm_interaction(house, task_id, replace(CALL, cost_usd=usd).as_json())


def budget(caller: Caller, task: Task | None = None, **limits: Any) -> TenantBudget:
    return TenantBudget(caller, task.id if task else None, Limits(**limits), "Europe/Berlin")


async def test_within_a_days_budget_a_request_is_held_and_let_go(service: Caller) -> None:
    house = budget(service, day_usd=1)
    held = await house.reserve(None, 0.6)
    with pytest.raises(BudgetUsedUp):
        await house.reserve(None, 0.6)
    await model_calls.record_llm_interaction(service, None, replace(CALL, cost_usd=0.1, reservation_id=held).as_json())
    await house.reserve(None, 0.6)


async def test_what_nobody_asked_for_has_a_budget_of_its_own(service: Caller) -> None:
    task = await running(service, source="proactive")
    await spend(service, 0.5, task.id)
    with pytest.raises(BudgetUsedUp) as refused:
        await budget(service, task, day_usd=20, proactive_day_usd=0.6).reserve(None, 0.2)
    waiting = out_of_budget(refused.value)
    assert "work that nobody asked for" in waiting.reason
    assert "STEWARD_PROACTIVE_DAY_BUDGET_USD" in waiting.unblocked_by
    assert (waiting.blocked_on, waiting.until) == ("bounds", refused.value.until)


async def test_a_used_up_day_says_until_when_and_what_raises_it(service: Caller) -> None:
    await spend(service, 1.0)
    with pytest.raises(BudgetUsedUp) as refused:
        await budget(service, day_usd=1).reserve(None, 0)
    assert "$1.0000 of $1 for models are spent today" in refused.value.message
    assert "STEWARD_MODEL_DAY_BUDGET_USD" in (refused.value.hint or "")
    assert refused.value.until is not None
    assert timedelta(0) < refused.value.until - datetime.now(UTC) <= timedelta(hours=25)


async def test_two_requests_at_the_edge_of_a_budget_are_not_both_made(service: Caller) -> None:
    await spend(service, 0.9)
    house = budget(service, day_usd=1)
    answers = await asyncio.gather(*(house.reserve(None, 0.06) for _ in range(8)), return_exceptions=True)
    assert [type(answer) for answer in answers].count(str) == 1
    assert [type(answer) for answer in answers].count(BudgetUsedUp) == 7


async def test_the_spending_of_yesterday_counts_no_more(service: Caller, database: Database) -> None:
    await spend(service, 1.0)
    async with pool_of(database).connection() as connection:
        await connection.execute("update public.llm_interactions set created_at = created_at - interval '25 hours'")
    await budget(service, day_usd=1).reserve(None, 0.5)


async def test_what_was_held_and_never_recorded_is_let_go_in_time(service: Caller, database: Database) -> None:
    house = budget(service, day_usd=1)
    await house.reserve(None, 1.0)
    async with pool_of(database).connection() as connection:
        await connection.execute("update public.model_reservations set created_at = created_at - interval '11 minutes'")
    await house.reserve(None, 1.0)


async def test_a_days_requests_are_counted_whatever_they_cost(service: Caller) -> None:
    house = budget(service, day_calls=2)
    held = await house.reserve(None, 0)
    await model_calls.record_llm_interaction(service, None, replace(CALL, cost_usd=None, reservation_id=held).as_json())
    await house.reserve(None, 0)
    with pytest.raises(BudgetUsedUp, match="2 of 2 requests to models are used today"):
        await house.reserve(None, 0)


async def test_the_built_in_rules_use_up_no_request(service: Caller) -> None:
    rules = replace(CALL, provider="steward", model="built-in rules", cost_usd=0.0)
    await model_calls.record_llm_interaction(service, None, rules.as_json())
    await budget(service, day_calls=1).reserve(None, 0)


async def test_another_tenants_spending_does_not_count(service: Caller, mallory: Caller) -> None:
    await spend(mallory, 5.0)
    await budget(service, day_usd=1).reserve(None, 0.5)


async def bounded(person: Caller, database: Database, bounds: str) -> None:
    profile = await person.call("get_profile")
    async with pool_of(database).connection() as connection:
        await connection.execute(
            "update public.organizations set bounds = %s::jsonb where id = %s", (bounds, profile["organization"]["id"])
        )


async def test_a_tenants_own_day_is_bounded_by_its_word_and_the_installations(
    ana: Caller, service: Caller, database: Database
) -> None:
    await bounded(ana, database, '{"max_cost_usd_per_day": 0.5}')
    with pytest.raises(BudgetUsedUp, match=r"\$0\.0000 of \$0\.5"):
        await budget(service, day_usd=1).reserve(None, 0.6)
    await bounded(ana, database, '{"max_cost_usd_per_day": 100}')
    with pytest.raises(BudgetUsedUp, match=r"of \$1 "):
        await budget(service, day_usd=1).reserve(None, 1.1)


async def test_a_day_is_no_bound_of_a_tree(service: Caller) -> None:
    with pytest.raises(Invalid, match="no bound 'max_cost_usd_per_day'"):
        await running(service, bounds={"max_cost_usd_per_day": 1})


@pytest.mark.parametrize("bounds", [{}, {"max_cost_usd_per_task": 0.1}])
async def test_a_task_has_its_own_budget(service: Caller, bounds: dict[str, float]) -> None:
    task = await running(service, bounds=bounds)
    house = budget(service, task, task_usd=0.1 if not bounds else 5)
    with pytest.raises(BudgetUsedUp, match=r"this task may spend \$0\.1") as refused:
        await house.reserve(None, 0.2)
    assert refused.value.until is None
    assert "STEWARD_MODEL_TASK_BUDGET_USD" in (refused.value.hint or "")
    await budget(service, None, task_usd=0.1).reserve(None, 0.2)


async def test_a_tree_is_not_overspent_by_requests_under_way(service: Caller) -> None:
    task = await running(service, bounds={"max_cost_usd": 0.1})
    await budget(service, task).reserve(None, 0.06)
    with pytest.raises(BudgetUsedUp, match=r"\$0\.0000 of \$0\.1 are spent in this tree, and with \$0\.0600 under way"):
        await budget(service, task).reserve(None, 0.06)


async def test_what_others_only_hold_is_waited_for_a_moment(service: Caller) -> None:
    house = budget(service, day_usd=1)
    await house.reserve(None, 0.6)
    with pytest.raises(BudgetUsedUp) as refused:
        await house.reserve(None, 0.6)
    assert "under way are through" in (refused.value.hint or "")
    assert refused.value.until is not None
    assert refused.value.until - datetime.now(UTC) < timedelta(minutes=2)


async def test_a_refused_request_leaves_no_step_behind(service: Caller) -> None:
    task = await running(service)
    begun = await steps.begin_step(service, task.id, "1/strategy/0", "model", "strategy")
    with pytest.raises(BudgetUsedUp):
        await budget(service, task, day_usd=0).reserve(begun.step_id, 0.1)
    assert await steps.list_steps(service, task.id) == []


async def test_a_refused_further_try_is_not_counted(service: Caller) -> None:
    task = await running(service)
    begun = await steps.begin_step(service, task.id, "1/strategy/0", "model", "strategy")
    assert begun.step_id
    await steps.fail_step(service, begun.step_id, "out of reach")
    again = await steps.begin_step(service, task.id, "1/strategy/0", "model", "strategy")
    with pytest.raises(BudgetUsedUp):
        await budget(service, task, day_usd=0).reserve(again.step_id, 0.1)
    (step,) = await steps.list_steps(service, task.id)
    assert (step.state, step.attempts) == ("failed", 1)


async def test_what_strangers_may_not(mallory: Caller, service: Caller, nobody: Caller) -> None:
    task = await running(service)
    with pytest.raises(NotFound):
        await budget(mallory, task, day_usd=1).reserve(None, 0)
    with pytest.raises((Forbidden, Unauthorized)):
        await budget(nobody, day_usd=1).reserve(None, 0)
    held = await budget(service, day_usd=1).reserve(None, 1.0)
    for stranger in (mallory, await of_the_house(mallory)):
        call = replace(CALL, reservation_id=held).as_json()
        if stranger is mallory:
            with pytest.raises(Forbidden, match="the house says"):
                await model_calls.record_llm_interaction(stranger, None, call)
        else:
            await model_calls.record_llm_interaction(stranger, None, call)
    with pytest.raises(BudgetUsedUp):
        await budget(service, day_usd=1).reserve(None, 1.0)


@asynccontextmanager
async def thinking_house(
    house: House, server: ModelServer, bench: Bench | None = None, **limits: Any
) -> AsyncGenerator[Equipment]:
    async with thinking_on(server) as thinking:
        tools = {**house.equipment.tools} | ({"bench": bench.tool} if bench else {})
        equipment = replace(house.equipment, thinking=replace(thinking, limits=Limits(**limits)), tools=tools)
        async with working(Worker(house.database, equipment)):
            yield equipment


ITEM = {"title": "Write a line for the budget", "kind": "document", "execution_type": "fully_automated"}


async def test_a_task_waits_for_a_new_day_and_goes_on_by_itself(house: House, model_server: ModelServer) -> None:
    await spend(house.caller, 1.0)
    async with thinking_house(house, model_server, day_usd=1):
        (task,) = await functions.create_tasks(house.caller, [ITEM])
        await functions.queue_task_execution(house.caller, task.id)
        stuck = await until(house, task.id, is_state("blocked"))
        assert stuck.blocked_on == "bounds"
        assert "A budget for models is used up: $1.0000 of $1" in (stuck.blocked_reason or "")
        assert "tomorrow" in (stuck.unblocked_by or "")
        assert stuck.blocked_until is not None
        assert stuck.failure_reason is None
        async with pool_of(house.database).connection() as connection:
            await connection.execute("update public.llm_interactions set created_at = created_at - interval '25 hours'")
            await connection.execute("update public.tasks set blocked_until = now() where id = %s", (task.id,))
        done = await until(house, task.id, is_state("completed"))
    assert done.result["output"] == "One line."


async def test_a_plan_that_wants_changing_waits_for_a_new_day_too(
    house: House, model_server: ModelServer, bench: Bench
) -> None:
    bench.broken = {"Book the town hall"}
    tree = root({**node("hall", "bench"), "title": "Book the town hall"}, node("invite", "bench", ["hall"]))
    await spend(house.caller, 1.0)
    async with thinking_house(house, model_server, bench, day_usd=1):
        made = await started(house, tree)
        stuck = await until(house, made.id, lambda task: task.blocked_on == "bounds")
        assert stuck.blocked_until is not None
        async with pool_of(house.database).connection() as connection:
            await connection.execute("update public.llm_interactions set created_at = created_at - interval '25 hours'")
            await connection.execute("update public.tasks set blocked_until = now() where id = %s", (made.id,))
        await until(house, made.keys["hall"], lambda task: task.superseded_at is not None)


async def test_two_tasks_at_the_edge_do_not_overspend(house: House, model_server: ModelServer) -> None:
    """Each request may cost up to $0.017 or so, and costs $0.0025: one fits into what is left, both do not."""
    async with thinking_house(house, model_server, day_usd=0.02):
        tasks = await functions.create_tasks(house.caller, [ITEM, {**ITEM, "title": f"{ITEM['title']} too"}])
        for task in tasks:
            await functions.queue_task_execution(house.caller, task.id)
        ended = [await until(house, task.id, is_state("completed", "blocked")) for task in tasks]
        assert "completed" in {task.execution_status for task in ended}
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute(
            "select coalesce(sum(cost_usd), 0)::float8, (select count(*) from public.model_reservations) from public.llm_interactions"
        )
        row = await cursor.fetchone()
    assert row
    assert row[0] <= 0.02
    assert row[1] == 0


async def test_what_is_replayed_needs_no_budget(house: House, model_server: ModelServer, service: Caller) -> None:
    task = await running(service)
    assert task.run_id
    fenced = service.as_run(task.id, task.run_id)
    question = Question("strategy", [PROMPT], "Task: Write a line for the budget", [Immediate])
    async with thinking_on(model_server) as plain:
        for day_usd in (1, 0):  # the second has nothing left, and needs nothing
            thinking = replace(plain, journal=Journal(fenced, task.id, 1), budget=budget(fenced, task, day_usd=day_usd))
            answer = await thinking.answer(question, lambda: Immediate(output="", confidence=0))
            assert isinstance(answer, Immediate)
            assert answer.output == "One line."


async def test_a_chat_is_recorded_and_within_the_day(house: House, model_server: ModelServer) -> None:
    async with thinking_on(model_server) as plain:
        thinking = metered(replace(plain, limits=Limits(day_calls=1)), house.caller, house.clock)
        await extract(
            "Draft email to john@example.com thanking him for the meeting", now=house.clock.now(), thinking=thinking
        )
        with pytest.raises(BudgetUsedUp):
            await extract("how are you today?", now=house.clock.now(), thinking=thinking)
        with pytest.raises(BudgetUsedUp):
            async for _ in extract_stream("how are you today?", now=house.clock.now(), thinking=thinking):
                pass
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select purpose, input_tokens, cost_usd > 0 from public.llm_interactions")
        assert await cursor.fetchall() == [("extraction", 700, True)]
