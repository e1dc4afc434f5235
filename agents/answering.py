"""How a question is asked: pydantic-ai agents, the built-in rules as a model, bounded retries, one record a request.

Third-party errors end here: what leaves is ModelUnavailable, ModelRefused or ModelMalformed (`agents.thinking`).
"""

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry, RunContext, ToolOutput
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
)
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import UsageLimits

from agents.thinking import (
    LONGEST_WAIT_SECONDS,
    REFUSAL,
    RULES_NAME,
    CallJournal,
    ModelCall,
    ModelMalformed,
    ModelRefused,
    ModelUnavailable,
    Question,
    RecordedCall,
    Thinking,
)
from core.errors import StewardError
from core.settings import Settings

TIMEOUT_SECONDS = 60
MAX_OUTPUT_TOKENS = 8_000
REPAIRS = 2
STREAMED_WORDS = 80
PASSING_STATUS = {408, 409, 425, 429}


async def ask(thinking: Thinking, question: Question, by_rules: Callable[[], BaseModel]) -> BaseModel:
    """One answer in one of the question's forms; a malformed one goes back up to `REPAIRS` times."""
    model = _model(thinking, question, by_rules)
    try:
        result = await _agent(model, question).run(question.words, usage_limits=_limits(thinking, REPAIRS + 1))
    except AgentRunError as error:
        raise _translated(error, model.heard) from error
    return result.output


async def ask_streaming(
    thinking: Thinking, question: Question, by_rules: Callable[[], BaseModel]
) -> AsyncIterator[BaseModel]:
    """The answer as it grows, last the whole one. Nothing goes back: a malformed answer raises."""
    model = _model(thinking, question, by_rules)
    try:
        async with _agent(model, question).run_stream(question.words, usage_limits=_limits(thinking, 1)) as result:
            async for partial in result.stream_output(debounce_by=None):
                yield partial
            yield await result.get_output()
    except AgentRunError as error:
        raise _translated(error, model.heard) from error


def _limits(thinking: Thinking, requests: int) -> UsageLimits:
    """Bounds for a model; the rules spend no tokens, and their answer may be as long as the text they work on."""
    if not thinking.is_model:
        return UsageLimits(request_limit=requests)
    return UsageLimits(request_limit=requests, output_tokens_limit=requests * MAX_OUTPUT_TOKENS)


def _model(thinking: Thinking, question: Question, by_rules: Callable[[], BaseModel]) -> "AskedModel":
    return AskedModel(thinking.model or rules_model(by_rules), thinking, question)


def _agent(model: Model, question: Question) -> Agent[object, BaseModel]:
    agent: Agent[object, BaseModel] = Agent(
        model,
        output_type=[ToolOutput(form, name=_tool_name(form)) for form in question.forms],
        instructions=question.instructions,
        retries=REPAIRS,
        model_settings={"timeout": TIMEOUT_SECONDS, "max_tokens": MAX_OUTPUT_TOKENS, "max_retries": 0},
    )
    check = question.check

    def checked(context: RunContext[object], output: BaseModel) -> BaseModel:
        if check is not None and not context.partial_output and (problem := check(output)):
            raise ModelRetry(problem)
        return output

    agent.output_validator(checked)
    return agent


def _tool_name(form: type[BaseModel]) -> str:
    return form.__name__.lower()


def openai_model(settings: Settings) -> Model:
    """The model that the settings name, on OpenAI's server or the one at OPENAI_BASE_URL."""
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "no-key-needed"
    provider = OpenAIProvider(base_url=settings.openai_base_url, api_key=key)
    kind = OpenAIResponsesModel if settings.model_api == "responses" else OpenAIChatModel
    return kind(settings.model, provider=provider)


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


