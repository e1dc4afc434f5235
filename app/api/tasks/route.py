"""GET and POST /api/tasks."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.responses import Response

from agents.rules.quick_add import parse_quick_add
from app.api._answers import Listing, listing
from app.api.tasks._shapes import TaskFields, Title
from app.cursors import decode_cursor
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.functions import Sort, TaskFilter, create_tasks, task_item
from tasks.models import ExecutionStatus, ExecutionType, Priority, Source, Task

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class NewTask(TaskFields):
    """A task to make: fields, or a plain sentence in `text`."""

    text: Sentence | None = Field(default=None, examples=["call Ana tomorrow 3pm p1 #home"])
    title: Title | None = None
    parent_task_id: UUID | None = None

    @model_validator(mode="after")
    def _one_of_text_and_title(self) -> "NewTask":
        if (self.text is None) == (self.title is None):
            raise ValueError("give either title or text")
        return self


class NewTasks(BaseModel):
    """Several tasks at once, all or none."""

    model_config = ConfigDict(extra="forbid")

    tasks: list[NewTask] = Field(min_length=1, max_length=200)


class CreatedTasks(BaseModel):
    """The tasks made, in the order asked for."""

    tasks: list[Task]


@responds(summary="Tasks, filtered and sorted, a page at a time", response_model=Listing[Task])
async def get(
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
        }
    )
    after = decode_cursor(cursor) if cursor else None
    page = await caller.call("list_tasks", filter=where.as_json(), sort=sort, after=after, page_size=limit)
    return listing(page["items"], page["after"])


@responds(
    summary="Make one task or several",
    status_code=201,
    response_model=Task | CreatedTasks,
    problems=(404, 409),
)
async def post(request: Request, caller: CurrentCaller, body: NewTask | NewTasks) -> Task | CreatedTasks:
    now = request.app.state.house.clock.now()
    if isinstance(body, NewTasks):
        return CreatedTasks(tasks=await create_tasks(caller, [_item(task, now) for task in body.tasks]))
    return (await create_tasks(caller, [_item(body, now)]))[0]


def _item(task: NewTask, now: datetime) -> dict[str, Any]:
    fields = task.model_dump(mode="json", exclude={"text"})
    if task.text is None:
        return {**fields, "source": "manual"}
    understood = task_item(parse_quick_add(task.text, now).task, source="manual")
    given = task.model_dump(mode="json", exclude={"text"}, exclude_unset=True)
    return {**understood, **given}
