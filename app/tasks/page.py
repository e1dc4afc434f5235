"""`/tasks`: the list, with filters, search and actions on many."""

from functools import partial
from typing import get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to, form_of, ids_of
from app.cursors import decode_cursor, encode_cursor
from app.dependencies import CurrentCaller
from app.repeats import go_on
from app.seen import house_of
from app.templating import render
from core.errors import Invalid
from tasks import functions, review
from tasks.functions import BulkAction, Sort, TaskFilter
from tasks.models import ExecutionType, Priority, Source
from tasks.snoozing import count_snoozed_tasks

GROUPS: dict[str, tuple[str, list[str]]] = {
    "open": ("Open", ["pending", "queued", "in_progress", "paused", "blocked", "failed"]),
    "waiting": ("Waiting", ["blocked", "failed", "paused"]),
    "running": ("Running", ["queued", "in_progress"]),
    "done": ("Done", ["completed"]),
    "snoozed": ("Snoozed", ["pending", "paused", "blocked", "failed"]),
    "all": ("All", []),
}


async def get(request: Request, caller: CurrentCaller) -> Response:
    asked = {name: value for name, value in request.query_params.items() if value}
    group = asked.get("group", "open")
    sort = asked.get("sort", "urgency")
    if group not in GROUPS or sort not in get_args(Sort):
        raise Invalid("There is no such list", detail=f"group {group!r}, sort {sort!r}")
    now = house_of(request).clock.now()
    where = TaskFilter.model_validate(
        {
            "status": GROUPS[group][1] or None,
            "execution_type": _one_of(asked, "execution_type", ExecutionType),
            "source": _one_of(asked, "source", Source),
            "priority": _one_of(asked, "priority", Priority),
            "label": asked.get("label", "")[:100] or None,
            "text": asked.get("q", "")[:500] or None,
            "parent": None if asked.get("q") or asked.get("label") else "none",
            "snoozed": "true"
            if group == "snoozed"
            else "false"
            if group in {"open", "waiting"} and "q" not in asked
            else None,
            "at": now,
        }
    )
    after = decode_cursor(asked["cursor"]) if "cursor" in asked else None
    page = await functions.list_tasks(caller, where, sort=sort, after=after, limit=50)  # pyright: ignore[reportArgumentType]
    counts = await functions.count_tasks(caller)
    snoozed = await count_snoozed_tasks(caller, now)
    kept = {name: value for name, value in asked.items() if name not in {"cursor"}}
    return render(
        request,
        "tasks/page.html",
        tasks=review.without_sending(page.items),
        more=f"/tasks?{urlencode({**kept, 'cursor': encode_cursor(page.after)})}" if page.after else None,
        groups={
            name: (title, _count(name, states, counts, snoozed))
            for name, (title, states) in GROUPS.items()
            if name != "snoozed" or snoozed or group == "snoozed"
        },
        group=group,
        sort=sort,
        asked=asked,
        here=f"/tasks?{urlencode(kept)}" if kept else "/tasks",
        is_filtered=bool(asked.keys() - {"group", "sort", "cursor"}),
        words=words,
        kinds={"execution_type": get_args(ExecutionType), "priority": get_args(Priority), "source": get_args(Source)},
        group_link=partial(_group_link, kept),
    )


def _count(name: str, states: list[str], counts: dict[str, int], snoozed: int) -> int:
    if name == "snoozed":
        return snoozed
    found = sum(counts.get(state, 0) for state in states or counts)
    return found - snoozed if name == "open" else found


def _group_link(kept: dict[str, str], name: str) -> str:
    return "/tasks?" + urlencode({**kept, "group": name})


def _one_of(asked: dict[str, str], name: str, allowed: object) -> str | None:
    value = asked.get(name)
    if value is not None and value not in get_args(allowed):
        raise Invalid(
            "There is no such filter", errors=[{"field": name, "message": f"allowed: {', '.join(get_args(allowed))}"}]
        )
    return value


async def post(request: Request, caller: CurrentCaller) -> Response:
    """One action on the ticked rows."""
    form = await form_of(request)
    ids: list[UUID] = await ids_of(request)
    action, _, value = form.get("action", "").partition(":")
    if ids and action in get_args(BulkAction):
        value = value or form.get("value", "").strip().lstrip("#")
        if action != "label" or value:
            await functions.bulk_update_tasks(caller, ids, action, value or None)  # pyright: ignore[reportArgumentType]
            if action in {"complete", "cancel"}:
                await go_on(request, ids)
    return back_to(form.get("back", "/tasks"))
