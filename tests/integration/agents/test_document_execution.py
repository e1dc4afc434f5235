"""A document is carried out by tasks; what changes about it changes what has not begun, and nothing else."""

from typing import Any
from uuid import UUID

import pytest

from agents.playbooks.document.execution import apply_diff, execute_document, preview_diff, preview_edit
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound
from tasks import plan_links, plans, runs, trees
from tasks.functions import TaskNode

PROMPT = {
    "prompt": "Open a repair workshop",
    "speed_vs_detail": "balanced_speed_and_detail",
    "timezone": "Europe/Brussels",
}


def section(key: str, *depends_on: str) -> dict[str, Any]:
    return {
        "key": key,
        "title": key,
        "tool": "plan_stage",
        "tool_input": {"stage": key},
        "depends_on": list(depends_on),
        "on_failure": "escalate",
    }


def level2(*titles: str) -> dict[str, Any]:
    """Two phases: the first with these tasks, the second with one."""
    first = [
        {"id": f"T1.{n}", "subtask_title": title, "description": f"{title}, until it is done."}
        for n, title in enumerate(titles, 1)
    ]
    second = [{"id": "T2.1", "subtask_title": "Open the doors", "description": "The first evening takes place."}]
    return {
        "major_phase_details": [
            {"id": "T1", "major_phase_title": "Prepare", "subtasks": first},
            {"id": "T2", "major_phase_title": "Open", "subtasks": second},
        ]
    }


def step(step_id: str, name: str, confidence: float, execution_type: str = "manual") -> dict[str, Any]:
    return {
        "id": step_id, "parent_id": step_id.rpartition(".")[0], "name": name, "description": f"{name} with care.", "resources_needed": [],
        "role": "coordinator", "execution_type": execution_type, "done_when": "It is written down.", "confidence": confidence,
    }  # fmt: skip


def written(confidence: float) -> dict[str, dict[str, Any]]:
    days = {"days_min": 1, "days_max": 9, "delay_risks": "Rain.", "mitigation_strategy": "A tent."}
    ids = ("T1.1", "T1.2", "T2.1")
    return {
        "wbs_level1": {"project_title": "Repair workshop", "final_deliverable": "An open workshop."},
        "wbs_level2": level2("Find a room", "Buy tools"),
        "identify_task_dependencies": {
            "task_dependency_details": [
                {
                    "dependent_task_id": "T2.1",
                    "depends_on_task_id_list": ["T1.1", "T1.2"],
                    "depends_on_task_explanation_list": ["a", "b"],
                }
            ]
        },
        "estimate_task_durations": {"estimates": [{"task_id": one, "days_realistic": 2.5, **days} for one in ids]},
        "wbs_level3": {
            "entries": [step(f"{one}.{n}", f"Step {n} of {one}", confidence) for one in ids for n in (1, 2)]
        },
    }


async def document(ana: Caller, service: Caller, outputs: dict[str, dict[str, Any]]) -> UUID:
    """A document whose sections are written; each depends on the one before it."""
    names = list(outputs)
    made = await plans.create_plan(
        ana,
        {
            "kind": "document", "title": "A workshop", "request": PROMPT,
            "tasks": [section(name, *names[place - 1 : place]) for place, name in enumerate(names)],
        },
    )  # fmt: skip
    await write(service, made.id, outputs)
    return made.id


async def write(service: Caller, plan_id: UUID, outputs: dict[str, dict[str, Any]]) -> None:
    for one in await plans.list_plan_sections(service, plan_id):
        if one.state == "completed":
            continue
        task = await runs.start_task_execution(service, one.task_id, None)
        assert task.run_id
        await runs.complete_task_execution(
            service.as_run(task.id, task.run_id), task.id, {"output": outputs[one.stage]}
        )


def by_wbs(tree: TaskNode) -> dict[str, TaskNode]:
    found: dict[str, TaskNode] = {}
    for child in tree.children:
        found |= {str(child.source_ref.get("wbs_id")): child, **by_wbs(child)}
    return found


