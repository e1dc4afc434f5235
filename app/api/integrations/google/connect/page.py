"""GET /api/integrations/google/connect?permission=mail_read: on to Google, to allow exactly that."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from app._view.forms import back_to
from app.api.integrations.google._sign_in import Asked, SignInFailed, begin
from app.dependencies import CurrentCaller


async def get(
    request: Request,
    caller: CurrentCaller,
    permission: Annotated[list[str] | None, Query(max_length=10)] = None,
    address: Annotated[str, Query(max_length=320)] = "",
) -> Response:
    try:
        target = await begin(request, caller, Asked(permission or (), address.strip().casefold()))
    except SignInFailed as error:
        return back_to("/settings", problem=error.code)
    return RedirectResponse(target, status_code=303)
