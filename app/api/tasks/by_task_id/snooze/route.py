"""POST and DELETE /api/tasks/{task_id}/snooze."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.tasks._shapes import Due, aware
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks import snoozing
from tasks.models import Task


class Snooze(BaseModel):
    """Until a time, until somebody answers by mail, or whichever comes first."""

    model_config = ConfigDict(extra="forbid")

    until: Due | None = Field(default=None, description="With an offset, in the future")
    reply_from: Annotated[str, Field(min_length=1, max_length=320)] | None = Field(
        default=None, description="An address, or the name of somebody who has written", examples=["Ana"]
    )
    thread_key: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Only an answer in this thread counts"
    )

    @model_validator(mode="after")
    def _waits_for_something(self) -> "Snooze":
        if self.until is None and self.reply_from is None:
            raise ValueError("give until, reply_from, or both")
        if self.thread_key is not None and self.reply_from is None:
            raise ValueError("thread_key goes with reply_from")
        aware("until", self.until)
        return self


@responds(summary="Put the task out of sight for a while", response_model=Task, problems=(404, 409))
async def post(request: Request, caller: CurrentCaller, task_id: UUID, body: Snooze) -> Task:
    """A name that fits nobody who wrote, or several, is refused (422); `detail` names who was found."""
    return await snoozing.snooze_task(
        caller,
        task_id,
        house_of(request).clock,
        until=body.until,
        reply_from=body.reply_from,
        thread_key=body.thread_key,
    )


@responds(summary="Have the task in sight again", response_model=Task, problems=(404,))
async def delete(caller: CurrentCaller, task_id: UUID) -> Task:
    return await snoozing.unsnooze_task(caller, task_id)
