"""Plans: made, planned, started, asked for; and whom they belong to."""

import asyncio
from typing import Any

import pytest

from core.database import Caller, Database
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.postgres import pool_of
from tasks import functions, model_calls, plans, review, runs
from tasks.events import add_task_event, list_task_events
from tasks.models import Task

DOCUMENT = {"prompt": "Open a bicycle repair workshop", "speed_vs_detail": "ping_llm"}


def stage(key: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    """A stage of a document as its door makes it."""
    return {
        "key": key,
        "title": key.title(),
        "tool": "plan_stage",
        "tool_input": {"stage": key},
        "depends_on": list(depends_on),
        "on_failure": "escalate",
        **more,
    }


def document(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "document", "title": "A workshop", "request": DOCUMENT, "tasks": list(stages), **more}


def step(title: str, *depends_on: int, **more: Any) -> dict[str, Any]:
    """A part as a planning run makes it."""
    return {"title": title, "execution_type": "fully_automated", "depends_on": list(depends_on), **more}


async def begin(service: Caller, task_id: Any) -> tuple[Task, Caller]:
    """A run of a queued task, and the caller that is this run."""
    task = await runs.start_task_execution(service, task_id, None)
    assert task.run_id
    assert task.bound is None
    return task, service.as_run(task.id, task.run_id)


async def finish(service: Caller, task_id: Any, output: dict[str, Any], **more: Any) -> None:
    _, run = await begin(service, task_id)
    await runs.complete_task_execution(run, task_id, {"output": output, **more})


async def by_title(caller: Caller, plan_id: Any) -> dict[str, functions.TaskNode]:
    """The parts of a plan that were not replaced."""
    tree = (await plans.get_plan(caller, plan_id)).tree
    return {part.title: part for part in tree.children if part.superseded_at is None}


async def test_an_objective_is_planned_waits_for_its_start_and_runs(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(
        ana,
        {"kind": "objective", "title": "Launch", "request": {"objective": "Launch"}, "starts_by_itself": False},
    )
    assert (made.state, made.execution_status, made.planned_at, made.counts) == ("planning", "queued", None, {})

    _, run = await begin(service, made.id)
    parts = [
        step("Read", tool="web_search", tool_input={"query": "x"}, key="read", risk="high"),
        step("Write", 0, tool_input={"text": "{{ read.output }}"}, estimated_duration_minutes=3),
        step("Decide", 0, 1, execution_type="manual"),
    ]
    with pytest.raises(Invalid, match="depends on 7, which is no position"):
        await plans.save_plan_tasks(run, made.id, [step("Read"), step("Write", 7)], "", 0.5)
    with pytest.raises(Invalid, match="does not depend on that task"):
        await plans.save_plan_tasks(run, made.id, [parts[0], {**parts[1], "depends_on": []}], "", 0.5)
    with pytest.raises(Invalid, match="cycle"):
        await plans.save_plan_tasks(run, made.id, [step("Read", 1), step("Write", 0)], "", 0.5)
    root = await plans.save_plan_tasks(run, made.id, parts, "Three steps", 0.8, "feature_launch")
    assert (root.execution_status, root.blocked_on, root.started_at) == ("blocked", "start", None)
    with pytest.raises(Conflict):
        await plans.save_plan_tasks(run, made.id, parts, "Twice", 0.8)

    found = await plans.get_plan(ana, made.id)
    assert (found.plan.state, found.plan.playbook, found.plan.waiting_for_you) == ("ready", "feature_launch", 1)
    assert found.plan.counts == {"pending": 3}
    read, write, decide = found.tree.children
    assert (read.source, read.source_ref["risk"], read.source_ref["key"]) == ("agent", "high", "read")
    assert write.depends_on == [read.id]
    assert set(decide.depends_on) == {read.id, write.id}
    with pytest.raises(Conflict, match="waits for its start"):
        await functions.queue_task_execution(ana, read.id)

    await functions.queue_task_execution(ana, made.id)
    root, run = await begin(service, made.id)
    assert root.generation == 1
    await service.call("open_subtasks", task_id=made.id)
    await finish(service, read.id, {"text": "ok"})
    now = (await plans.get_plan(ana, made.id)).plan
    assert (now.state, now.percent, now.counts) == ("running", 20, {"completed": 1, "queued": 1, "pending": 1})
    assert now.started_at
    await finish(service, write.id, {})
    now = (await plans.get_plan(ana, made.id)).plan
    assert (now.state, now.waiting_for_you) == ("waiting", 1)
    await functions.update_task(ana, decide.id, {"execution_status": "completed"})
    assert [(one.state, one.percent) for one in await plans.list_plans(ana)] == [("completed", 100)]


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


async def test_plans_are_their_owners(ana: Caller, mallory: Caller, nobody: Caller, service: Caller) -> None:
    made = await plans.create_plan(ana, document(stage("setup")))
    part = (await by_title(ana, made.id))["Setup"]
    for call in (
        plans.get_plan(mallory, made.id),
        plans.get_plan(ana, part.id),
        plans.get_plan_progress(mallory, made.id),
        plans.get_plan_progress(ana, part.id),
        plans.create_plan(mallory, {"kind": "objective", "title": "x", "document_id": str(made.id)}),
    ):
        with pytest.raises(NotFound):
            await call
    assert await plans.list_plans(mallory) == []
    for caller in (ana, nobody):
        with pytest.raises(Forbidden):
            await plans.get_stage_inputs(caller, part.id, [])
    with pytest.raises(Forbidden):
        await plans.create_plan(nobody, document(stage("setup")))
    assert (await plans.list_plans(service))[0].id == made.id


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "other", "title": "x"}, "no kind of plan"),
    ({"kind": "objective", "title": "x", "colour": "red"}, "does not have these fields"),
    ({"kind": "objective", "title": ""}, "tasks_title_check"),
    ({"kind": "objective", "title": "x", "request": []}, "request is not of the type object"),
    ({"kind": "objective", "title": "x", "tasks": ["A"]}, "A node of a tree is an object"),
    ({"kind": "document", "title": "x", "request": DOCUMENT}, "task for each stage"),
    (document(stage("a"), request={"prompt": " "}), "documents_have_a"),
    (document(stage("a", "b")), "no key of this plan"),
    (document(stage("a", "b"), stage("b", "a")), "cycle"),
    (document(stage("a"), stage("a")), "have the key"),
    ({"kind": "objective", "title": "x", "callback_url": "https://a.example"}, "go together"),
    (
        {"kind": "objective", "title": "x", "callback_url": "ftp://a", "callback_secret": "s"},
        "plans_callback_url_check",
    ),
    ({"kind": "objective", "title": "x", "bounds": {"max_fun": 1}}, "max_fun"),
]


