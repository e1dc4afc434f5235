"""POST /api/tasks/{task_id}/answer."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.models import Task
from tasks.runs import answer_task

LONGEST = 100_000


class Answer(BaseModel):
    """What the task waited for: a text, or an agent's report as an object."""

    model_config = ConfigDict(extra="forbid")

    answer: str | dict[str, Any] = Field(description="Not empty; at most 100,000 characters where it is a text")

    @field_validator("answer", mode="before")
    @classmethod
    def _says_something(cls, value: object) -> object:
        if not isinstance(value, str | dict):
            raise ValueError("allowed is a text, or an object")
        if not (value.strip() if isinstance(value, str) else value):
            raise ValueError("it is empty; write what came in")
        if isinstance(value, str) and len(value) > LONGEST:
            raise ValueError(f"at most {LONGEST:,} characters")
        return value  # pyright: ignore[reportUnknownVariableType]


@responds(summary="Give a task the reply or report it waits for", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID, body: Answer) -> Task:
    return await answer_task(caller, task_id, body.answer)
