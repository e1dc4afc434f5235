"""What several routes take: the fields of a new task, a node of a tree, bounds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from core.clock import READABLE_WORDS, is_readable
from core.errors import Invalid
from tasks.models import ExecutionType, OnFailure, Priority
from tasks.occurrences import RepeatsFrom, check_rule

Number = Annotated[int, Field(ge=0, le=1_000_000_000)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
DEEPEST = 12  # levels below the root that the database takes


def _readable(moment: datetime) -> datetime:
    if not is_readable(moment):
        raise ValueError(f"allowed is {READABLE_WORDS}")
    return moment


Due = Annotated[datetime, AfterValidator(_readable)]


def _followed(rule: str) -> str:
    try:
        return check_rule(rule)
    except Invalid as error:
        raise ValueError(". ".join(part for part in (error.message, error.detail) if part)) from error


Rule = Annotated[str, Field(min_length=1, max_length=500, examples=["FREQ=WEEKLY;BYDAY=FR"]), AfterValidator(_followed)]


def aware(name: str, moment: datetime | None) -> None:
    """Raises ValueError for a time without an offset."""
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{name} needs an offset, like 2026-03-05T15:00:00+01:00")


class Bounds(BaseModel):
    """What a tree of tasks may use. What is absent is the organization's, else the default."""

    model_config = ConfigDict(extra="forbid")

    max_depth: Number | None = Field(default=None, description="Levels below the root")
    max_children: Number | None = Field(default=None, description="Parts of one task")
    max_tasks: Number | None = Field(default=None, description="Tasks in all")
    max_model_calls: Number | None = None
    max_cost_usd: Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)] | None = None
    max_wall_seconds: Number | None = Field(default=None, description="Since the tree was started")
    max_replans: Number | None = Field(default=None, description="Changes of plan for one task")

    def as_json(self) -> dict[str, float]:
        """The bounds that are set."""
        return self.model_dump(mode="json", exclude_none=True)


class TaskFields(BaseModel):
    """What a new task may have beside its title."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(default="", max_length=200_000)
    kind: str = Field("errand", min_length=1, max_length=100)
    execution_type: ExecutionType = "manual"
    priority: Priority = "medium"
    due_at: Due | None = None
    due_is_all_day: bool = False
    recurrence: Rule | None = None
    repeats_from: RepeatsFrom = "due"
    labels: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(default_factory=list[str], max_length=50)
    recipient: str | None = Field(default=None, max_length=500)
    acceptance_criteria: list[str] = Field(default_factory=list[str], max_length=100)
    estimated_duration_minutes: int | None = Field(default=None, ge=1, le=1_000_000)
    max_retries: int = Field(default=3, ge=0, le=20)

    @model_validator(mode="after")
    def _dates_are_whole(self) -> "TaskFields":
        aware("due_at", self.due_at)
        if self.recurrence and not self.due_at:
            raise ValueError("recurrence needs due_at, its first occurrence")
        return self


class TreeTask(TaskFields):
    """A task of a tree, with its parts. `depends_on` names keys anywhere in the tree."""

    title: Title
    key: str | None = Field(default=None, min_length=1, max_length=200, description="A name for depends_on; unique")
    depends_on: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list[str], max_length=200, description="Keys of the tasks that have to be done before"
    )
    tool: str | None = Field(default=None, min_length=1, max_length=100, examples=["approval_gate"])
    tool_input: dict[str, Any] = Field(default_factory=dict[str, Any])
    assignee_role: str | None = Field(default=None, max_length=200)
    timeout_seconds: int | None = Field(default=None, ge=1, le=86_400, description="For one run")
    on_failure: OnFailure = "replan"
    children: list["TreeTask"] = Field(default_factory=list["TreeTask"], max_length=200)


class Tree(TreeTask):
    """The root of a tree, with what the whole of it may use."""

    bounds: Bounds = Field(default_factory=Bounds)
    automation_rules: dict[str, Any] = Field(default_factory=dict[str, Any], examples=[{"run_by_itself": True}])

    @field_validator("children", mode="before")
    @classmethod
    def _not_too_deep(cls, children: object) -> object:
        level: list[object] = [children]
        for _ in range(DEEPEST + 1):
            nodes = [node for part in level if isinstance(part, list) for node in part]  # pyright: ignore[reportUnknownVariableType]
            level = [node.get("children") for node in nodes if isinstance(node, Mapping)]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if any(level):
            raise ValueError(f"a tree has at most {DEEPEST} levels below its root")
        return children

    def as_json(self) -> dict[str, Any]:
        """The tree as the database takes it."""
        return {**_node(self), "bounds": self.bounds.as_json(), "automation_rules": self.automation_rules}


def _node(task: TreeTask) -> dict[str, Any]:
    fields = task.model_dump(mode="json", exclude={"children", "bounds", "automation_rules"}, exclude_none=True)
    return {**fields, "source": "manual", "children": [_node(child) for child in task.children]}
