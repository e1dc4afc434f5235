"""GET, POST and DELETE /api/tasks/{task_id}/dependencies."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.trees import Dependencies, add_dependency, list_dependencies, remove_dependency


class NewDependency(BaseModel):
    """The task to wait for; it lies in the same tree."""

    model_config = ConfigDict(extra="forbid")

    depends_on_task_id: UUID


@responds(summary="What the task waits for, and what waits for it", response_model=Dependencies, problems=(404,))
async def get(caller: CurrentCaller, task_id: UUID) -> Dependencies:
    return await list_dependencies(caller, task_id)


@responds(summary="Have the task wait for another of its tree", response_model=Dependencies, problems=(404, 409))
async def post(caller: CurrentCaller, task_id: UUID, body: NewDependency) -> Dependencies:
    """A cycle, or a task outside the tree, is refused (422); the cycle is named in `detail`."""
    return await add_dependency(caller, task_id, body.depends_on_task_id)


@responds(summary="Have the task wait for another no longer", response_model=Dependencies, problems=(404, 409))
async def delete(
    caller: CurrentCaller, task_id: UUID, depends_on_task_id: Annotated[UUID, Query(description="What it waits for")]
) -> Dependencies:
    return await remove_dependency(caller, task_id, depends_on_task_id)
