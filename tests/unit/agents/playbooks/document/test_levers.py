"""Levers: ids given by code, nothing said of unknown ones or left out, and the vital few told before the others."""

from typing import Any

import pytest

from agents.playbooks.document import classification, intake, vetting
from agents.playbooks.document.lever_forms import (
    DeduplicateLevers,
    EnrichLevers,
    FocusOnVitalFewLevers,
    LeverRating,
    LeverRatings,
    PotentialLevers,
    StrategicDecisionsMarkdown,
)
from agents.playbooks.document.levers import STAGES, fill_strategic_decisions, staying, vital_of
from agents.playbooks.document.stage import Section, Stage, StageMissing
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, write, written

BEFORE: tuple[Stage[Any], ...] = (*intake.STAGES, *vetting.STAGES, *classification.STAGES)
KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in (*BEFORE, *STAGES)}


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written([*BEFORE, *STAGES])


def writing_of(stage_id: str, sections: dict[str, Section], **instead: dict[str, Any]) -> Scripted:
    stored = {name: sections[name].model_dump(mode="json") for name in KNOWN[stage_id].read_stages}
    return Scripted(KNOWN[stage_id], earlier_of(KNOWN, stored), instead=instead)


def good_of(stage_id: str, number: int = 0) -> dict[str, Any]:
    return answers_of(stage_id)[number]["good"]


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("levers", stage_id, number)


def test_levers_are_collected_over_turns_and_sorted_out(sections: dict[str, Section]) -> None:
    potential, enriched = sections["potential_levers"], sections["enrich_levers"]
    assert isinstance(potential, PotentialLevers)
    assert [lever.lever_id for lever in potential.levers] == ["L1", "L2", "L3", "L4", "L5", "L6"]
    assert isinstance(enriched, EnrichLevers)
    assert [lever.lever_id for lever in enriched.levers] == ["L1", "L2", "L3", "L4"]
    assert enriched.levers[1].absorbed_levers == ["Membership fee"]
    assert "**Also covers:** Membership fee" in enriched.markdown()


def test_the_strategy_document_tells_the_weightiest_first(sections: dict[str, Section]) -> None:
    focus, document = sections["focus_on_vital_few_levers"], sections["strategic_decisions_markdown"]
    assert isinstance(focus, FocusOnVitalFewLevers)
    assert focus.vital_lever_ids == ["L2", "L1", "L3"]
    assert isinstance(document, StrategicDecisionsMarkdown)
    assert [decision.name for decision in document.secondary_decisions] == ["Opening hours"]
    text = document.markdown()
    assert text.index("### Primary decisions") < text.index("#### L2") < text.index("#### L1")
    assert text.index("### Secondary decisions") < text.index("#### L4")
    assert document.model_dump(mode="json")["markdown"] == text
    assert StrategicDecisionsMarkdown.model_validate(document.model_dump(mode="json")) == document


async def test_each_turn_adds_what_no_turn_before_brought(sections: dict[str, Section]) -> None:
    good = good_of("potential_levers")["levers"]
    further = [{**good[0], "name": "place  of the WORKSHOP"}, {**good[0], "name": "Legal form"}, good[1]]
    turns = {"turn-1": {"levers": good[:3]}, "turn-2": {"levers": further}}
    writing = writing_of("potential_levers", sections, **turns)
    found = await write(writing)
    assert isinstance(found, PotentialLevers)
    assert [(lever.lever_id, lever.name) for lever in found.levers[2:]] == [
        ("L3", good[2]["name"]),
        ("L4", "Legal form"),
    ]
    assert "- Place of the workshop" in writing.said[1]


@pytest.mark.parametrize(
    ("stage_id", "part", "name", "change", "says"),
    [
        ("deduplicate_levers", "", "verdicts", slice(0, 5), "nothing is said of L6"),
        ("enrich_levers", "batch-1", "levers", slice(1, 4), "nothing is said of L1"),
        ("focus_on_vital_few_levers", "", "ratings", slice(0, 2), "nothing is said of L3, L4"),
        ("deduplicate_levers", "", "verdicts", {"lever_id": "L9"}, "there is no L9; the ids are L1, L2"),
        ("enrich_levers", "batch-1", "levers", {"lever_id": "L6"}, "there is no L6"),
        ("focus_on_vital_few_levers", "", "ratings", {"lever_id": "x"}, "there is no x"),
    ],
)
async def test_every_lever_is_answered_for_and_no_other(
    sections: dict[str, Section], stage_id: str, part: str, name: str, change: Any, says: str
) -> None:
    good = good_of(stage_id)
    entries: list[dict[str, Any]] = list(good[name])
    entries = entries[change] if isinstance(change, slice) else [*entries[:-1], {**entries[-1], **change}]
    with pytest.raises(FoundShallow, match=says):
        await write(writing_of(stage_id, sections, **{part: {**good, name: entries}}))


