"""Making tasks: fields or a plain sentence, one or several at once."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from agents.rules.quick_add import parse_quick_add
from app.api.tasks._shapes import Due, TaskFields, Title, aware
from core.database import Caller
from tasks.functions import create_tasks, task_item
from tasks.models import Task

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class NewTask(TaskFields):
    """A task to make: fields, or a plain sentence in `text`."""

    text: Sentence | None = Field(default=None, examples=["call Ana tomorrow 3pm p1 #home"])
    title: Title | None = None
    parent_task_id: UUID | None = None
    reminder_at: Due | None = Field(default=None, description="When to be reminded of it")

    @model_validator(mode="after")
    def _one_of_text_and_title(self) -> "NewTask":
        if (self.text is None) == (self.title is None):
            raise ValueError("give either title or text")
        aware("reminder_at", self.reminder_at)
        return self


class NewTasks(BaseModel):
    """Several tasks at once, all or none."""

    model_config = ConfigDict(extra="forbid")

    tasks: list[NewTask] = Field(min_length=1, max_length=200)


async def make_tasks(caller: Caller, wanted: NewTask | NewTasks, now: datetime) -> list[Task]:
    """The tasks made, in the order asked for; all or none. `now` is what "tomorrow" counts from."""
    tasks = wanted.tasks if isinstance(wanted, NewTasks) else [wanted]
    return await create_tasks(caller, [_item(task, now) for task in tasks])


def _item(task: NewTask, now: datetime) -> dict[str, Any]:
    fields = task.model_dump(mode="json", exclude={"text"})
    if task.text is None:
        return {**fields, "source": "manual"}
    understood = task_item(parse_quick_add(task.text, now).task, source="manual")
    given = task.model_dump(mode="json", exclude={"text"}, exclude_unset=True)
    return {**understood, **given}
