"""Signing up and in with Supabase Auth over the pages, against Supabase Lite; and every way that can go wrong."""

import asyncio
import html
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.house import House, furnish
from app.main import create_app
from app.person_session import COOKIE, PersonSession, PersonSessions
from core.clock import Clock
from core.keys import Keys
from tests.emulators.google_sign_in import allow_at_google
from tests.emulators.outside_servers import GOOGLE_CLIENT, ROBIN, SEED, OutsideServers, outside
from tests.emulators.supabase import SupabaseLite, supabase_lite

__all__ = ["outside"]
BASE = "http://127.0.0.1"
ANA, PASSWORD = "ana.torres@vega.example", "a long and plain password"


class Browser(httpx.AsyncClient):
    """A browser, and the web application that it is at."""

    app: FastAPI


@pytest.fixture
async def lite(database_url: str) -> AsyncGenerator[SupabaseLite]:
    async with supabase_lite(database_url) as opened:
        yield opened


@asynccontextmanager
async def browsing(house: House, lite: SupabaseLite, **changes: Any) -> AsyncGenerator[Browser]:
    """A browser at a house of that project; cookies are kept, nothing is followed by itself."""
    given = {"supabase_url": lite.url, "supabase_publishable_key": lite.publishable_key, **changes}
    settings = type(house.settings).model_validate({**house.settings.model_dump(), **given})
    made = furnish(settings, Clock.from_settings(settings), house.database, house.owner)
    app = create_app(made, Keys.load(settings.home, lite.jwt_secret))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Accept": "text/html"}
    async with Browser(transport=transport, base_url=BASE, headers=headers, timeout=60) as browser:
        browser.app = app
        yield browser
    await app.state.auth.close()


async def send(browser: httpx.AsyncClient, path: str, form: str = "", **fields: str) -> httpx.Response:
    """Open the page of a form and send it."""
    page = await browser.get(form or path)
    assert page.status_code == 200, page.text[:300]
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    hidden = {"form_token": token[1]} if token else {}
    return await browser.post(path, data={**hidden, **({"csrf_token": csrf[1]} if csrf else {}), **fields})


async def sign_up(browser: httpx.AsyncClient, email: str = ANA, **fields: str) -> httpx.Response:
    return await send(browser, "/sign-up", email=email, password=PASSWORD, name="Ana Torres", **fields)


async def csrf_of(browser: httpx.AsyncClient) -> str:
    """The token in the forms of a page."""
    return re.findall(r'name="csrf_token" value="([^"]+)"', (await browser.get("/settings")).text)[0]


