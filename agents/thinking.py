"""Who thinks: a language model behind an OpenAI-compatible server, or the built-in rules; and what goes wrong there.

Both answer the same pydantic-ai agents with the same typed outputs (`agents.answering`). Nothing heavy is imported
here: pydantic-ai comes with the first question, the model's SDK only where a model is configured.

StewardError
├── ModelUnavailable (503)  refused for now, out of reach or broken off; trying again may help
├── ModelMalformed (502)    no usable answer, even after repair; trying again may help
└── ModelRefused (422)      it will not answer this; trying again does not help
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self
from uuid import UUID

from pydantic import BaseModel

from core.errors import StewardError
from core.settings import Settings

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from agents.listening import Piece

RULES_NAME = "built-in rules"
NEEDS_MODEL = "needs a language model"
ADD_A_MODEL = "Set OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own), then execute it again"
LONGEST_WAIT_SECONDS = 10
Size = Literal["small", "medium", "large"]
# Finding tasks and checking want little; changing a plan wants much. Everything else is asked of the model itself.
SIZES: Mapping[str, Size] = {"extraction": "small", "triage": "small", "check": "small", "replan": "large"}
REFUSAL = re.compile(
    r"^\W*(?:(?:i['’]?m|i am) sorry,? (?:but )?i\b|sorry,? (?:but )?i can|i can(?:no|['’])t (?:help|assist|do|comply|fulfil)"
    r"|i (?:cannot|can not|won['’]t) \w+|as an ai\b|i(?:['’]m| am) (?:unable|not able) to"
    r"|es tut mir leid,? (?:aber )?(?:ich kann|das kann ich)|tut mir leid,? (?:aber )?ich kann|als ki\b|das kann ich (?:leider )?nicht)",
    re.IGNORECASE,
)


class ModelUnavailable(StewardError):
    """The model's server refused for now, was out of reach, or broke off; trying again may help."""

    status = 503
    type = "model-unavailable"
    title = "The language model is out of reach"


class ModelRefused(StewardError):
    """The model, or its server, will not answer this; trying the same again does not help."""

    status = 422
    type = "model-refused"
    title = "The language model refused"


class ModelMalformed(StewardError):
    """The model's answer had not the asked-for form, after repair."""

    status = 502
    type = "model-malformed"
    title = "The language model gave no usable answer"
    is_answered = False  # the journal keeps its answers: a retried run would only hear them again

    @property
    def is_retryable(self) -> bool:
        return not self.is_answered


@dataclass(frozen=True)
class ModelCall:
    """What one request to a model took; a row of `llm_interactions`. `cost_usd` is None where no price is known.

    `model` is the one that was asked for, `served_model` what the server says answered, where that is another name.
    `reservation_id` is what the budget held for it, and lets go with this record.
    """

    purpose: str
    provider: str
    model: str
    prompt_version: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    latency_ms: int
    response_id: str | None = None
    error: str | None = None
    served_model: str | None = None
    reservation_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class RecordedCall:
    """A request to a model as the journal knows it: `answer` is the recorded one (JSON), None when it has to be asked.

    `held` is what the budget said to it then (JSON), where it was asked together with the journal.
    """

    step_id: UUID | None
    number: int
    answer: Any = None
    held: Mapping[str, Any] | None = None


class CallJournal(Protocol):
    """Keeps each request to a model before and after, so that a retried run is not billed twice (`agents.journal`)."""

    async def begin_call(
        self, purpose: str, number: int | None = None, hold: Mapping[str, Any] | None = None
    ) -> RecordedCall:
        """Before a request; `number` repeats one that failed. `hold` is what a budget is to hold for it."""
        ...

    async def end_call(self, begun: RecordedCall, call: ModelCall, answer: Any) -> None:
        """After it; `answer` is None when it failed."""
        ...


