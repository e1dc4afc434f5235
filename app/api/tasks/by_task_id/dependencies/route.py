"""GET, POST and DELETE /api/tasks/{task_id}/dependencies."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from app._view.links import hanging_on
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import get_task
from tasks.trees import Dependencies, add_dependency, list_dependencies, remove_dependency


class NewDependency(BaseModel):
    """The task to wait for; it lies in the same tree."""

    model_config = ConfigDict(extra="forbid")

    depends_on_task_id: UUID


class Links(Dependencies):
    """What a task waits for, and what waits for it."""

    hint: str | None = Field(default=None, description="What would help where it waits for something cancelled")


@responds(summary="What the task waits for, and what waits for it", response_model=Links, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> Links:
    found = await list_dependencies(caller, task_id)
    cancelled = await hanging_on(caller, await get_task(caller, task_id), found)
    hints = [
        f"{one.title} was cancelled: POST /api/tasks/{one.id}/waive goes on without it, or take the edge away (DELETE)"
        for one in cancelled
    ]
    return Links(**dict(found), hint="; ".join(hints) or None)


@responds(summary="Have the task wait for another of its tree", response_model=Dependencies, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID, body: NewDependency) -> Dependencies:
    """A cycle, or a task outside the tree, is refused (422); the cycle is named in `detail`."""
    return await add_dependency(caller, task_id, body.depends_on_task_id)


@responds(summary="Have the task wait for another no longer", response_model=Dependencies, problems=(404, 409))
async def delete(
    caller: CurrentCaller, task_id: UUID, depends_on_task_id: Annotated[UUID, Query(description="What it waits for")]
) -> Dependencies:
    return await remove_dependency(caller, task_id, depends_on_task_id)
