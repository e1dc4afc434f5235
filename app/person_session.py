"""The session of a person who signed in with Supabase: sealed in a cookie, refreshed, looked at again, ended.

The cookie holds everything (web processes keep no list of sessions), so a process asks Auth once a minute whether a
session goes on: one that was signed out, or whose person is gone, ends within that minute, and at once in the process
that signed it out. The id inside stays the same through all refreshes: form tokens are bound to it.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import orjson
import structlog

from core.errors import StewardError, Unauthorized, Unavailable
from core.keys import SESSION_SECONDS, Keys

if TYPE_CHECKING:
    from integrations.supabase.auth import SignedIn, SupabaseAuth

log = structlog.get_logger()
COOKIE, REST = "steward_session", "steward_session_rest"
PURPOSE, MARK = "person session", "s."
PART = 3800  # characters; a browser keeps 4096 bytes of a cookie with its name and attributes
REFRESH_SECONDS = 60
CHECK_SECONDS = 60.0
KEEP_REFRESHED_SECONDS = 60.0  # requests that left with the old cookie are still on their way
MOST_KNOWN = 10_000
HALF_SECONDS = 600  # to find the code
How = Literal["password", "sign_up", "link", "google", "recovery", "invite"]
MAY_CHOOSE: tuple[How, ...] = ("recovery", "invite")  # a password, without knowing the one before


@dataclass(frozen=True)
class PersonSession:
    """Who is signed in, how, and the tokens that Auth gave."""

    id: str
    user_id: UUID
    email: str
    how: How
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: int
    sealed_at: int = 0
    factor_id: str = ""  # what has yet to be proved: until then this is half a session, which opens nothing

    @classmethod
    def begin(cls, who: "SignedIn", how: How) -> "PersonSession":
        """A session of its own: nothing of one before goes on in it."""
        return cls(
            secrets.token_urlsafe(18), who.user_id, who.email, how, who.access_token, who.refresh_token, who.expires_at,
            factor_id=who.factor_id,
        )  # fmt: skip

    def with_tokens(self, who: "SignedIn") -> "PersonSession":
        """The same session, refreshed. Raises `Unauthorized` where the tokens are another person's, or lack a second proof."""
        if who.user_id != self.user_id or who.factor_id:
            raise Unauthorized("The session has ended", hint="Sign in again.")
        return replace(self, access_token=who.access_token, refresh_token=who.refresh_token, expires_at=who.expires_at)

    def sealed(self, keys: Keys) -> str:
        """As text that this installation alone opens."""
        content = [
            self.id, str(self.user_id), self.email, self.how,
            self.access_token, self.refresh_token, self.expires_at, int(time()), self.factor_id,
        ]  # fmt: skip
        return MARK + keys.seal(PURPOSE, orjson.dumps(content))


def is_person_session(cookies: Mapping[str, str]) -> bool:
    """Is the cookie of the session one of ours, and not one of a link?"""
    return cookies.get(COOKIE, "").startswith(MARK)


def read_session(keys: Keys, cookies: Mapping[str, str]) -> PersonSession:
    """The session in the cookies. Raises `Unauthorized` where it was not sealed here, was changed, is too old, or half."""
    found = _unsealed(keys, cookies)
    if found.factor_id:
        raise Unauthorized("One more proof of who you are is missing", hint="Sign in again.")
    return found


def read_half_session(keys: Keys, cookies: Mapping[str, str]) -> PersonSession:
    """The session in the cookies that lacks its second proof. Raises `Unauthorized` where there is none."""
    found = _unsealed(keys, cookies)
    if not found.factor_id or found.sealed_at < time() - HALF_SECONDS:
        raise Unauthorized("There is nothing to prove, or it is too late", hint="Sign in again.")
    return found


def _unsealed(keys: Keys, cookies: Mapping[str, str]) -> PersonSession:
    text = cookies.get(COOKIE, "").removeprefix(MARK)
    whole = text + cookies.get(REST, "") if len(text) >= PART - len(MARK) else text
    content: Any = orjson.loads(keys.unseal(PURPOSE, whole))  # what opens was written by `sealed`
    found = PersonSession(content[0], UUID(content[1]), *content[2:])
    if found.sealed_at < time() - SESSION_SECONDS:
        raise Unauthorized("The session has expired", hint="Sign in again.")
    return found


