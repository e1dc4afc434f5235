"""`/sign-in/google`: on to Google, by way of the project's Auth.

A link and no form: browsers hold a form to its own site through all redirects (`form-action`).
"""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.sign_in._flow import auth_of, back_url, go_on_later, keep, take_attempt
from core.errors import Forbidden


async def get(request: Request, next: str = "/") -> Response:
    auth = auth_of(request)
    take_attempt(request, "sign-in google", "")
    if not (await auth.features()).google:
        raise Forbidden("The Supabase project does not sign people in with Google", hint="Go back to /sign-in.")
    url, verifier = await auth.google_url(back_url(request))
    answer = RedirectResponse(url, status_code=303)
    keep(answer, request, go_on_later(request, verifier, "google", next))
    return answer
