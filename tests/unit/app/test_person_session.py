"""Sessions of people between requests: cookies that hold them, one refresh for many requests, an Auth that is away."""

import asyncio
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import pytest

from app.person_session import (
    COOKIE,
    PART,
    REST,
    PersonSession,
    PersonSessions,
    cookies_of,
    read_half_session,
    read_session,
)
from core.errors import Unauthorized, Unavailable
from core.keys import SESSION_SECONDS, Keys
from integrations.supabase.auth import SignedIn

ME = uuid4()


class Auth:
    """Stands for Supabase Auth, so that it can be slow, away or refuse at the right moment."""

    def __init__(self) -> None:
        self.refreshed: list[str] = []
        self.checked = 0
        self.fault: Exception | None = None
        self.person = ME
        self.factor_id = ""

    async def refresh(self, refresh_token: str) -> SignedIn:
        self.refreshed.append(refresh_token)
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        who = SignedIn(self.person, "ana@example.org", "new access", "new refresh", int(time()) + 3600)
        return replace(who, factor_id=self.factor_id)

    async def check(self, access_token: str) -> None:
        self.checked += 1
        if self.fault:
            raise self.fault


def session(seconds: int = 3600, **changes: Any) -> PersonSession:
    begun = PersonSession("id", ME, "ana@example.org", "password", "access", "refresh", int(time()) + seconds)
    return replace(begun, **changes)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def sessions(auth: Auth) -> PersonSessions:
    return PersonSessions(auth)  # pyright: ignore[reportArgumentType]


async def test_many_requests_with_one_cookie_refresh_it_once(auth: Auth, sessions: PersonSessions) -> None:
    asked = [asyncio.create_task(sessions.current(session(10))) for _ in range(50)]
    await asyncio.sleep(0)
    asked[0].cancel()  # one goes away in the middle
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {one.access_token for one in answers if isinstance(one, PersonSession)} == {"new access"}
    assert (await sessions.current(session(10))).id == "id"  # one that was still on its way
    assert auth.refreshed == ["refresh"]


async def test_a_session_older_than_the_second_factor_of_its_person_ends_with_its_time(
    auth: Auth, sessions: PersonSessions
) -> None:
    auth.factor_id = "an app that was set up meanwhile"
    with pytest.raises(Unauthorized):
        await sessions.current(session(10))


def test_half_a_session_is_none_and_waits_ten_minutes_for_its_other_half(tmp_path: Path) -> None:
    keys = Keys.load(tmp_path)
    half = cookies_of(session(factor_id="an app"), keys)
    with pytest.raises(Unauthorized, match="One more proof"):
        read_session(keys, half)
    assert read_half_session(keys, half).factor_id == "an app"
    with pytest.raises(Unauthorized):
        read_half_session(keys, cookies_of(session(), keys))
    assert read_session(keys, cookies_of(session(), keys)).factor_id == ""


async def test_a_refused_refresh_ends_the_session_and_one_out_of_reach_does_not(
    auth: Auth, sessions: PersonSessions
) -> None:
    auth.fault = Unavailable("away")
    assert (await sessions.current(session(10))).access_token == "access"
    with pytest.raises(Unavailable):
        await sessions.current(session(-1))
    assert await sessions.current(session())  # not checked either, and not thrown out for it
    auth.fault = Unauthorized("over")
    with pytest.raises(Unauthorized):
        await sessions.current(session(10))
    auth.fault = None
    with pytest.raises(Unauthorized, match="signed out"):  # a copy of it, with all its time left
        await sessions.current(session())


async def test_tokens_of_another_person_are_not_taken(auth: Auth, sessions: PersonSessions) -> None:
    auth.person = uuid4()
    with pytest.raises(Unauthorized):
        await sessions.current(session(10))


async def test_an_open_stream_refreshes_nothing_and_auth_is_asked_once_a_minute(
    auth: Auth, sessions: PersonSessions
) -> None:
    for _ in range(3):
        await sessions.current(session(10), may_refresh=False)
    assert (auth.refreshed, auth.checked) == ([], 1)
    with pytest.raises(Unauthorized, match="refreshed"):
        await sessions.current(session(-1), may_refresh=False)
    assert await sessions.current(session(-1))  # the next request may


@pytest.mark.parametrize("size", [10, 2500, 3000, 5000])
def test_a_session_lies_in_one_cookie_or_two(tmp_path: Path, size: int) -> None:
    keys, big = Keys.load(tmp_path), session(access_token="ä" * (size // 2))
    cookies = cookies_of(big, keys)
    assert read_session(keys, cookies) == replace(big, sealed_at=read_session(keys, cookies).sealed_at)
    assert bool(cookies[REST]) == (size > 2600)
    assert all(len(name) + len(value) < 4000 for name, value in cookies.items())
    for damaged in ({**cookies, COOKIE: cookies[COOKIE][:-1]}, {COOKIE: "s."}, {COOKIE: cookies[COOKIE][:PART] + "x"}):
        with pytest.raises(Unauthorized):
            read_session(keys, damaged)


def test_a_session_that_is_too_large_or_too_old_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys.load(tmp_path)
    with pytest.raises(Unavailable, match="does not fit"):
        cookies_of(session(access_token="x" * 6000), keys)
    cookies = cookies_of(session(), keys)
    monkeypatch.setattr("app.person_session.time", lambda: time() + SESSION_SECONDS + 1)
    with pytest.raises(Unauthorized, match="expired"):
        read_session(keys, cookies)
