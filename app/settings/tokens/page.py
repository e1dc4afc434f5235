"""`/settings/tokens`: what programs sign in with. A new token stands on the page that answers the form, and nowhere after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.templating import render
from core.database import Caller, Identity
from core.errors import Invalid
from tasks.tokens import (
    DEFAULT_DAYS,
    DEFAULT_SCOPES,
    SCOPE_WORDS,
    SCOPES,
    NewToken,
    create_token,
    list_tokens,
    revoke_token,
)

LIFETIMES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}


@dataclass(frozen=True)
class _Form:
    """What was typed; `errors` is {field: what is wrong}."""

    name: str = ""
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    days: str = str(DEFAULT_DAYS)
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller, _Form())


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    match form.get("action"):
        case "create":
            return await _create(request, caller, form)
        case "revoke":
            await revoke_token(caller, _id_of(form.get("token_id", "")))
            return back_to("/settings/tokens")
        case other:
            raise Invalid(
                "There is no such button", errors=[{"field": "action", "message": f"{str(other)[:40]!r} is none"}]
            )


async def _create(request: Request, caller: Caller, form: Mapping[str, str]) -> Response:
    scopes = tuple(scope for scope in SCOPES if form.get(f"scope {scope}"))
    typed = _Form(form.get("name", "").strip()[:200], scopes, form.get("days", ""))
    try:
        if typed.days not in LIFETIMES:
            raise Invalid(
                "days", errors=[{"field": "days", "message": f"choose one of {', '.join(LIFETIMES.values())}"}]
            )
        made = await create_token(caller, typed.name, typed.scopes, float(typed.days))
    except Invalid as error:
        wrong = {one["field"]: one["message"] for one in error.errors}
        if not wrong:
            raise
        return await _show(request, caller, _Form(typed.name, typed.scopes, typed.days, wrong), status_code=422)
    return await _show(request, caller, _Form(), made=made, status_code=201)


async def _show(
    request: Request, caller: Caller, form: _Form, *, made: NewToken | None = None, status_code: int = 200
) -> Response:
    known = await list_tokens(caller)
    return render(
        request,
        "settings/tokens/page.html",
        status_code=status_code,
        form=form,
        made=made,
        live=[token for token in known if token.state == "live"],
        gone=[token for token in known if token.state != "live"],
        scope_words=SCOPE_WORDS,
        lifetimes=LIFETIMES,
        is_unread=not _is_read_here(caller),
    )


def _is_read_here(caller: Caller) -> bool:
    """Can this web tier act for a program that comes with a token?"""
    return caller.database.can_speak_for(Identity(caller.identity.user_id, scopes=()))


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("That is no token", errors=[{"field": "token_id", "message": "it is not an id"}]) from error