class AskedModel(WrapperModel):
    """A model whose every request is recorded, tried again where that may help, and read leniently.

    `heard` is the last thing it said in prose.
    """

    def __init__(self, wrapped: Model, thinking: Thinking, question: Question) -> None:
        super().__init__(wrapped)
        self.thinking = thinking
        self.question = question
        self.heard = ""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        begun: RecordedCall | None = None
        for pause in (*self.thinking.pauses_seconds, None):
            journal = self._journal
            if journal is not None:
                begun = await journal.begin_call(self.question.purpose, begun.number if begun else None)
                if begun.answer is not None:
                    (recorded,) = ModelMessagesTypeAdapter.validate_python([begun.answer])
                    return self._heard(cast(ModelResponse, recorded), model_request_parameters)
            began = time.monotonic()
            try:
                response = await super().request(messages, model_settings, model_request_parameters)
            except AgentRunError as error:
                await self._record(began, error=error, begun=begun)
                wait = seconds_to_wait(error, pause)
                if wait is None:
                    raise
                await asyncio.sleep(wait)
            else:
                await self._record(began, response, begun=begun)
                return self._heard(response, model_request_parameters)
        raise AssertionError("the last try returns or raises")

    @property
    def _journal(self) -> CallJournal | None:
        """The built-in rules cost nothing: they are asked again."""
        return self.thinking.journal if self.thinking.is_model else None

    def _heard(self, response: ModelResponse, parameters: ModelRequestParameters) -> ModelResponse:
        self.heard = response.text or ""
        return salvaged(response, parameters.output_tools)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        began = time.monotonic()
        try:
            async with super().request_stream(
                messages, model_settings, model_request_parameters, run_context
            ) as stream:
                yield stream
                response = stream.get()
                self.heard = response.text or ""
                await self._record(began, response)
        except (AgentRunError, asyncio.CancelledError) as error:
            await self._record(began, error=error)
            raise

    async def _record(
        self,
        began: float,
        response: ModelResponse | None = None,
        *,
        error: BaseException | None = None,
        begun: RecordedCall | None = None,
    ) -> None:
        on_call, journal = self.thinking.on_call, self._journal
        if on_call is None and (journal is None or begun is None):
            return
        is_model = self.thinking.is_model
        usage = response.usage if response and is_model else None
        call = ModelCall(
            purpose=self.question.purpose,
            provider=self.wrapped.system if is_model else "steward",
            model=self.thinking.name,
            prompt_version=self.question.prompt_version,
            input_tokens=usage.input_tokens if usage else 0,
            output_tokens=usage.output_tokens if usage else 0,
            cost_usd=_cost(response) if is_model else 0.0,
            latency_ms=round((time.monotonic() - began) * 1000),
            response_id=response.provider_response_id if response else None,
            error=type(error).__name__ if error else None,
        )
        if journal is not None and begun is not None:
            answer = ModelMessagesTypeAdapter.dump_python([response], mode="json")[0] if response else None
            await journal.end_call(begun, call, answer)
        elif on_call is not None:
            await on_call(call)


def seconds_to_wait(error: AgentRunError, pause: float | None) -> float | None:
    """How long until the request is worth another try now; None when it is not, or only much later."""
    if pause is None or not _is_passing(error):
        return None
    asked = error.retry_after if isinstance(error, ModelAPIError) else None
    if asked is not None and asked > LONGEST_WAIT_SECONDS:
        return None
    return max(asked or 0.0, pause)


def _is_passing(error: AgentRunError) -> bool:
    if not isinstance(error, ModelAPIError) or isinstance(error, ModelRequestRejectedError | ModelQuotaExceededError):
        return False
    return not isinstance(error, ModelHTTPError) or error.status_code >= 500 or error.status_code in PASSING_STATUS


def salvaged(response: ModelResponse, tools: Sequence[ToolDefinition]) -> ModelResponse:
    """An answer in prose that holds the asked-for JSON counts as that JSON; others stay as they are."""
    text = response.text
    if not text or any(isinstance(part, ToolCallPart) for part in response.parts):
        return response
    found = _first_object(text)
    for tool in tools if found else ():
        required = tool.parameters_json_schema.get("required")
        if required and set(required) <= found.keys():
            return replace(response, parts=[ToolCallPart(tool.name, json.dumps(found))])
    return response


def _first_object(text: str) -> dict[str, Any]:
    decoder = json.JSONDecoder()
    for start in [match.start() for match in re.finditer(r"\{", text)][:20]:
        try:
            value, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType]
    return {}


def _cost(response: ModelResponse | None) -> float | None:
    if response is None or not response.usage.total_tokens:
        return None
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        return None  # no price is known for this model, or the server reported no usage


def _translated(error: AgentRunError, heard: str) -> StewardError:
    match error:
        case ContentFilterError():
            return ModelRefused(
                "The language model declined this request", hint="Say it in other words, or do it yourself."
            )
        case ModelAuthenticationError() | ModelQuotaExceededError():
            return ModelRefused(
                "The language model's server does not accept the key, or it is used up",
                hint="Check OPENAI_API_KEY and the account behind it.",
            )
        case ModelNotFoundError():
            return ModelRefused(
                f"The server does not know the model {error.model_name}",
                hint="Check STEWARD_MODEL, OPENAI_BASE_URL and STEWARD_MODEL_API.",
            )
        case ModelContextWindowExceededError():
            return ModelRefused("The text is too long for the language model", hint="Give it a shorter text.")
        case ModelAPIError() if not _is_passing(error):
            return ModelRefused("The language model's server rejected the request", detail=_short(error))
        case ModelAPIError():
            wait = math.ceil(error.retry_after) if error.retry_after else None
            return ModelUnavailable(
                "The language model is out of reach", detail=_short(error), retry_after_seconds=wait
            )
        case UsageLimitExceeded():
            return ModelMalformed("The language model used up its tries without a usable answer")
        case OutputTokenLimitExceeded():
            return ModelMalformed("The language model's answer was longer than it may be")
        case UnexpectedModelBehavior() if REFUSAL.match(heard):
            return ModelRefused("The language model declined this request", detail=heard.strip().splitlines()[0][:200])
        case UnexpectedModelBehavior():
            return ModelMalformed("The language model gave no usable answer", detail=_short(error))
        case _:
            return ModelUnavailable("The language model's run broke off", detail=_short(error))


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
