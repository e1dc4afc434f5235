"""The pages that a task has worked, as they are shown after a click or by themselves."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app.templating import render
from core.database import Caller
from core.errors import NotFound
from tasks import browser, functions
from tasks.events import TaskEvent, list_task_events

MOST_EVENTS = 2000
PAGE_OF_EVENTS = 1000
KEYS = {
    "Enter": "Enter",
    "Tab": "Tab",
    "Backspace": "Backspace",
    "Escape": "Escape",
    "PageDown": "Page down",
    "PageUp": "Page up",
}


@dataclass(frozen=True)
class PageStep:
    """One move, as a person replays it. `picture` is the id of its screenshot."""

    at: datetime
    words: str
    url: str = ""
    title: str = ""
    why: str = ""
    error: str = ""
    picture: str = ""
    refused: list[str] = field(default_factory=list[str])


async def show(
    request: Request, caller: Caller, task_id: UUID, problem: str | None = None, status_code: int = 200
) -> Response:
    """The page; `problem` says why the last click did nothing."""
    task, place, steps = await asyncio.gather(
        functions.get_task(caller, task_id), browser.get_browser(caller, task_id), _steps(caller, task_id)
    )
    if place is None and task.tool != "browser":
        raise NotFound("This task has worked no pages")
    is_held = place is not None and place.held_by == "person"
    may_take = place is not None and not is_held and task.blocked_on in {"person", "bounds"}
    return render(
        request,
        "tasks/by_task_id/browser/page.html",
        status_code=status_code,
        task=task,
        place=place,
        steps=steps,
        picture=next((step.picture for step in reversed(steps) if step.picture), ""),
        is_held=is_held,
        may_take=may_take,
        keys=KEYS,
        problem=problem,
    )


async def _steps(caller: Caller, task_id: UUID) -> list[PageStep]:
    found: list[TaskEvent] = []
    after = 0
    while len(found) < MOST_EVENTS:
        events = await list_task_events(caller, task_id, after, PAGE_OF_EVENTS)
        found += [event for event in events if event.kind == "browser" and event.task_id == task_id]
        if len(events) < PAGE_OF_EVENTS:
            break
        after = events[-1].id
    return [_step(event) for event in found]


def _step(event: TaskEvent) -> PageStep:
    data: dict[str, Any] = event.data
    return PageStep(
        at=event.created_at,
        words=event.message,
        url=str(data.get("url") or ""),
        title=str(data.get("title") or ""),
        why=str(data.get("why") or ""),
        error=str(data.get("error") or ""),
        picture=str(data.get("artifact_id") or ""),
        refused=cast("list[str]", data.get("refused") or []),
    )
