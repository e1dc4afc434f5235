"""What the routes of plans answer with, and what editing a plan takes."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app._plans.making import Made
from app.api.tasks._shapes import Title
from tasks.models import ExecutionType, OnFailure, Priority

MOST_EDGES = 2_000  # in one request
LATE = " Its deadline has passed already."
Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PlanAccepted(BaseModel):
    """A plan was taken on; where to follow it. `callbackSecret` is shown this once."""

    planId: UUID  # noqa: N815 - the documents' name
    status: Literal["pending", "ready"] = Field(description="pending: it is being planned or begun. ready: start it")
    message: str
    callbackSecret: str | None = Field(  # noqa: N815 - the documents' name
        default=None, description="What the messages to callbackUrl are signed with; only where there is one"
    )


def accepted(made: Made, message: str) -> JSONResponse:
    """202 with where the plan is."""
    is_ready = made.plan.state == "ready"
    answer = PlanAccepted(
        planId=made.plan.id,
        status="ready" if is_ready else "pending",
        message=message.format(id=made.plan.id) + (LATE if made.is_late else ""),
        callbackSecret=made.callback_secret,
    )
    return JSONResponse(
        answer.model_dump(mode="json", exclude_none=True),
        status_code=202,
        headers={"Location": f"/api/plans/{made.plan.id}"},
    )


class TaskOfPlan(BaseModel):
    """What a task of a plan has; `depends_on` replaces what was there."""

    model_config = ConfigDict(extra="forbid")

    description: str | None = Field(default=None, max_length=200_000)
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    execution_type: ExecutionType | None = None
    tool: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    tool_input: dict[str, Any] | None = None
    depends_on: list[Key] | None = Field(
        default=None, max_length=200, description="Ids of tasks, or keys of ones that are added beside it"
    )
    assignee_role: str | None = Field(default=None, max_length=200)
    acceptance_criteria: list[Annotated[str, Field(max_length=2_000)]] | None = Field(default=None, max_length=100)
    priority: Priority | None = None
    risk: Literal["low", "medium", "high"] | None = None
    on_failure: OnFailure | None = None
    estimated_duration_minutes: int | None = Field(default=None, ge=1, le=1_000_000)
    max_retries: int | None = Field(default=None, ge=0, le=20)
    position: float | None = Field(default=None, allow_inf_nan=False)

    def as_json(self) -> dict[str, Any]:
        """What was said, as the database takes it."""
        return self.model_dump(mode="json", exclude_unset=True)


class AddedTask(TaskOfPlan):
    """A task to add."""

    title: Title
    key: Key | None = None
    parent_id: UUID | None = Field(default=None, description="The task that it is a part of, else the plan itself")


class ChangedTask(TaskOfPlan):
    """A task to change; what is absent stays."""

    id: UUID
    title: Title | None = None


class PlanEdits(BaseModel):
    """Changes of a plan that waits for its start, all or none."""

    model_config = ConfigDict(extra="forbid")

    add: list[AddedTask] = Field(default_factory=list[AddedTask], max_length=200)
    change: list[ChangedTask] = Field(default_factory=list[ChangedTask], max_length=500)
    remove: list[UUID] = Field(default_factory=list[UUID], max_length=500)

    @model_validator(mode="after")
    def _says_something(self) -> "PlanEdits":
        if not (self.add or self.change or self.remove):
            raise ValueError("give add, change or remove")
        if sum(len(task.depends_on or []) for task in [*self.add, *self.change]) > MOST_EDGES:
            raise ValueError(f"depends_on has {MOST_EDGES:,} entries at most, all tasks together")
        return self

    def as_json(self) -> dict[str, Any]:
        """The edits as `tasks.plans.edit_plan` takes them."""
        return {
            "add": [task.as_json() for task in self.add],
            "change": [task.as_json() for task in self.change],
            "remove": [str(task_id) for task_id in self.remove],
        }
