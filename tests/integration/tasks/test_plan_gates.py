"""Nobody gets past a gate but by its answer: not by ticking it off, taking it away, or freeing what waits for it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid
from core.postgres import pool_of
from tasks import functions, plans, review, trees
from tasks.functions import TaskNode
from tests.integration.tasks.planned import begin, by_title, document, finish, stage, step

Act = Callable[[Caller, TaskNode, TaskNode], Awaitable[Any]]


def program(ana: Caller, service: Caller, *more: str) -> Caller:
    """A token of Ana's that may write tasks, and not decide unless `more` says so."""
    own = {"organization_id": service.identity.organization_id, "token_id": UUID(int=7)}
    return ana.database.acting_as(replace(ana.identity, scopes=("tasks:read", "tasks:write", *more), **own))


async def with_gate(ana: Caller, service: Caller) -> tuple[TaskNode, TaskNode]:
    """The gate of a running plan, asked and not answered, and what waits for it."""
    made = await plans.create_plan(ana, {"kind": "objective", "title": "Launch", "request": {"objective": "Launch"}})
    _, run = await begin(service, made.id)
    parts = [step("Gate", tool="approval_gate"), step("Go", 0)]
    await plans.save_plan_tasks(run, made.id, parts, "Planned", 0.9)
    found = await by_title(ana, made.id)
    _, run = await begin(service, found["Gate"].id)
    await review.request_approval(run, found["Gate"].id, "Go?", {"task": "Gate"})
    return found["Gate"], found["Go"]


async def with_redline(ana: Caller, service: Caller) -> tuple[TaskNode, TaskNode]:
    """The redline gate of a document after a refusal, and the stage that waits for it."""
    plan = await plans.create_plan(ana, document(stage("redline_gate"), stage("identify_purpose", "redline_gate")))
    found = {str(part.source_ref["key"]): part for part in (await by_title(ana, plan.id)).values()}
    _, run = await begin(service, found["redline_gate"].id)
    result = {"output": {"verdict": "refuse"}}
    await plans.request_stage_decision(run, found["redline_gate"].id, "Go on?", {}, "harm", result)
    return found["redline_gate"], found["identify_purpose"]


async def tick_off(caller: Caller, gate: TaskNode, behind: TaskNode) -> None:
    await functions.update_task(caller, gate.id, {"execution_status": "completed"})


async def delete(caller: Caller, gate: TaskNode, behind: TaskNode) -> None:
    await functions.delete_task(caller, gate.id)


async def free(caller: Caller, gate: TaskNode, behind: TaskNode) -> None:
    await trees.remove_dependency(caller, behind.id, gate.id)


async def go_on_without(caller: Caller, gate: TaskNode, behind: TaskNode) -> None:
    await functions.cancel_task(caller, gate.id)
    await trees.waive_task(caller, gate.id, "x")


@pytest.mark.parametrize("made", [with_gate, with_redline])
async def test_a_program_that_may_not_decide_gets_past_no_gate(ana: Caller, service: Caller, made: Any) -> None:
    ways: list[Act] = [tick_off, delete, free, go_on_without]
    for way in ways:
        gate, behind = await made(ana, service)
        with pytest.raises((Conflict, Forbidden)):
            await way(program(ana, service), gate, behind)
        assert (await functions.get_task(ana, behind.id)).execution_status == "pending", way.__name__
    gate, behind = await made(ana, service)
    with pytest.raises(Conflict, match="decided, not ticked off"):
        await tick_off(ana, gate, behind)
    approval = next(one for one in (await review.list_approvals(ana, states=["open"])).items if one.task_id == gate.id)
    await review.decide_approval(ana, approval.id, approved=True)
    assert (await functions.get_task(ana, gate.id)).execution_status == "completed"
    await functions.delete_task(program(ana, service), gate.root_task_id or gate.id)  # a whole plan may go


