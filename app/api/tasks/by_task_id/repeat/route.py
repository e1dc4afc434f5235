"""GET, PUT and DELETE /api/tasks/{task_id}/repeat."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.tasks._shapes import Due, Rule, aware
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from core.database import Caller
from core.errors import Invalid
from tasks import repeating
from tasks.functions import get_task
from tasks.models import Task
from tasks.occurrences import RepeatsFrom, describe_recurrence


class Repeat(BaseModel):
    """How this task and those that follow repeat."""

    model_config = ConfigDict(extra="forbid")

    recurrence: Rule = Field(description="An RRULE (RFC 5545) by day, week, month or year")
    due_at: Due | None = Field(default=None, description="The first occurrence; without it the task's own date")
    repeats_from: RepeatsFrom | None = Field(default=None, description="completion: counted from when it was done")
    run_when_due: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="Start by itself when it is due, where it is done by itself"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "Repeat":
        aware("due_at", self.due_at)
        return self


class Repeating(BaseModel):
    """The series of a task. `next_due_at`: what comes after this, if this were over now."""

    recurrence: str | None
    in_words: str
    repeats_from: RepeatsFrom
    run_when_due: bool
    goes_on: bool
    number: int
    next_due_at: datetime | None
    previous_task_id: UUID | None
    next_task_id: UUID | None


async def _series_of(request: Request, caller: Caller, task_id: UUID) -> Repeating:
    """How a task repeats, in words and dates."""
    series = await repeating.get_series(caller, task_id)
    try:
        coming = series.next(house_of(request).clock) if series.goes_on else None
    except Invalid:  # a rule from before rules were looked at: it ends here
        coming = None
    return Repeating(
        recurrence=series.recurrence,
        in_words=describe_recurrence(series.recurrence, series.repeats_from) if series.recurrence else "",
        repeats_from=series.repeats_from,
        run_when_due=series.run_when_due,
        goes_on=series.goes_on,
        number=series.series_number,
        next_due_at=coming.due_at if coming else None,
        previous_task_id=series.repeats_task_id,
        next_task_id=series.next_task_id,
    )


@responds(summary="How the task repeats, and when it comes next", response_model=Repeating, problems=(404,))
async def get(request: Request, caller: CurrentCaller, task_id: UUID) -> Repeating:
    return await _series_of(request, caller, task_id)


@responds(summary="Have this task and those that follow repeat", response_model=Task, problems=(404, 409))
async def put(caller: CurrentCaller, task_id: UUID, body: Repeat) -> Task:
    """The rule counts from this task anew. Only a person sets `run_when_due`: a token is refused (403)."""
    return await repeating.set_repeat(
        caller,
        task_id,
        body.recurrence,
        due_at=body.due_at,
        repeats_from=body.repeats_from,
        run_when_due=body.run_when_due,
    )


@responds(summary="Let nothing come after this task", response_model=Task, problems=(404, 409))
async def delete(request: Request, caller: CurrentCaller, task_id: UUID) -> Task:
    await get_task(caller, task_id)
    return await repeating.stop_series(caller, task_id, house_of(request).clock.now())
