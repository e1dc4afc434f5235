"""Answers told as they come, and models that a plan asks for, on a real model server."""

from dataclasses import replace
from typing import Literal

import pytest
from pydantic import BaseModel

from agents.extractor import PROMPT
from agents.listening import Piece
from agents.models import model_named
from agents.thinking import ModelUnavailable, Question, Thinking
from core.settings import Settings
from tasks.models import Extraction
from tests.emulators.model_server import ModelServer
from tests.integration.agents.test_models import line_up


def question(words: str) -> Question:
    return Question("extraction", [PROMPT], words, [Extraction])


def no_rules() -> BaseModel:
    raise AssertionError("the rules are not asked")


async def test_an_answer_is_told_in_pieces_and_is_the_same(model_server: ModelServer) -> None:
    async with line_up(model_server, model="gpt-5-mini", model_fallbacks="gpt-5-nano") as asked:
        pieces: list[tuple[str, str]] = []

        async def tell(purpose: str, piece: Piece) -> None:
            pieces.append((purpose, piece.text))

        for case, reply in [
            ("no usage", "I do not count."),
            ("first is broken", "The second answered, in one sentence."),
        ]:
            pieces.clear()
            asked.calls.clear()
            quiet = await asked.thinking.answer(question(f"case: {case}"), no_rules)
            recorded = asked.told
            asked.calls.clear()
            loud = await replace(asked.thinking, on_text=tell).answer(question(f"case: {case}"), no_rules)
            assert loud == quiet
            assert isinstance(loud, Extraction)
            assert loud.reply == reply
            assert [name for name, _ in asked.told] == [name for name, _ in recorded]
            assert {purpose for purpose, _ in pieces} == {"extraction"}
            assert Extraction.model_validate_json("".join(text for _, text in pieces)) == loud
        with pytest.raises(ModelUnavailable):
            await replace(asked.thinking, on_text=tell).answer(question("case: all are out"), no_rules)


async def test_a_thought_is_told_before_the_answer_and_apart_from_it(model_server: ModelServer) -> None:
    async with line_up(model_server, model="gpt-5-mini", model_reasoning_summary="auto") as asked:
        pieces: list[Piece] = []

        async def tell(purpose: str, piece: Piece) -> None:
            pieces.append(piece)

        answer = await replace(asked.thinking, on_text=tell).answer(question("case: thinks first"), no_rules)
    assert isinstance(answer, Extraction)
    thoughts = [one.is_thought for one in pieces]
    assert thoughts == sorted(thoughts, reverse=True)
    assert "".join(one.text for one in pieces if one.is_thought) == "They ask for one word, so I say one."
    said = "".join(one.text for one in pieces if not one.is_thought)
    assert Extraction.model_validate_json(said) == answer


@pytest.mark.parametrize(("api", "wanted"), [("responses", "auto"), ("responses", None), ("chat", None)])
def test_thoughts_are_asked_for_where_the_settings_say_so(
    api: Literal["responses", "chat"], wanted: str | None
) -> None:
    settings = Settings(model_api=api, model_reasoning_summary="off" if wanted is None else "auto")
    asked = model_named(settings, "gpt-5-mini").settings or {}
    assert asked.get("openai_reasoning_summary") == wanted


async def test_a_plan_may_ask_for_its_model(model_server: ModelServer) -> None:
    async with line_up(model_server, model="gpt-5-mini", model_small="gpt-5-nano") as asked:
        chosen = await asked.thinking.with_model("gpt-5")
        assert chosen.name == "gpt-5"
        assert (await asked.thinking.with_model("gpt-5")).model is chosen.model
        assert (await asked.thinking.with_model("gpt-5-mini")) is asked.thinking
        await chosen.answer(question("case: no usage"), no_rules)
        assert asked.told == [("gpt-5", None)]
    assert (await Thinking().with_model("gpt-5")).model is None


@pytest.mark.parametrize("case", ["cut", "line drops"])
async def test_an_answer_that_breaks_off_is_no_answer(model_server: ModelServer, case: str) -> None:
    async with line_up(model_server) as asked:

        async def tell(purpose: str, piece: Piece) -> None:
            assert purpose == "extraction"

        with pytest.raises(ModelUnavailable):
            await replace(asked.thinking, on_text=tell).answer(question(f"case: {case}"), no_rules)
        assert [error is not None for _, error in asked.told] == [True] * 3
