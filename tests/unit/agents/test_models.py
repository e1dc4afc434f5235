"""Which models the settings name, and what is refused in them."""

import pytest
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from agents.models import cost_of, fallback_models, is_forgotten, model_named
from agents.thinking import Prompt, Question, Thinking, Trail
from core.errors import Invalid
from core.settings import Settings, load_settings
from core.settings_models import named_models


def settings(**known: object) -> Settings:
    return Settings.model_validate({"OPENAI_API_KEY": "not-a-key", **known})


def test_fallbacks_are_names_and_names_at_a_server() -> None:
    assert named_models(" a , b@http://127.0.0.1:1/v1 ,, c") == [
        ("a", None),
        ("b", "http://127.0.0.1:1/v1"),
        ("c", None),
    ]
    first, second = fallback_models(settings(model_fallbacks="a,b@http://127.0.0.1:1/v1"))
    assert isinstance(first, OpenAIResponsesModel)
    assert isinstance(second, OpenAIChatModel)
    assert str(second.base_url).startswith("http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STEWARD_MODEL_FALLBACKS", "@http://127.0.0.1"),
        ("STEWARD_MODEL_FALLBACKS", "a@ftp://x"),
        ("STEWARD_MODEL_FALLBACKS", "a@"),
        ("STEWARD_MODEL_RULES_FROM", "1.5"),
        ("STEWARD_MODEL_RULES_FROM", "yes"),
        ("STEWARD_MODEL_DAY_BUDGET_USD", "-1"),
        ("STEWARD_MODEL_DAY_CALLS", "many"),
        ("STEWARD_MODEL_TASK_BUDGET_USD", "-0.01"),
        ("STEWARD_MODEL_KEEPS_ANSWERS", "perhaps"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Invalid, match=variable):
        load_settings()


@pytest.mark.parametrize(
    ("known", "keeps"),
    [
        ({}, True),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, False),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "model_keeps_answers": "on"}, True),
        ({"model_keeps_answers": "off"}, False),
        ({"model_api": "chat", "model_keeps_answers": "on"}, False),
    ],
)
def test_answers_are_kept_on_openais_own_server(known: dict[str, object], keeps: bool) -> None:
    assert settings(**known).keeps_answers is keeps


def test_the_line_up_begins_with_the_size_that_is_wanted() -> None:
    thinking = Thinking.from_settings(settings(model_small="s", model_large="l", model_fallbacks="f"))
    named = {size: [model.model_name for model in thinking.line_up(size)] for size in ("small", "medium", "large")}
    assert named == {"small": ["s", "f"], "medium": ["gpt-5-mini", "f"], "large": ["l", "f"]}
    assert Thinking().line_up("large") == []


@pytest.mark.parametrize(
    ("purpose", "size"), [("extraction", "small"), ("check", "small"), ("replan", "large"), ("strategy", "medium")]
)
def test_purposes_have_sizes(purpose: str, size: str) -> None:
    question = Question(purpose, [Prompt("a/1", "A")], "words", [])
    assert question.wanted_size == size
    assert Question(purpose, [], "words", [], size="large").wanted_size == "large"


async def test_opening_a_thinker_opens_and_closes_all_its_models() -> None:
    thinking = Thinking.from_settings(settings(model_small="s", model_fallbacks="f"))
    async with thinking:
        pass
    async with thinking:
        pass


@pytest.mark.parametrize("answer", [None, {}, {"parts": []}, {"provider_response_id": ""}])
def test_a_trail_without_an_answer_is_at_its_beginning(answer: dict[str, object] | None) -> None:
    assert Trail.of_recorded(answer) == Trail()


def test_no_answer_costs_nobody_knows_what() -> None:
    assert cost_of(None, model_named(settings(), "gpt-5-mini")) is None


def test_another_error_is_no_forgotten_answer() -> None:
    assert not is_forgotten(ValueError("previous_response_not_found"))
