"""`/review/interrupts/{approval_id}`: what an outside agent asks, and a person's answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.review._interrupt import ShownInterrupt, read_args, shown_interrupt
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound
from tasks import functions, review
from tasks.interrupts import AnswerType, answer_interrupt, storable

ANSWERS: Mapping[str, AnswerType] = {"accept": "accept", "edit": "edit", "response": "response", "ignore": "ignore"}


async def get(request: Request, caller: CurrentCaller, approval_id: UUID) -> Response:
    return await _page(request, await _asked(caller, approval_id))


async def post(request: Request, caller: CurrentCaller, approval_id: UUID) -> Response:
    form = await form_of(request)
    found = await _asked(caller, approval_id)
    answer = ANSWERS.get(form.get("type", ""))
    if answer is None:
        allowed = ", ".join(found.answers)
        raise Invalid(
            "There is no such answer",
            errors=[{"field": "type", "message": f"{form.get('type', '')[:40]!r} is none; allowed: {allowed}"}],
        )
    typed = replace(found, typed=form)
    args, errors = _args(found, answer, form)
    if errors:
        return await _page(
            request, replace(typed, errors=errors), form, "Nothing was sent: look at what is marked.", 422
        )
    try:
        await answer_interrupt(caller, approval_id, form.get("digest", ""), answer, args)
    except (Conflict, Invalid) as error:
        said = ". ".join(part for part in (error.message, error.detail) if part)
        fresh = await _asked(caller, approval_id)
        return await _page(request, replace(fresh, typed=form), form, f"Nothing was sent: {said}", error.status)
    return back_to(form.get("back") or "/review")


def _args(found: ShownInterrupt, answer: AnswerType, form: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
    """The args of an answer, and by field what is wrong."""
    request = found.interrupt.action_request
    if answer == "edit":
        args, errors = read_args(request.args, form)
        for name, value in args.items():
            try:
                storable(value)
            except ValueError as error:
                place = "all" if found.fields[0].name == "all" else str(list(request.args).index(name))
                errors.setdefault(place, str(error))
        return {"action": request.action, "args": args}, errors
    if answer == "response":
        said = form.get("said", "").replace("\r\n", "\n").strip()
        return said, {} if said else {"said": "it is empty"}
    return None, {}


async def _asked(caller: Caller, approval_id: UUID) -> ShownInterrupt:
    asked = await review.get_approval(caller, approval_id)
    found = shown_interrupt(asked, await functions.get_task(caller, asked.task_id))
    if found is None:
        raise NotFound("There is no such question of an agent", detail=f"approval {approval_id}")
    return replace(found, is_whole=True)


async def _page(
    request: Request,
    found: ShownInterrupt,
    form: Mapping[str, str] | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    form = form or {}
    return await asyncio.to_thread(
        render,
        request,
        "review/interrupts/by_approval_id/page.html",
        status_code=status_code,
        asked=found.approval,
        task=found.task,
        shown=found,
        opened=form.get("type", ""),
        said=form.get("said", ""),
        wrong=(found.errors or {}).get("said", ""),
        back=form.get("back") or "/review",
        problem=problem,
        words=words,
    )
