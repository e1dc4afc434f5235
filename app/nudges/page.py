"""`/nudges`: what is brought up now, what is held back and why, and what became of earlier ones."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._attention.rules import rules_of
from app._view import nudges as words
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.errors import Conflict, Invalid
from tasks.nudges import decide_nudge, get_attention, list_nudges, mute_nudge

MUTES = {"mute kind": "kind", "mute person": "person", "mute thread": "thread"}
ALLOWED = ("acted", "dismissed", *MUTES)


async def get(request: Request, caller: CurrentCaller) -> Response:
    house = house_of(request)
    told = await list_nudges(caller, states=["told"], limit=100)
    held = await list_nudges(caller, states=["held"], limit=100)
    ended = await list_nudges(caller, states=["acted", "dismissed", "lapsed", "settled", "muted"], limit=50)
    return render(
        request,
        "nudges/page.html",
        told=told.items,
        held=held.items,
        ended=ended.items,
        attention=await get_attention(caller, house.clock.now(), rules_of(house)),
        words=words,
    )


async def post(request: Request, caller: CurrentCaller) -> Response:
    """A button of a nudge, wherever it is shown: useful, not useful, or nothing more like it."""
    form = await form_of(request)
    now = house_of(request).clock.now()
    nudge_id = _id_of(form.get("id", ""))
    back = form.get("back", "") or "/nudges"
    match form.get("action", ""):
        case "acted" | "dismissed" as decision:
            try:
                await decide_nudge(caller, nudge_id, decision, now)
            except Conflict:  # decided meanwhile, in another window or by what became of its task: the page says how
                return back_to("/nudges")
        case ("mute kind" | "mute person" | "mute thread") as button:
            await mute_nudge(caller, nudge_id, MUTES[button], now)  # pyright: ignore[reportArgumentType]
        case other:
            message = f"{other[:40]!r} is none; allowed: {', '.join(ALLOWED)}"
            raise Invalid("There is no such button", errors=[{"field": "action", "message": message}])
    return back_to(back)


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("That is no nudge", errors=[{"field": "id", "message": "it is not an id"}]) from error
