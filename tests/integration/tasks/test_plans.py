"""Plans: made, decided, edited, paused and executed again."""

from typing import Any

import pytest

from core.database import Caller, Database
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.postgres import pool_of
from tasks import functions, model_calls, plans
from tasks.events import list_task_events
from tests.integration.tasks.planned import DOCUMENT, begin, by_title, document, finish, ready, stage, step, written


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
