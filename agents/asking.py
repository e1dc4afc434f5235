"""One request to a model: budgeted, recorded, tried again where that may help, asked elsewhere where it may not."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic_ai import RunContext
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from agents.listening import heard
from agents.models import (
    cost_of,
    highest_cost_of,
    is_forgotten,
    is_passing,
    may_go_elsewhere,
    seconds_to_wait,
    translated,
)
from agents.thinking import CallJournal, ModelCall, ModelMalformed, Question, RecordedCall, Thinking
from core.errors import StewardError

MAX_OUTPUT_TOKENS = 8_000
# Kept by the server that gave the answer: means nothing to another, nor after it was lost.
CHAIN = "openai_previous_response_id"


async def _nothing() -> None:
    """Nothing is left to tell."""


@dataclass
class Attempt:
    """One request to one model, and what was recorded and held for it before it was made."""

    model: Model
    began: float
    begun: RecordedCall | None = None
    reservation_id: str | None = None


class AskedModel(WrapperModel):
    """A line-up of models as one: every request is recorded, tried again where that may help, and read leniently.

    The first of the line-up is asked; the next one when that is out of reach, or unknown to its server, or its key is
    used up. `heard` is the last thing it said in prose, `problem` what was found wrong with an answer that had its form, `last` its last answer, where the first model gave it. `taken` are (function, call id) of an answer it goes on from.
    """

    def __init__(self, line_up: Sequence[Model], thinking: Thinking, question: Question) -> None:
        super().__init__(line_up[0])
        self.line_up = line_up
        self.thinking = thinking
        self.question = question
        self.heard = ""
        self.is_answered = False
        self.problem = ""
        self.last: ModelResponse | None = None
        self.taken: Sequence[tuple[str, str]] = ()

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        begun: RecordedCall | None = None
        failures: list[AgentRunError] = []
        messages = self._after_taken(messages)
        for model in self.line_up:
            settings = self._settings_for(model, model_settings)
            pauses = [*self.thinking.pauses_seconds, None]
            while pauses:
                attempt = await self._begin(model, messages, model_request_parameters, begun)
                begun = attempt.begun
                if begun is not None and begun.answer is not None:
                    (recorded,) = ModelMessagesTypeAdapter.validate_python([begun.answer])
                    return self._heard(cast(ModelResponse, recorded), model_request_parameters, model)
                try:
                    response, told = await self._response(model, messages, settings, model_request_parameters)
                except AgentRunError as error:
                    await self._end(attempt, error=error)
                    if is_forgotten(error) and settings and settings.get(CHAIN) == "auto":
                        settings = _without_chain(settings)
                        continue
                    wait = seconds_to_wait(error, pauses.pop(0))
                    if wait is None:
                        failures.append(error)
                        break
                    await asyncio.sleep(wait)
                else:
                    await asyncio.gather(told, self._end(attempt, response))
                    return self._heard(response, model_request_parameters, model)
            if not may_go_elsewhere(failures[-1]):
                raise failures[-1]
        raise the_telling(failures)

    async def _response(
        self,
        model: Model,
        messages: list[ModelMessage],
        settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> tuple[ModelResponse, Awaitable[None]]:
        """The answer, and what is left to tell of it to who listens (`Thinking.on_text`)."""
        listener = self.thinking.on_text
        if listener is None or not self.thinking.is_model:
            return await model.request(messages, settings, parameters), _nothing()
        purpose = self.question.purpose
        response, last = await heard(model, messages, settings, parameters, lambda piece: listener(purpose, piece))
        return response, listener(purpose, last) if last.text else _nothing()

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        failures: list[AgentRunError] = []
        for model in self.line_up:
            attempt = await self._begin(model, messages, model_request_parameters, None, is_stream=True)
            is_open = False
            try:
                settings = self._settings_for(model, model_settings)
                async with model.request_stream(messages, settings, model_request_parameters, run_context) as stream:
                    is_open = True
                    yield stream
                    response = stream.get()
                    self.heard = response.text or ""
                    await self._end(attempt, response)
                    return
            except (AgentRunError, asyncio.CancelledError) as error:
                await self._end(attempt, error=error)
                if is_open or not isinstance(error, AgentRunError) or not may_go_elsewhere(error):
                    raise
                failures.append(error)
        raise the_telling(failures)

    def _after_taken(self, messages: list[ModelMessage]) -> list[ModelMessage]:
        """The first words after an answer that the server kept, with what came of its calls before them.

        An agent drops results whose call is not in its history; the server insists on them ("No tool output found").
        """
        if not self.taken or any(isinstance(message, ModelResponse) for message in messages):
            return messages
        results = [ToolReturnPart(name, "Taken.", tool_call_id=call_id) for name, call_id in self.taken]
        return [ModelRequest(results), *messages]

    def _settings_for(self, model: Model, settings: ModelSettings | None) -> ModelSettings | None:
        return settings if settings is None or model is self.wrapped else _without_chain(settings)

    async def _begin(
        self,
        model: Model,
        messages: Sequence[ModelMessage],
        parameters: ModelRequestParameters,
        before: RecordedCall | None,
        *,
        is_stream: bool = False,
    ) -> Attempt:
        """Written down and paid for, before the request. Raises BoundReached where it may not be made."""
        thinking, attempt = self.thinking, Attempt(model, time.monotonic())
        if not thinking.is_model:
            return attempt
        journal: CallJournal | None = None if is_stream else thinking.journal
        budget = thinking.budget
        highest = highest_cost_of(model, messages, parameters, MAX_OUTPUT_TOKENS) if budget is not None else 0.0
        if journal is not None:
            hold = budget.hold(highest) if budget is not None else None
            begun = await journal.begin_call(self.question.purpose, before.number if before else None, hold)
            attempt.begun = begun
            if begun.answer is None and budget is not None:
                held = begun.held
                attempt.reservation_id = budget.held(held) if held else await budget.reserve(begun.step_id, highest)
        elif budget is not None:
            attempt.reservation_id = await budget.reserve(None, highest)
        attempt.began = time.monotonic()
        return attempt

    def told(self, error: AgentRunError) -> StewardError:
        """The error as it leaves here."""
        found = translated(error, self.heard)
        if isinstance(found, ModelMalformed):
            if self.problem:
                found.detail = f"what was wrong with it: {self.problem}"[:500]
            found.is_answered = self.is_answered and self.thinking.is_model and self.thinking.journal is not None
        return found

    def _heard(self, response: ModelResponse, parameters: ModelRequestParameters, model: Model) -> ModelResponse:
        self.heard = response.text or ""
        self.is_answered = True
        self.last = response if model is self.wrapped else None
        return salvaged(response, parameters.output_tools)

    async def _end(
        self, attempt: Attempt, response: ModelResponse | None = None, *, error: BaseException | None = None
    ) -> None:
        thinking, model = self.thinking, attempt.model
        is_model = thinking.is_model
        usage = response.usage if response and is_model else None
        served = response.model_name if response and is_model else None
        call = ModelCall(
            purpose=self.question.purpose,
            provider=model.system if is_model else "steward",
            model=model.model_name if is_model else thinking.name,
            prompt_version=self.question.prompt_version,
            input_tokens=usage.input_tokens if usage else 0,
            output_tokens=usage.output_tokens if usage else 0,
            cost_usd=cost_of(response, model) if is_model else 0.0,
            latency_ms=round((time.monotonic() - attempt.began) * 1000),
            response_id=response.provider_response_id if response else None,
            error=type(error).__name__ if error else None,
            served_model=served if served != model.model_name else None,
            reservation_id=attempt.reservation_id,
        )
        if thinking.journal is not None and attempt.begun is not None:
            answer = ModelMessagesTypeAdapter.dump_python([response], mode="json")[0] if response else None
            await thinking.journal.end_call(attempt.begun, call, answer)
        elif thinking.on_call is not None:
            await thinking.on_call(call)


def _without_chain(settings: ModelSettings) -> ModelSettings:
    return cast(ModelSettings, {key: value for key, value in settings.items() if key != CHAIN})


def the_telling(failures: Sequence[AgentRunError]) -> AgentRunError:
    """Of the errors of a whole line-up the one that says most: the first that may pass, else the first."""
    return next((error for error in failures if is_passing(error)), failures[0])


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
