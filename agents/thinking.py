"""Who thinks: a language model behind an OpenAI-compatible server, or the built-in rules; and what goes wrong there.

Both answer the same pydantic-ai agents with the same typed outputs (`agents.answering`). Nothing heavy is imported
here: pydantic-ai comes with the first question, the model's SDK only where a model is configured.

StewardError
├── ModelUnavailable (503)  refused for now, out of reach or broken off; trying again may help
├── ModelMalformed (502)    no usable answer, even after repair; trying again may help
└── ModelRefused (422)      it will not answer this; trying again does not help
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID

from pydantic import BaseModel

from core.errors import StewardError
from core.settings import Settings

if TYPE_CHECKING:
    from pydantic_ai.models import Model

RULES_NAME = "built-in rules"
NEEDS_MODEL = "needs a language model"
ADD_A_MODEL = "Set OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own), then execute it again"
LONGEST_WAIT_SECONDS = 10
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


@dataclass(frozen=True)
class ModelCall:
    """What one request to a model took; a row of `llm_interactions`. `cost_usd` is None where no price is known."""

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

    def as_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class RecordedCall:
    """A request to a model as the journal knows it: `answer` is the recorded one (JSON), None when it has to be asked."""

    step_id: UUID | None
    number: int
    answer: Any = None


class CallJournal(Protocol):
    """Keeps each request to a model before and after, so that a retried run is not billed twice (`agents.journal`)."""

    async def begin_call(self, purpose: str, number: int | None = None) -> RecordedCall:
        """Before a request; `number` repeats one that failed."""
        ...

    async def end_call(self, begun: RecordedCall, call: ModelCall, answer: Any) -> None:
        """After it; `answer` is None when it failed."""
        ...


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
    """

    purpose: str
    prompts: Sequence[Prompt]
    words: str
    forms: Sequence[type[BaseModel]]
    guidance: str = ""
    check: Callable[[BaseModel], str | None] | None = None

    @property
    def instructions(self) -> str:
        return "\n\n".join(text for text in (*(prompt.text for prompt in self.prompts), self.guidance) if text)

    @property
    def prompt_version(self) -> str:
        return "+".join(prompt.version for prompt in self.prompts)


@dataclass(frozen=True)
class Thinking:
    """The configured thinker. `model=None` means the built-in rules.

    `on_call` is told of each request, failed ones too; with a `journal`, requests to a model are kept there instead, and
    those that it knows are not made again. `pauses_seconds` is how long to wait before each
    further try of a request that failed for a passing reason, where the server names no time of its own.
    As a context manager it closes the model's connections at the end.
    """

    model: "Model | None" = None
    on_call: Callable[[ModelCall], Awaitable[None]] | None = None
    pauses_seconds: tuple[float, ...] = (0.5, 2.0)
    journal: CallJournal | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Thinking":
        """A model where OPENAI_API_KEY or OPENAI_BASE_URL is set, else the built-in rules."""
        if not settings.has_model:
            return cls()
        from agents.answering import openai_model

        return cls(openai_model(settings))

    @property
    def is_model(self) -> bool:
        return self.model is not None

    @property
    def name(self) -> str:
        """The model's name, or "built-in rules"."""
        return self.model.model_name if self.model else RULES_NAME

    async def __aenter__(self) -> Self:
        if self.model is not None:
            await self.model.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.model is not None:
            await self.model.__aexit__(kind, error, trace)

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
