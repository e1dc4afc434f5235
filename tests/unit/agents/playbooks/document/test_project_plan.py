"""The core plan: both experts heard, conditions only where they belong, five real criteria, duties or the reason for none."""

import copy
from typing import Any

import pytest

from agents.playbooks.document.project_plan import STAGES, PreProjectAssessment, ProjectPlan
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import Scripted, earlier_of, written

PLAN: dict[str, Any] = answers_of("project_plan")[0]["good"]
ASSESSMENT: dict[str, Any] = answers_of("pre_project_assessment")[0]["good"]


def changed(answer: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the answer with another value at a path such as `expert1.feedback_item_list`."""
    found = copy.deepcopy(answer)
    *steps, last = path.split(".")
    inner: Any = found
    for step in steps:
        inner = inner[int(step) if step.isdigit() else step]
    inner[int(last) if last.isdigit() else last] = value
    return found


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("project_plan", stage_id, number)


def test_both_sections_are_written_from_what_came_before() -> None:
    sections = written(STAGES)
    assert list(sections) == ["pre_project_assessment", "project_plan"]
    assert "**Recommendation: Go, on conditions.**" in sections["pre_project_assessment"].markdown()
    text = sections["project_plan"].markdown()
    assert "| Time-bound | Founding meeting in month one" in text
    assert "### Rules and permits\n\n| Requirement |" in text


async def test_the_plan_is_written_with_the_assessment_before_it() -> None:
    known = {stage.id: stage for stage in STAGES}
    writing = Scripted(known["project_plan"], earlier_of(known, {"pre_project_assessment": ASSESSMENT}))
    assert known["project_plan"].write is not None
    await known["project_plan"].write(writing)
    assert "## Pre-project assessment" in writing.said[0]
    assert "Pay for two people" in writing.said[0]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("conditions", [], "too few entries (at least 1): conditions"),
        ("go_no_go_recommendation", "no_go", "conditions belong to go_with_conditions alone"),
        ("expert2.field_of_expertise", "running  NON-PROFIT community workshops", "experts says the same thing twice"),
        ("expert2.feedback_item_list.0.title", "Pay for two people", "feedback_titles says the same thing twice"),
        ("expert1.feedback_item_list.1.action", "Do it", "experts, entry 1: feedback_item_list, entry 2: too short"),
        ("combined_summary", "TBD", "placeholder"),
    ],
)
def test_an_assessment_has_to_make_sense(path: str, value: Any, says: str) -> None:
    assert says in (PreProjectAssessment.model_validate(changed(ASSESSMENT, path, value)).shallow() or "")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("smart_criteria.measurable", "Many residents come and are happy with it", "measurable has no number"),
        ("smart_criteria.relevant", PLAN["smart_criteria"]["specific"], "smart_criteria says the same thing twice"),
        ("smart_criteria.time_bound", " " * 40, "too short"),
        ("dependencies", ["A room is leased"], "too few entries (at least 2): dependencies"),
        ("resources_required", ["Ten volunteers", "ten  volunteers"], "resources_required says the same thing twice"),
        ("stakeholder_analysis", PLAN["stakeholder_analysis"][2:], "names no primary stakeholder"),
        ("risk_assessment_and_mitigation_strategies.1.mitigation", "", "entry 2: too short"),
        ("regulatory_and_compliance_requirements", [], "not why none applies"),
        ("regulatory_and_compliance_requirements.2.action", "N/A", "placeholder"),
    ],
)
def test_a_plan_has_to_say_something(path: str, value: Any, says: str) -> None:
    assert says in (ProjectPlan.model_validate(changed(PLAN, path, value)).shallow() or "")


def test_a_plan_without_duties_says_why_and_numbers_may_be_of_any_script() -> None:
    plan = changed(PLAN, "regulatory_and_compliance_requirements", [])
    plan["compliance_note"] = "Walking a public path needs no permit and touches no rule."
    plan["smart_criteria"]["measurable"] = "在九个月内完成三百次修理，并且每周开放十二个小时以上。"
    found = ProjectPlan.model_validate(plan)
    assert found.shallow() is None
    assert "Walking a public path" in found.markdown()
