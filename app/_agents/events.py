"""Events as agents report them: one model for each type, told apart by `type`."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    WrapValidator,
)
from pydantic_core import InitErrorDetails

from app._agents.places import at_place
from app._agents.subtasks import Subtasks
from tasks.agent_work import EVENT_TYPES, MOST_EVENTS
from tasks.interrupts import storable

Word = Annotated[str, Field(max_length=2000)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Week = Annotated[float, Field(ge=0, le=7 * 86_400, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Message(_Strict):
    """A word beside it."""

    message: Word | None = None


class Progress(_Strict):
    """How far it is."""

    percent: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    message: Word | None = None


class Shows(_Strict):
    """One piece of what shows that it is done."""

    kind: Annotated[str, Field(min_length=1, max_length=100, examples=["url"])]
    what: Annotated[str, Field(min_length=1, max_length=2000)]
    where: str | None = Field(default=None, max_length=2000)


class Completion(_Strict):
    """It is done: what came out, any JSON."""

    output: Annotated[Any, AfterValidator(storable)] = Field(examples=[{"found": 3}])
    message: Word | None = None
    confidence: Confidence | None = None
    evidence: list[Shows] = Field(default_factory=list[Shows], max_length=50)


class Failure(_Strict):
    """It went wrong. `decomposition_failed`: a person breaks it down; `released`: it did not, the agent gives it back."""

    error: Said
    error_type: Literal["timeout", "decomposition_failed", "released", "other"] = "other"
    is_retryable: bool = Field(default=True, description="Can trying again help?")
    retry_after_seconds: Week | None = None


class Obstacle(_Strict):
    """It cannot go on. On a person: the task waits for one; outside: it is offered again later, first to this agent."""

    reason: Said
    on: Literal["outside", "person"] = "outside"
    recheck_after_seconds: Seconds | None = None
    unblocked_by: Said | None = Field(default=None, description="What would clear it")


class _Event(_Strict):
    event_id: Annotated[
        str, Field(min_length=1, max_length=200, description="Yours, once: the same again changes nothing")
    ]
    task_id: UUID
    lease_id: UUID | None = Field(default=None, description="Of the claim; else your latest of this task")
    at: AwareDatetime | None = Field(default=None, description="When it happened by your clock, with offset")


class AliveEvent(_Event):
    """The agent is still at it."""

    type: Literal["heartbeat"]
    data: Message = Field(default_factory=Message)


class StartedEvent(_Event):
    """The agent begins with a task; of a subtask that waits for this agent, this claims it."""

    type: Literal["task_started", "subtask_started"]
    data: Message = Field(default_factory=Message)


class ProgressEvent(_Event):
    """How far the agent is."""

    type: Literal["task_progress", "subtask_progress"]
    data: Progress = Field(default_factory=Progress)


class CompleteEvent(_Event):
    """The task is done."""

    type: Literal["task_complete", "subtask_complete"]
    data: Completion


class ErrorEvent(_Event):
    """The task went wrong."""

    type: Literal["task_error", "subtask_error"]
    data: Failure


class BlockedEvent(_Event):
    """The task cannot go on."""

    type: Literal["task_blocked", "subtask_blocked"]
    data: Obstacle


class CreatedEvent(_Event):
    """The task is broken down. A confidence below 0.8 asks a person first."""

    type: Literal["subtask_created"]
    data: Subtasks


AnyEvent = Annotated[
    AliveEvent | StartedEvent | ProgressEvent | CompleteEvent | ErrorEvent | BlockedEvent | CreatedEvent,
    Field(discriminator="type"),
]


class Batch(_Strict):
    """Several events, applied in this order; each is answered by itself."""

    events: list[AnyEvent] = Field(min_length=1, max_length=MOST_EVENTS)


def _form(given: object) -> str:
    return "batch" if (isinstance(given, dict) and "events" in given) or isinstance(given, Batch) else "event"


def with_plain_places(given: object, check: Callable[[object], object]) -> object:
    """Errors name fields as the sender wrote them: without the tags of the unions that they went through."""
    try:
        return check(given)
    except ValidationError as error:
        raise ValidationError.from_exception_data("events", [_plain(dict(one)) for one in error.errors()]) from None


def _plain(error: dict[str, Any]) -> InitErrorDetails:
    loc = [part for at, part in enumerate(error["loc"]) if not _is_tag(error["loc"], at)]
    kind, message = str(error["type"]), str(error["msg"])
    given: object = error["input"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        of = cast("dict[str, object]", given).get("type") if isinstance(given, dict) else None
        loc.append("type")
        kind, given = ("missing", cast("object", given)) if of is None else ("enum", of)
        message = f"it is one of {', '.join(EVENT_TYPES)}"
    return at_place(kind, message, loc, given)


def _is_tag(loc: tuple[int | str, ...], at: int) -> bool:
    if at == 0:
        return loc[0] in {"event", "batch"}
    after = loc[at - 1]
    return loc[at] in EVENT_TYPES and (after == "event" or isinstance(after, int))


Report = Annotated[
    Annotated[AnyEvent, Tag("event")] | Annotated[Batch, Tag("batch")],
    Discriminator(_form),
    WrapValidator(with_plain_places),
]
"""What is posted: one event, or several."""