async def test_a_wrong_plan_is_refused_and_leaves_nothing(ana: Caller) -> None:
    for plan, says in WRONG:
        with pytest.raises(Invalid) as caught:
            await plans.create_plan(ana, plan)
        assert says in f"{caught.value} {caught.value.detail}"
    assert (await functions.list_tasks(ana)).items == []


async def ready(ana: Caller, *parts: dict[str, Any]) -> plans.PlanSummary:
    """A plan that waits for its start."""
    return await plans.create_plan(
        ana, {"kind": "objective", "title": "Launch", "starts_by_itself": False, "tasks": list(parts)}
    )


async def test_a_plan_that_waits_is_edited_all_or_nothing(ana: Caller, mallory: Caller) -> None:
    made = await ready(
        ana,
        {"key": "a", "title": "A", "tool": "web_search", "tool_input": {"query": "x"}},
        {"key": "b", "title": "B", "depends_on": ["a"]},
        {"key": "c", "title": "C", "depends_on": ["b"]},
    )
    old = await by_title(ana, made.id)
    edits = {
        "remove": [str(old["B"].id)],
        "change": [{"id": str(old["A"].id), "title": "First", "risk": "high", "estimated_duration_minutes": 5}],
        "add": [
            {
                "key": "d",
                "title": "D",
                "tool": "web_fetch",
                "tool_input": {"url": "{{ a.output }}"},
                "depends_on": [str(old["A"].id)],
            },
            {"title": "E", "depends_on": ["d"], "execution_type": "manual"},
        ],
    }
    with pytest.raises(NotFound):
        await plans.edit_plan(mallory, made.id, edits)
    found = await plans.edit_plan(ana, made.id, edits)
    new = {part.title: part for part in found.tree.children}
    assert set(new) == {"First", "C", "D", "E"}
    assert (new["First"].source_ref["risk"], new["First"].source_ref["key"]) == ("high", "a")
    assert new["C"].depends_on == [old["A"].id]  # what depended on B depends on what B depended on
    assert (new["D"].depends_on, new["E"].depends_on) == ([old["A"].id], [new["D"].id])
    assert new["D"].execution_type == "fully_automated"
    events = await list_task_events(ana, made.id)
    assert [one.data["added"] for one in events if one.kind == "plan"] == [["D", "E"]]

    first, c, d = (str(new[title].id) for title in ("First", "C", "D"))
    refused: list[tuple[dict[str, Any], type[StewardError], str]] = [
        ({"change": [{"id": first, "colour": 1}]}, Invalid, "colour"),
        ({"move": []}, Invalid, "move"),
        ({"add": {}}, Invalid, "add is a list"),
        ({"change": [{"id": first, "title": None}]}, Invalid, "title cannot be empty"),
        ({"change": [{"id": first, "risk": "huge"}]}, Invalid, "huge"),
        ({"change": [{"id": first, "priority": "now"}]}, Invalid, "priority"),
        ({"change": [{"id": first, "depends_on": [c]}]}, Invalid, "First -> C -> First"),
        ({"change": [{"id": first, "depends_on": ["nothing"]}]}, Invalid, "no task of this plan"),
        ({"change": [{"id": str(made.id), "title": "Root"}]}, NotFound, "no task"),
        ({"remove": [str(old["B"].id)]}, NotFound, "no task"),
        ({"remove": [first, first]}, NotFound, "no task"),
        ({"remove": [first]}, Invalid, "{{ a }}"),
        ({"remove": [first, c, d, str(new["E"].id)]}, Invalid, "at least one task"),
        ({"add": [{"key": "d", "title": "Again"}]}, Invalid, "key"),
        ({"add": [{"title": "Below a tool", "parent_id": first}]}, Invalid, "tool has no parts"),
    ]
    for wrong, error, says in refused:
        with pytest.raises(error) as caught:
            await plans.edit_plan(ana, made.id, {"change": [{"id": c, "title": "Changed"}], **wrong})
        assert says in f"{caught.value} {caught.value.detail} {caught.value.errors}", wrong
    assert set(await by_title(ana, made.id)) == set(new)

    await functions.queue_task_execution(ana, made.id)
    with pytest.raises(Conflict) as caught:
        await plans.edit_plan(ana, made.id, {"change": [{"id": c, "title": "Late"}]})
    assert "running" in str(caught.value.detail)