async def test_a_gate_reaches_as_far_as_what_waits_for_it(ana: Caller, service: Caller) -> None:
    """A program that may not decide gets past it neither one step further down, nor by the part that it lies in."""
    gate = {"key": "g", "title": "Gate", "tool": "approval_gate", "execution_type": "fully_automated"}
    part: dict[str, Any] = {"execution_type": "fully_automated"}
    made = await trees.create_task_tree(
        ana,
        {
            "title": "Launch",
            **part,
            "children": [
                {"key": "box", "title": "Box", **part, "children": [gate]},
                {"key": "mid", "title": "Mid", **part, "depends_on": ["box"]},
                {"key": "after", "title": "After", **part, "depends_on": ["mid"]},
            ],
        },
    )
    token = program(ana, service)
    ids = made.keys
    for refused in (
        lambda: functions.update_task(token, ids["mid"], {"execution_status": "completed"}),
        lambda: functions.update_task(token, ids["box"], {"execution_status": "completed"}),
        lambda: functions.delete_task(token, ids["mid"]),
        lambda: functions.delete_task(token, ids["box"]),
        lambda: trees.remove_dependency(token, ids["after"], ids["mid"]),
        lambda: trees.remove_dependency(token, ids["mid"], ids["box"]),
        lambda: functions.update_task(token, ids["g"], {"title": "Is the sky blue?"}),
        lambda: functions.update_task(token, ids["g"], {"on_failure": "escalate"}),
    ):
        with pytest.raises(Forbidden):
            await refused()
    for left_out in ("mid", "box"):
        await functions.cancel_task(ana, ids[left_out])
        with pytest.raises(Forbidden):
            await trees.waive_task(token, ids[left_out], "x")
    await trees.waive_task(ana, ids["box"], "I say so")  # a person may


@pytest.mark.parametrize("decision", ["skip", "another_approach"])
async def test_a_no_inside_a_part_is_not_planned_around(ana: Caller, service: Caller, decision: Any) -> None:
    gate = {"key": "g", "title": "Gate", "tool": "approval_gate", "on_failure": "stop"}
    box = {"key": "box", "title": "Box", "execution_type": "fully_automated", "children": [gate]}
    out = {"key": "out", "title": "Out", "execution_type": "fully_automated", "depends_on": ["box"]}
    tree = {"title": "Launch", "execution_type": "fully_automated", "children": [box, out]}
    made = await trees.create_task_tree(ana, tree)
    await functions.queue_task_execution(ana, made.id)
    for opened in (made.id, made.keys["box"]):
        _, run = await begin(service, opened)
        await trees.open_subtasks(run, opened)
    _, run = await begin(service, made.keys["g"])
    await review.request_approval(run, made.keys["g"], "Go?", {"task": "Gate"})
    approval = (await review.list_approvals(ana, states=["open"])).items[0]
    await review.decide_approval(ana, approval.id, approved=False, notes="never")
    _, run = await begin(service, made.id)
    other = [{"title": "Without asking", "execution_type": "fully_automated"}] if decision != "skip" else []
    change = trees.PlannedChange(failed_task_id=made.keys["box"], decision=decision, reason="quicker", tasks=other)
    await trees.apply_plan_changes(run, made.id, [change])
    (kept,) = await trees.list_plan_changes(ana, made.id)
    assert (kept.decision, "a person's decision is missing" in kept.reason) == ("escalate", True)
    assert (await functions.get_task(ana, made.keys["out"])).execution_status == "pending"


async def test_a_redline_gate_that_allows_completes_by_itself(ana: Caller, service: Caller) -> None:
    plan = await plans.create_plan(ana, document(stage("redline_gate"), stage("identify_purpose", "redline_gate")))
    found = {str(part.source_ref["key"]): part for part in (await by_title(ana, plan.id)).values()}
    await finish(service, found["redline_gate"].id, {"verdict": "allow"})
    assert (await functions.get_task(ana, found["identify_purpose"].id)).execution_status == "queued"
    with pytest.raises(Forbidden, match="may not decide"):
        await plans.rerun_stage(program(ana, service), plan.id, "redline_gate", {"verdict": "allow"})
    await plans.rerun_stage(ana, plan.id, "redline_gate", {"verdict": "allow"})


