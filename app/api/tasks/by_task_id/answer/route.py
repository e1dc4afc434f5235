"""POST /api/tasks/{task_id}/answer."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import answer_task
from tasks.models import Task


class Answer(BaseModel):
    """What the task waited for: a text, or an agent's report as an object."""

    model_config = ConfigDict(extra="forbid")

    answer: str | dict[str, Any] = Field(description="At most 100,000 characters where it is a text")


@responds(summary="Give a task the reply or report it waits for", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID, body: Answer) -> Task:
    return await answer_task(caller, task_id, body.answer)
