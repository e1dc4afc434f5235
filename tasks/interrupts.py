"""Interrupts of outside agents in the form of the Agent Inbox: one thin typed call per SQL function.

An interrupt is an action with its arguments and what a person may answer to it: accept, edit, response, ignore. The form is
that of LangGraph's `HumanInterrupt` and `HumanResponse` (https://github.com/langchain-ai/agent-inbox), one to one; an edit
keeps the types of its arguments. An agent gets its answer and acts by itself: the house does nothing of what is asked.
"""

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.database import AsJson, Caller
from tasks.drafts import Approval
from tasks.models import Record

AnswerType = Literal["accept", "edit", "response", "ignore"]
InterruptStatus = Literal["waiting", "answered", "withdrawn", "expired"]
LONGEST_ARGS = 100_000  # characters as JSON
LONGEST_DESCRIPTION = 20_000
DEEPEST = 40
MOST_SECONDS = 366 * 86_400


def _is_storable(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST}")
    match value:
        case str():
            if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
                raise ValueError("it has a NUL, or half a character (a lone surrogate)")
        case float() if not math.isfinite(value):
            raise ValueError("a number in it is none: NaN and infinity are no JSON")
        case dict():
            for name, inner in cast("dict[str, Any]", value).items():
                _is_storable(name, depth + 1)
                _is_storable(inner, depth + 1)
        case list():
            for inner in cast("list[Any]", value):
                _is_storable(inner, depth + 1)
        case _:
            return


def storable(value: Any) -> Any:
    """The value, where the database can keep it as it is. Raises ValueError that says what it cannot keep."""
    _is_storable(value)
    return value


class ActionRequest(BaseModel):
    """What an agent wants to do, or know: a name, and arguments of any form."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[str, AfterValidator(storable)] = Field(min_length=1, max_length=2000, examples=["send_mail"])
    args: Annotated[dict[str, Any], AfterValidator(storable)] = Field(
        default_factory=dict[str, Any], examples=[{"to": "carol@example.org", "text": "Hello"}]
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> "ActionRequest":
        if not self.action.strip():
            raise ValueError("action is empty")
        return self


class InterruptConfig(BaseModel):
    """What a person may answer; at least one of them."""

    model_config = ConfigDict(extra="forbid")

    allow_ignore: bool = False
    allow_respond: bool = False
    allow_edit: bool = False
    allow_accept: bool = False

    @model_validator(mode="after")
    def _allows_something(self) -> "InterruptConfig":
        if not self.answers:
            raise ValueError("nothing is allowed: set one of allow_accept, allow_edit, allow_respond, allow_ignore")
        return self

    @property
    def answers(self) -> list[AnswerType]:
        """What is allowed, in the order of the page."""
        flags: list[tuple[AnswerType, bool]] = [
            ("accept", self.allow_accept),
            ("edit", self.allow_edit),
            ("response", self.allow_respond),
            ("ignore", self.allow_ignore),
        ]
        return [name for name, is_allowed in flags if is_allowed]


class HumanInterrupt(BaseModel):
    """What an agent asks a person. `description` is Markdown. All of it was written by somebody else."""

    model_config = ConfigDict(extra="forbid")

    action_request: ActionRequest
    config: InterruptConfig
    description: Annotated[str | None, AfterValidator(storable)] = Field(default=None, max_length=LONGEST_DESCRIPTION)

    @model_validator(mode="after")
    def _is_not_huge(self) -> "HumanInterrupt":
        size = len(json.dumps(self.action_request.args, ensure_ascii=False))
        if size > LONGEST_ARGS:
            raise ValueError(f"args have {size:,} characters as JSON; {LONGEST_ARGS:,} are allowed")
        return self

    def as_asked(self) -> dict[str, Any]:
        """The interrupt as it is sealed: {action_request, config, description}."""
        return HumanInterrupt.model_dump(self, include=set(HumanInterrupt.model_fields), exclude_none=True)


class NewInterrupt(HumanInterrupt):
    """An interrupt by itself: which of the agent's work it is about, how long it may wait (else 14 days), and its own name for it."""

    task_id: UUID | None = Field(default=None, description="Work of this agent that it is about")
    expires_in_seconds: float | None = Field(default=None, gt=0, le=MOST_SECONDS, allow_inf_nan=False)
    key: Annotated[str | None, AfterValidator(storable)] = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The agent's own name for it: sent again, it is asked once",
    )


