"""GET and POST /api/tasks/{task_id}/reminders."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.tasks._shapes import Due, aware
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks import reminders
from tasks.functions import get_task
from tasks.reminders import Reminder


class NewReminder(BaseModel):
    """When to be reminded, and of what in particular."""

    model_config = ConfigDict(extra="forbid")

    at: Due = Field(description="With an offset, in the future")
    note: str = Field(default="", max_length=reminders.LONGEST_NOTE)

    @model_validator(mode="after")
    def _is_whole(self) -> "NewReminder":
        aware("at", self.at)
        return self


class Reminders(BaseModel):
    """The reminders of a task, in order of time."""

    items: list[Reminder]


@responds(summary="The reminders of the task", response_model=Reminders, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> Reminders:
    await get_task(caller, task_id)
    return Reminders(items=await reminders.list_reminders(caller, task_id))


@responds(summary="Be reminded of the task", status_code=201, response_model=Reminder, problems=(404, 409))
async def post(request: Request, caller: CurrentCaller, task_id: UUID, body: NewReminder) -> Reminder:
    """The same time twice is one reminder."""
    now = house_of(request).clock.now()
    return await reminders.set_reminder(caller, task_id, body.at, body.note, now=now)