async def test_a_resting_plan_is_paused_resumed_and_cancelled(ana: Caller) -> None:
    made = await ready(ana, {"title": "A", "tool": "web_search"})
    await functions.pause_task(ana, made.id)
    assert (await plans.get_plan(ana, made.id)).plan.state == "paused"
    await functions.resume_task(ana, made.id)
    assert (await plans.get_plan(ana, made.id)).plan.counts == {"pending": 1}
    await functions.cancel_task(ana, made.id)
    assert [(one.state, one.counts) for one in await plans.list_plans(ana, state="cancelled")] == [
        ("cancelled", {"cancelled": 1})
    ]
    assert await plans.list_plans(ana, kind="document") == []


async def test_lists_are_paged_and_searched(ana: Caller) -> None:
    made = [await ready(ana, {"title": "A"}) for _ in range(3)]
    first = await plans.list_plans(ana, limit=2, search=" launch", kind="objective", state="ready")
    rest = await plans.list_plans(ana, limit=2, before=first[-1].created_at, before_id=first[-1].id)
    assert [one.id for one in [*first, *rest]] == [one.id for one in reversed(made)]
    assert await plans.list_plans(ana, search="100%") == []
    with pytest.raises(Invalid):
        await plans.list_plans(ana, limit=0)


async def written(ana: Caller, service: Caller) -> plans.PlanSummary:
    """A document a -> b -> c and d, of which all but d is written; c and d depend on what is before."""
    made = await plans.create_plan(ana, document(stage("a"), stage("b", "a"), stage("c", "b"), stage("d")))
    for title in "ABC":
        part = (await by_title(ana, made.id))[title]
        await finish(service, part.id, {"text": title}, inputs_digest=title)
    return made


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


