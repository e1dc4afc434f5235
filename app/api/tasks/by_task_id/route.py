"""GET, PUT, PATCH and DELETE /api/tasks/{task_id}."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from app.api.tasks._shapes import Due, Rule, Title
from app.dependencies import CurrentCaller
from app.repeats import go_on
from app.router import responds
from core.database import Caller
from tasks.day_plans import save_time_spent
from tasks.functions import delete_task, get_task, update_task
from tasks.models import ExecutionStatus, ExecutionType, OnFailure, Priority, Task

NOT_NULL = {
    "title",
    "description",
    "kind",
    "priority",
    "labels",
    "position",
    "acceptance_criteria",
    "execution_type",
    "execution_status",
    "due_is_all_day",
    "automation_rules",
    "max_retries",
    "on_failure",
}


class TaskChanges(BaseModel):
    """What to change; what is absent stays. `execution_status` moves along the state machine."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    description: str | None = Field(default=None, max_length=200_000)
    kind: str | None = Field(default=None, min_length=1, max_length=100)
    execution_type: ExecutionType | None = None
    execution_status: ExecutionStatus | None = None
    priority: Priority | None = None
    due_at: Due | None = None
    due_is_all_day: bool | None = None
    recurrence: Rule | None = None
    labels: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = Field(default=None, max_length=50)
    position: float | None = Field(default=None, allow_inf_nan=False)
    recipient: str | None = Field(default=None, max_length=500)
    acceptance_criteria: list[str] | None = Field(default=None, max_length=100)
    assigned_to_type: Literal["user", "agent", "workflow"] | None = None
    assigned_to_id: UUID | None = None
    assignee_role: str | None = Field(default=None, max_length=200)
    automation_rules: dict[str, Any] | None = None
    estimated_duration_minutes: int | None = Field(default=None, ge=1, le=1_000_000)
    actual_duration_minutes: int | None = Field(
        default=None, ge=1, le=100_000, description="How long it took; null where nobody knows"
    )
    blocked_reason: str | None = Field(default=None, max_length=2000)
    failure_reason: str | None = Field(default=None, max_length=2000)
    max_retries: int | None = Field(default=None, ge=0, le=20)
    timeout_seconds: int | None = Field(default=None, ge=1, le=86_400)
    on_failure: OnFailure | None = None

    @model_validator(mode="after")
    def _no_nulls_where_none_may_be(self) -> "TaskChanges":
        nulls = sorted(name for name in self.model_fields_set & NOT_NULL if getattr(self, name) is None)
        if nulls:
            raise ValueError(f"{', '.join(nulls)} cannot be null")
        if self.due_at and self.due_at.tzinfo is None:
            raise ValueError("due_at needs an offset, like 2026-03-05T15:00:00+01:00")
        return self


@responds(summary="One task with its log", response_model=Task, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> Task:
    return await get_task(caller, task_id)


@responds(summary="Change a task", response_model=Task, problems=(404, 409))
async def patch(request: Request, caller: CurrentCaller, task_id: UUID, body: TaskChanges) -> Task:
    return await _change(request, caller, task_id, body)


@responds(
    summary="Change a task (the same as PATCH: what is absent stays)",
    response_model=Task,
    problems=(404, 409),
)
async def put(request: Request, caller: CurrentCaller, task_id: UUID, body: TaskChanges) -> Task:
    return await _change(request, caller, task_id, body)


async def _change(request: Request, caller: Caller, task_id: UUID, body: TaskChanges) -> Task:
    changes = body.model_dump(mode="json", exclude_unset=True)
    if "actual_duration_minutes" in changes:
        return await save_time_spent(caller, task_id, changes.pop("actual_duration_minutes"), changes)
    task = await update_task(caller, task_id, changes)
    if task.repeats and body.execution_status in {"completed", "cancelled"}:
        await go_on(request, [task_id])
    return task


@responds(summary="Delete a task and what hangs below it", status_code=204, problems=(404, 409))
async def delete(caller: CurrentCaller, task_id: UUID) -> Response:
    await delete_task(caller, task_id)
    return Response(status_code=204)
