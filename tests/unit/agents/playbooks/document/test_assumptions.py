"""Assumptions: asked side by side, told once, measured where they are doubted, and joined in whole and in short."""

import asyncio
import copy
from typing import Any

import pytest

from agents.playbooks.document import classification, context, intake, levers, scenarios, vetting
from agents.playbooks.document.assumption_forms import (
    ConsolidateAssumptions,
    DistillAssumptions,
    MakeAssumptions,
    ReviewAssumptions,
)
from agents.playbooks.document.assumptions import JOINED, SHORT_ENOUGH, STAGES, write_consolidation
from agents.playbooks.document.stage import DEPTHS, Level, Section, Stage, StageMissing
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of, with_texts
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, write, written

BEFORE: tuple[Stage[Any], ...] = (
    *intake.STAGES,
    *vetting.STAGES,
    *classification.STAGES,
    *levers.STAGES,
    *scenarios.STAGES,
    *context.STAGES,
)
KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in (*BEFORE, *STAGES)}


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written([*BEFORE, *STAGES])


def writing_of(
    stage_id: str,
    sections: dict[str, Section],
    instead: dict[str, dict[str, Any]] | None = None,
    level: Level = "balanced_speed_and_detail",
) -> Scripted:
    stored = {name: sections[name].model_dump(mode="json") for name in KNOWN[stage_id].read_stages if name in sections}
    return Scripted(KNOWN[stage_id], earlier_of(KNOWN, stored), DEPTHS[level], instead or {})


def run(writing: Scripted) -> Section:
    return asyncio.run(write(writing))


def good_of(stage_id: str) -> dict[str, Any]:
    return copy.deepcopy(answers_of(stage_id)[0]["good"])


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("assumptions", stage_id, number)


@pytest.mark.parametrize(
    ("level", "areas", "questions"),
    [
        ("fast_but_skip_details", "money people", 4),
        ("balanced_speed_and_detail", "money people time rules", 8),
        ("all_details_but_slow", "money people time rules means after", 8),  # three areas ask the same: told once
    ],
)
def test_a_deeper_plan_asks_about_more_areas(
    sections: dict[str, Section], level: Level, areas: str, questions: int
) -> None:
    writing = writing_of("make_assumptions", sections, level=level)
    found = run(writing)
    assert isinstance(found, MakeAssumptions)
    assert writing.asked == [f"area-{name}" for name in areas.split()]
    assert len(found.question_assumption_list) == questions
    assert found.shallow() is None
    assert found.markdown().startswith("### Question 1 (Money): How much")


def test_all_is_joined_in_order_and_the_long_is_shortened(sections: dict[str, Section]) -> None:
    writing = writing_of("consolidate_assumptions_markdown", sections)
    found = run(writing)
    assert isinstance(found, ConsolidateAssumptions)
    heads = [f"### {KNOWN[stage_id].title}\n" for stage_id in JOINED]
    for text in (found.full, found.short):
        places = [text.index(head) for head in heads]
        assert places == sorted(places)
    long = [stage_id for stage_id in JOINED if len(sections[stage_id].markdown()) > SHORT_ENOUGH]
    assert writing.asked == [f"short-{stage_id}" for stage_id in long]
    assert 0 < len(long) < len(JOINED)
    assert sections["distill_assumptions"].markdown() in found.short  # short as it is
    assert "#### Question 1 (Money)" in found.full  # one level below its document
    assert "\n### Question" not in found.full
    assert len(found.short) < len(found.full)
    assert found.markdown() == found.short


def test_a_document_that_is_not_there_is_left_out_and_none_is_an_error(sections: dict[str, Section]) -> None:
    few = {name: sections[name] for name in ("currency_strategy", "distill_assumptions")}
    found = run(writing_of("consolidate_assumptions_markdown", few))
    assert isinstance(found, ConsolidateAssumptions)
    assert found.full.count("### ") == 2
    with pytest.raises(StageMissing, match="nothing to consolidate"):
        asyncio.run(write_consolidation(writing_of("consolidate_assumptions_markdown", {})))


def test_a_shortened_text_that_is_longer_is_sent_back(sections: dict[str, Section]) -> None:
    blown = {"short-identify_risks": {"text": "It may go wrong in many ways. " * 400}}
    with pytest.raises(FoundShallow, match="not shorter than the document"):
        run(writing_of("consolidate_assumptions_markdown", sections, blown))


@pytest.mark.parametrize(
    ("full", "short", "says"),
    [
        ("word " * 20, "", "too short"),
        ("", "word " * 20, "too short"),
        ("word " * 20, "word " * 21, "longer than full"),
    ],
)
def test_half_a_consolidation_is_none(full: str, short: str, says: str) -> None:
    assert says in (ConsolidateAssumptions(full=full, short=short).shallow() or "")


@pytest.mark.parametrize(
    ("stage_id", "name", "keeps"), [("review_assumptions", "issues", 2), ("distill_assumptions", "assumption_list", 3)]
)
def test_a_short_plan_may_say_less(sections: dict[str, Section], stage_id: str, name: str, keeps: int) -> None:
    answer = good_of(stage_id)
    answer[name] = answer[name][:keeps]
    run(writing_of(stage_id, sections, {"": answer}, "fast_but_skip_details"))
    with pytest.raises(FoundShallow, match=f"at least {keeps + 1}"):
        run(writing_of(stage_id, sections, {"": answer}))


@pytest.mark.parametrize("line", ["x" * 201, "One line of it.\nAnd another one.", "TBD", ""])
def test_an_assumption_is_one_line_that_says_something(line: str) -> None:
    answer = good_of("distill_assumptions")
    answer["assumption_list"][0] = line
    assert "entry 1" in (DistillAssumptions.model_validate(answer).shallow() or "")


def test_sensitivity_may_be_in_the_figures_of_any_script() -> None:
    answer = good_of("review_assumptions")
    answer["issues"][0]["sensitivity"] = "العضوية بين ١٢٠ و٣٢٠، والدخل يتغير معها"
    assert ReviewAssumptions.model_validate(answer).shallow() is None


@pytest.mark.parametrize("text", ["", "|\n# a\r\n```", "🚲" * 5000, "\u202e\0"], ids=["empty", "marks", "huge", "odd"])
def test_every_section_up_to_here_can_be_read_whatever_its_texts_are(sections: dict[str, Section], text: str) -> None:
    for stage_id, section in sections.items():
        found = with_texts(KNOWN[stage_id].form, section.model_dump(mode="json"), text)
        assert isinstance(found.markdown(), str)
        assert text or found.shallow(), stage_id
