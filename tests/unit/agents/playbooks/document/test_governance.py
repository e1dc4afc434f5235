"""Governance: who is responsible is known, nothing escalates in a circle, every body is set up, and the parts make one document."""

import copy
from typing import Any

import pytest

from agents.playbooks.document.governance import MATRIX, MONITORING, SET_UP, STAGES, consolidate, gaps_of
from agents.playbooks.document.governance_forms import Bodies, ImplementationPlan
from agents.playbooks.document.rendered import Rendered, deeper
from agents.playbooks.document.stage import Section, Stage, StageMissing
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in STAGES}


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written(STAGES)


def stored(sections: dict[str, Section]) -> dict[str, dict[str, Any]]:
    return {name: section.model_dump(mode="json") for name, section in sections.items()}


def good_of(stage_id: str) -> dict[str, Any]:
    return copy.deepcopy(answers_of(stage_id)[0]["good"])


def party(kind: str, name: str) -> dict[str, str]:
    return {"kind": kind, "name": name}


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("governance", stage_id, number)


def test_six_parts_become_one_document(sections: dict[str, Section]) -> None:
    document = sections["consolidate_governance"]
    text = document.markdown()
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    assert headings == [f"### {stage.title}" for stage in STAGES[:-1]]
    assert "\n#### Workshop team\n" in text
    assert document.model_dump(mode="json") == {"markdown": text}
    assert Rendered.model_validate({"markdown": text}) == document
    assert Rendered(markdown=" \n").shallow() == "there is nothing in it"
    assert deeper("### A\ntext # no\n###### F") == "#### A\ntext # no\n###### F"


def test_a_part_that_is_not_written_is_named(sections: dict[str, Section]) -> None:
    some = {name: section for name, section in stored(sections).items() if name == MATRIX}
    found = consolidate(earlier_of(KNOWN, some))
    assert found is not None
    assert found.text.count("*This part is not written.*") == 5
    assert "Conflict of interest" in found.text
    assert consolidate(earlier_of(KNOWN, {})) is None


@pytest.mark.parametrize(
    ("stage_id", "name", "change", "says"),
    [
        (SET_UP, "governance_implementation_plan", {"responsible_body_or_role": party("body", "Council")}, "there is no body 'Council'"),
        (SET_UP, "governance_implementation_plan", {"responsible_body_or_role": party("role", "board")}, "'board' is a body, not a role"),
        (SET_UP, "governance_implementation_plan", {"sets_up": []}, "no step sets up (in sets_up): Workshop team"),
        (SET_UP, "governance_implementation_plan", {"sets_up": ["Workshop team", "Council"]}, "there is no body 'Council'"),
        (SET_UP, "governance_implementation_plan", {"sets_up": ["Workshop team", "BOARD"]}, "sets_up says the same thing twice"),
        (SET_UP, "governance_implementation_plan", {"dependencies": [3]}, "step 3 depends on 3"),
        (SET_UP, "governance_implementation_plan", {"dependencies": [1, 1]}, "each once"),
        (SET_UP, "governance_implementation_plan", {"dependencies": [0]}, "step 3 depends on 0"),
        (MATRIX, "decision_escalation_matrix", {"escalation_level": party("body", "Council")}, "the bodies are: Board; Workshop team"),
        (MONITORING, "monitoring_progress", {"responsible_role": party("role", "Workshop  Team")}, "is a body, not a role"),
    ],
)  # fmt: skip
async def test_who_is_responsible_is_known(
    sections: dict[str, Section], stage_id: str, name: str, change: dict[str, Any], says: str
) -> None:
    good = good_of(stage_id)
    good[name][-1] |= change
    write = KNOWN[stage_id].write
    assert write is not None
    with pytest.raises(FoundShallow) as told:
        await write(Scripted(KNOWN[stage_id], earlier_of(KNOWN, stored(sections)), instead={"": good}))
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (["Workshop team", "Board"], "goes in a circle"),
        (["Board", "Board"], "goes in a circle"),
        (["Parliament", "Board"], "there is no body 'Parliament'"),
    ],
)
def test_what_a_body_cannot_settle_ends_somewhere(to: list[str], says: str) -> None:
    good = good_of("governance_phase2_bodies")
    for body, name in zip(good["internal_governance_bodies"], to, strict=True):
        body["escalates_to"] = party("body", name)
    assert says in (Bodies.model_validate(good).shallow() or "")


def test_one_body_is_enough_for_a_small_plan() -> None:
    good = good_of("governance_phase2_bodies")
    good["internal_governance_bodies"] = good["internal_governance_bodies"][:1]
    assert Bodies.model_validate(good).shallow() is None
    good["internal_governance_bodies"] *= 2
    assert "names says the same thing twice" in (Bodies.model_validate(good).shallow() or "")


async def test_gaps_are_counted_and_told(sections: dict[str, Section]) -> None:
    assert gaps_of(earlier_of(KNOWN, stored(sections))) == []
    changed = stored(sections)
    changed[SET_UP]["governance_implementation_plan"][2]["sets_up"] = []
    changed[MONITORING]["monitoring_progress"].pop(1)
    assert ImplementationPlan.model_validate(changed[SET_UP]).shallow() is None
    stage = KNOWN["governance_phase6_extra"]
    writing = Scripted(stage, earlier_of(KNOWN, changed))
    assert stage.write is not None
    await stage.write(writing)
    assert "- No step sets up Workshop team\n- Workshop team neither decides" in writing.said[0]
    with pytest.raises(StageMissing, match="governance_phase2_bodies"):
        gaps_of(earlier_of(KNOWN, {}))
