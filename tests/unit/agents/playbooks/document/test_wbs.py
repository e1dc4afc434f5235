"""The work breakdown: ids by code, edges and days that can be kept to, and a tree that holds every step once."""

import csv
from typing import Any

import pytest
from pydantic import ValidationError

from agents.playbooks.document.stage import DEPTHS, Section, Stage
from agents.playbooks.document.wbs import STAGES, fill_full_tree
from agents.playbooks.document.work_breakdown import (
    PhasesNamed,
    WbsFull,
    WbsLevel1,
    WbsLevel2,
    WbsTree,
    tree_of,
    with_ids,
)
from agents.playbooks.document.work_details import TaskDependencies, TaskDurations, WbsLevel3, full_tree
from core.errors import Invalid
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in STAGES}
TASKS = ["T1.1", "T1.2", "T2.1", "T2.2", "T3.1", "T3.2"]
FULL = "wbs_project_level1_and_level2_and_level3"


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written(STAGES)


def writing_of(stage_id: str, sections: dict[str, Section], **instead: Any) -> Scripted:
    stored = {name: sections[name].model_dump(mode="json") for name in KNOWN[stage_id].read_stages if name in sections}
    return Scripted(KNOWN[stage_id], earlier_of(KNOWN, stored), instead=instead)


async def write(writing: Scripted) -> Any:
    assert writing.stage.write is not None
    return await writing.stage.write(writing)


def good_of(stage_id: str) -> dict[str, Any]:
    return answers_of(stage_id)[-1]["good"]


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("wbs", stage_id, number)


def test_ids_are_given_in_order(sections: dict[str, Section]) -> None:
    level2, tree = sections["wbs_level2"], sections["wbs_project_level1_and_level2"]
    assert isinstance(level2, WbsLevel2)
    assert [task.id for task in level2.tasks] == TASKS
    assert isinstance(tree, WbsTree)
    assert (tree.id, tree.description) == ("T", "Community bicycle workshop Ghent")
    assert [(depth, node.id) for depth, node in tree.nodes()][:4] == [(1, "T1"), (2, "T1.1"), (2, "T1.2"), (1, "T2")]


def test_every_task_is_estimated_once_three_at_a_time(sections: dict[str, Section]) -> None:
    durations = sections["estimate_task_durations"]
    assert isinstance(durations, TaskDurations)
    assert [estimate.task_id for estimate in durations.estimates] == TASKS
    assert [estimate.days_realistic for estimate in durations.estimates] == [25, 20, 45, 30, 40, 90]


async def test_estimates_are_told_apart_by_their_numbers(sections: dict[str, Section]) -> None:
    good = answers_of("estimate_task_durations")[0]["good"]["estimates"]
    backwards = {"T1.1": {"estimates": good[::-1]}}
    writing = writing_of("estimate_task_durations", sections, **backwards)
    assert await write(writing) == sections["estimate_task_durations"]
    assert writing.asked == ["T1.1", "T2.2"]
    for estimates in (good[:2], [good[0], good[1], good[1]]):
        with pytest.raises(FoundShallow, match=r"numbers \[1, 2, 3\]|the same thing twice"):
            await write(writing_of("estimate_task_durations", sections, **{"T1.1": {"estimates": estimates}}))


@pytest.mark.parametrize("days", [0, -1, 3651, float("nan"), float("inf"), "soon"])
def test_days_have_bounds(days: Any) -> None:
    (first, *_) = good_of("estimate_task_durations")["estimates"]
    entry = {**first, "task_id": "T1.1", "days_min": days, "days_realistic": days, "days_max": days}
    del entry["number"]
    with pytest.raises(ValidationError):
        TaskDurations.model_validate({"estimates": [entry]})


async def test_only_known_tasks_have_edges(sections: dict[str, Section]) -> None:
    good = good_of("identify_task_dependencies")["task_dependency_details"]
    stranger = [*good, {**good[0], "dependent_task_id": "T9.1"}]
    writing = writing_of("identify_task_dependencies", sections, **{"": {"task_dependency_details": stranger}})
    with pytest.raises(FoundShallow, match=r"no task has the id T9.1; allowed: T1.1, T1.2"):
        await write(writing)


@pytest.mark.parametrize(
    ("task", "needs", "reasons", "says"),
    [
        ("T1.1", ["T1.1"], ["why"], "cannot depend on itself"),
        ("T1.1", ["T1.2"], ["one", "two"], "1 ids but 2 explanations"),
        ("T1.1", [], [], "too few entries"),
        ("T1.1", ["T1.2", "T1.2"], ["one", "two"], "the same thing twice"),
        ("T1.1", ["T1.2"], [" "], "empty"),
    ],
)
def test_edges_have_to_make_sense(task: str, needs: list[str], reasons: list[str], says: str) -> None:
    entry = {
        "dependent_task_id": task,
        "depends_on_task_id_list": needs,
        "depends_on_task_explanation_list": reasons,
    }
    found = TaskDependencies.model_validate({"task_dependency_details": [entry]})
    assert says in (found.shallow() or "")
    assert found.markdown()


