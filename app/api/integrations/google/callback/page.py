"""GET /api/integrations/google/callback: back from Google, with a code or a refusal."""

from typing import Annotated

import structlog
from fastapi import Query, Request
from starlette.responses import Response

from app._view.forms import back_to
from app.api.integrations.google._sign_in import SignInFailed, finish
from app.dependencies import current_caller
from core.errors import StewardError, Unauthorized
from core.outside.errors import Refused, Temporary
from core.vault import CannotOpen

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
    except Temporary as failed:
        await log.awarning("google_sign_in_failed", error=failed.message)
        return back_to("/settings", problem="out_of_reach")
    except (Refused, CannotOpen) as failed:
        await log.awarning("google_sign_in_failed", error=failed.message)
        is_client = "client ID" in failed.message
        return back_to("/settings", problem="wrong_client" if is_client else "refused")
    except StewardError as failed:
        await log.aerror("google_sign_in_failed", error=failed.message)
        return back_to("/settings", problem="refused")
    return back_to("/settings", connected=account.address)
