"""`/settings`: the connected accounts of the person, what each may do, and the ways to connect and disconnect."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from app._slack.door import new_code
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.settings._disconnect import disconnect
from app.settings._mailbox import MailboxForm, connect_typed
from app.settings._show import show
from core.errors import Invalid
from jobs.outside.google import GOOGLE
from tasks import accounts

Code = Annotated[str, Query(max_length=320)]


async def get(request: Request, caller: CurrentCaller, problem: Code = "", connected: Code = "") -> Response:
    return await show(request, caller, problem=problem, connected=connected)


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    match form.get("action"):
        case "disconnect":
            gone, is_told = await disconnect(house_of(request), caller, _id_of(form.get("account_id", "")))
            return back_to("/settings", not_ended=None if is_told else gone.provider)
        case "read":
            await accounts.request_reading(caller, GOOGLE, form.get("address") or None)
            return back_to("/settings")
        case "connect_mailbox":
            done = await connect_typed(house_of(request), caller, form)
            if isinstance(done, MailboxForm):
                return await show(request, caller, mailbox=done, status_code=422)
            return back_to("/settings", connected=done.address)
        case "slack_code":
            return await show(request, caller, slack_code=await new_code(caller))
        case other:
            raise Invalid(
                "There is no such button", errors=[{"field": "action", "message": f"{str(other)[:40]!r} is none"}]
            )


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("That is no account", errors=[{"field": "account_id", "message": "it is not an id"}]) from error
