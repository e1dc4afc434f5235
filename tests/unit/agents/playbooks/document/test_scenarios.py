"""Scenarios: every vital lever set by an option there is, one way to go chosen, and both told in one document."""

import copy
from typing import Any

import pytest

from agents.playbooks.document import classification, intake, levers, vetting
from agents.playbooks.document.scenario_forms import (
    CandidateScenarios,
    ScenarioChoice,
    ScenariosMarkdown,
    SelectScenario,
)
from agents.playbooks.document.scenarios import STAGES, fill_scenarios
from agents.playbooks.document.stage import DEPTHS, Section, Stage
from core.errors import Invalid
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

BEFORE: tuple[Stage[Any], ...] = (*intake.STAGES, *vetting.STAGES, *classification.STAGES, *levers.STAGES)
KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in (*BEFORE, *STAGES)}


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written([*BEFORE, *STAGES])


async def rewritten(
    stage_id: str, sections: dict[str, Section], answer: dict[str, Any], level: Any = "balanced_speed_and_detail"
) -> Section:
    stored = {name: sections[name].model_dump(mode="json") for name in KNOWN[stage_id].read_stages}
    write = KNOWN[stage_id].write
    assert write is not None
    return await write(Scripted(KNOWN[stage_id], earlier_of(KNOWN, stored), DEPTHS[level], {"": answer}))


def good_of(stage_id: str) -> dict[str, Any]:
    return copy.deepcopy(answers_of(stage_id)[0]["good"])


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("scenarios", stage_id, number)


def test_scenarios_are_told_with_their_settings_in_words(sections: dict[str, Section]) -> None:
    candidates, document = sections["candidate_scenarios"], sections["scenarios_markdown"]
    assert isinstance(candidates, CandidateScenarios)
    assert [scenario.scenario_id for scenario in candidates.scenarios] == ["S1", "S2", "S3"]
    settings = candidates.scenarios[1].lever_settings
    assert [setting.lever_id for setting in settings] == ["L2", "L1", "L3"]
    assert settings[1].setting == "Rent 80 square metres in a side street for a year"
    assert isinstance(document, ScenariosMarkdown)
    assert document.chosen_scenario.scenario_name == "Members and teachers"
    assert [one.fit_score for one in document.rejected_scenarios] == [7, 4]
    text = document.markdown()
    assert text.index("### Chosen: Members") < text.index("### Not chosen: Guest") < text.index("### Not chosen: Shop")
    assert "Chosen: S2 Members and teachers" in sections["select_scenario"].markdown()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"L1": 1, "L2": 1}, "nothing is said of L3"),
        ({"L1": 1, "L2": 1, "L3": 4}, "L3 has no option 4, only 3"),
        ({"L1": 1, "L2": 1, "L3": 1, "L4": 1}, "there is no L4"),
        ({}, "too few entries"),
    ],
)
async def test_a_scenario_sets_every_vital_lever(
    sections: dict[str, Section], settings: dict[str, int], says: str
) -> None:
    answer = good_of("candidate_scenarios")
    answer["scenarios"][1]["lever_settings"] = [{"lever_id": name, "option": n} for name, n in settings.items()]
    with pytest.raises(FoundShallow, match=says):
        await rewritten("candidate_scenarios", sections, answer)


async def test_two_scenarios_are_enough_for_a_short_plan_alone(sections: dict[str, Section]) -> None:
    answer = good_of("candidate_scenarios")
    answer["scenarios"].pop()
    await rewritten("candidate_scenarios", sections, answer, "fast_but_skip_details")
    with pytest.raises(FoundShallow, match="at least 3"):
        await rewritten("candidate_scenarios", sections, answer)


async def test_every_scenario_is_judged(sections: dict[str, Section]) -> None:
    answer = good_of("select_scenario")
    answer["scenario_assessments"].pop()
    with pytest.raises(FoundShallow, match="nothing is said of S3"):
        await rewritten("select_scenario", sections, answer)


@pytest.mark.parametrize(
    ("scores", "final", "why_not", "says"),
    [
        ((4, 9, 7), "S3", "", None),  # two below the best
        ((4, 9, 6), "S3", "", "S3 is far below the best one"),
        ((4, 9, 6), "S3", "TBD", "S3 is far below the best one"),
        ((4, 9, 6), "S3", "The city has asked for the parish hall.", None),
        ((4, 9, 6), "S4", "", "final_choice names S4, which is not among S1, S2, S3"),
        ((7, 7, 7), "S1", "", "all are the same"),
    ],
)
def test_a_worse_choice_needs_a_reason(scores: tuple[int, ...], final: str, why_not: str, says: str | None) -> None:
    answer = good_of("select_scenario")
    for assessment, score in zip(answer["scenario_assessments"], scores, strict=True):
        assessment["fit_score"] = score
    answer["final_choice"] |= {"scenario_id": final, "why_not_the_best": why_not}
    problem = ScenarioChoice.model_validate(answer).shallow()
    assert problem is None if says is None else says in (problem or "")


def test_a_choice_of_a_scenario_that_is_gone_is_named(sections: dict[str, Section]) -> None:
    candidates = sections["candidate_scenarios"].model_dump(mode="json")
    del candidates["scenarios"][1]
    stored = {"candidate_scenarios": candidates, "select_scenario": sections["select_scenario"].model_dump(mode="json")}
    with pytest.raises(Invalid, match="'S2' is none of the candidates: S1, S3"):
        fill_scenarios(earlier_of(KNOWN, stored))


def test_names_and_assessments_belong_together() -> None:
    answer = good_of("select_scenario")
    found = SelectScenario.model_validate({**answer, "scenario_names": {"S1": "One", "S2": "Two", "S9": "Nine"}})
    assert "differ in S3, S9" in (found.shallow() or "")
    assert "S3" in found.markdown()