def test_steps_stand_below_their_tasks(sections: dict[str, Section]) -> None:
    level3, full = sections["wbs_level3"], sections[FULL]
    assert isinstance(level3, WbsLevel3)
    assert [step.id for step in level3.entries][:4] == ["T1.1.1", "T1.1.2", "T1.1.3", "T1.2.1"]
    assert not level3.not_broken_down
    assert isinstance(full, WbsFull)
    assert len(full.rows) == 3 + 6 + 18
    stored = full.model_dump(mode="json")
    assert set(stored["rows"][0]) == {"Level 1", "Level 2", "Level 3", "Task ID"}
    assert WbsFull.model_validate(stored) == full
    rows = list(csv.reader(full.csv().splitlines()))
    assert rows[0] == ["Level 1", "Level 2", "Level 3", "Task ID"]
    assert rows[1] == ["Found and finance", "", "", "T1"]
    assert rows[3][:2] == ["Found and finance", "Found the association"]
    assert rows[3][3] == "T1.1.1"


async def test_what_is_too_much_for_a_short_plan_stays_whole(sections: dict[str, Section]) -> None:
    writing = writing_of("wbs_level3", sections)
    writing.depth = DEPTHS["fast_but_skip_details"]
    level3 = await write(writing)
    assert writing.asked == ["T1.1", "T1.2"]
    assert level3.not_broken_down == TASKS[2:]
    assert "Left whole for now: T2.1, T2.2, T3.1, T3.2." in level3.markdown()
    tree = sections["wbs_project_level1_and_level2"]
    assert isinstance(tree, WbsTree)
    full = full_tree(tree, level3)
    assert [len(task.task_children) for phase in full.task_children for task in phase.task_children] == [
        3,
        3,
        0,
        0,
        0,
        0,
    ]
    assert not tree.task_children[0].task_children[0].task_children  # the tree it was made from is as it was


def test_a_step_of_no_task_is_named(sections: dict[str, Section]) -> None:
    stored = {name: sections[name].model_dump(mode="json") for name in KNOWN[FULL].read_stages}
    stray = {**stored["wbs_level3"]["entries"][0], "id": "T7.1.1", "parent_id": "T7.1"}
    with pytest.raises(Invalid, match=r"T7.1, which is no task of level 2"):
        fill_full_tree(earlier_of(KNOWN, {**stored, "wbs_level3": {"entries": [stray]}}))


def test_cells_and_lines_stay_what_they_are() -> None:
    phases = PhasesNamed.model_validate(
        {
            "major_phase_details": [
                {
                    "major_phase_title": "=1+1 | \n x",
                    "subtasks": [{"subtask_title": '@run "it"', "description": "d"}],
                }
            ]
        }
    )
    level2 = with_ids(phases)
    assert level2.major_phase_details[0].id == "T1"
    tree = tree_of(WbsLevel1(project_title="Plan", final_deliverable="A thing"), level2)
    full = full_tree(tree, WbsLevel3(entries=[]))
    assert list(csv.reader(full.csv().splitlines(keepends=True)))[2][:2] == ["'=1+1 | \n x", '\'@run "it"']
    assert "- T1 =1+1 | x\n" in full.markdown()


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        (1, "too few entries (at least 2): major_phase_details"),
        (13, "too many entries (at most 12): major_phase_details"),
    ],
)
def test_a_breakdown_has_few_phases(phases: int, says: str) -> None:
    found = [
        {
            "major_phase_title": f"Phase {n}",
            "subtasks": [
                {"subtask_title": f"Task {n} {m}", "description": "It is done when it is there."} for m in range(3)
            ],
        }
        for n in range(phases)
    ]
    assert says in (PhasesNamed.model_validate({"major_phase_details": found}).shallow() or "")


def test_ids_that_do_not_fit_are_told(sections: dict[str, Section]) -> None:
    stored = sections["wbs_level2"].model_dump(mode="json")
    stored["major_phase_details"][0]["subtasks"][0]["id"] = "T2.9"
    assert "T2.9 stands in another phase" in (WbsLevel2.model_validate(stored).shallow() or "")
    stored["major_phase_details"][0]["subtasks"][0]["id"] = "T1.2"
    assert "ids says the same thing twice" in (WbsLevel2.model_validate(stored).shallow() or "")
    stored["major_phase_details"][0]["subtasks"][0]["id"] = "1.2"
    with pytest.raises(ValidationError):
        WbsLevel2.model_validate(stored)