async def test_callbacks_tell_in_order_and_are_tried_again(ana: Caller, service: Caller) -> None:
    callback = {"callback_url": "https://caller.example/hook", "callback_secret": "sealed"}
    made = await plans.create_plan(
        ana,
        {"kind": "objective", "title": "Launch", "starts_by_itself": False, "request": {"objective": "x"}, **callback},
    )
    assert made.has_callback
    quiet = await ready(ana, {"title": "Nobody is told"})
    assert not quiet.has_callback
    _, run = await begin(service, made.id)
    parts = [step("Do", max_retries=0, on_failure="stop", priority="critical"), step("Ask", execution_type="manual")]
    await plans.save_plan_tasks(run, made.id, parts, "", 0.9)

    [first] = await plans.claim_plan_callbacks(service)
    assert (first.url, first.sealed_secret, first.attempts) == ("https://caller.example/hook", "sealed", 1)
    assert (first.body["type"], first.body["data"]["planId"]) == ("plan.planned", str(made.id))
    assert await plans.claim_plan_callbacks(service) == []  # one at a time
    await plans.finish_plan_callback(service, first.id, "503", 0)
    [again] = await plans.claim_plan_callbacks(service)
    assert (again.id, again.attempts) == (first.id, 2)
    await plans.finish_plan_callback(service, first.id)
    await plans.finish_plan_callback(service, first.id, "late", 5)  # it was taken: nothing changes

    await functions.queue_task_execution(ana, made.id)
    await begin(service, made.id)
    await service.call("open_subtasks", task_id=made.id)
    do = (await by_title(ana, made.id))["Do"]
    _, run = await begin(service, do.id)
    asked = await review.request_approval(run, do.id, "Do it?", {"what": "x"}, why="It costs")
    await review.decide_approval(ana, asked.id, approved=False, notes="Not now")
    told: list[dict[str, Any]] = []
    while claimed := await plans.claim_plan_callbacks(service):
        told.append(claimed[0].body)
        await plans.finish_plan_callback(service, claimed[0].id)
    assert [one["type"] for one in told] == [
        "plan.waiting", "plan.started", "approval.waiting", "approval.decided", "task.failed", "plan.failed",
    ]  # fmt: skip
    assert (told[0]["data"]["status"], told[2]["data"]["status"]) == ("ready", "waiting")
    assert told[4]["data"]["taskId"] == str(do.id)
    found = await plans.get_plan(ana, made.id)
    assert found.callbacks
    assert (found.callbacks.sent, found.callbacks.waiting, found.callbacks.given_up) == (7, 0, 0)
    assert (await plans.get_plan(ana, quiet.id)).callbacks is None


async def test_callbacks_are_given_up_and_are_the_services_own(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(
        ana,
        document(stage("a"), callback_url="http://127.0.0.1:1/", callback_secret="sealed"),  # no secret
    )
    for number in range(8):
        both = await asyncio.gather(plans.claim_plan_callbacks(service), plans.claim_plan_callbacks(service))
        [one] = [*both[0], *both[1]]
        assert (one.body["type"], one.attempts) == ("plan.started", number + 1)
        await plans.finish_plan_callback(service, one.id, "refused", 0)
    assert await plans.claim_plan_callbacks(service) == []
    callbacks = (await plans.get_plan(ana, made.id)).callbacks
    assert callbacks
    assert (callbacks.given_up, callbacks.last_error) == (1, "refused")
    for call in (plans.claim_plan_callbacks(ana), plans.finish_plan_callback(ana, made.id)):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound):
        await plans.finish_plan_callback(service, made.id)


LOST: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {"priority": "critical", "on_failure": "stop"}, True),
    ({}, {"priority": "critical", "on_failure": "escalate"}, True),
    ({"priority": "critical"}, {"risk": "high", "on_failure": "escalate"}, True),
    ({}, {"risk": "high", "on_failure": "escalate"}, False),
    ({}, {"priority": "critical", "on_failure": "skip"}, False),
    ({}, {"priority": "critical"}, False),  # it is planned anew first
    ({"request": {"context": {"stakeholders": []}}}, {"priority": "critical", "on_failure": "stop"}, False),
]


async def test_stakeholders_are_told_once_of_a_critical_failure(ana: Caller, service: Caller) -> None:
    expected: dict[str, Any] = {}
    for plan, part, is_told in LOST:
        request = {"context": {"stakeholders": ["CEO"]}}
        tasks = [{"title": "Do", "tool": "web_search", **part}, {"title": "Wait"}]
        made = await plans.create_plan(
            ana, {"kind": "objective", "title": "x", "request": request, "tasks": tasks, **plan}
        )
        do = (await by_title(ana, made.id))["Do"]
        for _ in range(2 if part.get("on_failure") in {"stop", "escalate"} else 1):
            _, run = await begin(service, do.id)
            await runs.fail_task_execution(run, do.id, "No", should_retry=False)
            await functions.retry_task(ana, do.id)
        if is_told:
            expected[str(do.id)] = ({"plan_id": str(made.id), "task_id": str(do.id)}, made.created_by)
    rows = (await functions.list_tasks(ana, functions.TaskFilter(parent="none"))).items
    told = [row for row in rows if row.tool == "notify_stakeholders"]
    assert {row.tool_input["task_id"]: (row.tool_input, row.created_by) for row in told} == expected
    assert {(row.execution_status, row.source, row.kind) for row in told} == {("queued", "plan", "message")}
    with pytest.raises(NotFound):
        await plans.get_plan(ana, told[0].id)


