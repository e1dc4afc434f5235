"""What a base agent is asked, what it hands back, and where that lies."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agents.thinking import ModelCall
from core.errors import Invalid

VERSION = 1  # of the form of orders and manifests: another one makes other keys
READ_OUTPUT = "read_output"
TOOLS = (READ_OUTPUT,)
F = TypeVar("F", bound=BaseModel)


class Output(Protocol):
    """Where results lie: a folder or a bucket. Names have `/` between their parts. Raises Unavailable where it is out of reach."""

    def address(self, name: str) -> str:
        """Where a person finds it."""
        ...

    async def read(self, name: str) -> bytes | None:
        """What lies there; None where nothing does."""
        ...

    async def write(self, name: str, content: bytes, media_type: str, *, once: bool = False) -> bool:
        """Put it there whole. With `once`, what is there already stays, and the answer is False."""
        ...


class Material(BaseModel):
    """A text to work with. `is_own`: words of whoever gives the order; those of others are fenced as untrusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="context", min_length=1, max_length=200)
    text: str
    is_own: bool = False


def _as_material(value: object) -> object:
    """A text alone is one's own."""
    return [{"text": value, "is_own": True}] if isinstance(value, str) and value.strip() else value or []


Context = Annotated[tuple[Material, ...], BeforeValidator(_as_material)]
Form = Literal["markdown", "json"]


def known_tools(value: tuple[str, ...]) -> tuple[str, ...]:
    """Each once, in order. Raises ValueError for a name that is none of TOOLS."""
    if strangers := [name for name in value if name not in TOOLS]:
        raise ValueError(f"there is no tool {strangers[0]!r}; there are: {', '.join(TOOLS)}")
    return tuple(sorted(set(value)))


def said(value: str) -> str:
    """The same. Raises ValueError for a text of spaces alone."""
    if not value.strip():
        raise ValueError("it says nothing")
    return value


Tools = Annotated[tuple[str, ...], AfterValidator(known_tools)]
Instructions = Annotated[str, Field(min_length=1, max_length=50_000), AfterValidator(said)]
MOST_MATERIALS = 100


class AgentOrder(BaseModel):
    """What a base agent is asked. `tools` are names of TOOLS; `output` is a folder or s3://bucket/prefix, the door's where empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instructions: Instructions
    context: Context = Field(default=(), max_length=MOST_MATERIALS)
    format: Form = "markdown"
    tools: Tools = ()
    output: str = Field(default="", max_length=1000)

    @property
    def is_tainted(self) -> bool:
        """Does it hold words of others?"""
        return any(not one.is_own for one in self.context)

    def key(self, thinker: str, prompt: str) -> str:
        """The digest of all that decides the result; where it is written does not."""
        asked = self.model_dump(mode="json", exclude={"output"})
        return digest_of({"version": VERSION, "prompt": prompt, "thinker": thinker, **asked})


class Usage(BaseModel):
    """What models took. `cost_usd` is None where no price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    def plus(self, other: "Usage") -> "Usage":
        costs = (self.cost_usd, other.cost_usd)
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=None if None in costs else sum(cast("tuple[float, float]", costs)),
        )


class Manifest(BaseModel):
    """What lies beside a result. `blocked`: there is none, and `reason` says why; `tainted`: words of others went into it."""

    key: str
    status: Literal["completed", "blocked"]
    thinker: str
    format: Form
    file: str | None = None
    sha256: str | None = None
    bytes: int = 0
    tainted: bool = False
    reason: str = ""
    usage: Usage = Usage()
    started_at: datetime
    finished_at: datetime


class AgentResult(BaseModel):
    """A manifest, where it and the output lie, and the output itself. `was_known`: another run made it.

    `usage_now` is what this call took, which is more than nothing for one that came second; None: what the manifest says.
    """

    manifest: Manifest
    address: str = ""
    text: str = ""
    was_known: bool = False
    usage_now: Usage | None = None

    @property
    def paid(self) -> Usage:
        """What this call took."""
        if self.usage_now is not None:
            return self.usage_now
        return Usage() if self.was_known else self.manifest.usage


PAID = "paid: "  # begins the note on an error that says what was spent before it


def note_paid(error: BaseException, usage: Usage) -> None:
    """Write on an error what was spent before it."""
    if usage.calls:
        error.add_note(PAID + usage.model_dump_json())


def paid_before(error: BaseException) -> Usage | None:
    """What was spent before this error; None where nobody knows."""
    notes: list[str] = getattr(error, "__notes__", [])
    for note in notes:
        if note.startswith(PAID):
            try:
                return Usage.model_validate_json(note.removeprefix(PAID))
            except ValidationError:
                return None
    return Usage()


@dataclass
class Spending:
    """Adds up what requests took, as `Thinking.on_call`."""

    usage: Usage

    async def __call__(self, call: ModelCall) -> None:
        one = Usage(calls=1, input_tokens=call.input_tokens, output_tokens=call.output_tokens, cost_usd=call.cost_usd)
        # A request that failed without an answer cost nothing that anybody knows of.
        self.usage = self.usage.plus(one.model_copy(update={"cost_usd": 0.0}) if call.error else one)


def digest_of(value: object) -> str:
    """The SHA-256 of a JSON value, whatever order its names have."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_form(form: type[F], given: object) -> F:
    """JSON in this form. Raises Invalid that names the first field that is wrong."""
    try:
        return form.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "order"
        allowed = first["msg"].removeprefix("Value error, ")
        value = repr(first.get("input"))[:100]
        wrong = {"field": field, "message": allowed, "value": value}
        raise Invalid(f"{field}: {value} is not allowed", detail=allowed, errors=[wrong]) from None
