"""Stages of a document: what they read, asked of a person, written anew and by hand."""

import asyncio
from typing import Any

import pytest

from core.database import Caller, Database
from core.errors import Conflict, NotFound
from core.postgres import pool_of
from tasks import functions, plans, review, runs
from tasks.events import add_task_event
from tests.integration.tasks.planned import DOCUMENT, begin, by_title, document, finish, ready, stage, written


async def test_a_document_starts_at_once_and_its_stages_read_what_is_over(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(
        ana,
        document(
            stage("setup"),
            stage("gate", "setup", on_failure="stop", estimated_duration_minutes=2),
            stage("purpose", "gate"),
            stage("aside"),
        ),
    )
    assert (made.state, made.percent, made.counts) == ("running", 0, {"queued": 2, "pending": 2})
    parts = await by_title(ana, made.id)
    await finish(service, parts["Setup"].id, {"prompt_text": "x"}, inputs_digest="1")
    await finish(service, parts["Aside"].id, {"more": "y"})

    _, run = await begin(service, parts["Gate"].id)
    inputs = await plans.get_stage_inputs(run, parts["Gate"].id, ["setup", "aside", "purpose"])
    assert (inputs.prompt, inputs.level, inputs.timezone) == (DOCUMENT["prompt"], "ping_llm", "UTC")
    assert (inputs.sections, inputs.superseded) == ({"setup": {"prompt_text": "x"}}, None)
    await add_task_event(run, parts["Gate"].id, "progress", "", {"stage": "gate", "done": 1, "total": 4})
    now = await plans.get_plan_progress(ana, made.id)
    assert now.percent == 50  # of five minutes two, and a quarter of two
    assert now.stages == {part.id: part.source_ref["key"] for part in parts.values()}
    assert now.model_dump() == (await plans.get_plan(ana, made.id)).plan.model_dump()


async def test_a_stage_asks_a_person_and_keeps_its_section(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(ana, document(stage("gate", on_failure="stop"), stage("next", "gate")))
    gate = (await by_title(ana, made.id))["Gate"]
    _, run = await begin(service, gate.id)
    result = {"strategy": "immediate", "output": {"verdict": "refuse"}, "inputs_digest": "1"}
    asked = await plans.request_stage_decision(
        run, gate.id, "Go on?", {"section": {"verdict": "refuse"}}, "why", result
    )
    assert asked.state == "open"
    assert asked.digest
    found = await plans.get_plan(ana, made.id)
    assert (found.plan.state, found.plan.waiting_for_you) == ("waiting", 1)
    assert [one.id for one in found.approvals] == [asked.id]
    await review.decide_approval(ana, asked.id, approved=True, notes="Go")
    done = await functions.get_task(ana, gate.id)
    assert done.execution_status == "completed"
    assert done.result == {**result, "approved": True, "notes": "Go"}
    assert (await by_title(ana, made.id))["Next"].execution_status == "queued"


async def test_a_stage_is_written_anew_and_what_depends_on_it(
    database: Database, ana: Caller, mallory: Caller, service: Caller
) -> None:
    made = await written(ana, service)
    old = await by_title(ana, made.id)
    await finish(service, old["D"].id, {"text": "D"})
    async with pool_of(database).connection() as connection:  # a year ago
        year = "update public.tasks set started_at = started_at - interval '1 year', completed_at = completed_at - interval '1 year'"
        await connection.execute(f"{year} where id = %s".encode(), (made.id,))
    assert (await plans.get_plan(ana, made.id)).plan.state == "completed"
    with pytest.raises(NotFound) as caught:
        await plans.rerun_stage(ana, made.id, "x")
    assert "a, b, c, d" in str(caught.value.detail)
    with pytest.raises(NotFound):
        await plans.rerun_stage(mallory, made.id, "b")

    found = await plans.rerun_stage(ana, made.id, "b")
    new = {part.title: part for part in found.tree.children if part.superseded_at is None}
    assert (new["A"].id, new["D"].id) == (old["A"].id, old["D"].id)
    assert new["B"].tool_input == {"stage": "b", "again": True}
    assert new["C"].tool_input == {"stage": "c"}
    assert (new["B"].depends_on, new["C"].depends_on) == ([old["A"].id], [new["B"].id])
    assert (new["B"].execution_status, new["C"].execution_status) == ("queued", "pending")
    assert (found.plan.state, found.plan.execution_status, found.plan.percent) == ("running", "completed", 50)
    sections = {one.stage: one for one in await plans.list_plan_sections(ana, made.id)}
    assert list(sections) == ["a", "b", "c", "d"]
    assert (sections["c"].output, sections["c"].is_stale, sections["a"].is_stale) == ({"text": "C"}, True, False)
    with pytest.raises(Conflict):
        await plans.rerun_stage(ana, made.id, "b")

    _, run = await begin(service, new["B"].id)
    inputs = await plans.get_stage_inputs(run, new["B"].id, ["a", "b"])
    assert inputs.sections == {"a": {"text": "A"}}
    assert inputs.superseded == {"output": {"text": "B"}, "inputs_digest": "B"}
    await functions.pause_task(ana, made.id)
    assert (await plans.get_plan(ana, made.id)).plan.state == "paused"
    await functions.resume_task(ana, made.id)
    await functions.cancel_task(ana, made.id)
    again = (await plans.get_plan(ana, made.id)).plan
    assert (again.state, again.percent) == ("completed", 100)

    found = await plans.rerun_stage(ana, made.id, "b", {"text": "mine"})
    newest = {part.title: part for part in found.tree.children if part.superseded_at is None}
    assert newest["B"].tool_input == {"stage": "b", "given": {"text": "mine"}}
    await finish(service, newest["B"].id, {"text": "mine"}, by_person=True)
    _, run = await begin(service, newest["C"].id)
    inputs = await plans.get_stage_inputs(run, newest["C"].id, ["a", "b", "d"])
    assert inputs.sections == {"a": {"text": "A"}, "b": {"text": "mine"}}
    assert inputs.superseded == {"output": {"text": "C"}, "inputs_digest": "C"}  # of the row before the cancelled one
    await runs.fail_task_execution(run, newest["C"].id, "No answer", should_retry=False)
    failed = (await plans.get_plan(ana, made.id)).plan
    assert (failed.state, failed.reason, failed.waiting_for_you) == ("waiting", "C: No answer", 1)
    assert (await functions.get_task(ana, newest["C"].id)).escalated_at
    await functions.retry_task(ana, newest["C"].id)
    await finish(service, newest["C"].id, {"text": "C2"})
    sections = {one.stage: one for one in await plans.list_plan_sections(ana, made.id)}
    assert (sections["b"].by_person, sections["c"].output) == (True, {"text": "C2"})
    assert (await plans.get_plan(ana, made.id)).plan.state == "completed"


async def test_reruns_meet_running_stages_and_one_another(ana: Caller, service: Caller) -> None:
    made = await written(ana, service)
    with pytest.raises(Conflict) as caught:
        await plans.rerun_stage(ana, made.id, "d")
    assert "queued" in str(caught.value)
    await begin(service, (await by_title(ana, made.id))["D"].id)

    both = await asyncio.gather(
        plans.rerun_stage(ana, made.id, "a"), plans.rerun_stage(ana, made.id, "b"), return_exceptions=True
    )
    assert sum(isinstance(one, plans.PlanTree) for one in both) >= 1
    assert all(isinstance(one, (plans.PlanTree, Conflict)) for one in both)
    live = await by_title(ana, made.id)
    assert len(live) == 4
    assert live["B"].depends_on == [live["A"].id]
    assert live["C"].depends_on == [live["B"].id]
    await finish(service, live["A"].id, {"text": "A2"}) if live["A"].execution_status == "queued" else None
    _, run = await begin(service, live["B"].id)

    found = await plans.rerun_stage(ana, made.id, "a")  # b runs on what is old now: it is stopped, and begun anew
    newest = {part.title: part for part in found.tree.children if part.superseded_at is None}
    assert (newest["B"].id, newest["C"].id) != (live["B"].id, live["C"].id)
    assert newest["C"].depends_on == [newest["B"].id]
    with pytest.raises(Conflict):
        await runs.complete_task_execution(run, live["B"].id, {"output": {}})
    for title in "ABC":
        await finish(service, newest[title].id, {"text": title})
    assert (await plans.get_plan(ana, made.id)).plan.state == "running"
    await finish_started(service, newest["D"].id)
    assert (await plans.get_plan(ana, made.id)).plan.state == "completed"


async def test_a_person_writes_a_stage_that_cannot_be_written(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(ana, document(stage("a"), stage("b", "a"), stage("c", "b")))
    part = (await by_title(ana, made.id))["A"]
    _, run = await begin(service, part.id)
    await runs.block_task_execution(run, part.id, "Needs a language model", blocked_on="model")
    assert (await plans.get_plan(ana, made.id)).plan.reason == "A: Needs a language model"
    with pytest.raises(Conflict):
        await plans.rerun_stage(ana, made.id, "b", {"text": "too early"})  # it never began

    ours = {"text": "Ünïcödé 🛠", "long": "x" * 100_000}
    newest = (await plans.rerun_stage(ana, made.id, "a", ours)).tree.children
    [again] = [one for one in newest if one.supersedes_task_id == part.id]
    assert again.tool_input["given"] == ours
    await finish(service, again.id, ours)
    last = (await by_title(ana, made.id))["B"]
    await finish(service, last.id, {"text": "B"})
    await begin(service, (await by_title(ana, made.id))["C"].id)
    found = await plans.rerun_stage(ana, made.id, "b")  # the only part that ran is stopped: the plan goes on
    assert (found.plan.state, found.plan.execution_status) == ("running", "blocked")
    assert found.plan.counts == {"completed": 1, "queued": 1, "pending": 1}


async def finish_started(service: Caller, task_id: Any) -> None:
    task = await functions.get_task(service, task_id)
    assert task.run_id
    await runs.complete_task_execution(service.as_run(task_id, task.run_id), task_id, {"output": {}})


async def test_a_failed_or_cancelled_plan_is_not_rerun(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(ana, document(stage("gate", on_failure="stop"), stage("next", "gate")))
    gate = (await by_title(ana, made.id))["Gate"]
    _, run = await begin(service, gate.id)
    asked = await plans.request_stage_decision(run, gate.id, "Go on?", {}, "", {"output": {"verdict": "refuse"}})
    await review.decide_approval(ana, asked.id, approved=False, notes="No")
    found = (await plans.get_plan(ana, made.id)).plan
    assert (found.state, found.reason) == ("failed", "Gate failed: Rejected: No")
    with pytest.raises(Conflict) as caught:
        await plans.rerun_stage(ana, made.id, "gate")
    assert "Try it again" in str(caught.value.hint)
    await functions.retry_task(ana, made.id)
    assert {title: part.execution_status for title, part in (await by_title(ana, made.id)).items()} == {
        "Gate": "pending",
        "Next": "pending",
    }
    await functions.cancel_task(ana, made.id)
    with pytest.raises(Conflict):
        await plans.rerun_stage(ana, made.id, "gate")
    objective = await ready(ana, {"title": "A"})
    with pytest.raises(Conflict):
        await plans.rerun_stage(ana, objective.id, "a")