async def test_a_document_becomes_tasks_with_edges_and_waits_where_it_is_unsure(
    ana: Caller, service: Caller, mallory: Caller
) -> None:
    plan_id = await document(ana, service, written(0.4))
    made = await execute_document(ana, plan_id)
    assert (made.kind, made.document_id, made.state, made.waiting_for_you) == ("objective", plan_id, "ready", 1)
    assert made.reason
    assert made.reason.startswith("The breakdown is only 40% sure")
    tree = (await plans.get_plan(ana, made.id)).tree
    nodes = by_wbs(tree)
    assert list(nodes) == [
        "T1",
        "T1.1",
        "T1.1.1",
        "T1.1.2",
        "T1.2",
        "T1.2.1",
        "T1.2.2",
        "T2",
        "T2.1",
        "T2.1.1",
        "T2.1.2",
    ]
    assert set(nodes["T2.1"].depends_on) == {nodes["T1.1"].id, nodes["T1.2"].id}
    assert nodes["T1.1.2"].depends_on == [nodes["T1.1.1"].id]
    first = nodes["T1.1.1"]
    assert (first.execution_type, first.assignee_role, first.source) == ("manual", "coordinator", "agent")
    assert (first.estimated_duration_minutes, first.acceptance_criteria) == (600, ["It is written down."])
    assert first.source_ref["document_id"] == str(plan_id)
    assert "wbs_level3" in first.source_ref["stages"]
    assert tree.decomposition_confidence == 0.4
    edits = {"change": [{"id": str(first.id), "title": "My own words"}], "remove": [str(nodes["T2.1.2"].id)]}
    await plans.edit_plan(ana, made.id, edits)
    after = await preview_diff(ana, made.id)
    assert (after.is_empty, [one.wbs_id for one in after.left_out]) == (True, ["T2.1.2"])
    with pytest.raises(Conflict, match="carried out already"):
        await execute_document(ana, plan_id)
    assert [one.id for one in await plan_links.list_plan_executions(ana, plan_id)] == [made.id]
    for stranger in (
        execute_document(mallory, plan_id),
        preview_diff(mallory, made.id),
        apply_diff(mallory, made.id, ""),
    ):
        with pytest.raises(NotFound):
            await stranger
    with pytest.raises(NotFound):
        await plan_links.list_plan_executions(mallory, plan_id)
    with pytest.raises(Conflict, match="no plan document"):
        await execute_document(ana, made.id)


async def test_a_document_without_a_work_breakdown_is_not_carried_out(ana: Caller, service: Caller) -> None:
    plan_id = await document(ana, service, {"wbs_level1": written(1)["wbs_level1"]})
    with pytest.raises(Conflict, match="no work breakdown") as refused:
        await execute_document(ana, plan_id)
    assert refused.value.detail == "missing: wbs_level2"


