"""The review asks all its questions in one conversation; questions are answered once; failures name what fell."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.playbooks.document.review import FEW, REVIEW_QUESTIONS, STAGES, joined
from agents.playbooks.document.review_forms import Premortem, QuestionsAndAnswers, QuestionsAnswered, ReviewPlan
from agents.playbooks.document.stage import DEPTHS, Section, Stage
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in STAGES}


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written(STAGES)


async def write(writing: Scripted) -> Any:
    assert writing.stage.write is not None
    return await writing.stage.write(writing)


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("review", stage_id, number)


async def test_the_review_grows_question_by_question() -> None:
    assert len(set(REVIEW_QUESTIONS)) == 16
    writing = Scripted(KNOWN["review_plan"], earlier_of(KNOWN, {}))
    review = await write(writing)
    assert isinstance(review, ReviewPlan)
    assert [answer.question for answer in review.answers] == list(REVIEW_QUESTIONS)
    assert len(writing.asked) == 16
    first, second, *_ = writing.said
    assert "What the review said so far" not in first
    assert review.answers[0].bullet_points[0] in second
    assert all(question in said for question, said in zip(REVIEW_QUESTIONS, writing.said, strict=True))
    short = await write(Scripted(KNOWN["review_plan"], earlier_of(KNOWN, {}), DEPTHS["fast_but_skip_details"]))
    assert len(short.answers) == FEW == 4
    assert short.shallow() is None


async def test_a_thin_finding_goes_back() -> None:
    thin = {"title": "Budget", "bullet_points": ["It is too low."]}
    with pytest.raises(FoundShallow, match="too short"):
        await write(Scripted(KNOWN["review_plan"], earlier_of(KNOWN, {}), instead={"question-02": thin}))


def test_what_both_kinds_ask_is_answered_once(sections: dict[str, Section]) -> None:
    found = sections["questions_and_answers"]
    assert isinstance(found, QuestionsAndAnswers)
    terms, risks = (QuestionsAnswered.model_validate(e["good"]) for e in answers_of("questions_and_answers"))
    assert found.question_answer_pairs == [*terms.question_answer_pairs, *risks.question_answer_pairs]
    doubled = risks.model_copy(deep=True)
    doubled.question_answer_pairs[1].question = terms.question_answer_pairs[0].question.upper()
    both = joined([terms, doubled])
    assert [pair.question for pair in both.question_answer_pairs] == [
        pair.question for pair in [*terms.question_answer_pairs, doubled.question_answer_pairs[0]]
    ]
    assert joined([terms, terms]).summary == terms.summary


def test_each_failure_names_the_assumption_that_fell(sections: dict[str, Section]) -> None:
    found = sections["premortem"]
    assert isinstance(found, Premortem)
    assert [mode.assumption_id for mode in found.failure_modes] == ["A1", "A2", "A3"]
    assert [mode.id for mode in found.failure_modes] == ["FM1", "FM2", "FM3"]
    found.failure_modes[1].assumption_id = "A7"
    assert found.shallow() == "no assumption has the id A7; allowed: A1, A2, A3"
    found.failure_modes[1].assumption_id = "A2"
    found.failure_modes[0].likelihood_5 = found.failure_modes[0].impact_5 = 1
    text = found.markdown()
    assert text.index("### FM2") < text.index("### FM1")


@pytest.mark.parametrize("change", [{"likelihood_5": 0}, {"impact_5": 6}, {"impact_5": 2.5}, {"likelihood_5": "often"}])
def test_likelihood_and_impact_are_one_to_five(sections: dict[str, Section], change: dict[str, Any]) -> None:
    stored = sections["premortem"].model_dump(mode="json")
    stored["failure_modes"][0].update(change)
    with pytest.raises(ValidationError, match=next(iter(change))):
        Premortem.model_validate(stored)


async def test_a_short_plan_imagines_two_failures() -> None:
    writing = Scripted(KNOWN["premortem"], earlier_of(KNOWN, {}), DEPTHS["fast_but_skip_details"])
    found = await write(writing)
    assert writing.asked == ["", "A1", "A2"]
    assert len(found.assumptions_to_kill) == 3
    assert found.shallow() is None
