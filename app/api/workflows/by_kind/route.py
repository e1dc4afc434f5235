"""GET, PATCH and DELETE /api/workflows/{kind}: what the organization words itself for a kind of task."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.api.workflows._shapes import (
    ChangedWorkflow,
    ShownWorkflow,
    checked_changes,
    known_kind,
    shown,
    shown_workflow,
)
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.workflows import reset_workflow, save_workflow


@responds(summary="One kind of task", response_model=ShownWorkflow, problems=(404,))
async def get(caller: CurrentCaller, kind: str) -> ShownWorkflow:
    return await shown_workflow(caller, kind)


@responds(
    summary="Word what every run of a kind is told, or switch it off",
    response_model=ShownWorkflow,
    problems=(403, 404, 409),
)
async def patch(caller: CurrentCaller, kind: str, body: ChangedWorkflow) -> ShownWorkflow:
    """An owner or admin of the organization does, themselves. With a `version`, only where that still stands there."""
    known_kind(kind)
    changes = checked_changes(body.instructions, body.is_active)
    return shown(kind, await save_workflow(caller, kind, changes, version=body.version))


@responds(summary="Go back to what is built in for a kind", status_code=204, problems=(403, 404, 409))
async def delete(
    caller: CurrentCaller, kind: str, version: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    known_kind(kind)
    await reset_workflow(caller, kind, version=version)
    return Response(status_code=204)