async def tokens_in(database_url: str) -> int:
    """How many refresh tokens Auth gave."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        row = await (await connection.execute("select count(*) from auth.refresh_tokens")).fetchone()
    assert row
    return int(row[0])


async def test_a_new_person_signs_up_is_in_signs_out_and_comes_back(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as browser:
        away = await browser.get("/tasks?filter=open")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Ftasks%3Ffilter%3Dopen")
        made = await sign_up(browser, next="/tasks")
        assert (made.status_code, made.headers["location"]) == (303, "/tasks"), made.text
        assert COOKIE in browser.cookies
        assert (await browser.get("/tasks")).status_code == 200
        page = await browser.get("/settings")
        assert ANA in page.text
        out = await send(browser, "/sign-out", "/settings")
        assert (out.status_code, out.headers["location"], COOKIE in browser.cookies) == (303, "/sign-in", False)
        assert (await browser.get("/tasks")).headers["location"] == "/sign-in?next=%2Ftasks"
        for page in ("/sign-in", "/sign-up"):
            invited = await browser.get(f"{page}?next=/invitations/{'x' * 43}")
            assert "You were invited." in invited.text
            assert "You were invited." not in (await browser.get(f"{page}?next=/tasks")).text
        wrong = await send(browser, "/sign-in", action="password", email=ANA, password="another")
        assert (wrong.status_code, COOKIE in browser.cookies) == (401, False)
        assert "The address or the password is wrong." in wrong.text
        assert f'value="{ANA}"' in wrong.text
        back = await send(
            browser,
            "/sign-in",
            "/sign-in?next=/review",
            action="password",
            email=ANA,
            password=PASSWORD,
            next="/review",
        )
        assert (back.status_code, back.headers["location"]) == (303, "/review")
        assert (await browser.get("/sign-in?next=/plans")).headers["location"] == "/plans"


async def test_without_a_project_there_are_no_such_pages(client: httpx.AsyncClient) -> None:
    for path in ("/sign-in", "/sign-up", "/sign-in/callback?code=x", "/sign-in/reset", "/sign-in/google"):
        assert (await client.get(path, headers={"Accept": "text/html"})).status_code == 404
    nobody = {"Accept": "text/html", "Authorization": ""}
    answer = await client.get("/tasks", headers=nobody)
    assert (answer.status_code, "steward link" in answer.text) == (401, True)


async def test_whoever_signs_up_lives_by_the_clock_of_their_browser(house: House, lite: SupabaseLite) -> None:
    for zone, kept in (("Asia/Tokyo", True), ("Mars/Olympus", False), ("", False)):
        async with browsing(house, lite) as browser:
            made = await sign_up(browser, f"{uuid4().hex}@example.org", timezone=zone)
            assert made.status_code == 303
            page = (await browser.get("/settings/hours")).text
            assert ("in Asia/Tokyo." in page) is kept


async def test_links_of_mails_sign_in_where_the_button_is_pressed(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as other:
        await sign_up(ana)
        ana.cookies.clear()
        told = await send(ana, "/sign-in", action="link", email=ANA, next="/plans")
        assert "a link is on its way" in told.text
        again = await send(ana, "/sign-in", action="link", email=ANA)
        assert (again.status_code, int(again.headers["retry-after"]) > 30) == (429, True)
        nobody = await send(ana, "/sign-in", action="link", email="nobody@vega.example")
        assert nobody.text.count("a link is on its way") == 1  # told alike
        token = re.findall(r"token=([^&\s]+)", (await lite.mail(ANA))[-1]["text"])[0]
        link = f"/sign-in/callback?token_hash={token}&type=magiclink&next=/plans"
        for _ in range(2):  # a mail scanner looks first: nothing is used up, nobody is in
            assert (await other.get(link)).status_code == 200
        assert COOKIE not in other.cookies
        used = await send(ana, "/sign-in/callback", link, token_hash=token, type="magiclink", next="/plans")
        assert (used.status_code, used.headers["location"]) == (303, "/plans")
        assert "with a link that was mailed to you" in (await ana.get("/settings")).text
        twice = await send(other, "/sign-in/callback", link, token_hash=token, type="magiclink")
        assert (twice.status_code, "was used already" in twice.text, COOKIE in other.cookies) == (401, True, False)
        for query in ("", "?code=x", "?error=access_denied&error_code=otp_expired", "?error=server_error", "?token=x"):
            answer = await other.get(f"/sign-in/callback{query}")
            assert answer.status_code in {401, 422}
            assert "Not signed in" in answer.text or "token" in query
        odd = await send(other, "/sign-in/callback", link, token_hash="x" * 3000, type="phone")
        assert (odd.status_code, "email, signup" in odd.text) == (422, False)


async def test_a_forgotten_password_is_replaced_by_link_and_only_once(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as old:
        await sign_up(old)
        told = await send(ana, "/sign-in/reset", action="mail", email=ANA)
        assert "a link to a new password is on its way" in told.text
        refused = await send(ana, "/sign-in/reset", action="choose", password="another long password")
        assert refused.status_code == 401
        token = re.findall(r"token=([^&\s]+)", (await lite.mail(ANA))[-1]["text"])[0]
        link = f"/sign-in/callback?token_hash={token}&type=recovery"
        back = await send(ana, "/sign-in/callback", link, token_hash=token, type="recovery")
        assert back.headers["location"] == "/sign-in/reset"
        weak = await send(ana, "/sign-in/reset", action="choose", password="x")
        assert (weak.status_code, "it needs 6 characters at least" in weak.text, 'value="x"' in weak.text) == (
            422,
            True,
            False,
        )
        chosen = await send(ana, "/sign-in/reset", action="choose", password="another long password")
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
        assert "Forgot your password?" in (await ana.get("/sign-in/reset")).text
        old.app.state.sessions = PersonSessions(old.app.state.auth)  # a minute later
        assert (await old.get("/tasks")).headers["location"] == "/sign-in?next=%2Ftasks"
        old.cookies.clear()
        entered = await send(old, "/sign-in", action="password", email=ANA, password="another long password")
        assert entered.status_code == 303


async def test_google_signs_in_by_a_code_that_only_this_browser_can_use(
    house: House, database_url: str, outside: OutsideServers
) -> None:
    google = {"enabled": True, "client_id": GOOGLE_CLIENT[0], "secret": GOOGLE_CLIENT[1]}
    async with (
        supabase_lite(database_url, auth={"external": {"google": google}}, google_url=outside.google) as lite,
        browsing(house, lite, public_url=BASE) as ana,
        browsing(house, lite) as mallory,
    ):
        back_to = {"redirect_uris": [f"{lite.url}/auth/v1/callback"]}
        seed = SEED["google"]
        outside.reset(google={**seed, "oauth_clients": [{**seed["oauth_clients"][0], **back_to}]})
        assert "Sign in with Google" in (await ana.get("/sign-in")).text
        codes: list[str] = []
        for _ in range(2):
            begun = await send(ana, "/sign-in/google", "/sign-in", next="/plans", timezone="Asia/Tokyo")
            onward = begun.headers["refresh"].removeprefix("0; url=")
            assert html.escape(onward) in begun.text  # for a browser that is told not to go on by itself
            async with httpx.AsyncClient() as browser:
                sent = await browser.get(onward)
                asked = sent.headers["location"].replace("https://accounts.google.com", outside.google)
                back = await allow_at_google(outside.google, asked, ROBIN)
                end = await browser.get(back)
            assert end.headers["location"].startswith(f"{BASE}/sign-in/callback?code="), end.text
            codes.append(end.headers["location"].removeprefix(BASE))
        await mallory.get("/sign-in")
        stolen = await mallory.get(codes[1])
        assert (stolen.status_code, COOKIE in mallory.cookies) == (401, False)
        entered = await ana.get(codes[1])
        assert (entered.status_code, entered.headers["location"]) == (303, "/plans"), entered.text
        page = await ana.get("/settings")
        assert f"<strong>{ROBIN}</strong>, with Google" in page.text
        assert "in Asia/Tokyo." in (await ana.get("/settings/hours")).text
        assert (await ana.get(codes[1])).status_code == 401  # its verifier is gone with it


async def test_a_session_is_refreshed_once_and_its_forms_stay_valid(house: House, database_url: str) -> None:
    async with supabase_lite(database_url, auth={"jwt_expiry": 30}) as lite, browsing(house, lite) as ana:
        await sign_up(ana)
        before, csrf = ana.cookies[COOKIE], await csrf_of(ana)
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(ana.get("/settings", headers={"Cookie": f"{COOKIE}={before}"})) for _ in range(8)
            ]
        given = {cookie for task in asked for cookie in task.result().headers.get_list("set-cookie")}
        assert {task.result().status_code for task in asked} == {200}
        assert given
        assert all("HttpOnly" in one and "SameSite=lax" in one and "Max-Age=" in one for one in given)
        assert all(csrf in task.result().text for task in asked)  # bound to what stays the same inside
        assert await tokens_in(database_url) <= 3  # one refresh for the eight, and one for the page before them
        form = await ana.post("/theme", data={"csrf_token": csrf, "theme": "dark"})
        assert form.status_code == 303
        assert (await ana.post("/theme", data={"csrf_token": "0" * 64})).status_code == 403
        assert (
            await ana.post("/theme", data={"csrf_token": csrf}, headers={"Origin": "https://evil.example"})
        ).status_code == 403


async def test_a_session_that_ended_elsewhere_ends_here(house: House, lite: SupabaseLite, database_url: str) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as phone:
        await sign_up(ana)
        await send(phone, "/sign-in", action="password", email=ANA, password=PASSWORD)
        kept = ana.cookies[COOKIE]
        await send(ana, "/sign-out", "/settings", everywhere="yes")
        replayed = {"Cookie": f"{COOKIE}={kept}"}
        assert (await ana.get("/tasks", headers=replayed)).headers["location"].startswith("/sign-in")
        phone.app.state.sessions = PersonSessions(phone.app.state.auth)  # a minute later, or in another process
        ended = await phone.get("/tasks")
        assert (ended.headers["location"], COOKIE in phone.cookies) == ("/sign-in?next=%2Ftasks", False)
        assert (await phone.get("/api/tasks", headers=replayed)).status_code == 401
        await send(phone, "/sign-in", action="password", email=ANA, password=PASSWORD)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            await connection.execute("delete from auth.users where email = %s", (ANA,))
        phone.app.state.sessions = PersonSessions(phone.app.state.auth)
        assert (await phone.get("/tasks")).headers["location"] == "/sign-in?next=%2Ftasks"


async def test_forged_and_foreign_cookies_open_nothing(house: House, lite: SupabaseLite, tmp_path: Path) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as mallory:
        fixed = "s." + "A" * 100
        mallory.cookies.set(COOKIE, fixed, domain="127.0.0.1", path="/")
        await sign_up(ana)
        good = ana.cookies[COOKIE]
        elsewhere = Keys.load(tmp_path / "elsewhere")
        other = PersonSession("x", uuid4(), ANA, "password", "a", "r", 2**40).sealed(elsewhere)
        flipped = good[:50] + ("A" if good[50] != "A" else "B") + good[51:]
        for cookie in (fixed, other, flipped, good[:-4], good + "AAAA", "s.", "s." + "é" * 9, "s." + "x" * 30_000):
            answer = await mallory.get("/tasks", headers={b"Cookie": f"{COOKIE}={cookie}".encode()})
            assert answer.headers["location"] == "/sign-in?next=%2Ftasks", cookie[:20]
        mallory.cookies.clear()
        mallory.cookies.set(COOKIE, fixed, domain="127.0.0.1", path="/")
        await send(mallory, "/sign-in", action="password", email=ANA, password=PASSWORD)
        assert mallory.cookies[COOKIE] not in {fixed, good}  # nothing of a session before goes on
        assert await csrf_of(mallory) != await csrf_of(ana)


async def test_forms_of_other_sites_and_other_browsers_sign_nobody_in(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite) as ana, browsing(house, lite) as mallory:
        await sign_up(ana)
        ana.cookies.clear()
        page = await mallory.get("/sign-in")
        token = re.findall(r'name="form_token" value="([^"]+)"', page.text)[0]
        form = {"form_token": token, "action": "password", "email": ANA, "password": PASSWORD}
        assert (await ana.post("/sign-in", data=form)).status_code == 403  # no cookie
        await ana.get("/sign-in")
        assert (await ana.post("/sign-in", data=form)).status_code == 403  # another browser's token
        assert (await mallory.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
        for where in (
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/%09/evil",
            "/sign-out",
            "/\t/evil.example",
            "/x" * 400,
            "javascript:1",
            "/api/tasks",
        ):
            shown = await mallory.get("/sign-in", params={"next": where})
            back = html.unescape(re.findall(r'name="next" value="([^"]*)"', shown.text)[0])
            assert back == (where if where == "/%09/evil" else "/"), where
        entered = await mallory.post("/sign-in", data={**form, "next": "//evil.example/"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        part = await ana.get("/review", headers={"HX-Request": "true", "HX-Current-URL": f"{BASE}/tasks?filter=open"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=%2Ftasks%3Ffilter%3Dopen")


async def test_tries_are_counted_by_place_and_by_address(house: House, lite: SupabaseLite) -> None:
    async with browsing(house, lite, sign_in_attempts_per_minute=3) as mallory:
        tried = [await send(mallory, "/sign-in", action="password", email=ANA, password=str(n)) for n in range(4)]
        assert [answer.status_code for answer in tried] == [401, 401, 401, 429]
        assert int(tried[3].headers["retry-after"]) <= 20
        odd = await send(mallory, "/sign-in", action="password", email="no address", password="x")
        assert (odd.status_code, "ana@example.org" in odd.text) == (422, True)
