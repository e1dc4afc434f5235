"""Supabase Auth: people sign up, sign in, are refreshed and signed out, by the project's own library.

Each call has a client of its own whose storage ends with it, so that no person's session is ever in another's reach;
the HTTP connections are shared. What Auth refuses is told as an error of the house; see `integrations.supabase.faults`.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import structlog
from pydantic import ValidationError

from core.auth import unverified_claims
from core.errors import Forbidden, Unauthorized, Unavailable
from core.supabase_keys import key_headers
from core.urls import auth_url_of
from integrations.supabase.faults import NO_MORE_MAILS, hides_who_is_here, is_over, refused

if TYPE_CHECKING:
    from httpx import AsyncClient
    from supabase_auth import AsyncGoTrueClient
    from supabase_auth.types import AuthResponse, Session

log = structlog.get_logger()
TIMEOUT_SECONDS = 10.0
KEEP_FEATURES_SECONDS = 300.0
PROVED = "aal2"  # two factors, as Auth writes into its tokens
REST_SECONDS = 10.0  # after a question that failed
LinkKind = Literal["email", "signup", "magiclink", "recovery", "invite", "email_change"]
LINK_KINDS: tuple[LinkKind, ...] = ("email", "signup", "magiclink", "recovery", "invite", "email_change")


@dataclass(frozen=True)
class SignedIn:
    """A person and their tokens."""

    user_id: UUID
    email: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: int  # seconds since 1970, by this clock
    is_invited: bool = False  # by whoever runs the project: they have no password yet
    factor_id: str = ""  # of the authenticator app that has yet to prove who they are


@dataclass(frozen=True)
class Features:
    """What the project allows."""

    google: bool = False
    email: bool = True
    sign_up: bool = True
    confirms: bool = False  # that an address is its person's: until the project says so, nothing is known


class _Kept:
    """What the library kept during one call."""

    def __init__(self, items: dict[str, str]) -> None:
        self._items = items

    @property
    def verifier(self) -> str:
        """The half of PKCE that stays with the browser (RFC 7636); the library writes the purpose behind it."""
        return next(value.partition("/")[0] for key, value in self._items.items() if key.endswith("-code-verifier"))


class SupabaseAuth:
    """The Auth of one project."""

    def __init__(
        self, url: str, publishable_key: str, client: "AsyncClient | None" = None, *, public_url: str | None = None
    ) -> None:
        self._url = auth_url_of(url)
        self._public_url = auth_url_of(public_url or url)  # where a browser finds it
        self._headers = key_headers(publishable_key)
        self._http = client
        self._features = Features()
        self._features_until = 0.0

    async def close(self) -> None:
        """Let the connections go."""
        if self._http:
            await self._http.aclose()
            self._http = None

    async def features(self) -> Features:
        """What the project allows, asked for every five minutes; the last known where it does not answer."""
        import httpx

        if monotonic() < self._features_until:
            return self._features
        try:
            answer = await self._client().get(f"{self._url}/settings", headers=self._headers)
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
            external: dict[str, Any] = told.get("external") or {}
            self._features = Features(
                google=external.get("google") is True,
                email=external.get("email") is not False,
                sign_up=told.get("disable_signup") is not True,
                confirms=confirms_addresses(told),
            )
            self._features_until = monotonic() + KEEP_FEATURES_SECONDS
        except (httpx.HTTPError, ValueError, AttributeError):
            self._features_until = monotonic() + REST_SECONDS
        return self._features

    async def sign_up(
        self, email: str, password: str, name: str, back: str, timezone: str = ""
    ) -> tuple[SignedIn | None, str]:
        """A new account. None where a mail has to be answered first, and where the address has an account already.

        `timezone` is what their browser goes by: theirs, until they choose otherwise. The second of the answer is the
        verifier that the link of the mail needs (PKCE). Raises `Invalid` for a weak password,
        `Forbidden` where no accounts are taken, `TooMany`, `Unavailable`.
        """
        async with self._asking() as (auth, kept):
            data: dict[str, Any] = {key: text for key, text in (("name", name), ("timezone", timezone)) if text}
            answer = None
            with _telling_nobody():
                answer = await auth.sign_up(
                    {"email": email, "password": password, "options": {"email_redirect_to": back, "data": data}}
                )
            return (_signed_in(answer) if answer and answer.session else None), kept.verifier

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Signed in by password. Raises `Unauthorized`, `NotConfirmed`, `TooMany`, `Unavailable`."""
        async with self._asking() as (auth, _):
            return _signed_in(await auth.sign_in_with_password({"email": email, "password": password}))

    async def mail_link(self, email: str, back: str) -> str:
        """Have a link mailed that signs in, where the address has an account; the answer is its verifier."""
        async with self._asking() as (auth, kept):
            with _telling_nobody():
                await auth.sign_in_with_otp(
                    {"email": email, "options": {"email_redirect_to": back, "should_create_user": False}}
                )
            return kept.verifier

    async def mail_reset(self, email: str, back: str) -> str:
        """Have a link mailed that leads to a new password, where the address has an account; its verifier."""
        async with self._asking() as (auth, kept):
            with _telling_nobody():
                await auth.reset_password_for_email(email, {"redirect_to": back})
            return kept.verifier

    async def mail_confirmation(self, email: str, back: str) -> None:
        """Have the mail of signing up sent again, where the address waits for it."""
        async with self._asking() as (auth, _):
            with _telling_nobody():
                await auth.resend({"type": "signup", "email": email, "options": {"email_redirect_to": back}})

    async def google_url(self, back: str) -> tuple[str, str]:
        """Where the browser goes to sign in with Google, and the verifier of the code it comes `back` with."""
        async with self._asking() as (auth, kept):
            answer = await auth.sign_in_with_oauth({"provider": "google", "options": {"redirect_to": back}})
            return self._public_url + answer.url.removeprefix(self._url), kept.verifier

    async def redeem_code(self, code: str, verifier: str) -> SignedIn:
        """The session behind the code of a link or of Google. Raises `Unauthorized` where it is old or another's."""
        async with self._asking() as (auth, _):
            return _signed_in(
                await auth.exchange_code_for_session({"auth_code": code, "code_verifier": verifier, "redirect_to": ""})
            )

    async def redeem_link(self, token_hash: str, kind: LinkKind) -> SignedIn:
        """The session behind the token of a mailed link; it works once. Raises `Unauthorized`."""
        async with self._asking() as (auth, _):
            return _signed_in(await auth.verify_otp({"token_hash": token_hash, "type": kind}))

    async def redeem_typed(self, email: str, code: str, kind: Literal["email", "recovery"]) -> SignedIn:
        """The session behind the digits of a mail to that address; they work once. Raises `Unauthorized`, `TooMany`."""
        async with self._asking() as (auth, _):
            return _signed_in(await auth.verify_otp({"email": email, "token": code, "type": kind}))

    async def refresh(self, refresh_token: str) -> SignedIn:
        """New tokens for old ones. Raises `Unauthorized` where the session ended, `Unavailable`."""
        async with self._asking() as (auth, _):
            with _while_it_lasts():
                return _signed_in(await auth.refresh_session(refresh_token))

    async def check(self, access_token: str) -> None:
        """Return where the session behind the token goes on. Raises `Unauthorized`, `Unavailable`."""
        async with self._asking() as (auth, _):
            with _while_it_lasts():
                await auth.get_user(access_token)

    async def sign_out(self, access_token: str, scope: Literal["local", "global", "others"] = "local") -> None:
        """End this session at Auth, or all, or all others. Raises `Unauthorized` where it ended already, `Unavailable`."""
        async with self._asking() as (auth, _):
            with _while_it_lasts():
                await auth.admin.sign_out(access_token, scope)

    async def set_password(self, access_token: str, refresh_token: str, password: str) -> None:
        """A new password; every other session of the person ends. Raises `Invalid` for a weak one, `Unauthorized`."""
        async with self._asking() as (auth, _):
            await auth.set_session(access_token, refresh_token)
            await auth.update_user({"password": password})
            await auth.admin.sign_out(access_token, "others")

    async def prove(self, access_token: str, refresh_token: str, factor_id: str, code: str) -> SignedIn:
        """The same session, once the code of the authenticator app is right. Raises `Invalid` where it is not, `Unauthorized`."""
        async with self._asking() as (auth, _):
            await auth.set_session(access_token, refresh_token)
            await auth.mfa.challenge_and_verify({"factor_id": factor_id, "code": code})
            session = await auth.get_session()
            return _of_session(session)

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[tuple["AsyncGoTrueClient", "_Kept"]]:
        """A client for one call, and what it kept. What is raised within leaves as an error of the house."""
        from supabase_auth import AsyncGoTrueClient, AsyncMemoryStorage
        from supabase_auth.errors import AuthError

        storage = AsyncMemoryStorage()
        auth = AsyncGoTrueClient(
            url=self._url,
            headers=self._headers,
            auto_refresh_token=False,
            storage=storage,
            http_client=self._client(),
            flow_type="pkce",
        )
        try:
            yield auth, _Kept(storage.storage)
        except AuthError as error:
            raise refused(error) from error
        except ValidationError as error:  # neither a session nor a person
            raise Unavailable("Supabase Auth answers in a way that is not understood") from error

    def _client(self) -> "AsyncClient":
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        return self._http


