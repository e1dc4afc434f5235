"""What the routes of executions take and answer with."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api._answers import Listing
from app.api.tasks._shapes import Bounds
from tasks.executions import Execution, ExecutionState, Wanted
from tasks.models import Priority

ACTIONS: dict[str, Wanted] = {"pause": "paused", "resume": "running", "cancel": "cancelled"}


class NewExecution(BaseModel):
    """What is carried out: a plan, or a task that is no part of another."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "plan_id": "0b8f2c1e-8d52-4f0e-9a53-3f6d0c8f2a11",
                    "priority": "high",
                    "bounds": {"max_wall_seconds": 86400},
                }
            ]
        },
    )

    plan_id: UUID | None = Field(
        default=None,
        description="A document is carried out; a plan that waits is started; one that was begun begins again as a copy",
    )
    task_id: UUID | None = Field(default=None, description="Instead of a plan")
    priority: Priority | None = Field(default=None, description="Of every task in it; absent: as they are")
    bounds: Bounds | None = Field(
        default=None, description="Where it has no max_wall_seconds, STEWARD_EXECUTION_TIMEOUT_HOURS holds"
    )
    start: bool = Field(default=True, description="false: it waits, to be looked at and started")
    again: bool = Field(default=False, description="Also where an execution of the document is open")

    @model_validator(mode="after")
    def _one_of_them(self) -> "NewExecution":
        if (self.plan_id is None) == (self.task_id is None):
            raise ValueError("give plan_id or task_id, one of them")
        return self


class ExecutionChange(BaseModel):
    """The state to bring it to, or the action that does so: pause (paused), resume (running), cancel (cancelled)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"state": "paused"}]})

    state: Wanted | None = None
    action: Literal["pause", "resume", "cancel"] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "ExecutionChange":
        if (self.state is None) == (self.action is None):
            raise ValueError("give state (paused, running, cancelled) or action (pause, resume, cancel), one of them")
        return self

    @property
    def wanted(self) -> Wanted:
        """The state that it is brought to."""
        return self.state or ACTIONS[self.action or "pause"]


class ExecutionList(Listing[Execution]):
    """A page of executions, and how many there are in each state on all pages."""

    totals: dict[ExecutionState, int]
