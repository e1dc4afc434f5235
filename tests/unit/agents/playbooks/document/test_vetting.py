"""The redline gate and the premise attack: what passes, what is too thin, and how many lenses a plan gets."""

import pytest

from agents.playbooks.document.intake import STAGES as INTAKE
from agents.playbooks.document.stage import DEPTHS, Level
from agents.playbooks.document.vetting import STAGES, PremiseAttack, RedlineGate, write_premise_attack
from tests.emulators.document_answers import REFUSAL, answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import Scripted, earlier_of, written

CASES = entries_of(STAGES)


@pytest.mark.parametrize(("stage_id", "number"), CASES)
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("vetting", stage_id, number)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"violation_severity": None}, "refuse needs a reason: say violation_severity"),
        ({"violation_claim": "bad"}, "too short"),
        ({"framing": "Leave out how to do it."}, "framing is for allow_with_framing alone"),
        ({"verdict": "allow"}, "nothing is violated"),
        ({"verdict": "allow_with_framing"}, "too short"),
        ({"verdict": "allow_with_framing", "framing": "Plan defences only, no ways around locks."}, None),
        ({"rationale_short": "No."}, "too short"),
    ],
)
def test_what_a_verdict_says_fits_it(change: dict[str, str | None], says: str | None) -> None:
    gate = RedlineGate.model_validate({**REFUSAL, **change})
    problem = gate.shallow()
    assert problem is None if says is None else says in (problem or "")
    assert gate.rationale_short in gate.markdown()


@pytest.mark.parametrize(
    ("level", "lenses"), [("fast_but_skip_details", 2), ("balanced_speed_and_detail", 4), ("all_details_but_slow", 6)]
)
async def test_a_deeper_plan_is_attacked_from_more_sides(level: Level, lenses: int) -> None:
    stage = STAGES[1]
    writing = Scripted(stage, earlier_of({}, {}), DEPTHS[level])
    found = await write_premise_attack(writing)
    assert len({attack.lens for attack in found.attacks}) == len(writing.asked) == lenses
    assert found.shallow() is None
    assert found.markdown().count("### ") == lenses


def test_one_side_alone_or_twice_is_too_thin() -> None:
    attack = {"lens": "The wrong aim", **answers_of("premise_attack")[0]["good"]}
    assert "too few" in (PremiseAttack.model_validate({"attacks": [attack]}).shallow() or "")
    assert "same thing twice" in (PremiseAttack.model_validate({"attacks": [attack, attack]}).shallow() or "")


def test_the_first_stages_follow_from_one_another() -> None:
    found = written([*INTAKE, *STAGES])
    assert list(found) == ["start_time", "setup", "redline_gate", "premise_attack"]
    assert "Allowed" in found["redline_gate"].markdown()
