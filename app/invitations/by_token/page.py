"""`/invitations/{token}`: what the person is invited to, and the button that joins."""

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to
from app.confirming import refuse_unconfirmed
from app.dependencies import CurrentCaller
from app.templating import render
from tasks.organizations import accept_invitation, get_invitation


async def get(request: Request, caller: CurrentCaller, token: str) -> Response:
    """Nothing is accepted by looking: whatever previews links in mail looks, too."""
    invitation = await get_invitation(caller, token)
    return render(request, "invitations/by_token/page.html", invitation=invitation, role_words=words.ROLES, token=token)


async def post(request: Request, caller: CurrentCaller, token: str) -> Response:
    await refuse_unconfirmed(request)
    await accept_invitation(caller, token)
    return back_to("/")