async def test_what_a_plan_took(ana: Caller, mallory: Caller, service: Caller) -> None:
    made = await written(ana, service)
    part = (await by_title(ana, made.id))["A"]
    call = {"purpose": "a", "provider": "openai", "model": "m", "input_tokens": 7, "output_tokens": 3, "cost_usd": 0.5}
    await model_calls.record_llm_interaction(service, part.id, call)
    await model_calls.record_llm_interaction(service, part.id, {**call, "error": "cut off", "served_model": "m-1"})
    await model_calls.record_llm_interaction(service, part.id, {**call, "provider": "steward", "model": "rules"})
    took = await plans.get_plan_metrics(ana, made.id)
    assert (took.model_calls, took.failed_calls, took.input_tokens, took.cost_usd) == (2, 1, 14, 1)
    of_a = next(one for one in took.tasks if one.stage == "a")
    assert (of_a.models, of_a.model_calls, took.tasks[0].task_id) == (["m", "m-1"], 2, made.id)
    assert of_a.seconds_waiting is not None
    assert took.seconds is not None
    with pytest.raises(NotFound):
        await plans.get_plan_metrics(mallory, made.id)
    with pytest.raises(NotFound):
        await plans.list_plan_sections(mallory, made.id)


async def test_a_plan_is_executed_again_as_a_copy(ana: Caller, mallory: Caller, service: Caller) -> None:
    parts = [
        {"key": "p", "title": "Phase", "children": [{"key": "a", "title": "A"}, {"title": "B", "depends_on": ["a"]}]},
        {"title": "C", "depends_on": ["p"], "tool": "web_fetch", "tool_input": {"url": "{{ a.output }}"}},
    ]
    made = await ready(ana, *parts)
    with pytest.raises(NotFound):
        await plans.clone_plan(mallory, made.id)
    copy = await plans.clone_plan(ana, made.id)
    assert (copy.state, copy.counts, copy.title, copy.started_at) == ("ready", {"pending": 3}, "Launch", None)
    tree = (await plans.get_plan(ana, copy.id)).tree
    phase, c = tree.children
    assert c.depends_on == [phase.id]
    assert phase.children[1].depends_on == [phase.children[0].id]

    document_plan = await written(ana, service)
    await plans.rerun_stage(ana, document_plan.id, "b", {"text": "mine"})
    again = await plans.clone_plan(ana, document_plan.id, starts=True)
    assert (again.state, again.counts) == ("running", {"queued": 2, "pending": 2})
    assert (await by_title(ana, again.id))["B"].tool_input == {"stage": "b"}

    made_from = {"kind": "objective", "title": "Do it", "document_id": str(document_plan.id)}
    execution = await plans.create_plan(ana, {**made_from, "tasks": [{"title": "Order tools"}]})
    assert (await by_title(ana, execution.id))["Order tools"].source == "agent"  # a model's words, not the caller's
    unplanned = await plans.create_plan(ana, {"kind": "objective", "title": "x"})
    assert (await plans.clone_plan(ana, unplanned.id)).state == "planning"


async def test_what_a_plan_was_asked_with_is_said_by_the_person_but_for_notes(
    ana: Caller, service: Caller, database: Database
) -> None:
    context = {
        "stakeholders": ["pm@company.com"],
        "resources": {"smoke_url": "https://staging.company.com/health"},
        "notes": "Pay to iban.example",
    }
    request = {"objective": "Launch", "context": context}
    plan = await plans.create_plan(ana, {"kind": "objective", "title": "Launch", "request": request})
    _, run = await begin(service, plan.id)
    await plans.save_plan_tasks(run, plan.id, [step("Look")], "Planned", 0.9)
    look = (await by_title(ana, plan.id))["Look"]
    async with pool_of(database).connection() as connection, connection.transaction():
        await connection.execute(
            "select set_config('request.jwt.claims', %s, true)", (service.identity.claims_setting(),)
        )
        cursor = await connection.execute("select private.own_words(%s)::text", (look.id,))
        row = await cursor.fetchone()
    assert row
    assert "pm@company.com" in row[0]
    assert "https://staging.company.com/health" in row[0]
    assert "iban.example" not in row[0]
