"""`/tasks/{task_id}/browser`: what was done on web pages, picture by picture; take the page over and hand it back."""

import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.tasks.by_task_id.browser._show import KEYS, show
from core.database import Caller
from core.errors import Conflict, Invalid
from core.vault import Vault
from tasks import accounts, browser, functions

Form = Mapping[str, str]
Act = Callable[[Request, Caller, UUID, Form], Awaitable[object]]
MOST_CHARACTERS = 5_000


async def get(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    return await show(request, caller, task_id)


async def post(request: Request, caller: CurrentCaller, task_id: UUID) -> Response:
    form = await form_of(request)
    action = "click" if "at.x" in form else form.get("action", "")
    act = _ACTS.get(action)
    if act is None:
        raise Invalid("There is no such button", errors=[{"field": "action", "message": f"{action[:40]!r} is none"}])
    try:
        await act(request, caller, task_id, form)
    except (Conflict, Invalid) as error:
        words = ". ".join(part for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, task_id, problem=words, status_code=error.status)
    return back_to(f"/tasks/{task_id}/browser")


async def _take(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    await browser.take_over_browser(caller, task_id)


async def _hand_back(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    await browser.hand_back_browser(caller, task_id, form.get("note", "").strip()[:2000] or "It is done")


async def _click(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    try:
        x, y = int(form["at.x"]), int(form["at.y"])
    except (KeyError, ValueError) as error:
        raise Invalid("A click needs a place", errors=[{"field": "at.x", "message": "not a number"}]) from error
    await _move(request, caller, task_id, {"do": "click", "x": min(max(x, 0), 5000), "y": min(max(y, 0), 5000)})


async def _type(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    text = form.get("text", "")
    if not text or len(text) > MOST_CHARACTERS:
        raise Invalid(f"Type between 1 and {MOST_CHARACTERS} characters")
    await _move(request, caller, task_id, {"do": "type", "text": text})


async def _press(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    key = form.get("key", "")
    if key not in KEYS:
        raise Invalid(f"{key[:20]!r} is no key here", detail=f"there are: {', '.join(KEYS)}")
    await _move(request, caller, task_id, {"do": "press", "key": key})


async def _navigate(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    url = form.get("url", "").strip()[:4000]
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise Invalid("The address is none", detail="It begins with http:// or https://")
    await _move(request, caller, task_id, {"do": "navigate", "url": url})


async def _back(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    await _move(request, caller, task_id, {"do": "back"})


async def _look(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    await _move(request, caller, task_id, {"do": "look"})


async def _move(request: Request, caller: Caller, task_id: UUID, command: dict[str, object]) -> None:
    """Hand a move on to the worker, sealed: it may be a password."""
    task = await functions.get_task(caller, task_id)
    vault = Vault.from_settings(house_of(request).settings)
    sealed = vault.seal({"text": json.dumps(command)}, task.organization_id, task.id)
    await browser.add_browser_command(caller, task_id, sealed)


async def _store(request: Request, caller: Caller, task_id: UUID, form: Form) -> None:
    """Keep a sign-in for a site: the browser types it there, and only there."""
    site, user, password = (form.get(name, "").strip() for name in ("site", "user", "password"))
    if not site or not password or "/" in site or any(letter.isspace() for letter in site):
        raise Invalid("A sign-in has a site and a password", detail="The site is a host like shop.example")
    vault = Vault.from_settings(house_of(request).settings)
    await accounts.connect_account(caller, vault, "site", site.casefold(), {"user": user, "password": password})


_ACTS: dict[str, Act] = {
    "take": _take,
    "hand_back": _hand_back,
    "click": _click,
    "type": _type,
    "press": _press,
    "navigate": _navigate,
    "back": _back,
    "look": _look,
    "store": _store,
}
