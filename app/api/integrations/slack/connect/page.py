"""GET /api/integrations/slack/connect: on to Slack, to install the app into a workspace."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app._view.forms import back_to
from app.api.integrations.google._sign_in import SignInFailed
from app.api.integrations.slack._install import begin
from app.dependencies import CurrentCaller


async def get(request: Request, caller: CurrentCaller) -> Response:
    try:
        target = await begin(request, caller)
    except SignInFailed as error:
        return back_to("/settings", problem=error.code)
    return RedirectResponse(target, status_code=303)
