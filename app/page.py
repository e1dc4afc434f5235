"""`/`: today, and the chat."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.budget import metered
from agents.extractor import extract
from app._attention.today import brought_up
from app._view import nudges as nudge_words
from app._view import words
from app._view.advice import is_owner
from app._view.flagged import answer_put_away, is_new_mail, put_away
from app._view.forms import back_to, form_of
from app._view.people import people_of
from app._view.worker import waits_for_worker
from app.chosen import acting
from app.day._answering import answer_about_day
from app.dependencies import CurrentCaller
from app.review._show import is_for_another, soonest_held
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Invalid
from tasks import capture, functions, review, trees
from tasks.drafts import Approval, Draft
from tasks.functions import TaskFilter
from tasks.models import Task
from tasks.organizations import list_members

OPEN = ["pending", "queued", "in_progress", "paused", "blocked", "failed"]


async def get(request: Request, caller: CurrentCaller, conversation: UUID | None = None) -> Response:
    now = house_of(request).clock.now()
    chat = await capture.get_conversation(caller, conversation) if conversation else None
    brought = await brought_up(house_of(request), caller)
    today = await _today(caller, now)
    for name in ("drafts", "results", "yours", "due", "coming"):  # what was brought up stands there, with its reason
        today[name] = [one for one in today[name] if _task_of(one) not in brought.task_ids]
    told = {_task_of(one) for name in ("held", "drafts", "results") for one in today[name]}
    for name in ("yours", "due", "coming"):  # each task once, where it is most pressing
        today[name] = [one for one in today[name] if one.id not in told]
        told |= {one.id for one in today[name]}
    away = put_away(request)
    today["flagged"] = [one for one in today["flagged"] if one.id not in away and is_new_mail(one, now)]
    no_worker = await _no_worker(request, caller) if today["may_wait"] else None
    return render(
        request,
        "page.html",
        no_worker=no_worker,
        chat=chat,
        words=words,
        nudge_words=nudge_words,
        brought=brought,
        greeted=await _greeted(request, caller),
        **today,
    )


async def _greeted(request: Request, caller: Caller) -> str:
    """The first name of whoever reads; empty where it is not known."""
    people, here = people_of(request), acting(request)
    name = people.names.get(people.reader, "") if people.names and people.reader else ""
    if not people.names and is_owner(request):
        name = house_of(request).settings.owner_name or ""
    if not people.names and not name and here:  # of one person, who signed up with a name perhaps
        name = next((one.name for one in await list_members(caller, here.id) if one.is_you), None) or ""
    return "" if "@" in name else (name.split() or [""])[0]


async def post(request: Request, caller: CurrentCaller) -> Response:
    """Something was said without a script in between."""
    house = house_of(request)
    form = await form_of(request)
    if form.get("put_away"):
        return answer_put_away(request, form["put_away"])
    message = form.get("message", "").strip()
    if not message:
        return back_to("/")
    if len(message) > 100_000:
        raise Invalid("The message is too long", detail="100,000 characters are read at most")
    conversation = UUID(form["conversation_id"]) if form.get("conversation_id") else None
    history = (
        [(m.role, m.content) for m in (await capture.get_conversation(caller, conversation)).messages[-10:]]
        if conversation
        else []
    )
    extraction = await answer_about_day(house, caller, message) or await extract(
        message, now=house.clock.now(), history=history, thinking=metered(house.thinking, caller, house.clock)
    )
    turn = await capture.save_chat_turn(caller, message, extraction, conversation)
    return back_to("/", conversation=turn.conversation_id)


async def _today(caller: Caller, now: datetime) -> dict[str, Any]:
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)

    async def tasks(sort: functions.Sort = "urgency", limit: int = 20, **where: object) -> list[Task]:
        page = await functions.list_tasks(caller, TaskFilter.model_validate(where), sort=sort, limit=limit)
        return review.without_sending(page.items)

    due, coming, blocked, failed, done = await asyncio.gather(
        tasks("due", status=OPEN, due_before=tomorrow, snoozed="false", at=now),
        tasks("due", 8, status=OPEN, due_after=tomorrow, snoozed="false", at=now),
        tasks("updated", status=["blocked"], snoozed="false", at=now),
        tasks("updated", status=["failed"], snoozed="false", at=now),
        tasks("updated", 30, status=["completed"], parent="none"),
    )
    drafts, approvals, held, mail, counts = await asyncio.gather(
        review.list_drafts(caller, states=["draft", "uncertain", "failed"], limit=20),
        review.list_approvals(caller, states=["open"], limit=20),
        review.list_approvals(caller, held=True, limit=20),
        capture.list_mail(caller),
        functions.count_tasks(caller),
    )
    handed = await _handed_to_you(caller)
    results = [one for one in approvals.items if one.draft_id is None and not is_for_another(one)]
    own = [one for one in drafts.items if not is_for_another(one.approval)]
    return {
        "due": due,
        "coming": coming,
        "yours": [*handed, *(task for task in [*failed, *blocked] if _is_yours(task))],
        "done": [task for task in done if _is_of_today(task, now) and words.state(task)[1] == "done"],
        "held": soonest_held(held.items),
        "drafts": own,
        "results": results,
        "flagged": [message for message in mail if message.suspicious],
        "waiting_count": len([d for d in own if d.state == "draft"]) + len(results),
        "may_wait": any(counts.get(state) for state in ("queued", "in_progress", "blocked")),  # or a part of it
        "is_new": not counts,
        "open_count": sum(counts.get(state, 0) for state in OPEN),
    }


def _is_of_today(task: Task, now: datetime) -> bool:
    return task.completed_at is not None and task.completed_at.astimezone(now.tzinfo).date() == now.date()


async def _no_worker(request: Request, caller: Caller) -> str | None:
    queued = await functions.list_tasks(caller, TaskFilter(status=["queued"]), limit=20)
    return await waits_for_worker(request, queued.items)


def _task_of(one: Task | Draft | Approval) -> UUID:
    return one.id if isinstance(one, Task) else one.task_id


async def _handed_to_you(caller: Caller) -> list[Task]:
    """Parts of agents' tasks that are a person's, and that nothing holds."""
    where = TaskFilter(status=["pending"], execution_type="manual", source="agent")
    found = (await functions.list_tasks(caller, where, sort="updated", limit=20)).items
    links = await asyncio.gather(*(trees.list_dependencies(caller, task.id) for task in found))
    return [
        task
        for task, link in zip(found, links, strict=True)
        if task.tool is None
        and task.source_ref.get("agent_id")
        and all(need.execution_status == "completed" for need in link.depends_on)
    ]


def _is_yours(task: Task) -> bool:
    """Does this failed or blocked task need the person, and not time, an agent, or what is listed by itself?"""
    if task.execution_status == "failed":
        return task.superseded_at is None and task.waived_at is None
    if task.blocked_on == "agent":
        return task.reminded_at is not None  # a person was told that nobody does it
    return task.blocked_on not in {"review", "approval", "subtasks", "delay", "reply"}
