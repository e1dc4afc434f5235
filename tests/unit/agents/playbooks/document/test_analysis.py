"""The analysis: words by purpose, no entry on two sides, experts found in two questions, the first of them heard."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from agents.playbooks.document import classification
from agents.playbooks.document.analysis import STAGES
from agents.playbooks.document.analysis_forms import IMAGINED, ExpertReview, Swot
from agents.playbooks.document.stage import DEPTHS, Section, Stage
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in (*classification.STAGES, *STAGES)}
REVIEW = KNOWN["expert_review"]


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written(list(KNOWN.values()))


async def reviewed(writing: Scripted) -> ExpertReview:
    assert REVIEW.write is not None
    found = await REVIEW.write(writing)
    assert isinstance(found, ExpertReview)
    return found


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("analysis", stage_id, number)


@pytest.mark.parametrize("purpose", ["business", "personal", "other"])
async def test_instructions_differ_by_purpose(purpose: str) -> None:
    stage, prompts = KNOWN["swot_analysis"], list[str]()

    class Noting(Scripted):
        async def ask(self, *args: Any, prompt: str = "", **rest: Any) -> Any:
            prompts.append(prompt)
            return await super().ask(*args, prompt=prompt, **rest)

    about = {**answers_of("identify_purpose")[0]["good"], "purpose": purpose}
    assert stage.write is not None
    await stage.write(Noting(stage, earlier_of(KNOWN, {"identify_purpose": about})))
    assert prompts == [f"swot_{purpose}"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("strengths", ["One mechanic alone can check brakes", "Money is there from the start"], "the_four_sides says"),
        ("threats", ["Rents rise"], "too few entries (at least 2): threats"),
        ("user_questions", [], "too few entries (at least 1): user_questions"),
        ("recommendations", [], "too few entries (at least 2): recommendations"),
    ],
)
def test_a_swot_has_to_say_something(name: str, value: list[str], says: str) -> None:
    good = answers_of("swot_analysis")[0]["good"]
    assert says in (Swot.model_validate({**good, name: value}).shallow() or "")


def test_experts_are_found_in_two_questions_and_two_criticise(sections: dict[str, Section]) -> None:
    review = sections["expert_review"]
    assert isinstance(review, ExpertReview)
    assert [expert.id for expert in review.experts] == [f"X{number}" for number in range(1, 9)]
    assert [it.expert_id for it in review.reviews] == ["X1", "X2"]
    assert review.markdown().startswith(IMAGINED)
    assert "### X2: Insurance broker for associations" in review.markdown()


async def test_further_experts_are_asked_for_beside_the_criticism_and_only_in_depth() -> None:
    writing = Scripted(REVIEW, earlier_of(KNOWN, {}))
    await reviewed(writing)
    assert writing.asked == ["experts", "X1", "X2", "more"]
    assert "You are this expert: Insurance broker" in writing.said[2]
    assert "- Fire safety adviser for small public rooms" in writing.said[3]
    short = Scripted(REVIEW, earlier_of(KNOWN, {}), DEPTHS["fast_but_skip_details"])
    found = await reviewed(short)
    assert short.asked == ["experts", "X1"]
    assert [len(found.experts), len(found.reviews)] == [2, 1]
    assert found.shallow() is None


async def test_experts_that_are_known_already_or_too_few_are_sent_back() -> None:
    experts = next(e["good"] for e in answers_of("expert_review") if e["part"] == "experts")
    with pytest.raises(FoundShallow, match="already named: Manager of a non-profit repair workshop"):
        await reviewed(Scripted(REVIEW, earlier_of(KNOWN, {}), instead={"more": experts}))
    with pytest.raises(FoundShallow, match="at least 2"):
        await reviewed(
            Scripted(REVIEW, earlier_of(KNOWN, {}), instead={"experts": {"experts": experts["experts"][:1]}})
        )


def test_a_criticism_belongs_to_one_expert_of_the_review(sections: dict[str, Section]) -> None:
    stored = sections["expert_review"].model_dump(mode="json")
    for change, says in (("X9", "no such expert: X9"), ("X1", "criticises once"), ("E1", "pattern")):
        answer = copy.deepcopy(stored)
        answer["reviews"][1]["expert_id"] = change
        with pytest.raises(ValidationError, match=says):
            ExpertReview.model_validate(answer)
    assert "reviews" in (ExpertReview.model_validate({**stored, "reviews": []}).shallow() or "")
