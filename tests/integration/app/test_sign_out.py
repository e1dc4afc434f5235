"""Signing out where Auth is out of reach, and where the session had ended before: nothing looks done that is not."""

import time
from dataclasses import replace

import httpx

from app.house import House
from app.person_session import COOKIE, PersonSessions, read_session
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import ANA, PASSWORD, Browser, browsing, csrf_of, lite, send, sign_up

__all__ = ["lite"]
AWAY = "http://127.0.0.1:1/auth/v1"


def expired(browser: Browser) -> str:
    """The session's cookie as it is when the access token has run out."""
    keys = browser.app.state.keys
    return replace(read_session(keys, dict(browser.cookies)), expires_at=int(time.time()) - 5).sealed(keys)


async def still_in(browser: Browser) -> httpx.Response:
    """A page, as another process answers that knows nothing of sessions that ended."""
    browser.app.state.sessions = PersonSessions(browser.app.state.auth)
    return await browser.get("/tasks")


async def test_everywhere_says_so_where_a_stolen_session_was_ended_before(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as thief:
        await sign_up(ana)
        await send(thief, "/sign-in", action="password", email=ANA, password=PASSWORD)
        csrf = await csrf_of(ana)
        token = read_session(ana.app.state.keys, dict(ana.cookies)).access_token
        await thief.app.state.auth.sign_out(token)  # so that hers may end no others
        told = await ana.post("/sign-out", data={"csrf_token": csrf, "everywhere": "yes"})
        assert (told.status_code, COOKIE in ana.cookies) == (401, False)
        assert "sign out everywhere then" in told.text
        assert (await still_in(thief)).status_code == 200
        await send(ana, "/sign-in", action="password", email=ANA, password=PASSWORD)
        done = await ana.post("/sign-out", data={"csrf_token": await csrf_of(ana), "everywhere": "yes"})
        assert (done.status_code, (await still_in(thief)).status_code) == (303, 303)


async def test_everywhere_can_be_asked_for_again_once_auth_is_back(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as phone:
        await sign_up(ana)
        await send(phone, "/sign-in", action="password", email=ANA, password=PASSWORD)
        form = {"csrf_token": await csrf_of(ana), "everywhere": "yes"}
        auth = ana.app.state.auth
        here, auth._url = auth._url, AWAY
        assert (await ana.post("/sign-out", data=form)).status_code == 503
        auth._url = here
        assert (await ana.get("/tasks")).status_code == 200
        assert (await ana.post("/sign-out", data=form)).status_code == 303
        assert (await still_in(phone)).status_code == 303


async def test_a_browser_forgets_its_session_though_auth_is_out_of_reach(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        csrf, old = await csrf_of(ana), expired(ana)
        ana.app.state.auth._url = AWAY
        ana.cookies.set(COOKIE, old, domain="127.0.0.1", path="/")
        assert (await ana.post("/sign-out", data={"csrf_token": "0" * 64})).status_code == 403
        out = await ana.post("/sign-out", data={"csrf_token": csrf})
        assert (out.status_code, out.headers["location"], COOKIE in ana.cookies) == (303, "/sign-in", False)
        ana.cookies.set(COOKIE, old, domain="127.0.0.1", path="/")
        assert (await ana.get("/tasks")).status_code == 303  # the copy of before opens nothing here either
