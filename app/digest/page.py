"""`/digest`: one page a day: what was held back, what was done without a person, what is due, and what it cost."""

from datetime import date

from fastapi import Request
from starlette.responses import Response

from app._attention.digest import shown_digest
from app._attention.rules import rules_of
from app._view import nudges as words
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.errors import Invalid
from tasks.nudges import get_attention


async def get(request: Request, caller: CurrentCaller, day: str | None = None) -> Response:
    house = house_of(request)
    now = house.clock.now()
    wanted = _day_of(day) if day else None
    return render(
        request,
        "digest/page.html",
        wanted=wanted,
        shown=await shown_digest(caller, wanted, now),
        attention=await get_attention(caller, now, rules_of(house)),
        words=words,
    )


def _day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text[:40]!r} is no day; allowed is a date like 2026-03-04"
        raise Invalid("The day cannot be read", errors=[{"field": "day", "message": message}]) from error
