"""How a question is asked: pydantic-ai agents with typed answers, the built-in rules as a model, bounded repair."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from typing import Any, TypedDict, cast

from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry, RunContext, Tool, ToolOutput
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.usage import UsageLimits

from agents.asking import CHAIN, MAX_OUTPUT_TOKENS, AskedModel
from agents.models import is_forgotten, may_go_elsewhere
from agents.thinking import RULES_NAME, OfferedTool, Question, Thinking, Trail

TIMEOUT_SECONDS = 60
REPAIRS = 2
MOST_TOOL_TURNS = 10
STREAMED_WORDS = 80


async def ask(thinking: Thinking, question: Question, by_rules: Callable[[], BaseModel]) -> BaseModel:
    """One answer in one of the question's forms; a malformed one goes back up to `REPAIRS` times.

    Where the server keeps its answers, a question that goes on from one says only what is new; else it says everything.
    """
    if thinking.is_chained and question.more and question.trail is not None and question.trail.response_id:
        answer = await _going_on(thinking, question, question.trail)
        if answer is not None:
            return answer
    model = _model(thinking, question, by_rules)
    try:
        return await _answer(model, question, question.words)
    except AgentRunError as error:
        raise model.told(error) from error


async def _going_on(thinking: Thinking, question: Question, trail: Trail) -> BaseModel | None:
    """The answer to `question.more`, said after an earlier answer; None where the server does not know that any more."""
    line_up = thinking.line_up(question.wanted_size)
    model = AskedModel(line_up[:1], thinking, question)
    try:
        return await _answer(model, question, question.more, trail)
    except AgentRunError as error:
        if is_forgotten(error) or (may_go_elsewhere(error) and len(line_up) > 1):
            return None
        raise model.told(error) from error


async def _answer(model: AskedModel, question: Question, words: str, after: Trail | None = None) -> BaseModel:
    """The answer to the words, said `after` an earlier answer or as the beginning; leaves the question's trail there.

    Within a question each request goes on from the one before, where the server keeps its answers.
    """
    chained_to = after.response_id if after else "auto" if model.thinking.is_chained else None
    model.taken = after.calls if after else ()
    limits = _limits(model.thinking, REPAIRS + 1, question)
    told = _told(model, question, {CHAIN: chained_to} if chained_to else {})
    result = await agent_of(tuple(question.forms)).run(words, usage_limits=limits, **told)
    if question.trail is not None and model.last is not None:
        question.trail.response_id = model.last.provider_response_id
        calls = [part for part in model.last.parts if isinstance(part, ToolCallPart)]
        question.trail.calls = tuple((call.tool_name, call.tool_call_id) for call in calls)
    return result.output


async def ask_streaming(
    thinking: Thinking, question: Question, by_rules: Callable[[], BaseModel]
) -> AsyncIterator[BaseModel]:
    """The answer as it grows, last the whole one. Nothing goes back: a malformed answer raises."""
    model = _model(thinking, question, by_rules)
    limits = _limits(thinking, 1, question)
    try:
        agent = agent_of(tuple(question.forms))
        async with agent.run_stream(question.words, usage_limits=limits, **_told(model, question, {})) as result:
            async for partial in result.stream_output(debounce_by=None):
                yield partial
            yield await result.get_output()
    except AgentRunError as error:
        raise model.told(error) from error


def _limits(thinking: Thinking, requests: int, question: Question) -> UsageLimits:
    """Bounds for a model; the rules spend no tokens, and their answer may be as long as the text they work on."""
    requests += MOST_TOOL_TURNS if question.tools else 0
    if not thinking.is_model:
        return UsageLimits(request_limit=requests)
    return UsageLimits(request_limit=requests, output_tokens_limit=requests * MAX_OUTPUT_TOKENS)


def _model(thinking: Thinking, question: Question, by_rules: Callable[[], BaseModel]) -> AskedModel:
    line_up = thinking.line_up(question.wanted_size) or [rules_model(by_rules)]
    return AskedModel(line_up, thinking, question)


class Told(TypedDict):
    """What a run of an agent is told besides the words."""

    model: AskedModel
    deps: Question
    instructions: str
    model_settings: ModelSettings
    toolsets: list[FunctionToolset[Question]]


def _told(model: AskedModel, question: Question, more_settings: Mapping[str, Any]) -> Told:
    settings = {"timeout": TIMEOUT_SECONDS, "max_tokens": MAX_OUTPUT_TOKENS, "max_retries": 0, **more_settings}
    tools = [_as_tool(tool) for tool in question.tools] if model.thinking.is_model else []
    return Told(
        model=model,
        deps=question,
        instructions=question.instructions,
        model_settings=cast(ModelSettings, settings),
        toolsets=[FunctionToolset(tools)] if tools else [],
    )


@cache
def agent_of(forms: tuple[type[BaseModel], ...]) -> Agent[Question, BaseModel]:
    """The agent that answers in one of these forms, once for all questions: the forms' schemas take longest to make."""
    outputs = [ToolOutput(form, name=_tool_name(form)) for form in forms]
    agent: Agent[Question, BaseModel] = Agent(output_type=outputs, retries=REPAIRS, deps_type=Question)

    def checked(context: RunContext[Question], output: BaseModel) -> BaseModel:
        check = context.deps.check
        if check is not None and not context.partial_output and (problem := check(output)):
            if isinstance(context.model, AskedModel):
                context.model.problem = problem
            raise ModelRetry(problem)
        return output

    agent.output_validator(checked)
    return agent


def _tool_name(form: type[BaseModel]) -> str:
    return form.__name__.lower()


def _as_tool(offered: OfferedTool) -> Tool[Question]:
    """One at a time, in the order that the model named them: so a retried run finds each where it was."""

    async def call(**given: Any) -> str:
        return await offered.call(given)

    async def if_open(context: RunContext[Question], definition: ToolDefinition) -> ToolDefinition | None:
        return definition if offered.is_open() else None

    made = Tool.from_schema(call, offered.name, offered.description, dict(offered.parameters), sequential=True)
    tool = cast("Tool[Question]", made)
    tool.prepare = if_open
    return tool


def rules_model(by_rules: Callable[[], BaseModel]) -> FunctionModel:
    """The built-in rules as a model: it calls the output tool of the answer's form with the answer."""

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        answer = by_rules()
        return ModelResponse(parts=[ToolCallPart(_tool_name(type(answer)), answer.model_dump_json())])

    async def respond_in_pieces(
        messages: list[ModelMessage], info: AgentInfo
    ) -> AsyncIterator[dict[int, DeltaToolCall]]:
        answer = await asyncio.to_thread(by_rules)
        words = re.findall(r"\S*\s*", answer.model_dump_json())
        yield {0: DeltaToolCall(name=_tool_name(type(answer)), json_args="", tool_call_id="rules")}
        for piece in [*words[:STREAMED_WORDS], "".join(words[STREAMED_WORDS:])]:
            yield {0: DeltaToolCall(json_args=piece, tool_call_id="rules")}

    return FunctionModel(respond, stream_function=respond_in_pieces, model_name=RULES_NAME)