async def test_a_changed_document_changes_what_has_not_begun(ana: Caller, service: Caller, mallory: Caller) -> None:
    plan_id = await document(ana, service, outputs := written(0.95))
    made = await execute_document(ana, plan_id)
    assert made.state in ("running", "waiting")
    nodes = by_wbs((await plans.get_plan(ana, made.id)).tree)
    for phase in ("T1", "T1.1"):
        task = await runs.start_task_execution(service, nodes[phase].id, None)
        assert task.run_id
        run = service.as_run(task.id, task.run_id)
        assert (await trees.open_subtasks(run, task.id)).opened
    await runs.start_task_execution(ana, nodes["T1.1.1"].id, None, "user")
    await runs.complete_task_execution(ana, nodes["T1.1.1"].id, {"output": "a room"})
    before = await preview_diff(ana, made.id)
    assert before.is_empty

    # A task is put in front of the others, one is renamed, one is gone.
    given = level2("Ask the neighbours", "Find a room", "Buy tools")
    preview = await preview_edit(ana, plan_id, "wbs_level2", given)
    assert (preview.problem, [one.stage for one in preview.edited]) == (None, ["wbs_level2"])
    assert [one.stage for one in preview.redone] == [
        "identify_task_dependencies",
        "estimate_task_durations",
        "wbs_level3",
    ]
    assert [one.stage for one in preview.kept] == ["wbs_level1"]
    touched = preview.executions[0]
    assert touched.plan_id == made.id
    assert "Find a room" in {one.title for one in touched.stays}  # its first step is done
    assert touched.diff
    assert [one.title for one in touched.diff.new if one.wbs_id == "T1.1"] == ["Ask the neighbours"]
    assert (await preview_edit(ana, plan_id, "wbs_level2", outputs["wbs_level2"])).is_same
    with pytest.raises(Invalid, match="no section"):
        await preview_edit(ana, plan_id, "wbs_level2", {"nonsense": 1})
    with pytest.raises(NotFound):
        await preview_edit(ana, plan_id, "premortem", {})

    await plans.rerun_stage(ana, plan_id, "wbs_level2", given)
    with pytest.raises(Conflict, match="being written anew"):
        await apply_diff(ana, made.id, (await preview_diff(ana, made.id)).digest)
    estimates = [
        {**one, "task_id": task_id}
        for one, task_id in zip(outputs["estimate_task_durations"]["estimates"], ("T1.2", "T1.3", "T2.1"), strict=True)
    ]
    renamed = {"T1.1": "T1.2", "T1.2": "T1.3", "T2.1": "T2.1"}
    steps = [
        {
            **one,
            "parent_id": renamed[one["parent_id"]],
            "id": one["id"].replace(one["parent_id"], renamed[one["parent_id"]]),
        }
        for one in outputs["wbs_level3"]["entries"]
        if one["id"] != "T2.1.2"
    ]
    steps[1] = {**steps[1], "name": "Sign for the room"}
    await write(
        service,
        plan_id,
        {
            **outputs,
            "wbs_level2": given,
            "estimate_task_durations": {"estimates": estimates},
            "wbs_level3": {"entries": steps},
        },
    )
    found = await preview_diff(ana, made.id)
    assert {one.title for one in found.new} == {"Ask the neighbours", "Sign for the room"}
    assert {one.title for one in found.dropped} == {"Step 2 of T1.1", "Step 2 of T2.1"}
    assert "Step 1 of T1.1" in {one.title for one in found.kept}
    with pytest.raises(Conflict, match="not what was shown"):
        await apply_diff(ana, made.id, before.digest)
    await apply_diff(ana, made.id, found.digest)
    after = by_wbs((await plans.get_plan(ana, made.id)).tree)
    done = after["T1.2.1"]  # it has the number of the document now; what is done is not touched
    assert (done.id, done.execution_status) == (nodes["T1.1.1"].id, "completed")
    assert after["T1.3"].id == nodes["T1.2"].id
    assert set(after["T2.1"].depends_on) == {after["T1.1"].id, after["T1.2"].id}
    assert after["T1.1"].execution_status == "queued"  # its phase is under way: it is next
    assert "T2.1.2" not in after
    assert after["T1.2.2"].title == "Sign for the room"
    again = await preview_diff(ana, made.id)
    assert (again.is_empty, again.new, again.dropped, again.changed) == (True, [], [], [])
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"remove": [str(done.id)]}, "is completed"),
        ({"remove": [str(after["T2"].id)]}, "is queued"),
        ({"change": [{"id": str(after["T2.1"].id), "state": "completed"}]}, "no part of a difference"),
        ({"add": [{"title": "x", "key": "y", "parent_id": str(plan_id)}]}, "no task of this plan"),
        ({"drop": []}, "no list of a difference"),
    )
    for wrong, says in cases:
        with pytest.raises((Conflict, Invalid), match=says):
            await plan_links.apply_plan_diff(ana, made.id, wrong)
    with pytest.raises(NotFound):
        await plan_links.apply_plan_diff(mallory, made.id, {"remove": [str(after["T2.1"].id)]})
    with pytest.raises(Conflict, match="carries out no document"):
        await plan_links.apply_plan_diff(ana, plan_id, {})
