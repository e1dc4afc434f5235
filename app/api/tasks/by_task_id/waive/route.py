"""POST /api/tasks/{task_id}/waive."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.models import Task
from tasks.trees import waive_task


class Waiver(BaseModel):
    """Why the plan goes on without this part."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2000)


@responds(summary="Go on without a failed or cancelled part", response_model=Task, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID, body: Waiver) -> Task:
    return await waive_task(caller, task_id, body.reason)
