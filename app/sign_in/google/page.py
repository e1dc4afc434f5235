"""`/sign-in/google`: on to Google, by way of the project's Auth.

A button that only our own page has: what it begins takes the place of a mailed link that this browser waits for, so no page of
another site may press it. It leads on by a page of its own: browsers hold a form to its own site through all
redirects (`form-action`), and what a page leads to by itself is no form.
"""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from app.sign_in._flow import auth_of, back_url, go_on_later, keep, posted, show, take_attempt, zone_in
from app.sign_in.places import sign_in_page
from core.errors import Forbidden


async def get(request: Request, next: str = "/") -> Response:
    auth_of(request)
    return RedirectResponse(sign_in_page(next), status_code=303)


async def post(request: Request) -> Response:
    auth = auth_of(request)
    form = await posted(request)
    await take_attempt(request, "sign-in google", "")
    if not (await auth.features()).google:
        raise Forbidden("The Supabase project does not sign people in with Google", hint="Go back to /sign-in.")
    url, verifier = await auth.google_url(back_url(request))
    waiting = go_on_later(request, verifier, "google", form.get("next", "/"), zone=zone_in(form))
    answer = show(request, "sign_in/google/page.html", waiting, url=url)
    answer.headers["Refresh"] = f"0; url={url}"
    keep(answer, request, waiting)
    return answer
