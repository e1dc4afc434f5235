"""Parts that come, go or wait while their tree is under way, and the bounds of a tree."""

from collections.abc import Callable
from typing import Any

import pytest

from app.house import House
from core.errors import Conflict, Invalid
from tasks import functions, review, trees
from tasks.models import Task
from tests.integration.agents.growing import Bench, at_work, is_state, node, root, started, states, until

WAIT: dict[str, Any] = {"tool_input": {"seconds": 600}}


def is_waiting(text: str) -> Callable[[Task], bool]:
    return lambda task: task.execution_status == "blocked" and text in (task.blocked_reason or "")


async def test_a_task_with_a_tool_has_no_parts(house: House) -> None:
    gate = node("b2", "approval_gate")
    with pytest.raises(Invalid, match="a tool has no parts"):
        await trees.create_task_tree(house.caller, root({**node("b"), "children": [gate]}))
    made = await trees.create_task_tree(house.caller, root(node("b")))
    with pytest.raises(Invalid, match="a tool has no parts"):
        await functions.create_subtask(house.caller, made.keys["b"], "c", execution_type="manual")


@pytest.mark.parametrize("order", [["waits", "later"], ["later", "waits"]])
async def test_a_deleted_part_holds_nobody_up(house: House, bench: Bench, order: list[str]) -> None:
    tree = root(
        node("waits", "delay", **WAIT), node("later", "delay", **WAIT), node("end", "bench", ["waits", "later"])
    )
    async with at_work(house, bench):
        made = await started(house, tree)
        for key in order:
            await until(house, made.keys[key], is_state("blocked"))
        for key in order:
            await functions.delete_task(house.caller, made.keys[key])
        done = await until(house, made.id, is_state("completed"))
    assert bench.calls == ["end"]
    assert done.subtask_count == 1


async def test_a_tree_whose_last_open_part_is_deleted_is_done_or_asks(house: House, bench: Bench) -> None:
    async with at_work(house, bench):
        made = await started(house, root(node("a", "bench"), node("gate", "approval_gate")))
        await until(house, made.keys["gate"], is_state("blocked"))
        await until(house, made.id, is_waiting("1 of 2"))
        await functions.delete_task(house.caller, made.keys["gate"])
        await until(house, made.id, is_state("completed"))
        alone = await started(house, root(node("only", "delay", **WAIT)))
        await until(house, alone.keys["only"], is_state("blocked"))
        await functions.delete_task(house.caller, alone.keys["only"])
        task = await until(house, alone.id, is_waiting("deleted"))
    assert task.blocked_on == "person"


async def test_a_part_added_to_a_running_tree_runs(house: House, bench: Bench) -> None:
    async with at_work(house, bench):
        made = await started(house, root(node("waits", "approval_gate")))
        await until(house, made.keys["waits"], is_state("blocked"))
        added = await house.caller.call(
            "create_subtask",
            parent_id=made.id,
            title="added",
            execution_type="fully_automated",
            details={"tool": "bench"},
        )
        await until(house, added["id"], is_state("completed"))
        await until(house, made.id, is_waiting("1 of 2"))
        approval = (await functions.get_task(house.caller, made.keys["waits"])).open_approval_id
        assert approval
        await review.decide_approval(house.caller, approval, approved=True)
        await until(house, made.id, is_state("completed"))
    with pytest.raises(Conflict, match="takes no new parts"):
        await functions.create_subtask(house.caller, made.id, "too late", execution_type="manual")


async def test_ticking_off_a_task_ends_its_open_parts(house: House, bench: Bench) -> None:
    async with at_work(house, bench):
        made = await started(house, root(node("waits", "delay", **WAIT), node("after", "bench", ["waits"])))
        await until(house, made.keys["waits"], is_state("blocked"))
        with pytest.raises(Conflict, match="A worker starts this task"):
            await functions.update_task(house.caller, made.id, {"execution_status": "in_progress"})
        await functions.update_task(house.caller, made.id, {"execution_status": "completed"})
    tree = states(await functions.get_task_tree(house.caller, made.id))
    assert tree == {"root": "completed", "waits": "cancelled", "after": "cancelled"}
    assert bench.calls == []


