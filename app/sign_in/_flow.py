"""What the pages of signing in share: their form token, what they keep until somebody comes back, and the entry."""

import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import time
from typing import Any, cast

import orjson
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from app._view.forms import form_of
from app.attempts import Attempts
from app.cookies import own_cookies, set_cookie
from app.dependencies import refuse_other_sites
from app.limits import Limiter, address_of
from app.person_session import How, PersonSession, PersonSessions, cookies_of
from app.security import EVERY_ADDRESS
from app.sign_in.places import CALLBACK, FACTOR, own_path, with_next
from app.templating import render
from core.database import Identity
from core.errors import Forbidden, Invalid, StewardError, Unauthorized, Unavailable
from core.keys import Keys
from integrations.supabase.auth import SignedIn, SupabaseAuth
from tasks.first_sign_in import ensure_my_organization
from tasks.own_hours import begin_own_hours

COOKIE, PURPOSE = "steward_signing_in", "signing in as"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
KEPT_SECONDS = 3600  # as long as a mailed link works by default
ADDRESS = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")
MOST_PASSWORD = 500
MOST_ZONE = 100
CODE_PAGE = "sign_in/code/page.html"
NONE_CAME = " Did none come? Look among the spam, or ask again in an hour."  # a project writes only so many


@dataclass(frozen=True)
class Waiting:
    """What this browser is in the middle of: a sealed cookie, so that nobody else's link or code is taken for its own."""

    nonce: str
    verifier: str = ""
    how: How = "link"
    next: str = "/"
    email: str = ""  # whose link it is, where one is on its way
    zone: str = ""  # what the browser goes by

    def sealed(self, keys: Keys) -> str:
        """As text that this installation alone opens."""
        content = [self.nonce, self.verifier, self.how, self.next, self.email, self.zone, int(time())]
        return keys.seal(PURPOSE, orjson.dumps(content))


def auth_of(request: Request) -> SupabaseAuth:
    """Where people sign in. Raises a plain 404 where no project is set up: then these pages do not exist."""
    auth: SupabaseAuth | None = request.app.state.auth
    if auth is None:
        raise HTTPException(404)
    return auth


def waiting_of(request: Request) -> Waiting | None:
    """What the browser waits for; None where its cookie is not ours or too old."""
    try:
        content: Any = orjson.loads(request.app.state.keys.unseal(PURPOSE, own_cookies(request).get(COOKIE, "")))
    except Unauthorized:
        return None
    nonce, verifier, how, where, email, zone, at = content
    return Waiting(nonce, verifier, how, own_path(where), email, zone) if at > time() - KEPT_SECONDS else None


def way_on(request: Request, asked: str) -> str:
    """The page of ours that is asked for, else where this browser was going when it asked for its mail.

    A link of the project's templates comes back without it, and who was invited would not find the invitation again.
    """
    where, waiting = own_path(asked), waiting_of(request)
    return waiting.next if where == "/" and waiting else where


def show(
    request: Request,
    template: str,
    waiting: Waiting | None = None,
    *,
    told: str = "",
    error: StewardError | None = None,
    **context: Any,
) -> Response:
    """A page with a form: the browser is given what its token is bound to. `error` is what went wrong, whole and by field."""
    waiting = waiting or waiting_of(request) or Waiting(secrets.token_urlsafe(18))
    answer = render(
        request,
        template,
        status_code=error.status if error else 200,
        form_token=_token(request, waiting),
        waits_for=waiting.email,
        told=told,
        problem=_words_of(error) if error else "",
        wrong={one["field"]: one["message"] for one in error.errors} if error else {},
        **context,
    )
    if error and error.retry_after_seconds:  # Auth or our own limit asks to wait
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
    keep(answer, request, waiting)
    return answer


def keep(answer: Response, request: Request, waiting: Waiting) -> None:
    """Let the browser keep it, for an hour."""
    set_cookie(answer, request, COOKIE, waiting.sealed(request.app.state.keys), KEPT_SECONDS)


async def posted(request: Request) -> Mapping[str, str]:
    """The fields of a form that this browser was shown. Raises Forbidden for any other."""
    refuse_other_sites(request)
    form = await form_of(request)
    waiting = waiting_of(request)
    keys: Keys = request.app.state.keys
    if waiting is None or not keys.is_csrf_token(_bound_to(waiting), form.get("form_token", "")):
        raise Forbidden("The form is too old, or this browser keeps no cookies", hint="Open the page and try again.")
    return form


def go_on_later(request: Request, verifier: str, how: How, where: str, *, email: str = "", zone: str = "") -> Waiting:
    """What the browser is to keep until its link is opened, its code typed, or it comes back from Google."""
    waiting = waiting_of(request) or Waiting(secrets.token_urlsafe(18))
    return replace(waiting, verifier=verifier, how=how, next=own_path(where), email=email, zone=zone)


