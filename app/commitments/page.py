"""`/commitments`: what the person promised, and what was promised to them; kept, dropped or moved by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.rules.dates import END_OF_DAY, local
from app._view.forms import back_to, form_of
from app._view.people import people_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Invalid
from tasks import commitments
from tasks.commitments import Commitment, CommitmentFilter

HERE = "/commitments"
MOST, MOST_CLOSED = 200, 20
YEARS = range(1970, 2201)


@dataclass(frozen=True)
class Side:
    """One part of the page."""

    name: str
    title: str
    nothing: str
    open: list[Commitment]


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    now: datetime = house_of(request).clock.now()
    try:
        promise = await commitments.get_commitment(caller, _id_of(form.get("id", "")))
        await _press(caller, promise, form, now)
    except (Conflict, Invalid) as error:
        return await _show(request, caller, problem=error.message, status_code=error.status)
    return back_to(f"{HERE}#promise-{promise.id}")


async def _press(caller: Caller, promise: Commitment, form: Mapping[str, str], now: datetime) -> None:
    match form.get("button", ""):
        case "kept":
            await commitments.close_commitment(caller, promise.id, "kept", "You said so", now)
        case "dropped":
            await commitments.close_commitment(caller, promise.id, "dropped", "You dropped it", now)
        case "open":
            await commitments.reopen_commitment(caller, promise.id, now)
        case "move":
            due = _day(form.get("due", ""), now)
            await commitments.move_commitment(caller, promise.id, due)
        case other:
            raise Invalid("There is no such button", errors=[{"field": "button", "message": f"{other[:40]!r} is none"}])


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("There is no such promise", errors=[{"field": "id", "message": "not an id"}]) from error


def _day(text: str, now: datetime) -> datetime | None:
    """The end of the day that was typed; None where none was. Raises Invalid."""
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("There is no such day", errors=[{"field": "due", "message": "a date like 2026-03-04"}]) from error
    if day.year not in YEARS:
        raise Invalid(f"The year {day.year} is on no calendar", detail=f"allowed: {YEARS[0]} to {YEARS[-1]}")
    return local(day, END_OF_DAY, now)


async def _show(request: Request, caller: Caller, *, problem: str = "", status_code: int = 200) -> Response:
    page = await commitments.list_commitments(caller, CommitmentFilter(state="open"), limit=MOST)
    mine = [one for one in page.items if one.is_mine]
    noted = [one for one in page.items if not one.is_mine and one.source_kind == "notes"]
    theirs = [one for one in page.items if not one.is_mine and one.source_kind != "notes"]
    is_shared = bool(people_of(request).names)
    sides = [
        Side("mine", "Promised to others" if is_shared else "You promised", "Nothing that you promised is open.", mine),
        Side(
            "theirs",
            "Promised by others" if is_shared else "Promised to you",
            "Nothing that was promised to you is open.",
            theirs,
        ),
    ]
    if noted:
        sides.append(Side("noted", "Others, by the notes of meetings", "", noted))
    closed = await commitments.list_commitments(caller, CommitmentFilter(is_closed=True), limit=MOST_CLOSED)
    return render(
        request,
        "commitments/page.html",
        sides=sides,
        has_more=page.after is not None,
        closed=closed.items,
        problem=problem,
        status_code=status_code,
    )