def confirms_addresses(told: dict[str, Any]) -> bool:
    """Do Auth's public settings say that nobody has an address that they did not show to be theirs?"""
    external: dict[str, Any] = told.get("external") or {}
    return told.get("mailer_autoconfirm") is False or external.get("email") is False


@contextmanager
def _telling_nobody() -> Generator[None]:
    """Swallows what would tell a stranger who has an account; whoever runs this finds in the log that no mail went."""
    try:
        yield
    except Exception as error:
        if not hides_who_is_here(error):
            raise
        if getattr(error, "code", None) == NO_MORE_MAILS:
            log.warning("mail_not_sent", reason=NO_MORE_MAILS)


@contextmanager
def _while_it_lasts() -> Generator[None]:
    """Raises `Unauthorized` where Auth says that the session is over."""
    try:
        yield
    except Exception as error:
        if is_over(error):
            raise Unauthorized("The session has ended", hint="Sign in again.") from error
        raise


def _signed_in(answer: "AuthResponse") -> SignedIn:
    return _of_session(answer.session)


def _of_session(session: "Session | None") -> SignedIn:
    if session is None:
        raise Unauthorized("Nobody was signed in", hint="Sign in again.")
    return SignedIn(
        UUID(session.user.id),
        session.user.email or "",
        session.access_token,
        session.refresh_token,
        int(time()) + session.expires_in,  # by our clock, whatever Auth's says
        session.user.invited_at is not None,
        _factor_to_prove(session),
    )


def _factor_to_prove(session: "Session") -> str:
    """The authenticator app that the person set up and this session has not seen; empty where none is missing.

    Raises `Forbidden` where all they set up is of another kind: it may not be passed over, and these pages cannot ask for it.
    """
    verified = [factor for factor in session.user.factors or [] if factor.status == "verified"]
    if not verified or unverified_claims(session.access_token).get("aal") == PROVED:
        return ""
    apps = [factor.id for factor in verified if factor.factor_type == "totp"]
    if not apps:
        raise Forbidden(
            "Your account has a second factor that these pages cannot ask for",
            hint="They know authenticator apps alone.",
        )
    return apps[0]
