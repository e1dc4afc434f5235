"""Places, money and risks: none invented for a digital plan, codes that are codes, ratings that tell risks apart."""

import asyncio
import copy
from typing import Any

import pytest

from agents.playbooks.document import classification, intake, levers, scenarios, vetting
from agents.playbooks.document.context import (
    STAGES,
    CurrencyStrategy,
    IdentifyRisks,
    Locations,
    PhysicalLocations,
    fill_locations,
    write_locations,
    write_risks,
)
from agents.playbooks.document.stage import DEPTHS, Level, Section, Stage
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

BEFORE: tuple[Stage[Any], ...] = (
    *intake.STAGES,
    *vetting.STAGES,
    *classification.STAGES,
    *levers.STAGES,
    *scenarios.STAGES,
)
KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in (*BEFORE, *STAGES)}
DIGITAL = {
    "plan_type": {"plan_type": "digital", "explanation": "A newsletter is written and sent at a computer alone."}
}
PHYSICAL = {"plan_type": {**DIGITAL["plan_type"], "plan_type": "physical"}}


def good_of(stage_id: str) -> dict[str, Any]:
    return copy.deepcopy(answers_of(stage_id)[0]["good"])


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("context", stage_id, number)


def test_the_sections_follow_from_one_another() -> None:
    found: dict[str, Section] = written([*BEFORE, *STAGES])
    places = found["physical_locations"]
    assert isinstance(places, PhysicalLocations)
    assert places.needs_places
    assert "| Ghent, Belgium |" in places.markdown()
    assert "### Risk 4: Permits" in found["identify_risks"].markdown()


def test_a_digital_plan_needs_no_place_and_no_question() -> None:
    stage = KNOWN["physical_locations"]
    writing = Scripted(stage, earlier_of(KNOWN, DIGITAL))
    found = asyncio.run(write_locations(writing))
    assert writing.asked == []
    assert found == fill_locations(writing.earlier)
    assert found.shallow() is None
    assert "needs no place" in found.markdown()
    assert fill_locations(earlier_of(KNOWN, PHYSICAL)) is None  # no place is invented
    claimed = PhysicalLocations.model_validate({**good_of("physical_locations"), "needs_places": False})
    assert "said to need none" in (claimed.shallow() or "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"has_location_in_plan": False}, "at least 2"),
        ({"physical_locations": []}, "at least 1"),
        ({"requirements_for_the_physical_locations": ["A wide door there", "a  wide door THERE"]}, "same thing twice"),
        ({"location_summary": "n/a"}, "placeholder"),
    ],
)
def test_places_are_named_and_reasoned(change: dict[str, Any], says: str) -> None:
    assert says in (Locations.model_validate({**good_of("physical_locations"), **change}).shallow() or "")


@pytest.mark.parametrize(
    ("codes", "primary", "money", "says"),
    [
        (["EUR", "CHF"], "CHF", True, None),
        (["EUR"], "USD", True, "primary_currency is 'USD', which is not in currency_list: EUR"),
        (["EUR"], None, True, "primary_currency is None"),
        (["EUR", "EUR"], "EUR", True, "same thing twice"),
        (["eur"], "eur", True, "no ISO 4217 code"),
        (["EUR\n"], "EUR\n", True, "no ISO 4217 code"),
        (["XXX"], "XXX", True, "no ISO 4217 code"),
        (["ÄÖÜ"], "ÄÖÜ", True, "no ISO 4217 code"),
        ([], None, True, "too few"),
        ([], None, False, None),
        (["EUR"], None, False, "money_involved is false"),
        ([], "EUR", False, "money_involved is false"),
    ],
)
def test_a_currency_is_a_code_and_the_first_is_one_of_them(
    codes: list[str], primary: str | None, money: bool, says: str | None
) -> None:
    found = CurrencyStrategy.model_validate(
        {
            **good_of("currency_strategy"),
            "money_involved": money,
            "currency_list": [{"currency": code, "consideration": "Rent and wages"} for code in codes],
            "primary_currency": primary,
        }
    )
    problem = found.shallow()
    assert problem is None if says is None else says in (problem or "")
    assert found.markdown()


@pytest.mark.parametrize(
    ("level", "count", "says"),
    [
        ("fast_but_skip_details", 3, None),
        ("fast_but_skip_details", 2, "at least 3"),
        ("balanced_speed_and_detail", 3, "at least 4"),
    ],
)
def test_how_many_risks_a_plan_names(level: Level, count: int, says: str | None) -> None:
    answer = good_of("identify_risks")
    answer["risks"] = answer["risks"][:count]
    writing = Scripted(KNOWN["identify_risks"], earlier_of(KNOWN, {}), DEPTHS[level], {"": answer})
    if says is None:
        assert len(asyncio.run(write_risks(writing)).risks) == count
        return
    with pytest.raises(FoundShallow, match=says):
        asyncio.run(write_risks(writing))


def test_the_same_action_against_two_risks_is_too_thin() -> None:
    answer = good_of("identify_risks")
    answer["risks"][1]["action"] = answer["risks"][0]["action"]
    assert "action says the same thing twice" in (IdentifyRisks.model_validate(answer).shallow() or "")
