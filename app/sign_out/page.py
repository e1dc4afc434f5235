"""`/sign-out`: the session of this browser ends, or every session of the person."""

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import current_caller, person_session
from app.sign_in.places import SIGN_IN
from app.sign_out._ending import end_session
from core.errors import Unavailable


async def post(request: Request) -> Response:
    try:
        await current_caller(request)
    except (
        Unavailable
    ):  # Auth is out of reach, after the form's token was looked at: a browser forgets a session all the same
        if person_session(request) is None:
            raise
    form = await form_of(request)
    await end_session(request, everywhere=form.get("everywhere") == "yes")
    return back_to(SIGN_IN if request.app.state.auth else "/")
