"""From a work breakdown to tasks: what is known is carried over, what is not lowers the confidence and is said."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agents.playbooks.document.commitments import is_binding
from agents.playbooks.document.dates import working_days
from agents.playbooks.document.decompose import Decomposition, WorkTask, tasks_from
from agents.playbooks.document.diff import ExecutionDiff, diff_execution
from agents.playbooks.document.links import paths_of, row_of, rows_of, titles_of
from core.errors import Conflict
from tasks.functions import TaskNode
from tasks.plans import StoredSection
from tests.emulators.document_answers import answers_of

DOCUMENT = UUID(int=5)
IDS = {name: UUID(int=100 + n) for n, name in enumerate(["", "T1", "T1.1", "T1.1.1", "T1.1.2", "T1.2", "T2", "T2.1"])}
DAYS = {"days_min": 1, "days_max": 9, "delay_risks": "Rain.", "mitigation_strategy": "A tent."}


def step(step_id: str, name: str, confidence: float = 0.9, **more: Any) -> dict[str, Any]:
    return {
        "id": step_id, "parent_id": step_id.rpartition(".")[0], "name": name, "description": "With care.", "resources_needed": ["a key"],
        "role": "Coordinator", "execution_type": "semi_automated", "done_when": "It is seen.", "confidence": confidence, **more,
    }  # fmt: skip


def outputs() -> dict[str, dict[str, Any]]:
    subtasks = [("T1.1", "Find a room"), ("T1.2", "Call the landlord"), ("T2.1", "Open the doors")]
    phases = [
        {
            "id": phase, "major_phase_title": title,
            "subtasks": [{"id": i, "subtask_title": t, "description": "Until done."} for i, t in subtasks if i.startswith(phase)],
        }
        for phase, title in (("T1", "Prepare"), ("T2", "Open"))
    ]  # fmt: skip
    entries = [
        {"id": one, "name": one, "starts_on": "2026-11-20", "ends_on": "2026-11-22", "days": 3}
        for one in ("T1", "T1.1.1")
    ]
    return {
        "wbs_level1": {"id": "T", "project_title": "Workshop", "final_deliverable": "A workshop."},
        "wbs_level2": {"major_phase_details": phases},
        "wbs_level3": {"entries": [step("T1.1.1", "Draft a letter to the city"), step("T1.1.2", "Visit rooms", 0.7, execution_type="manual")]},
        "identify_task_dependencies": {"task_dependency_details": [
            {"dependent_task_id": "T2", "depends_on_task_id_list": ["T1"], "depends_on_task_explanation_list": ["x"]},
            {"dependent_task_id": "T1.1", "depends_on_task_id_list": ["T2.1"], "depends_on_task_explanation_list": ["x"]},
        ]},
        "estimate_task_durations": {"estimates": [{"task_id": "T1.1", "days_realistic": 1.5, **DAYS}]},
        "create_schedule": {"starts_on": "2026-11-20", "ends_on": "2026-11-22", "days": 3, "entries": entries, "critical_path": [], "csv": ""},
        "find_team_members": {"members": [{"id": "E1", "category": "coordinator", "explanation": "x", "count": 1, "consequences": "y"}]},
    }  # fmt: skip


def stored(found: dict[str, dict[str, Any]], stale: str = "") -> list[StoredSection]:
    return [
        StoredSection(stage=s, task_id=UUID(int=1), title=s, state="completed", output=o, is_stale=s == stale)
        for s, o in found.items()
    ]


def test_what_the_document_knows_is_carried_over() -> None:
    made = tasks_from(stored(outputs()), ZoneInfo("Europe/Brussels"))
    prepare, opening = made.tasks
    room, landlord = prepare.children
    draft, visit = room.children
    assert (made.title, made.goal, made.days) == ("Workshop", "A workshop.", 3)
    assert [task.id for task in opening.children] == ["T2.1"]
    assert opening.children[0].depends_on == ["T1.1", "T1.2"]  # a phase waits for all of another
    assert (draft.kind, draft.execution_type, draft.assignee_role) == ("email", "semi_automated", "coordinator")
    assert draft.description == "With care.\n\nNeeds: a key"
    assert (draft.acceptance_criteria, draft.estimated_duration_minutes, room.estimated_duration_minutes) == (
        ["It is seen."],
        360,
        720,
    )
    assert draft.due_at
    assert draft.due_at.isoformat() == "2026-11-22T23:59:59+01:00"
    assert (visit.depends_on, visit.execution_type, visit.kind) == (["T1.1.1"], "manual", "errand")
    assert (landlord.execution_type, landlord.kind, landlord.acceptance_criteria) == (
        "manual",
        "call",
        ["Until done."],
    )  # by the rules
    assert (room.execution_type, room.kind, room.due_at) == ("semi_automated", "project", None)
    rows = rows_of(made.tasks, DOCUMENT)
    source = rows[0]["source_ref"]
    assert (source["document_id"], source["wbs_id"], source["stages"]) == (
        str(DOCUMENT),
        "T1",
        ["wbs_level2", "create_schedule"],
    )
    assert rows[0]["children"][0]["children"][1]["depends_on"] == ["T1.1.1"]
    assert "id" not in rows[0]


def test_days_of_a_calendar_are_worked_five_of_seven() -> None:
    assert [working_days(one) for one in (0.5, 5, 6, 7, 14, 180)] == [0.5, 5, 5, 5, 10, 180 * 5 / 7]


def test_what_binds_is_a_persons_whatever_the_document_says() -> None:
    found = outputs()
    found["wbs_level3"] = {
        "entries": [step("T1.1.1", "Compare offers and sign the lease", execution_type="fully_automated")]
    }
    found["wbs_level2"]["major_phase_details"][1]["subtasks"][0]["subtask_title"] = "Buy tools and parts"
    made = tasks_from(stored(found))
    lease, tools = made.tasks[0].children[0].children[0], made.tasks[1].children[0]
    assert (lease.execution_type, tools.execution_type) == ("manual", "manual")
    assert lease.description.endswith("Nothing here signs, buys, hires, pays or files by itself.")
    names = [one["name"] for entry in answers_of("wbs_level3") for one in entry["good"]["steps"]]
    assert {name for name in names if is_binding(name)} == {
        "File the statutes",
        "Order and check the delivery",
        "Sign the lease and fit out the room",
    }
    for title in (
        "Draft the lease",
        "Sign up for the newsletter",
        "Contract law course",
        "",
    ):
        assert not is_binding(title)
    for title in ("Hire staff", "Submit the building permit", "Den Mietvertrag unterschreiben", "Pay the deposit"):
        assert is_binding(title)


def test_what_it_does_not_know_lowers_the_confidence_and_is_said() -> None:
    made = tasks_from(stored(outputs()))
    # mean 0.8, least 0.7; two of three tasks without steps, two without days, one edge left out
    assert made.confidence == round((0.75 * 0.8 + 0.25 * 0.7) * (1 - 1 / 3) * 0.8 - 0.1, 2)
    assert not made.may_start()
    said = "\n".join(made.unclear)
    for words in (
        "Not broken down into steps: T1.2, T2.1",
        "No duration is estimated for T1.2, T2.1",
        "T1.1 does not wait for T2.1: it would close a cycle",
    ):
        assert words in said
    stale = tasks_from(stored(outputs(), stale="wbs_level3"))
    assert (stale.stale, stale.confidence) == (["wbs_level3"], round(made.confidence - 0.1, 2))
    bare = {name: output for name, output in outputs().items() if name in ("wbs_level1", "wbs_level2")}
    least = tasks_from(stored({**bare, "wbs_level3": {"old": 1}}))
    assert least.confidence == round(0.5 * 0.5 * 0.7, 2)
    assert "The section wbs_level3 is stored in a form that cannot be read any more" in least.unclear
    with pytest.raises(Conflict) as refused:
        tasks_from([])
    assert refused.value.detail == "missing: wbs_level1, wbs_level2"
    with pytest.raises(Conflict, match="cannot be read"):
        tasks_from(stored({**bare, "wbs_level2": {"major_phase_details": []}}))


def node(task: WorkTask, made: Decomposition, **states: str) -> TaskNode:
    """The task as it would be stored."""
    now = "2026-11-20T09:00:00Z"
    return TaskNode.model_validate(
        {
            **task.model_dump(exclude={"id", "children", "stages", "confidence", "depends_on"}),
            "id": IDS[task.id], "organization_id": UUID(int=9), "execution_status": states.get(task.id.replace(".", "_"), "pending"),
            "created_at": now, "updated_at": now, "source_ref": row_of(task, DOCUMENT, titles_of(made.tasks))["source_ref"],
            "depends_on": [IDS[need] for need in task.depends_on],
            "children": [node(child, made, **states).model_dump() for child in task.children],
        }
    )  # fmt: skip


def execution(**states: str) -> TaskNode:
    """The tasks as an execution of the document has them; a state is given as T1_1="completed"."""
    made = tasks_from(stored(outputs()))
    root = node(WorkTask(id="", title="Workshop", children=made.tasks), made, **states)
    return root.model_copy(update={"source_ref": {"document_paths": [path for path, _ in paths_of(made.tasks)]}})


def compared(found: dict[str, dict[str, Any]], tree: TaskNode | None = None, **states: str) -> ExecutionDiff:
    return diff_execution(tasks_from(stored(found)), tree or execution(**states), DOCUMENT)


def test_an_unchanged_document_changes_nothing() -> None:
    same = compared(outputs())
    assert (same.is_empty, len(same.kept), same.new, same.dropped, same.changed, same.stays) == (
        True,
        7,
        [],
        [],
        [],
        [],
    )
    assert same.digest == compared(outputs(), T1_1_1="completed").digest


def test_what_has_not_begun_changes_and_what_has_stays() -> None:
    found = outputs()
    found["wbs_level3"]["entries"][0]["done_when"] = "The city has it."
    found["wbs_level3"]["entries"][1]["name"] = "Look at rooms"
    found["wbs_level2"]["major_phase_details"][1]["subtasks"] = [
        {"id": "T2.1", "subtask_title": "Invite the street", "description": "All."}
    ]
    pending = compared(found)
    assert {one.wbs_id: sorted(one.changes) for one in pending.changed} == {
        "T1.1.1": ["acceptance_criteria"], "T1.1.2": ["title"], "T2.1": ["acceptance_criteria", "description", "execution_type", "kind", "title"],
    }  # fmt: skip
    begun = compared(found, T1_1_1="completed", T1_1_2="in_progress", T1_1="blocked", T1="blocked", T2_1="completed")
    assert [(one.wbs_id, one.stays) for one in begun.stays] == [
        ("T1.1.1", "done"),
        ("T1.1.2", "running"),
        ("T2.1", "done"),
    ]
    # A task that has begun is not taken for one with another title: the other one is new.
    assert [(one.wbs_id, one.title, one.parent_title) for one in begun.new] == [
        ("T1.1.2", "Look at rooms", "Find a room"), ("T2.1", "Invite the street", "Open"),
    ]  # fmt: skip
    assert (begun.edits["change"], begun.edits["remove"]) == ([], [])


def test_what_is_gone_is_dropped_only_where_nothing_of_it_has_begun() -> None:
    found = outputs()
    del found["wbs_level2"]["major_phase_details"][0]["subtasks"][0]
    gone = compared(found)
    assert [one.wbs_id for one in gone.dropped] == ["T1.1", "T1.1.1", "T1.1.2"]
    assert gone.edits["remove"] == [str(IDS["T1.1"])]
    assert {one.wbs_id: one.changes["depends_on"] for one in gone.changed if "depends_on" in one.changes} == {
        "T2.1": (["T1.1 (dropped)", "T1.2"], ["T1.2"])
    }
    begun = compared(found, T1="blocked", T1_1="blocked", T1_1_1="completed")
    assert [one.wbs_id for one in begun.dropped] == ["T1.1.2"]
    assert [(one.wbs_id, one.stays) for one in begun.stays] == [("T1.1", "under way"), ("T1.1.1", "done")]


def test_a_new_task_below_a_finished_one_comes_below_what_is_open() -> None:
    found = outputs()
    found["wbs_level3"]["entries"].append(step("T1.1.3", "Sign the lease"))
    added = compared(found, T1="blocked", T1_1="completed", T1_1_1="completed", T1_1_2="completed")
    assert [(one.wbs_id, one.parent_title) for one in added.new] == [("T1.1.3", "Prepare")]
    assert added.edits["add"][0]["depends_on"] == [str(IDS["T1.1.2"])]


def test_what_somebody_edited_stays_edited_and_what_they_took_out_stays_out() -> None:
    tree = execution()
    prepare, opening = tree.children
    room, landlord = prepare.children
    own = landlord.model_copy(
        update={"title": "Call the landlord", "description": "By Friday.", "depends_on": [room.id]}
    )
    edited = tree.model_copy(update={"children": [prepare.model_copy(update={"children": [own]}), opening]})
    same = compared(outputs(), edited)
    assert (same.is_empty, [one.wbs_id for one in same.left_out]) == (True, ["T1.1", "T1.1.1", "T1.1.2"])
    found = outputs()
    found["wbs_level2"]["major_phase_details"][0]["subtasks"][1]["description"] = "Until there is a lease."
    found["wbs_level2"]["major_phase_details"][0]["subtasks"].append(
        {"id": "T1.3", "subtask_title": "Buy tools", "description": "All."}
    )
    found["identify_task_dependencies"]["task_dependency_details"].append(
        {
            "dependent_task_id": "T1.3",
            "depends_on_task_id_list": ["T1.1", "T1.2"],
            "depends_on_task_explanation_list": ["a", "b"],
        }
    )
    later = compared(found, edited)
    assert [(one.wbs_id, sorted(one.changes)) for one in later.changed] == [
        ("T1.2", ["acceptance_criteria", "description"]), ("T2.1", ["depends_on"]),
    ]  # fmt: skip
    assert [(one.wbs_id, one.title) for one in later.new] == [("T1.3", "Buy tools")]
    assert later.edits["add"][0]["depends_on"] == [str(IDS["T1.2"])]
    assert [one.wbs_id for one in later.left_out] == ["T1.1", "T1.1.1", "T1.1.2"]
