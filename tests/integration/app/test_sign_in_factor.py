"""A second factor that somebody set up in the project is asked for, whichever way they sign in, and never passed over.

Supabase Lite has no factors: what Auth says of them is written here, laid over Lite's own answers. All else is Lite's.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
import pytest

from app.house import House
from app.person_session import COOKIE
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import ANA, PASSWORD, Browser, browsing, lite, send, sign_up
from tests.integration.app.test_sign_in_codes import newest_code

__all__ = ["lite"]
FACTOR, CODE = "5f0c2a8e-6d1b-4c57-9e3a-2f1e7a0c9b22", "246810"


class WithFactor(httpx.AsyncBaseTransport):
    """Lite, and a person who set up a factor of that kind."""

    def __init__(self, lite: SupabaseLite, kind: str) -> None:
        self._secret, self._inner = lite.jwt_secret, httpx.AsyncHTTPTransport()
        self._factor = {"id": FACTOR, "factor_type": kind, "status": "verified"}
        self._factor |= {"created_at": "2026-03-04T09:30:00Z", "updated_at": "2026-03-04T09:30:00Z"}
        self._session: dict[str, Any] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/factors/" in request.url.path:
            return self._prove(request)
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        told: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        person: dict[str, Any] = told.get("user", told)
        if "app_metadata" not in person:
            return answer
        person["factors"] = [self._factor]
        if "access_token" in told:
            told["access_token"] = self._signed(told["access_token"], "aal1")
            self._session = told
        return httpx.Response(answer.status_code, json=told)

    def _prove(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(f"/{FACTOR}/challenge"):
            return httpx.Response(200, json={"id": "1", "type": "totp", "expires_at": 2**31})
        if CODE.encode() not in request.content:
            refused = {"code": "mfa_verification_failed", "message": "Invalid TOTP code entered"}
            return httpx.Response(422, json=refused, headers={"x-supabase-api-version": "2024-01-01"})
        given = {"access_token": self._signed(self._session["access_token"], "aal2")}
        return httpx.Response(200, json={**self._session, **given})

    def _signed(self, token: str, level: str) -> str:
        claims = jwt.decode(token, self._secret, ["HS256"], audience="authenticated")
        return jwt.encode({**claims, "aal": level}, self._secret, "HS256")


@asynccontextmanager
async def having(house: House, lite: SupabaseLite, kind: str = "totp") -> AsyncGenerator[Browser]:
    """Ana's browser, once she has an account and set up a factor; she is signed out."""
    async with browsing(house, lite) as ana:
        await sign_up(ana)
        ana.cookies.clear()
        await ana.app.state.auth.close()
        ana.app.state.auth._http = httpx.AsyncClient(transport=WithFactor(lite, kind))
        yield ana


async def test_after_the_password_the_code_of_the_app_is_asked_for(house: House, lite: SupabaseLite) -> None:
    async with having(house, lite) as ana:
        half = await send(ana, "/sign-in", action="password", email=ANA, password=PASSWORD, next="/plans")
        assert (half.status_code, half.headers["location"]) == (303, "/sign-in/factor?next=%2Fplans")
        cookie = {"Cookie": f"{COOKIE}={ana.cookies[COOKIE]}"}
        async with browsing(house, lite) as thief:  # with half a session alone nothing opens
            assert (await thief.get("/tasks", headers=cookie)).headers["location"].startswith("/sign-in")
            assert (await thief.get("/api/tasks", headers=cookie)).status_code == 401
            assert (await thief.get("/sign-in", headers=cookie)).status_code == 200
        form = "/sign-in/factor?next=/plans"
        for typed in ("000000", "12", "١٢٣٤٥٦"):
            wrong = await send(ana, "/sign-in/factor", form, code=typed)
            assert (wrong.status_code, 'aria-invalid="true"' in wrong.text) == (422, True), typed
        entered = await send(ana, "/sign-in/factor", form, code="246 810", next="/plans")
        assert (entered.status_code, entered.headers["location"]) == (303, "/plans"), entered.text
        assert "with your password" in (await ana.get("/settings")).text
        assert (await ana.get("/sign-in/factor")).headers["location"] == "/sign-in"


async def test_a_new_password_by_code_takes_the_second_factor_first(house: House, lite: SupabaseLite) -> None:
    async with having(house, lite) as ana:
        await send(ana, "/sign-in/reset", action="mail", email=ANA)
        half = await send(ana, "/sign-in/code", code=await newest_code(lite))
        assert half.headers["location"] == "/sign-in/factor"
        assert "Forgot your password?" in (await ana.get("/sign-in/reset")).text
        entered = await send(ana, "/sign-in/factor", code=CODE)
        assert entered.headers["location"] == "/sign-in/reset"
        assert "Choose a new password" in (await ana.get("/sign-in/reset")).text


@pytest.mark.parametrize("kind", ["phone", "webauthn"])
async def test_a_factor_that_the_pages_cannot_ask_for_lets_nobody_in_and_says_so(
    house: House, lite: SupabaseLite, kind: str
) -> None:
    async with having(house, lite, kind) as ana:
        refused = await send(ana, "/sign-in", action="password", email=ANA, password=PASSWORD)
        assert (refused.status_code, COOKIE in ana.cookies) == (403, False)
        assert "a second factor that these pages cannot ask for" in refused.text
