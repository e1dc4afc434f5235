"""Trees through the whole engine, with a real worker: order, parallel parts, failure, changes of plan, waiting, pausing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.equipment import Run
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyInput, Done, Outcome, Tool
from app.house import House
from core.database import Identity
from core.errors import Conflict, Invalid, Unavailable
from jobs.worker import Worker, working
from tasks import functions, review, runs, steps, trees
from tasks.events import list_task_events
from tests.integration.agents.growing import Bench, at_work, is_state, node, root, started, states, until


async def test_parts_run_as_their_edges_allow_and_side_by_side(house: House, bench: Bench) -> None:
    tree = root(
        node("a", "bench"),
        node("b", "bench", ["a"]),
        node("c", "bench", ["a"]),
        node("d", "bench", ["b", "c"]),
    )
    bench.meet = ({"b", "c"}, asyncio.Barrier(2))
    async with at_work(house, bench):
        made = await started(house, tree)
        task = await until(house, made.id, is_state("completed"))
    assert bench.calls[0] == "a"
    assert set(bench.calls[1:3]) == {"b", "c"}
    assert bench.calls[3:] == ["d"]
    assert bench.most_together == 2
    assert (task.subtask_done_count, task.verification) == (4, "claimed")


async def test_a_group_inside_a_tree_runs_when_its_turn_comes(house: House, bench: Bench) -> None:
    inner = {**node("inner", None), "children": [node("x", "bench"), node("y", "bench", ["x"])], "depends_on": ["a"]}
    tree = root(node("a", "bench"), inner, node("b", "bench", ["inner"]))
    async with at_work(house, bench):
        made = await started(house, tree)
        await until(house, made.id, is_state("completed"))
    assert bench.calls == ["a", "x", "y", "b"]


async def test_a_cycle_through_parents_is_refused_and_named(house: House) -> None:
    one = {**node("one", None), "children": [node("x", after=["y"])]}
    two = {**node("two", None, ["one"]), "children": [node("y")]}
    with pytest.raises(Invalid, match="cycle") as caught:
        await trees.create_task_tree(house.caller, root(one, two))
    assert all(title in (caught.value.detail or "") for title in ("one", "two", "x", "y"))
    assert (await functions.list_tasks(house.caller)).items == []


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (root(node("a", after=["b"]), node("b", after=["a"])), "cycle"),
        (root(node("a", after=["a"])), "cycle"),
        (root(node("a", after=["nowhere"])), "nowhere"),
        (root(node("a"), node("a")), "two tasks of the tree have the key"),
        (root(node("a", after=["root"])), "cycle"),
        ({"title": "x", "children": "no list"}, "lists"),
        ({"title": "", "children": []}, ""),
    ],
)
async def test_a_tree_that_makes_no_sense_leaves_nothing_behind(house: House, tree: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        await trees.create_task_tree(house.caller, tree)
    said = f"{caught.value.message} {caught.value.detail}".casefold()
    assert words in said
    assert (await functions.list_tasks(house.caller)).items == []


async def test_edges_are_added_and_taken_away_while_a_part_waits(house: House) -> None:
    made = await trees.create_task_tree(house.caller, root(node("a"), node("b"), node("c", after=["b"])))
    keys = made.keys
    linked = await trees.add_dependency(house.caller, keys["b"], keys["a"])
    assert [t.title for t in linked.depends_on] == ["a"]
    with pytest.raises(Invalid) as caught:
        await trees.add_dependency(house.caller, keys["a"], keys["c"])
    assert caught.value.detail == "a -> c -> b -> a"
    linked = await trees.remove_dependency(house.caller, keys["b"], keys["a"])
    assert linked.depends_on == []
    other = await trees.create_task_tree(house.caller, root(node("z")))
    with pytest.raises(Invalid, match="one tree"):
        await trees.add_dependency(house.caller, keys["a"], other.keys["z"])


async def test_a_failed_part_asks_a_person_and_the_rest_goes_on(house: House, bench: Bench) -> None:
    bench.broken = {"a"}
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench"), node("b", "bench"), node("c", "bench", ["a"])))
        task = await until(house, made.id, lambda t: "needs you" in (t.blocked_reason or ""))
        await until(house, made.keys["b"], is_state("completed"))
        assert task.blocked_on == "subtasks"
        (change,) = await trees.list_plan_changes(house.caller, made.id)
        assert (change.decision, change.reason) == ("escalate", "It failed: a is broken")
        assert (await functions.get_task(house.caller, made.keys["c"])).execution_status == "pending"
        bench.broken = set()
        await functions.retry_task(house.caller, made.keys["a"])
        await until(house, made.id, is_state("completed"))
    assert bench.calls.count("a") == 2
    assert bench.calls.count("b") == 1


async def test_a_person_goes_on_without_a_failed_part(house: House, bench: Bench) -> None:
    bench.broken = {"a"}
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench"), node("c", "bench", ["a"])))
        await until(house, made.keys["a"], lambda t: t.escalated_at is not None)
        waived = await trees.waive_task(house.caller, made.keys["a"], "not needed this time")
        assert waived.waived_reason == "not needed this time"
        await until(house, made.id, is_state("completed"))
    assert bench.calls == ["a", "c"]
    assert [c.decision for c in await trees.list_plan_changes(house.caller, made.id)] == ["escalate", "skip"]


async def test_a_part_that_may_fail_holds_nothing_up(house: House, bench: Bench) -> None:
    bench.broken = {"a"}
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench", on_failure="skip"), node("c", "bench", ["a"])))
        await until(house, made.id, is_state("completed"))
    assert bench.calls == ["a", "c"]


async def test_a_part_that_must_not_fail_stops_the_tree_and_a_retry_keeps_what_is_done(
    house: House, bench: Bench
) -> None:
    bench.broken = {"b"}
    tree = root(
        node("a", "bench"),
        node("b", "bench", ["a"], on_failure="stop"),
        node("c", "bench", ["b"]),
        node("waits", "delay", tool_input={"seconds": 3600}),
    )
    async with at_work(house, bench):
        made = await started(house, tree)
        task = await until(house, made.id, is_state("failed"))
        assert task.failure_reason == "b failed: b is broken"
        stopped = states(await functions.get_task_tree(house.caller, made.id))
        assert (stopped["c"], stopped["waits"], stopped["a"]) == ("cancelled", "cancelled", "completed")
        bench.broken = set()
        await functions.retry_task(house.caller, made.id)
        await until(house, made.id, lambda t: t.execution_status == "blocked" and "3 of 4" in (t.blocked_reason or ""))
    assert bench.calls == ["a", "b", "b", "c"]


async def test_a_passing_error_is_tried_again_and_a_final_one_is_not(house: House) -> None:
    calls: list[str] = []

    async def flaky(run: Run, given: AnyInput) -> Outcome:
        calls.append(run.task.title)
        if len(calls) == 1:
            raise Unavailable("not now", retry_after_seconds=0)
        return Done("now")

    tool = Tool("flaky", "fails once", "read", flaky, AnyInput)
    async with at_work(house, flaky=tool):
        made = await started(house, root(node("a", "flaky", max_retries=3)))
        await until(house, made.id, is_state("completed"))
    task = await functions.get_task(house.caller, made.keys["a"])
    assert (len(calls), task.retry_count) == (2, 1)
    (step,) = await steps.list_steps(house.caller, task.id)
    assert (step.state, step.attempts) == ("finished", 2)


async def test_a_run_that_takes_too_long_is_cut_off(house: House, bench: Bench) -> None:
    bench.hold.clear()
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench", timeout_seconds=1)))
        task = await until(house, made.keys["a"], is_state("failed"))
    assert task.failure_reason == "It took longer than 1 second"
    assert bench.together == 0


async def test_a_delay_holds_no_worker_and_goes_on(house: House) -> None:
    async with at_work(house):
        made = await started(
            house, root(node("wait", "delay", tool_input={"seconds": 1}), node("after", after=["wait"]))
        )
        waiting = await until(house, made.keys["wait"], is_state("blocked"))
        assert (waiting.blocked_on, waiting.blocked_reason) == ("delay", "Waits 1 second")
        assert waiting.blocked_until is not None
        await until(house, made.id, is_state("completed"))


@pytest.mark.parametrize(
    "wrong", [{}, {"seconds": -1}, {"seconds": 1, "until": "2030-01-01T00:00:00Z"}, {"minutes": 3}]
)
async def test_a_delay_with_a_wrong_input_fails_and_says_why(house: House, wrong: dict[str, Any]) -> None:
    async with at_work(house):
        made = await started(house, root(node("wait", "delay", tool_input=wrong)))
        task = await until(house, made.keys["wait"], is_state("failed"))
    assert task.failure_reason
    assert "delay" in task.failure_reason.casefold()


@pytest.mark.parametrize("until_when", ["2031-01-01T09:00:00", "2031-01-01T08:00:00Z"])
async def test_a_delay_until_a_time_goes_by_the_persons_clock(house: House, until_when: str) -> None:
    async with at_work(house):
        made = await started(house, root(node("wait", "delay", tool_input={"until": until_when})))
        waiting = await until(house, made.keys["wait"], is_state("blocked"))
    assert waiting.blocked_reason == "Waits until Wed 1 Jan 2031, 09:00"
    assert waiting.blocked_until == datetime(2031, 1, 1, 8, tzinfo=UTC)


async def test_a_gate_waits_for_a_person_and_lets_through(house: House) -> None:
    gate = node("gate", "approval_gate", tool_input={"question": "Spend 500 euros?", "amount": 500})
    async with at_work(house):
        made = await started(house, root(gate, node("after", after=["gate"])))
        waiting = await until(house, made.keys["gate"], is_state("blocked"))
        assert waiting.open_approval_id
        (asked,) = (await review.list_approvals(house.caller, states=["open"])).items
        assert (asked.title, asked.payload["amount"]) == ("Spend 500 euros?", 500)
        await review.decide_approval(house.caller, asked.id, approved=True, notes="fine")
        await until(house, made.id, is_state("completed"))
    done = await functions.get_task(house.caller, made.keys["gate"])
    assert done.verification == "verified"
    assert done.result["notes"] == "fine"


async def test_a_rejected_gate_lets_nothing_through(house: House) -> None:
    async with at_work(house):
        made = await started(house, root(node("gate", "approval_gate"), node("after", after=["gate"])))
        waiting = await until(house, made.keys["gate"], is_state("blocked"))
        assert waiting.open_approval_id
        await review.decide_approval(house.caller, waiting.open_approval_id, approved=False, notes="too dear")
        await until(house, made.id, lambda t: "needs you" in (t.blocked_reason or ""))
    tree = states(await functions.get_task_tree(house.caller, made.id))
    assert (tree["gate"], tree["after"]) == ("failed", "pending")
    (change,) = await trees.list_plan_changes(house.caller, made.id)
    assert "Rejected: too dear" in change.reason


async def test_a_gate_that_nobody_decides_expires_and_reminds_before(house: House) -> None:
    gate = node("gate", "approval_gate", tool_input={"expires_in_seconds": 2.5, "remind_after_seconds": 0.5})
    async with at_work(house):
        made = await started(house, root(gate))
        waiting = await until(house, made.keys["gate"], lambda t: t.reminded_at is not None)
        assert waiting.open_approval_id
        task = await until(house, made.keys["gate"], is_state("failed"))
    assert task.failure_reason == "Nobody decided in time"
    with pytest.raises(Conflict):
        await review.decide_approval(house.caller, waiting.open_approval_id, approved=True)
    kinds = [event.kind for event in await list_task_events(house.caller, made.id)]
    assert "reminder" in kinds


async def test_a_reply_completes_what_waits_for_it(house: House) -> None:
    async with at_work(house):
        made = await started(house, root(node("ask", "wait_for_reply", tool_input={"whom": "Ana"})))
        waiting = await until(house, made.keys["ask"], is_state("blocked"))
        assert waiting.blocked_reason == "Waits for an answer from Ana"
        answered = await runs.answer_task(house.caller, waiting.id, "yes, gladly")
        assert (answered.execution_status, answered.verification) == ("completed", "claimed")
        await until(house, made.id, is_state("completed"))
    with pytest.raises(Conflict, match="waits for no answer"):
        await runs.answer_task(house.caller, waiting.id, "again")


async def test_pausing_lets_the_running_step_end_and_nothing_else_begin(house: House, bench: Bench) -> None:
    bench.hold.clear()
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench"), node("b", "bench", ["a"])))
        await until(house, made.keys["a"], is_state("in_progress"))
        await functions.pause_task(house.caller, made.id)
        bench.hold.set()
        await until(house, made.keys["a"], is_state("completed", "paused"))
        await asyncio.sleep(1)
        assert bench.calls == ["a"]
        await functions.resume_task(house.caller, made.id)
        await until(house, made.id, is_state("completed"))
    assert bench.calls == ["a", "b"]


async def test_cancelling_cuts_a_running_step_off(house: House, bench: Bench) -> None:
    bench.hold.clear()
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench"), node("b", "bench", ["a"])))
        await until(house, made.keys["a"], is_state("in_progress"))
        await functions.cancel_task(house.caller, made.id)
        for _ in range(100):
            if not bench.together:
                break
            await asyncio.sleep(0.05)
    assert bench.together == 0
    assert set(states(await functions.get_task_tree(house.caller, made.id)).values()) == {"cancelled"}


async def test_a_worker_that_ends_hands_its_work_back_at_once(house: House, bench: Bench) -> None:
    bench.hold.clear()
    known = {**BUILT_IN_TOOLS, "bench": bench.tool}
    worker = Worker(house.database, replace(house.equipment, tools=known), grace_seconds=0.2)
    async with working(worker):
        made = await started(house, root(node("a", "bench")))
        await until(house, made.keys["a"], is_state("in_progress"))
    task = await functions.get_task(house.caller, made.keys["a"])
    assert (task.execution_status, task.retry_count) == ("queued", 0)
    bench.hold.set()
    async with at_work(house, bench):
        await until(house, made.id, is_state("completed"))


async def test_a_run_that_was_taken_over_is_refused(house: House) -> None:
    made = await trees.create_task_tree(house.caller, root(node("a")))
    caller = house.database.acting_as(Identity.service(made.organization_id))
    await functions.queue_task_execution(house.caller, made.keys["a"])
    first = await runs.start_task_execution(caller, made.keys["a"], None)
    await runs.hand_back_task(caller, first.id)
    second = await runs.start_task_execution(caller, made.keys["a"], None)
    assert first.run_id
    assert second.run_id
    stale, current = caller.as_run(first.id, first.run_id), caller.as_run(second.id, second.run_id)
    with pytest.raises(Conflict, match="taken over"):
        await runs.complete_task_execution(stale, first.id, {"output": "late"})
    with pytest.raises(Conflict, match="taken over"):
        await steps.begin_step(stale, first.id, "k", "act", "late")
    await runs.complete_task_execution(current, first.id, {"output": "in time"})


async def test_a_bound_of_the_tree_blocks_with_the_reason(house: House) -> None:
    plan = {"title": "Plan the marketing campaign", "kind": "project", "execution_type": "semi_automated"}
    async with at_work(house):
        made = await started(house, {**plan, "bounds": {"max_tasks": 3}})
        task = await until(house, made.id, is_state("blocked"))
        assert task.blocked_on == "bounds"
        assert "3 tasks" in (task.blocked_reason or "")
        await functions.update_task(house.caller, made.id, {"bounds": {"max_tasks": 50}})
        await functions.queue_task_execution(house.caller, task.id)
        await until(house, task.id, lambda t: t.blocked_on == "subtasks")
    used = await trees.get_tree_bounds(house.caller, made.id)
    assert used.bounds["max_tasks"] == 50
    assert used.used["tasks"] > 3


async def test_bounds_that_mean_nothing_are_refused(house: House) -> None:
    for wrong in ({"max_fun": 3}, {"max_tasks": "many"}, {"max_cost_usd": -1}):
        with pytest.raises(Invalid):
            await trees.create_task_tree(house.caller, root(bounds=wrong))


async def test_automation_rules_run_a_task_by_itself_when_they_hold(house: House) -> None:
    rules = {
        "run_by_itself": True,
        "when": {
            "all": [{"field": "priority", "in": ["low", "medium"]}, {"not": {"field": "labels", "contains": "private"}}]
        },
    }
    item = {"title": "t", "tool": "noop", "execution_type": "fully_automated", "automation_rules": rules}
    low, high = await functions.create_tasks(house.caller, [{**item, "priority": "low"}, {**item, "priority": "high"}])
    manual, private, flagged = await functions.create_tasks(
        house.caller,
        [{**item, "execution_type": "manual"}, {**item, "labels": ["private"]}, {**item, "flags": ["suspicious"]}],
    )
    found = [
        (await functions.get_task(house.caller, t.id)).execution_status for t in (low, high, manual, private, flagged)
    ]
    assert found == ["queued", "pending", "pending", "pending", "pending"]
    await functions.update_task(house.caller, high.id, {"priority": "medium"})
    assert (await functions.get_task(house.caller, high.id)).execution_status == "queued"


@pytest.mark.parametrize(
    "rules",
    [
        {"run": True},
        {"run_by_itself": "yes"},
        {"run_by_itself": True, "when": {"field": "shoe size", "is": 3}},
        {"run_by_itself": True, "when": {"field": "priority"}},
        {"run_by_itself": True, "when": {"any": {"field": "priority", "is": "low"}}},
        {"run_by_itself": True, "when": {"all": [{"any": [{"field": "x", "is": 1}]}]}},
    ],
)
async def test_rules_that_mean_nothing_are_refused_when_they_are_written(house: House, rules: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await functions.create_tasks(house.caller, [{"title": "t", "automation_rules": rules}])