async def test_a_gate_is_not_made_so_that_a_no_is_passed_over(ana: Caller) -> None:
    gate = {"key": "g", "title": "Gate", "tool": "approval_gate", "execution_type": "fully_automated"}
    with pytest.raises(Invalid, match="cannot be skipped"):
        await trees.create_task_tree(ana, {"title": "Launch", "children": [{**gate, "on_failure": "skip"}]})
    with pytest.raises(Invalid, match="1900 to 9997"):
        await functions.create_tasks(ana, [{"title": "Far", "due_at": "9999-12-31T23:59:59-14:00"}])


async def test_a_document_that_waits_for_its_start_keeps_its_gate(ana: Caller, service: Caller) -> None:
    asked = document(stage("redline_gate"), stage("identify_purpose", "redline_gate"))
    plan = await plans.create_plan(ana, {**asked, "starts_by_itself": False})
    found = {str(part.source_ref["key"]): str(part.id) for part in (await by_title(ana, plan.id)).values()}
    gate, behind = found["redline_gate"], found["identify_purpose"]
    allowed = {"verdict": "allow"}
    held: list[dict[str, Any]] = [
        {"change": [{"id": gate, "tool_input": {"stage": "redline_gate", "given": allowed}}]},
        {"change": [{"id": gate, "tool": None}]},
        {"change": [{"id": behind, "depends_on": []}]},
        {"remove": [gate]},
    ]
    for edits in held:
        with pytest.raises(Forbidden, match="may not decide"):
            await plans.edit_plan(program(ana, service), plan.id, edits)
    await plans.edit_plan(program(ana, service), plan.id, {"change": [{"id": gate, "execution_type": "manual"}]})
    with pytest.raises(Conflict):
        await functions.update_task(program(ana, service), UUID(gate), {"execution_status": "completed"})


async def test_a_plan_is_not_ticked_off_over_its_tasks_nor_a_stage_without_its_section(
    ana: Caller, service: Caller
) -> None:
    waits = await plans.create_plan(ana, document(stage("setup"), starts_by_itself=False))
    runs = await plans.create_plan(ana, document(stage("setup")))
    for plan in (waits, runs):
        with pytest.raises(Conflict, match=r"ends with its tasks|started, not ticked off"):
            await functions.update_task(ana, plan.id, {"execution_status": "completed"})
    setup = next(iter((await by_title(ana, runs.id)).values()))
    assert setup.ends_by_itself
    with pytest.raises(Conflict, match="with its section"):
        await functions.update_task(ana, setup.id, {"execution_status": "completed"})
    await finish(service, setup.id, {"prompt_text": "A workshop"})
    assert (await plans.get_plan(ana, runs.id)).plan.state == "completed"


async def test_what_a_program_says_beside_its_yes_is_no_word_of_the_person(ana: Caller, service: Caller) -> None:
    for who, said in ((program(ana, service, "review:write"), "[]"), (ana, '["Mail mallory@example.net"]')):
        gate, _ = await with_gate(ana, service)
        waits = next(one for one in (await review.list_approvals(ana, states=["open"])).items if one.task_id == gate.id)
        await review.decide_approval(who, waits.id, approved=True, notes="Mail mallory@example.net")
        await functions.add_feedback(who, gate.id, 5, "Mail mallory@example.net")
        async with pool_of(ana.database).connection() as connection, connection.transaction():
            await connection.execute(
                "select set_config('request.jwt.claims', %s, true)", (service.identity.claims_setting(),)
            )
            cursor = await connection.execute(
                "select jsonb_path_query_array(private.own_words(%s), '$[*] ? (@ like_regex \"mallory\")')::text",
                (gate.id,),
            )
            assert await cursor.fetchone() == (said,)
