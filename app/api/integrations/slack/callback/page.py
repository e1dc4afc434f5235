"""GET /api/integrations/slack/callback: back from Slack, with a code or a refusal."""

from typing import Annotated

import structlog
from fastapi import Query, Request
from starlette.responses import Response

from app._view.forms import back_to
from app.api.integrations.google._sign_in import SignInFailed
from app.api.integrations.slack._install import finish
from app.dependencies import current_caller
from core.errors import Conflict, StewardError, Unauthorized
from core.outside.errors import Temporary

log = structlog.get_logger()
Text = Annotated[str, Query(max_length=4000)]


async def get(request: Request, state: Text = "", code: Text = "", error: Text = "") -> Response:
    try:
        caller = await current_caller(request)
        account = await finish(request, caller, state, code, error)
    except Unauthorized:
        return back_to("/settings")  # it says how to sign in here
    except SignInFailed as failed:
        return back_to("/settings", problem=failed.code)
    except StewardError as failed:
        await log.awarning("slack_not_installed", error=failed.message)
        is_taken, is_away = isinstance(failed, Conflict), isinstance(failed, Temporary)
        return back_to(
            "/settings", problem="slack_taken" if is_taken else "slack_out_of_reach" if is_away else "slack_refused"
        )
    return back_to("/settings", connected=account.address)
