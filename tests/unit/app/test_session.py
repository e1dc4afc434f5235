"""A link signs in once; a session lasts."""

import asyncio
import time
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path
from uuid import UUID, uuid4

import jwt
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from app.cookies import HOST_ALONE
from app.person_session import COOKIE
from core.keys import Keys

ORIGIN = "http://127.0.0.1:8765"


def fresh(web: FastAPI, origin: str = ORIGIN) -> AsyncClient:
    """A browser that was never here."""
    return AsyncClient(transport=ASGITransport(web), base_url=origin)


async def test_a_link_sets_the_cookie_and_goes_on_without_the_token(web: FastAPI, keys: Keys, me: UUID) -> None:
    async with fresh(web) as http:
        answer = await http.get("/tasks", params={"q": "a b", "token": keys.link_token(me), "page": "2"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/tasks?q=a+b&page=2")
        assert (await http.get("/api/probe/whoami")).json() == {"user_id": str(me)}


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(web: FastAPI, keys: Keys, me: UUID) -> None:
    async with fresh(web) as http:
        answer = await http.get("/", params={"token": keys.link_token(me)})
    morsel = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["secure"]) == (True, "lax", "/", "")
    assert int(morsel["max-age"]) == 30 * 24 * 3600
    assert morsel["domain"] == ""


async def test_over_https_the_cookie_is_secure(web: FastAPI, keys: Keys, me: UUID) -> None:
    async with fresh(web, "https://127.0.0.1:8765") as http:
        answer = await http.get("/", params={"token": keys.link_token(me)})
        assert (await http.get("/api/probe/whoami")).json() == {"user_id": str(me)}
    morsel = SimpleCookie(answer.headers["set-cookie"])[HOST_ALONE + COOKIE]
    assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")


async def test_over_https_a_session_that_a_neighbour_below_the_same_domain_planted_is_nobodys(
    web: FastAPI, keys: Keys, me: UUID
) -> None:
    async with fresh(web, "https://127.0.0.1:8765") as http:
        planted = {"Cookie": f"{COOKIE}={keys.session_token(me)}"}
        assert (await http.get("/api/probe/whoami", headers=planted)).status_code == 401
    async with fresh(web) as http:
        assert (await http.get("/api/probe/whoami", headers=planted)).json() == {"user_id": str(me)}


async def test_behind_a_proxy_the_public_address_says_that_it_is_secure(web: FastAPI, keys: Keys, me: UUID) -> None:
    settings = web.state.house.settings.model_copy(update={"public_url": "https://localhost"})
    web.state.house = replace(web.state.house, settings=settings)
    for host, is_secure in (("localhost", True), ("127.0.0.1:8765", "")):
        async with fresh(web) as http:
            answer = await http.get("/", params={"token": keys.link_token(me)}, headers={"Host": host})
        name = HOST_ALONE + COOKIE if is_secure else COOKIE
        assert SimpleCookie(answer.headers["set-cookie"])[name]["secure"] == is_secure


async def test_a_link_works_once(web: FastAPI, keys: Keys, me: UUID) -> None:
    token = keys.link_token(me)
    async with fresh(web) as first, fresh(web) as second:
        assert (await first.get("/", params={"token": token})).status_code == 303
        answer = await second.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "steward link" in answer.json()["hint"]
    assert "set-cookie" not in answer.headers


async def test_of_many_at_the_same_time_one_is_signed_in(web: FastAPI, keys: Keys, me: UUID) -> None:
    token = keys.link_token(me)

    async def visit() -> int:
        async with fresh(web) as http:
            return (await http.get("/", params={"token": token})).status_code

    statuses = await asyncio.gather(*(visit() for _ in range(20)))
    assert sorted(statuses) == [303] + [401] * 19


async def test_of_many_threads_at_the_same_time_one_uses_a_link(keys: Keys, me: UUID) -> None:
    token = keys.link_token(me)
    results = await asyncio.gather(
        *(asyncio.to_thread(keys.use_link, token) for _ in range(20)), return_exceptions=True
    )
    assert [result for result in results if not isinstance(result, Exception)] == [me]


async def test_who_is_signed_in_goes_on_whatever_the_link(web: FastAPI, keys: Keys, me: UUID) -> None:
    token = keys.link_token(me)
    async with fresh(web) as http:
        for used in (token, token, "garbage"):
            assert (await http.get("/tasks", params={"token": used})).headers["location"] == "/tasks"


async def test_the_link_of_who_is_signed_in_stays_good_for_another_browser(web: FastAPI, keys: Keys, me: UUID) -> None:
    token = keys.link_token(me)
    async with fresh(web) as here, fresh(web) as elsewhere:
        await here.get("/", params={"token": keys.link_token(me)})
        await here.get("/", params={"token": token})
        assert (await elsewhere.get("/", params={"token": token})).status_code == 303


@pytest.mark.parametrize("kind", ["garbage", "expired", "bearer", "session", "of another installation"])
async def test_a_wrong_link_is_401_and_says_where_to_get_one(
    web: FastAPI, keys: Keys, me: UUID, tmp_path: Path, kind: str
) -> None:
    now = int(time.time())
    old = {"sub": str(me), "aud": "link", "jti": "1", "iat": now - 9999, "exp": now - 1}
    tokens = {
        "garbage": "garbage",
        "expired": jwt.encode(old, keys.secret("link"), "HS256"),
        "bearer": keys.bearer_token(me),
        "session": keys.session_token(me),
        "of another installation": Keys.load(tmp_path / "elsewhere").link_token(me),
    }
    async with fresh(web) as http:
        answer = await http.get("/", params={"token": tokens[kind]})
    assert (answer.status_code, "steward link" in answer.json()["hint"]) == (401, True)


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example", "///evil.example/x", "/\\evil.example", "//"])
async def test_a_link_never_leads_to_another_site(web: FastAPI, keys: Keys, me: UUID, path: str) -> None:
    async with fresh(web) as http:
        answer = await http.get(f"{ORIGIN}{path}", params={"token": keys.link_token(me)})
    target = answer.headers["location"]
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))


async def test_only_a_get_uses_a_link(web: FastAPI, keys: Keys, me: UUID) -> None:
    token = keys.link_token(me)
    async with fresh(web) as http:
        for method, path in (("HEAD", "/"), ("POST", "/"), ("GET", "/api/tasks"), ("GET", "/static/htmx.js")):
            await http.request(method, path, params={"token": token})
        assert (await http.get("/", params={"token": token})).status_code == 303


async def test_sessions_of_two_people_differ_and_so_do_their_csrf_tokens(keys: Keys) -> None:
    one, other = (keys.session_token(uuid4()) for _ in range(2))
    assert keys.csrf_token(one) != keys.csrf_token(other)
    assert not keys.is_csrf_token(one, keys.csrf_token(other))