@pytest.mark.parametrize("count", [1, 5, 6, 12])
async def test_levers_are_described_five_at_a_time(sections: dict[str, Section], count: int) -> None:
    (lever,) = good_of("potential_levers")["levers"][:1]
    ids = [f"L{number}" for number in range(1, count + 1)]
    verdict = {"classification": "keep", "justification": "It is a choice of its own."}
    stored = {
        "potential_levers": {"levers": [{**lever, "lever_id": i, "name": f"Lever {i}"} for i in ids]},
        "deduplicate_levers": {"verdicts": [{**verdict, "lever_id": i} for i in ids]},
    }
    notes = good_of("enrich_levers")["levers"][0]
    batches = {
        f"batch-{start // 5 + 1}": {
            "levers": [{**notes, "lever_id": i, "description": f"{notes['description']} {i}"} for i in reversed(some)]
        }
        for start in range(0, count, 5)
        for some in [ids[start : start + 5]]
    }
    stage = KNOWN["enrich_levers"]
    writing = Scripted(stage, earlier_of(KNOWN, stored), instead=batches)
    found = await write(writing)
    assert isinstance(found, EnrichLevers)
    assert [lever.lever_id for lever in found.levers] == ids
    assert writing.asked == list(batches)


@pytest.mark.parametrize(
    ("rated", "vital"),
    [
        ("low", "1"),
        ("low low", "12"),
        ("low medium critical", "32"),
        ("high critical high", "213"),
        ("high high high high high high high critical", "812345"),
        ("medium low low", "12"),
    ],
)
def test_the_vital_few_are_two_to_six(rated: str, vital: str) -> None:
    ratings = [
        LeverRating.model_validate(
            {"lever_id": str(number), "strategic_importance": importance, "justification": "It decides much."}
        )
        for number, importance in enumerate(rated.split(), 1)
    ]
    assert "".join(vital_of(ratings)) == vital


def test_seven_levers_rated_alike_are_no_choice() -> None:
    rating = {"strategic_importance": "critical", "justification": "Much of the outcome hangs on it."}
    ratings = [{**rating, "lever_id": f"L{number}"} for number in range(7)]
    found = LeverRatings.model_validate(
        {"ratings": ratings, "summary": good_of("focus_on_vital_few_levers")["summary"]}
    )
    assert "every lever is rated critical" in (found.shallow() or "")
    ratings[0]["strategic_importance"] = "low"
    assert found.model_validate({**found.model_dump(), "ratings": ratings}).shallow() is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"absorbed_into": "L2"}, "absorbed_into is for absorb alone"),
        ({"classification": "absorb", "absorbed_into": "L1"}, "which is no kept lever"),
        ({"classification": "absorb"}, "which is no kept lever"),
        ({"classification": "remove"}, "too few entries (at least 2): kept_levers"),
        ({"justification": "TBD"}, "placeholder"),
    ],
)
def test_a_verdict_has_to_make_sense(change: dict[str, str], says: str) -> None:
    keep = {"classification": "keep", "justification": "It is a choice of its own."}
    verdicts = [{**keep, "lever_id": "L1", **change}, {**keep, "lever_id": "L2"}]
    assert says in (DeduplicateLevers.model_validate({"verdicts": verdicts}).shallow() or "")


def test_a_lever_on_which_nothing_was_decided_stays(sections: dict[str, Section]) -> None:
    potential = sections["potential_levers"]
    assert isinstance(potential, PotentialLevers)
    assert len(staying(potential, DeduplicateLevers(verdicts=[]))) == 6


def test_the_strategy_document_needs_what_it_tells() -> None:
    with pytest.raises(StageMissing, match="focus_on_vital_few_levers"):
        fill_strategic_decisions(earlier_of(KNOWN, {}))