class Budget(Protocol):
    """What may be spent (`agents.budget`)."""

    async def reserve(self, step_id: UUID | None, cost_usd: float) -> str:
        """Hold what a request may cost at most, before it is made; the id of what is held.

        Raises BoundReached where a budget does not have as much left: the step is then as if it had never begun.
        """
        ...

    def hold(self, cost_usd: float) -> Mapping[str, Any]:
        """The same as words to the journal, which asks in the same breath as it begins the step."""
        ...

    def held(self, said: Mapping[str, Any]) -> str:
        """The id of what is held, by the answer to that. Raises BoundReached."""
        ...


@dataclass(frozen=True)
class Limits:
    """What an installation may spend on models, where a tenant or a tree says nothing smaller. None means no limit."""

    day_usd: float | None = None
    day_calls: int | None = None
    task_usd: float | None = None
    proactive_day_usd: float | None = None
    others_day_usd: float | None = None


@dataclass(frozen=True)
class OfferedTool:
    """Something a model may look up while it answers. `parameters` is a JSON Schema; `call` answers in words, errors too.

    `is_open` says whether it may be used (again); while it may not, the model is not told of it.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    call: Callable[[Mapping[str, Any]], Awaitable[str]]
    is_open: Callable[[], bool]


@dataclass
class Trail:
    """Where a conversation with a model stands: the id of its last answer, where its server keeps answers.

    `calls` are (function, call id) of that answer: the server waits for what came of each.
    """

    response_id: str | None = None
    calls: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_recorded(cls, answer: Mapping[str, Any] | None) -> "Trail":
        """Where the conversation stands after an answer that the journal kept; at its beginning for None."""
        if not answer or not answer.get("provider_response_id"):
            return cls()
        parts: list[Mapping[str, Any]] = answer.get("parts") or []
        calls = tuple((str(p["tool_name"]), str(p["tool_call_id"])) for p in parts if p.get("part_kind") == "tool-call")
        return cls(str(answer["provider_response_id"]), calls)


@dataclass(frozen=True)
class Prompt:
    """Instructions for an agent, kept in a Markdown file beside it. `version` is like `email/1`."""

    version: str
    text: str


@cache
def load_prompt(path: Path) -> Prompt:
    """The prompt in a file whose first line is `version: N`."""
    first, _, text = path.read_text(encoding="utf-8").partition("\n")
    return Prompt(f"{path.stem}/{first.removeprefix('version:').strip()}", text.strip())


@dataclass(frozen=True)
class Question:
    """One structured question: what for, the instructions, the words, and the forms the answer may have.

    `check` looks at an answer that has the right form: what it returns goes back to the model as what to mend.
    `tools` is what may be looked up on the way, `size` how big a model it wants. It goes on from where `trail` stands and
    moves it on; `more` is then all that is said, where the server still knows that answer, else `words` are.
    """

    purpose: str
    prompts: Sequence[Prompt]
    words: str
    forms: Sequence[type[BaseModel]]
    guidance: str = ""
    check: Callable[[BaseModel], str | None] | None = None
    tools: Sequence[OfferedTool] = ()
    trail: Trail | None = None
    more: str = ""
    size: Size | None = None

    @property
    def wanted_size(self) -> Size:
        return self.size or SIZES.get(self.purpose, "medium")

    @property
    def instructions(self) -> str:
        return "\n\n".join(text for text in (*(prompt.text for prompt in self.prompts), self.guidance) if text)

    @property
    def prompt_version(self) -> str:
        return "+".join(prompt.version for prompt in self.prompts)


@dataclass(frozen=True)
class Thinking:
    """The configured thinker. `model=None` means the built-in rules.

    `sizes` are the models for small and large questions where they are not `model`; `fallbacks` are asked, in order,
    when the one before is out of reach. `on_call` is told of each request, failed ones too; with a `journal`, requests to a
    model are kept there instead, and those that it knows are not made again. A `budget` is asked before each request.
    `pauses_seconds` is how long to wait before each further try of a request that failed for a passing reason, where the
    server names no time of its own. `is_chained`: the server keeps its answers, so that a question can go on from one.
    `rules_from`: with a model, what the rules make with at least this confidence (0-1) is not sent to it; None sends all.
    `on_text` is told (purpose, piece) of answers as they come: they are streamed then. `named` makes the model of a name, for a
    plan that asks for one. `notes_folder` is where notes files of tasks lie. As a context manager it closes the models' connections at the end.
    """

    model: "Model | None" = None
    on_call: Callable[[ModelCall], Awaitable[None]] | None = None
    pauses_seconds: tuple[float, ...] = (0.5, 2.0)
    journal: CallJournal | None = None
    budget: Budget | None = None
    sizes: "Mapping[Size, Model]" = field(default_factory=dict[Size, "Model"])
    fallbacks: "Sequence[Model]" = ()
    limits: Limits = Limits()
    is_chained: bool = False
    rules_from: float | None = None
    notes_folder: Path | None = None
    on_text: "Callable[[str, Piece], Awaitable[None]] | None" = None
    named: "Callable[[str], Model] | None" = None
    _chosen: "dict[str, Model]" = field(default_factory=dict[str, "Model"])

    @classmethod
    def from_settings(cls, settings: Settings) -> "Thinking":
        """A model where OPENAI_API_KEY or OPENAI_BASE_URL is set, else the built-in rules."""
        if not settings.has_model:
            return cls(notes_folder=settings.notes_folder)
        from agents.models import fallback_models, model_named

        main = model_named(settings, settings.model)
        named: Mapping[Size, str | None] = {"small": settings.model_small, "large": settings.model_large}
        return cls(
            main,
            sizes={size: model_named(settings, name) for size, name in named.items() if name},
            fallbacks=fallback_models(settings),
            limits=Limits(
                settings.model_day_budget_usd,
                settings.model_day_calls,
                settings.model_task_budget_usd,
                settings.proactive_day_budget_usd,
                settings.model_others_day_budget_usd,
            ),
            is_chained=settings.keeps_answers,
            rules_from=settings.model_rules_from,
            notes_folder=settings.notes_folder,
            named=lambda name: model_named(settings, name),
        )

    async def with_model(self, name: str) -> "Thinking":
        """The same with the model of this name for every question. Without a model, or a way to one, nothing changes."""
        if self.model is None or self.named is None or name == self.model.model_name:
            return self
        if name not in self._chosen:
            self._chosen[name] = self.named(name)
            await self._chosen[name].__aenter__()
        return replace(self, model=self._chosen[name], sizes={})

    def line_up(self, size: Size) -> "list[Model]":
        """The models to ask for a question of this size, the first choice first. Empty without a model."""
        if self.model is None:
            return []
        first = self.sizes.get(size, self.model)
        return [first, *(model for model in self.fallbacks if model is not first)]

    @property
    def is_model(self) -> bool:
        return self.model is not None

    @property
    def name(self) -> str:
        """The model's name, or "built-in rules"."""
        return self.model.model_name if self.model else RULES_NAME

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            for model in self._models:
                await opened.enter_async_context(model)
            opened.pop_all()  # all are open: they stay so until the end
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as open_ones:
            for model in self._models:
                open_ones.push_async_exit(model)

    @property
    def _models(self) -> "list[Model]":
        known = (self.model, *self.sizes.values(), *self.fallbacks, *self._chosen.values())
        return [model for model in known if model is not None]

    async def answer(self, question: Question, by_rules: Callable[[], BaseModel]) -> BaseModel:
        """Ask; the answer has one of the question's forms and passed its check.

        A malformed answer goes back twice. Raises ModelUnavailable, ModelRefused or ModelMalformed.
        """
        from agents.answering import ask

        return await ask(self, question, by_rules)

    async def stream(self, question: Question, by_rules: Callable[[], BaseModel]) -> AsyncIterator[BaseModel]:
        """As `answer`, but yields the growing answer (partly validated) and last the whole one. Nothing goes back."""
        from agents.answering import ask_streaming

        async for partial in ask_streaming(self, question, by_rules):
            yield partial