def cookies_of(session: PersonSession | None, keys: Keys) -> dict[str, str]:
    """Cookie -> value; empty for one that is to go. Raises `Unavailable` where two do not hold it."""
    text = session.sealed(keys) if session else ""
    if len(text) > 2 * PART:
        raise Unavailable(
            "The session does not fit in cookies",
            detail=f"it has {len(text)} characters, {2 * PART} fit",
            hint="A hook of the Supabase project puts too much into its tokens.",
        )
    return {COOKIE: text[:PART], REST: text[PART:]}


class PersonSessions:
    """What one process knows of the sessions it has seen lately."""

    def __init__(self, auth: "SupabaseAuth") -> None:
        self._auth = auth
        self._refreshing: dict[tuple[str, str], asyncio.Task[PersonSession]] = {}
        self._refreshed: OrderedDict[tuple[str, str], tuple[PersonSession, float]] = OrderedDict()
        self._checked: OrderedDict[str, float] = OrderedDict()
        self._ended: OrderedDict[str, float] = OrderedDict()

    async def current(self, session: PersonSession, *, may_refresh: bool = True) -> PersonSession:
        """The session with tokens that hold, refreshed where less than a minute is left.

        Where nobody can be given a new cookie any more (a stream that is open), it is not refreshed: it ends with its
        time, and the browser comes again with the cookie it has by then. Raises `Unauthorized` where the session ended,
        and `Unavailable` where its time is over and Auth is out of reach.
        """
        if session.id in self._ended:
            raise Unauthorized("This session was signed out", hint="Sign in again.")
        if not may_refresh and session.expires_at <= time():
            raise Unauthorized("The session has to be refreshed", hint="Come again.")
        if may_refresh and session.expires_at - time() < REFRESH_SECONDS:
            try:
                session = await self._refresh(session)
            except Unauthorized:
                self._end(session.id)
                raise
            except StewardError as error:
                if session.expires_at <= time():
                    raise
                await log.awarning("session_not_refreshed", error=error.message)
        elif monotonic() - self._checked.get(session.id, -CHECK_SECONDS) >= CHECK_SECONDS:
            await self._check(session)
        return session

    async def sign_out(self, session: PersonSession, scope: Literal["local", "global"]) -> None:
        """End it here at once, and at Auth. Raises `Unavailable` where Auth was not told.

        With every other one of the person it ends once Auth was told, so that it can be asked for again. Raises
        `Unauthorized` where this one had ended before: Auth ends no others for it.
        """
        if scope == "local":
            self._end(session.id)
        try:
            if session.expires_at <= time():
                session = await self._refresh(session)
            await self._auth.sign_out(session.access_token, scope)
        except Unauthorized as error:
            self._end(session.id)
            if scope == "global":
                raise Unauthorized(
                    "This session had ended before, so the others go on: sign in again, and sign out everywhere then"
                ) from error
        else:
            self._end(session.id)

    def note(self, session: PersonSession) -> None:
        """It has just begun: Auth need not be asked at once."""
        _put(self._checked, session.id, monotonic())

    async def _check(self, session: PersonSession) -> None:
        self.note(session)  # others need not ask beside this one
        try:
            await self._auth.check(session.access_token)
        except Unauthorized:
            self._end(session.id)
            raise
        except StewardError as error:  # the token holds by itself until its time is over
            await log.awarning("session_not_checked", error=error.message)

    async def _refresh(self, session: PersonSession) -> PersonSession:
        """Once for each refresh token, however many requests come with it: Auth takes a used one for a stolen one."""
        key = (session.id, session.refresh_token)
        done, at = self._refreshed.get(key, (None, 0.0))
        if done and monotonic() - at < KEEP_REFRESHED_SECONDS:
            return done
        task = self._refreshing.get(key)
        if task is None:
            task = self._refreshing[key] = asyncio.create_task(self._ask(session), name="session refreshed")
            task.add_done_callback(lambda _: self._refreshing.pop(key, None))
        return await asyncio.shield(task)  # a request that goes away takes nothing from the others

    async def _ask(self, session: PersonSession) -> PersonSession:
        fresh = session.with_tokens(await self._auth.refresh(session.refresh_token))
        _put(self._refreshed, (session.id, session.refresh_token), (fresh, monotonic()))
        self.note(fresh)
        return fresh

    def _end(self, session_id: str) -> None:
        self._checked.pop(session_id, None)
        _put(self._ended, session_id, monotonic())


def _put(known: "OrderedDict[Any, Any]", key: object, value: object) -> None:
    """The longest untouched go where there are too many."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > MOST_KNOWN:
        known.popitem(last=False)
