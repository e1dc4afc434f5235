"""Parts of a task as an agent says them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, StringConstraints

from tasks.interrupts import storable
from tasks.models import Priority

MOST_SUBTASKS = 100
Who = Literal["me", "agent", "person", "steward"]


def _plain(key: str) -> str:
    """A key that people and programs read as the same: no control or invisible characters, no other space, no braces."""
    if not key.isprintable() or "{" in key or "}" in key:
        raise ValueError("plain printable characters without braces are allowed")
    return key.strip(" ")


Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    AfterValidator(_plain),
    StringConstraints(min_length=1),
]


def _key_or_position(value: object) -> str | int:
    if isinstance(value, str) and 1 <= len(value.strip(" ")) <= 100:
        return value.strip(" ")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_SUBTASKS:
        return value
    raise ValueError(f"a key (1 to 100 characters) or a position (0 to {MOST_SUBTASKS - 1}) is allowed")


Need = Annotated[
    str | int,
    PlainValidator(
        _key_or_position, json_schema_input_type=Key | Annotated[int, Field(ge=0, lt=MOST_SUBTASKS, strict=True)]
    ),
]


Given = Annotated[dict[str, Any], AfterValidator(storable)]


class Subtask(BaseModel):
    """A part: for the agent itself, for another, for a person, or for Steward (with one of its tools, or to think about)."""

    model_config = ConfigDict(extra="forbid")

    key: Key | None = Field(default=None, description="A name for depends_on and for templates; unique")
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    description: str = Field(default="", max_length=20_000)
    who: Who = "me"
    agent: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(
        default=None, description="who=agent: the name or id of the one; else any with the capabilities"
    )
    capabilities: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]] = Field(
        default_factory=list[str], max_length=50
    )
    instructions: str = Field(default="", max_length=20_000)
    input: Given = Field(
        default_factory=dict[str, Any], description="May have templates: {{key.field}} of a part it depends on"
    )
    tool: str | None = Field(default=None, min_length=1, max_length=200, description="who=steward: what does it")
    tool_input: Given = Field(default_factory=dict[str, Any])
    interrupt: Given | None = Field(
        default=None, description="who=person: a question in the Agent Inbox form (HumanInterrupt)"
    )
    depends_on: list[Need] = Field(
        default_factory=list[Any], max_length=MOST_SUBTASKS, description="Keys, or positions from 0"
    )
    acceptance_criteria: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(
        default_factory=list[str], max_length=100
    )
    priority: Priority = "medium"
    estimated_duration_minutes: int | None = Field(default=None, ge=1, le=1_000_000)
    timeout_seconds: int | None = Field(default=None, ge=1, le=86_400, description="For one run or attempt")


class Subtasks(BaseModel):
    """How a task is broken down, and how sure the agent is of it."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
    )

    subtasks: list[Subtask] = Field(min_length=1, max_length=MOST_SUBTASKS)
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False, description="Below 0.8 a person agrees first")
    continues: bool = Field(
        default=False, alias="continue", description="Is the task offered to you again when its parts have ended?"
    )
    message: str | None = Field(default=None, max_length=2000)
