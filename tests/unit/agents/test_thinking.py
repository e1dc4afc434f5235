"""Who thinks, and what importing it costs."""

import subprocess
import sys

import pytest
from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError, ModelRateLimitError, UnexpectedModelBehavior
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.tools import ToolDefinition

from agents.asking import salvaged
from agents.models import seconds_to_wait
from agents.strategist import decide
from agents.thinking import REFUSAL, RULES_NAME, ModelCall, Prompt, Question, Thinking
from agents.workflows.catalog import WORKFLOWS
from core.settings import Settings
from tests.unit.agents.making import NOW, make_context


def loaded_by(module: str) -> set[str]:
    """The modules in memory after a fresh Python has imported `module`."""
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("module", ["agents.thinking", "agents.strategist", "agents.extractor"])
def test_importing_brings_neither_pydantic_ai_nor_openai(module: str) -> None:
    assert not loaded_by(module) & {"pydantic_ai", "openai"}


def test_asking_the_rules_does_not_import_openai() -> None:
    assert "openai" not in loaded_by("agents.answering")


def test_without_a_key_the_rules_think() -> None:
    thinking = Thinking.from_settings(Settings.model_validate({}))
    assert (thinking.name, thinking.is_model) == (RULES_NAME, False)


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
async def test_a_key_or_a_server_brings_a_model(variable: str) -> None:
    settings = Settings.model_validate({variable: "http://127.0.0.1:9/v1", "model": "some-model"})
    async with Thinking.from_settings(settings) as thinking:
        assert (thinking.name, thinking.is_model) == ("some-model", True)


async def test_the_rules_cost_nothing_and_are_recorded() -> None:
    calls: list[ModelCall] = []

    async def record(call: ModelCall) -> None:
        calls.append(call)

    await decide(make_context("Order chairs", "purchase", "manual"), now=NOW, thinking=Thinking(on_call=record))
    (call,) = calls
    assert (call.model, call.input_tokens, call.output_tokens, call.cost_usd) == (RULES_NAME, 0, 0, 0.0)
    assert call.as_json()["purpose"] == "strategy"


def test_every_workflow_has_a_prompt_with_a_version() -> None:
    for workflow in WORKFLOWS.values():
        for prompt in workflow.prompts:
            assert prompt.version.rpartition("/")[2].isdigit(), workflow.kind
            assert prompt.text


def test_the_prompt_version_names_every_prompt() -> None:
    question = Question("p", [Prompt("a/1", "A"), Prompt("b/2", "B")], "words", [], guidance="C")
    assert (question.prompt_version, question.instructions) == ("a/1+b/2", "A\n\nB\n\nC")


@pytest.mark.parametrize(
    "text",
    ["I'm sorry, but I can't help with that.", "I cannot assist with this.", "As an AI, I have no access.",
     "I'm unable to do that", "Es tut mir leid, aber ich kann das nicht.", "Als KI habe ich keinen Zugang."],
)  # fmt: skip
def test_a_refusal_is_known(text: str) -> None:
    assert REFUSAL.match(text)


@pytest.mark.parametrize(
    "text", ["Hello Ana, I'm sorry for the delay.", "As an aim we set", "Dear Sir", "Sorry for the delay"]
)
def test_an_apology_is_no_refusal(text: str) -> None:
    assert not REFUSAL.match(text)


TOOLS = [
    ToolDefinition(name="immediate", parameters_json_schema={"required": ["output", "confidence"]}),
    ToolDefinition(name="blocked", parameters_json_schema={"required": ["reason"]}),
]


@pytest.mark.parametrize(
    ("text", "tool"),
    [('Sure: {"reason": "no access"} ok?', "blocked"), ('{"output": "x", "confidence": 1}', "immediate"),
     ('first {not json} then {"reason": "r"}', "blocked")],
)  # fmt: skip
def test_json_in_prose_becomes_the_answer_it_fits(text: str, tool: str) -> None:
    (part,) = salvaged(ModelResponse(parts=[TextPart(text)]), TOOLS).parts
    assert isinstance(part, ToolCallPart)
    assert part.tool_name == tool


@pytest.mark.parametrize("text", ["", "no JSON", '{"other": 1}', "[1, 2]", "{" * 5000, '{"reason"'])
def test_other_prose_stays_prose(text: str) -> None:
    response = ModelResponse(parts=[TextPart(text)])
    assert salvaged(response, TOOLS) is response


def test_waits_are_bounded() -> None:
    assert seconds_to_wait(ModelConnectionError("m", "gone"), 0.5) == 0.5
    assert seconds_to_wait(ModelRateLimitError("m", "slow", retry_after=7), 0.5) == 7
    assert seconds_to_wait(ModelRateLimitError("m", "slow", retry_after=11), 0.5) is None
    assert seconds_to_wait(ModelConnectionError("m", "gone"), None) is None
    assert seconds_to_wait(ModelHTTPError(400, "m"), 0.5) is None
    assert seconds_to_wait(UnexpectedModelBehavior("odd"), 0.5) is None
