"""POST /api/tasks/bulk."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.dependencies import CurrentCaller
from app.repeats import go_on
from app.router import responds
from tasks.functions import BulkAction, bulk_update_tasks

PRIORITIES = {"critical", "high", "medium", "low"}


class BulkUpdate(BaseModel):
    """One action on many tasks; `value` is the priority or the label."""

    model_config = ConfigDict(extra="forbid")

    ids: list[UUID] = Field(min_length=1, max_length=200)
    action: BulkAction
    value: str | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _value_where_needed(self) -> "BulkUpdate":
        if self.action == "priority" and self.value not in PRIORITIES:
            raise ValueError(f"value is one of {', '.join(sorted(PRIORITIES))}")
        if self.action == "label" and not self.value:
            raise ValueError("value is the label to add")
        return self


class BulkUpdated(BaseModel):
    """How many tasks were changed."""

    updated: int


@responds(summary="One action on many tasks, all or nothing", response_model=BulkUpdated, problems=(404, 409))
async def post(request: Request, caller: CurrentCaller, body: BulkUpdate) -> BulkUpdated:
    updated = await bulk_update_tasks(caller, body.ids, body.action, body.value)
    if body.action in {"complete", "cancel"}:
        await go_on(request, body.ids)
    return BulkUpdated(updated=updated)
