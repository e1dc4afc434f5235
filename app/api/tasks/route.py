"""GET and POST /api/tasks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.api._answers import Listing, listing
from app.api.tasks._new import NewTask, NewTasks, make_tasks
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.functions import Sort, TaskFilter, list_task_rows
from tasks.models import ExecutionStatus, ExecutionType, Priority, Source, Task


class CreatedTasks(BaseModel):
    """The tasks made, in the order asked for."""

    tasks: list[Task]


@responds(summary="Tasks, filtered and sorted, a page at a time", response_model=Listing[Task])
async def get(
    request: Request,
    caller: CurrentCaller,
    status: Annotated[list[ExecutionStatus] | None, Query(max_length=8)] = None,
    execution_type: ExecutionType | None = None,
    source: Source | None = None,
    priority: Priority | None = None,
    label: Annotated[str | None, Query(max_length=100)] = None,
    due_before: datetime | None = None,
    due_after: datetime | None = None,
    parent: Annotated[
        UUID | Literal["none"] | None, Query(description="A task's id, or none for top-level tasks")
    ] = None,
    q: Annotated[str | None, Query(max_length=500, description="Words to look for")] = None,
    archived: bool = False,
    sort: Sort = "urgency",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    snoozed: Annotated[
        bool | None, Query(description="Only what is snoozed, or only what is not; absent: with words or a parent both")
    ] = None,
) -> Response:
    where = TaskFilter.model_validate(
        {
            "status": status,
            "execution_type": execution_type,
            "source": source,
            "priority": priority,
            "label": label,
            "due_before": due_before,
            "due_after": due_after,
            "parent": parent,
            "text": q or None,
            "archived": "true" if archived else None,
            "snoozed": "true" if snoozed else None if snoozed is None and (q or isinstance(parent, UUID)) else "false",
            "at": house_of(request).clock.now(),
        }
    )
    after = decode_cursor(cursor) if cursor else None
    page = await list_task_rows(caller, where, sort, after, limit)
    return listing(page["items"], page["after"])


@responds(
    summary="Make one task or several",
    status_code=201,
    response_model=Task | CreatedTasks,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, body: NewTask | NewTasks) -> Task | CreatedTasks:
    made = await make_tasks(caller, body, house_of(request).clock.now())
    return CreatedTasks(tasks=made) if isinstance(body, NewTasks) else made[0]
