"""What a tool is, and what it may answer.

A tool reads (brings something in, perhaps written by strangers), acts (has an effect outside) or controls (only moves
its task). Reads and acts are journaled. An act needs a person's yes to exactly what it will do, unless `is_own`: the
executor asks with what `show` returns, and runs the tool with the input that was shown, not with what stands in the
task by then.

What it does to the world is its `effect`; how an input is an action for the policy is its `action`. Both are the tool's
own to say, next to what it does; `agents.gate` judges nothing else.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.equipment import Run
from agents.tools.wording import in_words, one_in_words
from core.errors import Invalid
from tasks.actions import Action, Effect
from tasks.models import BlockedOn, Evidence, Verification

ToolKind = Literal["read", "act", "control"]
Risk = Literal["none", "low", "medium", "high"]


class AnyInput(BaseModel):
    """Input of any form."""

    model_config = ConfigDict(extra="allow")


class StrictInput(BaseModel):
    """Input whose every field is known: base of the inputs of tools."""

    model_config = ConfigDict(extra="forbid")


Input = TypeVar("Input", bound=BaseModel)


@dataclass(frozen=True)
class Done:
    """The tool has done its work: what came out, and what shows it. `output` is JSON."""

    output: Any = None
    verification: Verification = "unverifiable"
    evidence: Sequence[Evidence] = ()
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Waiting:
    """The task goes on later: what it waits for, and until when. `remember` is kept as the task's result meanwhile."""

    blocked_on: BlockedOn
    reason: str
    unblocked_by: str = ""
    wait_seconds: float | None = None
    until: datetime | None = None
    remind_after_seconds: float | None = None
    remember: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Settled:
    """The tool has left the task in its next state by itself."""


Outcome = Done | Waiting | Settled


@dataclass(frozen=True)
class Shown:
    """What a person sees before they say yes to an act: a question, facts by name, and a longer text."""

    title: str
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    text: str = ""
    expires_in_seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"facts": [[name, value] for name, value in self.facts.items()], "text": self.text}  # in this order


@dataclass(frozen=True)
class Tool(Generic[Input]):
    """Something a task can have done.

    `description` tells a model what it does and when to use it. `input` and `output` are its typed parameters and
    result; their JSON Schemas are what models and people see. `capability` is what an agent needs to be given it, and
    `needs` the Protocols of `agents.services` that it reaches for; of several in a tuple one is enough. `brings_untrusted`: what it returns was written by
    others; `is_read_later`: not before its answer comes, which marks the task itself. `cost_usd` is what one use costs about, `timeout_seconds` how long one may take.
    `effect` is what a use of it does to the world, and `action` the use with this input as the policy takes it; where it says
    neither, a read looks at the user's own data and an act writes all of its input to nobody knows whom, so it asks.
    `stays_within`: does it look at nothing, and only move its task or compute on what it is given?
    `is_plannable`: may a plan name it? Not where only the house itself makes tasks with it.
    `find` looks for the effect of an act that broke off: its output, None when it certainly did not happen, or
    StepUncertain. A tool raises a StewardError when nothing took effect; those that are retryable are tried again.
    """

    name: str
    description: str
    kind: ToolKind
    run: Callable[[Run, Input], Awaitable[Outcome]]
    input: type[Input]
    output: type[BaseModel] | None = None
    find: Callable[[Run, Input], Awaitable[Any | None]] | None = None
    show: Callable[[Run, Input], Awaitable[Shown]] | None = None
    effect: Effect | None = None
    action: Callable[[Run, Input], Awaitable[Action]] | None = None
    is_own: bool = False
    capability: str = "general"
    needs: tuple[type[Any] | tuple[type[Any], ...], ...] = ()
    risk: Risk = "none"
    brings_untrusted: bool = False
    is_read_later: bool = False
    cost_usd: float = 0.0
    timeout_seconds: float | None = None
    is_plannable: bool = True
    stays_within: bool = False

    @property
    def may_be_planned(self) -> bool:
        """May a plan, or who edits one, name it? Not what the house itself makes alone, nor what follows from a review (a draft)."""
        return self.is_plannable and "draft_id" not in self.input.model_json_schema().get("required", [])

    def missing(self, lacks: Callable[[type[Any]], str | None]) -> str | None:
        """What would connect the service that is not there, by what each lacks; None when the tool can be used."""
        for need in self.needs:
            found = [lacks(one) for one in (need if isinstance(need, tuple) else (need,))]
            if all(found):
                return found[0]
        return None

    @property
    def asks_first(self) -> bool:
        """Is it an act that is never done by itself: by a yes or a standing permission alone?"""
        return self.kind == "act" and not self.is_own

    @property
    def only_looks(self) -> bool:
        """Does every use of it only look at what is the user's own? Then nothing is to be judged."""
        return self.kind == "read" and self.action is None and self.effect in {None, Effect.READ}

    async def as_action(self, run: Run, given: Input) -> Action:
        """What it would do with this input, as the policy takes it."""
        if self.action is not None:
            return await self.action(run, given)
        if self.kind == "read":
            return Action(self.name, self.effect or Effect.READ, body=text_of(given))
        return Action(
            self.name, self.effect or (Effect.OWN_WRITE if self.is_own else Effect.WRITE), body=text_of(given)
        )

    def parsed(self, given: Mapping[str, Any]) -> Input:
        """The input in its form. Raises Invalid that names the field, its value and what is allowed."""
        try:
            return self.input.model_validate(dict(given))
        except ValidationError as error:
            raise Invalid(
                f"The input of {self.name} is wrong: {in_words(error, list(self.input.model_fields))}"
            ) from None


def problem_of_input(tool: "AnyTool", given: Mapping[str, Any]) -> str | None:
    """What is wrong with a planned input, in words; values that templates fill in later are not looked at."""
    if "draft_id" in given and "draft_id" in tool.input.model_fields:
        return f"the input of {tool.name} is wrong: draft_id is set by the review of a draft alone"
    try:
        tool.input.model_validate(dict(given))
    except ValidationError as error:
        for one in error.errors(include_url=False):
            if "{{" not in json.dumps(one["input"], default=str) or one["type"] in {"missing", "extra_forbidden"}:
                where = ".".join(str(part) for part in one["loc"])
                return f"the input of {tool.name} is wrong: {one_in_words(one, where, list(tool.input.model_fields))}"
    return None


def text_of(given: BaseModel) -> str:
    """Every text of an input, one a line: what somebody would get to read of it. Names of its own fields say nothing."""
    known = type(given).model_json_schema().get("properties", {})
    parts: list[str] = []
    for name, value in given.model_dump(mode="json", exclude_none=True).items():
        parts += [*([] if name in known else [name]), *texts_in(value)]
    return "\n".join(parts)


def texts_in(value: Any) -> Iterator[str]:
    """Every text and number of JSON, names of fields too."""
    match value:
        case str():
            yield value
        case dict():
            for name, inner in cast("dict[str, Any]", value).items():
                yield name
                yield from texts_in(inner)
        case list():
            for inner in cast("list[Any]", value):
                yield from texts_in(inner)
        case int() | float() if not isinstance(value, bool):
            yield str(value)
        case _:
            return


AnyTool = Tool[Any]
