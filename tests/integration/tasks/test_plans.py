"""Plans: made, planned, started, asked for; and whom they belong to."""

from typing import Any

import pytest

from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid, NotFound
from tasks import functions, plans, review
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
    task = await functions.start_task_execution(service, task_id, None)
    assert task.run_id
    return task, service.as_run(task.id, task.run_id)


async def finish(service: Caller, task_id: Any, output: dict[str, Any], **more: Any) -> None:
    _, run = await begin(service, task_id)
    await functions.complete_task_execution(run, task_id, {"output": output, **more})


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
    assert write.depends_on == [read.id] and set(decide.depends_on) == {read.id, write.id}
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
    await functions.add_task_event(run, parts["Gate"].id, "progress", "", {"stage": "gate", "done": 1, "total": 4})
    assert (await plans.get_plan(ana, made.id)).plan.percent == 50  # of five minutes two, and a quarter of two


async def test_a_stage_asks_a_person_and_keeps_its_section(ana: Caller, service: Caller) -> None:
    made = await plans.create_plan(ana, document(stage("gate", on_failure="stop"), stage("next", "gate")))
    gate = (await by_title(ana, made.id))["Gate"]
    _, run = await begin(service, gate.id)
    result = {"strategy": "immediate", "output": {"verdict": "refuse"}, "inputs_digest": "1"}
    asked = await plans.request_stage_decision(
        run, gate.id, "Go on?", {"section": {"verdict": "refuse"}}, "why", result
    )
    assert asked.state == "open" and asked.digest
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


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"kind": "other", "title": "x"}, "no kind of plan"),
        ({"kind": "objective", "title": "x", "colour": "red"}, "does not have these fields"),
        ({"kind": "objective", "title": ""}, "check"),
        ({"kind": "document", "title": "x", "request": DOCUMENT}, "task for each stage"),
        (document(stage("a"), request={"prompt": " "}), "check"),
        (document(stage("a", "b")), "no key of this plan"),
        (document(stage("a", "b"), stage("b", "a")), "cycle"),
        (document(stage("a"), stage("a")), "have the key"),
        ({"kind": "objective", "title": "x", "callback_url": "https://a.example"}, "go together"),
        ({"kind": "objective", "title": "x", "callback_url": "ftp://a", "callback_secret": "s"}, "check"),
    ],
    ids=["kind", "field", "title", "stages", "prompt", "key", "cycle", "twice", "secret", "url"],
)
async def test_a_wrong_plan_is_refused_and_leaves_nothing(ana: Caller, plan: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid) as caught:
        await plans.create_plan(ana, plan)
    assert says in f"{caught.value} {caught.value.detail}" or says == "check"
    assert await plans.list_plans(ana) == []