OWN_FIELDS = set(NewInterrupt.model_fields) - set(HumanInterrupt.model_fields)


class HumanResponse(Record):
    """What a person answered: accept (args: the action_request), edit (args: it, changed), response (a text), ignore (null)."""

    type: AnswerType
    args: str | dict[str, Any] | None = None


class AskedInterrupt(Record):
    """An interrupt that was just made; the id is that of its task."""

    id: UUID
    status: InterruptStatus


class Interrupt(AskedInterrupt):
    """What became of an interrupt, for its agent."""

    response: HumanResponse | None = None


def interrupt_of(asked: Approval) -> HumanInterrupt | None:
    """The interrupt that an approval is about; None for every other approval."""
    return HumanInterrupt.model_validate(asked.payload) if asked.asked_by is not None else None


def facts_of(interrupt: HumanInterrupt) -> list[tuple[str, str]]:
    """What is asked, name by name: the action, then its arguments; what is nested as JSON."""
    request = interrupt.action_request
    return [("Action", request.action), *((name, _in_words(value)) for name, value in request.args.items())]


def _in_words(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


async def request_interrupt(
    caller: Caller,
    task_id: UUID,
    interrupt: HumanInterrupt,
    *,
    expires_in_seconds: float | None = None,
    remind_after_seconds: float | None = None,
) -> Approval:
    """The running task waits for a person's answer to exactly this (worker only)."""
    row = await caller.call(
        "request_interrupt",
        task_id=task_id,
        interrupt=interrupt.as_asked(),
        expires_in_seconds=expires_in_seconds,
        remind_after_seconds=remind_after_seconds,
    )
    return Approval.model_validate(row)


async def open_interrupts(agent: Caller, agent_id: UUID, interrupts: Sequence[NewInterrupt]) -> list[AskedInterrupt]:
    """Ask a person, each interrupt by itself, all or none; what was asked under its key already is not asked again (the agent itself).

    Raises Conflict where something else was asked under a key, or 200 are open.
    """
    given = [one.as_asked() | one.model_dump(mode="json", include=OWN_FIELDS, exclude_none=True) for one in interrupts]
    rows = await agent.call("open_interrupts", agent_id=agent_id, interrupts=given)
    return [AskedInterrupt.model_validate(row) for row in rows]


async def get_interrupt(agent: Caller, agent_id: UUID, interrupt_id: UUID) -> Interrupt:
    """What became of it (the agent itself)."""
    row = await agent.call("get_interrupt", agent_id=agent_id, interrupt_id=interrupt_id)
    return Interrupt.model_validate(row)


async def withdraw_interrupt(agent: Caller, agent_id: UUID, interrupt_id: UUID) -> Interrupt:
    """Ask no more; Conflict where it is answered (the agent itself)."""
    row = await agent.call("withdraw_interrupt", agent_id=agent_id, interrupt_id=interrupt_id)
    return Interrupt.model_validate(row)


async def answer_interrupt(
    caller: Caller,
    approval_id: UUID,
    digest: str,
    type: AnswerType,
    args: str | dict[str, Any] | None = None,
) -> Approval:
    """A person answers what was shown under this digest, once. Raises Conflict, or Invalid that names what is allowed."""
    row = await caller.call("answer_interrupt", approval_id=approval_id, digest=digest, type=type, args=AsJson(args))
    return Approval.model_validate(row)
