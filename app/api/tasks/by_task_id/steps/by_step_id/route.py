"""POST /api/tasks/{task_id}/steps/{step_id}."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import NotFound
from tasks.steps import Step, list_steps, resolve_step


class Resolution(BaseModel):
    """What a person found out about a step of which nobody knew whether it took effect."""

    model_config = ConfigDict(extra="forbid")

    happened: bool


@responds(summary="Say whether an uncertain step took effect", response_model=Step, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID, step_id: UUID, body: Resolution) -> Step:
    if step_id not in {step.id for step in await list_steps(caller, task_id)}:
        raise NotFound("There is no such step", detail=f"step {step_id} of task {task_id}")
    return await resolve_step(caller, step_id, happened=body.happened)