def mailed(request: Request, told: str, waiting: Waiting) -> Response:
    """Where a mail may be on its way: the page that takes its code, whether one was sent or not."""
    answer = show(request, CODE_PAGE, waiting, told=told)
    keep(answer, request, waiting)
    return answer


async def take_attempt(request: Request, action: str, address: str) -> None:
    """One more try from there, and for that mail address. Raises TooMany, Unavailable."""
    tries: Attempts = request.app.state.tries
    await tries.take(f"{action} from {address_of(request)}")
    if address:
        await tries.take(f"{action} as {address.casefold()}")


@contextmanager
def mailing(request: Request, address: str) -> Generator[None]:
    """Around asking for a mail to it: one a minute, counted before it is sent, whether the address has an account or not.

    Raises TooMany. What was refused is not counted; where nobody answered, a mail may have gone.
    """
    mails = cast("Limiter", request.app.state.mails)
    mails.take(address.casefold())
    try:
        yield
    except StewardError as error:
        if not isinstance(error, Unavailable):
            not_mailed(request, address)
        raise


def not_mailed(request: Request, address: str) -> None:
    """No mail was needed after all."""
    cast("Limiter", request.app.state.mails).give_back(address.casefold())


def address_in(form: Mapping[str, str]) -> str:
    """The mail address. Raises Invalid that names the field."""
    address = form.get("email", "").strip()
    if not ADDRESS.fullmatch(address):
        message = "allowed is a mail address like ana@example.org"
        raise Invalid(f"email: {message}", errors=[{"field": "email", "message": message}])
    return address


def password_in(form: Mapping[str, str]) -> str:
    """The password as typed. Raises Invalid that names the field and never shows it."""
    password = form.get("password", "")
    if not 1 <= len(password) <= MOST_PASSWORD:
        message = f"1 to {MOST_PASSWORD} characters are taken"
        raise Invalid(f"password: {message}", errors=[{"field": "password", "message": message}])
    return password


def zone_in(form: Mapping[str, str]) -> str:
    """The time zone that the browser's script wrote into the form; empty without one."""
    return form.get("timezone", "").strip()[:MOST_ZONE]


def back_url(request: Request) -> str:
    """Where mailed links and Google lead back to; the project has to allow it. Raises Unavailable where that is not set.

    Never what the request says of itself: whoever asks for somebody else's mail would say where its link leads.
    """
    given = request.app.state.house.settings
    if given.public_url:
        return given.public_url.rstrip("/") + CALLBACK
    host = given.host.strip("[]")
    if host in EVERY_ADDRESS:
        raise Unavailable(
            "This Steward does not know under which address it is reached, so no link can lead back to it",
            hint="Whoever runs it sets STEWARD_PUBLIC_URL.",
        )
    asked = request.url.hostname or ""
    if host in LOOPBACK and asked in LOOPBACK:
        host = asked  # cookies know these names apart
    return f"http://{f'[{host}]' if ':' in host else host}:{given.port}{CALLBACK}"


async def enter(request: Request, who: SignedIn, how: How, where: str, zone: str = "") -> Response:
    """Somebody is in: a session of their own begins, their organization is there, and they go on.

    Who set up a second factor has to prove it first: half a session begins, and they go to the page that asks.
    `zone` is what their browser goes by: theirs, where they never chose one.
    """
    session = PersonSession.begin(who, how)
    if session.factor_id:
        request.scope["state"]["session_cookies"] = cookies_of(session, request.app.state.keys)
        return RedirectResponse(with_next(FACTOR, where), status_code=303)
    caller = request.app.state.house.database.acting_as(Identity(who.user_id, access_token=who.access_token))
    await ensure_my_organization(caller)
    if zone:
        await begin_own_hours(caller, zone)
        request.app.state.house.clocks.forget(caller.identity)
    sessions = cast("PersonSessions", request.app.state.sessions)
    sessions.note(session)
    request.scope["state"]["session_cookies"] = cookies_of(session, request.app.state.keys)
    answer = RedirectResponse(where, status_code=303)
    set_cookie(answer, request, COOKIE, "", 0)
    return answer


def _words_of(error: StewardError) -> str:
    return f"{error.message.rstrip('.')}.{f' {error.hint}' if error.hint else ''}"


def _token(request: Request, waiting: Waiting) -> str:
    return request.app.state.keys.csrf_token(_bound_to(waiting))


def _bound_to(waiting: Waiting) -> str:
    return f"signing in {waiting.nonce}"