async def test_what_depends_on_a_mail_waits_until_it_was_sent(house: House, bench: Bench) -> None:
    mail = {
        **node("mail", None),
        "title": "Send an email to yan@example.com thanking him for the meeting",
        "kind": "email",
        "recipient": "yan@example.com",
    }
    async with at_work(house, bench):
        made = await started(house, root(mail, node("z", "bench", ["mail"])))
        await until(house, made.keys["mail"], is_state("blocked"))
        (draft,) = (await review.list_drafts(house.caller, states=["draft"])).items
        assert bench.calls == []
        await review.approve_draft(house.caller, draft.id, draft.digest)
        await until(house, made.id, is_state("completed"))
    sent = await review.get_draft(house.caller, draft.id)
    assert (bench.calls, sent.state) == (["z"], "sent")


@pytest.mark.parametrize("bounds", [{"max_depth": 1}, {"max_tasks": 3}, {"max_children": 1}])
async def test_a_tree_larger_than_its_bounds_is_refused(house: House, bounds: dict[str, int]) -> None:
    inner = {**node("inner", None), "children": [node("x")]}
    with pytest.raises(Invalid, match="larger than its bounds"):
        await trees.create_task_tree(house.caller, root(inner, node("y"), bounds=bounds))
    assert (await functions.list_tasks(house.caller)).items == []


async def test_no_part_starts_when_the_wall_time_is_over(house: House, bench: Bench) -> None:
    tree = root(
        node("a", "delay", tool_input={"seconds": 1.2}), node("b", "bench", ["a"]), bounds={"max_wall_seconds": 1}
    )
    async with at_work(house, bench):
        made = await started(house, tree)
        task = await until(house, made.keys["a"], is_waiting("bound"))
    assert (task.blocked_on, bench.calls) == ("bounds", [])


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"all": [{"field": "priority", "is": "medium"}], "not": {"field": "labels", "contains": "x"}}, "stands alone"),
        ({"field": "priority", "is": "medium", "in": ["low"]}, "exactly one"),
        ({"field": "priority"}, "exactly one"),
        ({"field": "priority", "at_least": 3}, "goes with"),
        ({"field": "ai_confidence", "at_least": "high"}, "a number"),
        ({"field": "due_at", "at_most": "15"}, "a time"),
    ],
)
async def test_a_rule_that_cannot_be_read_is_refused(house: House, when: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        await _with_rule(house, when)


async def test_a_rule_too_deep_is_refused(house: House) -> None:
    when: dict[str, Any] = {"field": "priority", "is": "low"}
    for _ in range(300):
        when = {"not": when}
    with pytest.raises(Invalid, match="10 levels"):
        await _with_rule(house, when)


@pytest.mark.parametrize(("least", "state"), [(5, "queued"), (30, "pending")])
async def test_rules_compare_numbers(house: House, least: int, state: str) -> None:
    task = await _with_rule(house, {"field": "estimated_duration_minutes", "at_least": least})
    assert task["execution_status"] == state


async def _with_rule(house: House, when: dict[str, Any]) -> dict[str, Any]:
    item = {
        "title": "x",
        "execution_type": "fully_automated",
        "estimated_duration_minutes": 20,
        "automation_rules": {"run_by_itself": True, "when": when},
    }
    (made,) = await house.caller.call("create_tasks", items=[item])
    return await house.caller.call("get_task", task_id=made["id"])


async def test_a_reason_that_is_over_is_not_kept(house: House, bench: Bench) -> None:
    async with at_work(house, bench):
        made = await started(house, root(node("gate", "approval_gate", on_failure="escalate"), node("a", "bench")))
        gate = await until(house, made.keys["gate"], is_state("blocked"))
        assert gate.open_approval_id
        await review.decide_approval(house.caller, gate.open_approval_id, approved=False)
        await until(house, made.id, is_waiting("needs you"))
        await functions.retry_task(house.caller, gate.id)
        again = await until(house, gate.id, is_state("blocked"))
        await until(house, made.keys["a"], is_state("completed"))
        task = await functions.get_task(house.caller, made.id)
    assert (task.blocked_reason, again.failure_reason) == ("1 of 2 subtasks done", None)


async def test_a_plan_of_nothing_but_mails_writes_them(house: House, bench: Bench) -> None:
    mail = {"to": ["dana@vega.example"], "subject": "Hello", "body": "Hello Dana"}
    async with at_work(house, bench):
        made = await started(house, root(node("mail", "email_send", tool_input=mail)))
        waiting = await until(house, made.keys["mail"], is_state("blocked"))
    assert (waiting.blocked_on, (await review.list_drafts(house.caller)).items[0].subject) == ("review", "Hello")
