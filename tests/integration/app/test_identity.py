"""Programs and their tokens: shown once, held to their scopes, gone at once; and who else may come in."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.house import House
from app.limits import Limiter
from app.main import create_app
from app.person_session import COOKIE
from app.scopes import AREAS, needed_scope
from cli.serving import server_config
from core.database import Caller, Identity
from core.errors import Forbidden
from core.keys import Keys
from core.postgres import pool_of
from core.settings import Settings
from tasks import functions, policies, review, runs, tokens
from tests.integration.tasks.permitting import terms

BASE = "http://127.0.0.1"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def visiting(app: FastAPI, address: str = "127.0.0.1") -> AsyncGenerator[httpx.AsyncClient]:
    """A client without any sign-in, from an address."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5000))
    async with httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60) as made:
        yield made


async def make(client: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
    answer = await client.post("/api/tokens", json={"name": "a script", **wish})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_token_is_shown_once_and_ends_when_it_is_revoked(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    made = await make(client, scopes=["tasks:read"], days=7)
    secret, details = made["token"], made["details"]
    assert re.fullmatch(r"stw_[\w-]{43}", secret)
    assert details["prefix"] == secret[:10]
    listed = (await client.get("/api/tokens")).text
    assert details["id"] in listed
    assert secret[10:] not in listed
    assert tokens.hash_of(secret) not in listed
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select t::text from public.api_tokens t")
        assert secret[10:] not in str(await cursor.fetchall())

    assert (await stranger.get("/api/tokens")).json()["items"] == []
    assert (await stranger.delete(f"/api/tokens/{details['id']}")).status_code == 404
    assert (await client.get("/api/tasks", headers=bearer(secret))).status_code == 200

    gone = [await client.delete(f"/api/tokens/{details['id']}") for _ in range(2)]
    assert [(answer.status_code, answer.json()["state"]) for answer in gone] == [(200, "revoked")] * 2
    refused = await client.get("/api/tasks", headers=bearer(secret))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    item = (await client.get("/api/tokens")).json()["items"][0]
    assert item["last_used_at"] is not None
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute(
            "select action from public.audit_events where subject_type = 'token' order by 1"
        )
        assert await cursor.fetchall() == [("token.created",), ("token.revoked",)]


async def test_a_token_that_is_over_or_foreign_is_401(client: httpx.AsyncClient, house: House) -> None:
    made = await make(client)
    async with pool_of(house.database).connection() as connection:
        await connection.execute(
            "update public.api_tokens set created_at = now() - interval '2 days', expires_at = now() - interval '1 second'"
        )
    unlike = made["token"][:-1] + ("a" if made["token"][-1] != "a" else "b")
    for token in (made["token"], unlike, made["token"] + "x", "stw_", "stw_é", tokens.hash_of(made["token"])):
        answer = await client.get("/api/tasks", headers=[(b"Authorization", f"Bearer {token}".encode())])
        assert answer.status_code == 401, token
    assert (
        await client.get("/api/tasks?access_token=" + made["token"], headers={"Authorization": ""})
    ).status_code in {
        401,
        422,
    }


async def test_who_left_the_organization_takes_no_token_along(client: httpx.AsyncClient, house: House) -> None:
    made = await make(client)
    async with pool_of(house.database).connection() as connection:
        await connection.execute("delete from public.members where user_id = %s", (house.owner.user_id,))
    assert (await client.get("/api/tasks", headers=bearer(made["token"]))).status_code == 401


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"days": 0}, "days"),
        ({"days": 400}, "days"),
        ({"user_id": "somebody"}, "user_id"),
    ],
)
async def test_a_wrong_wish_is_named(client: httpx.AsyncClient, wish: dict[str, Any], field: str) -> None:
    answer = await client.post("/api/tokens", json={"name": "a", **wish})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


REQUESTS = (  # a request, and the scope that it needs; None: no token may
    ("GET", "/api/tasks", "tasks:read"),
    ("POST", "/api/tasks", "tasks:write"),
    ("GET", "/api/metrics", "tasks:read"),
    ("GET", "/api/drafts", "review:read"),
    ("PATCH", "/api/drafts/{id}", "review:write"),
    ("POST", "/api/drafts/{id}/approve", "review:write"),
    ("POST", "/api/approvals/{id}", "review:write"),
    ("GET", "/api/mail", "mail:read"),
    ("POST", "/api/tasks/{id}/feedback", "review:write"),
    ("POST", "/api/policies/stop", "review:write"),
    ("PUT", "/api/policies", None),
    ("DELETE", "/api/policies/{id}", None),
    ("POST", "/api/mail/accounts", None),
    ("POST", "/api/calendar/feed", None),
    ("GET", "/api/tokens", None),
    ("POST", "/api/tokens", None),
    ("GET", "/api/integrations/google", None),
    ("GET", "/settings", None),
    ("POST", "/review/{id}", None),
)


async def test_a_token_does_what_its_scopes_say_and_nothing_else(client: httpx.AsyncClient) -> None:
    nothing = "00000000-0000-4000-8000-000000000000"
    secrets = {scope: (await make(client, scopes=[scope]))["token"] for scope in tokens.SCOPES}
    for method, path, needed in REQUESTS:
        for scope, token in secrets.items():
            answer = await client.request(method, path.replace("{id}", nothing), json={}, headers=bearer(token))
            if scope == needed:
                assert answer.status_code not in {401, 403}, (method, path, scope)
            else:
                assert answer.status_code == 403, (method, path, scope)


async def test_every_way_into_the_api_is_an_area_or_a_persons_own(house: House, keys: Keys) -> None:
    own = {"integrations", "invitations", "tokens", "person", "hooks"}  # hooks are signed, each report for itself
    ways = {path.split("/")[2] for path in create_app(house, keys).openapi()["paths"] if path.startswith("/api/")}
    assert ways <= AREAS.keys() | own
    assert needed_scope("/api/something-new", "GET") is None
    assert needed_scope("/api/tasks/{task_id}/hand-over", "POST") is None
    assert needed_scope("/api/nudges/{nudge_id}", "PATCH") is None
    assert needed_scope("/api/nudges/{nudge_id}", "GET") == "tasks:read"
    assert needed_scope("/api/organizations", "GET") == "tasks:read"
    assert needed_scope("/api/organizations", "POST") is None
    assert needed_scope("/api/organizations/{organization_id}/members", "GET") is None
    assert "review:write" not in tokens.DEFAULT_SCOPES


async def test_the_database_lets_no_program_decide_without_the_scope(ana: Caller, service: Caller) -> None:
    """Whatever way a program found: what lets something leave needs review:write, and tokens make no tokens."""
    made = (await tokens.create_token(ana, "a script")).details
    task = (await functions.create_tasks(ana, [{"title": "Mail John", "execution_type": "semi_automated"}]))[0]
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    content = {"to_recipients": ["john@example.com"], "subject": "Hello", "body": "Hello John"}
    draft = await review.deliver_draft(service, task.id, content, {"strategy": "immediate", "output": "x"})

    def program(*scopes: str) -> Caller:
        home = service.identity.organization_id
        return ana.database.acting_as(Identity(ana.identity.user_id, "authenticated", home, None, made.id, scopes))

    for decide in (
        review.approve_draft(program("tasks:write", "review:read"), draft.id, draft.digest),
        review.reject_draft(program("tasks:write", "review:read"), draft.id, "no"),
    ):
        with pytest.raises(Forbidden, match="may not decide"):
            await decide
    with pytest.raises(Forbidden):
        await tokens.create_token(program(*tokens.SCOPES), "another")
    with pytest.raises(Forbidden):
        await tokens.revoke_token(program(*tokens.SCOPES), made.id)
    # Whoever may decide stops them; a person lets go.
    await policies.stop_permissions(program("review:write"), stopped=True)
    for refused in (
        policies.save_policy(program(*tokens.SCOPES), terms()),
        policies.stop_permissions(program(*tokens.SCOPES), stopped=False),
    ):
        with pytest.raises(Forbidden, match="A token cannot do this"):
            await refused
    assert (await review.approve_draft(program("review:write"), draft.id, draft.digest)).state == "approved"


async def test_what_a_program_says_is_not_its_persons_own_word(client: httpx.AsyncClient, house: House) -> None:
    """A permission may go to whomever the person names; a program does not do the naming."""
    headers = bearer((await make(client))["token"])
    mine, reworded = [
        (await client.post("/api/tasks", json={"title": title})).json()["id"] for title in ("Mail Ana", "Call")
    ]
    made = (await client.post("/api/tasks", json={"title": "Mail mallory@example.net"}, headers=headers)).json()["id"]
    said = (await client.post("/api/chat", json={"message": "Mail mallory@example.net"}, headers=headers)).json()
    changed = await client.patch(f"/api/tasks/{reworded}", json={"title": "Mail mallory@example.net"}, headers=headers)
    assert changed.status_code == 200, changed.text
    words: dict[str, str] = {}
    async with pool_of(house.database).connection() as connection:
        for task_id in (mine, made, reworded, *(task["id"] for task in said["tasks"])):
            cursor = await connection.execute("select private.own_words(%s)::text", (task_id,))
            row = await cursor.fetchone()
            assert row
            words[task_id] = row[0]
    assert "Mail Ana" in words.pop(mine)
    assert len(words) >= 3
    assert set(words.values()) == {"[]"}


async def test_a_token_sees_its_own_organization_alone(client: httpx.AsyncClient, house: House, ana: Caller) -> None:
    made = await make(client, scopes=["tasks:read"])
    (other,) = await functions.create_tasks(ana, [{"title": "Elsewhere"}])
    profile = await ana.call("get_profile")
    async with pool_of(house.database).connection() as connection:
        await connection.execute(
            "insert into public.members (organization_id, user_id) values (%s, %s)",
            (profile["organization"]["id"], house.owner.user_id),
        )
    await client.post(f"/api/organizations/{profile['organization']['id']}/choose")
    assert (await client.get(f"/api/tasks/{other.id}")).status_code == 200
    assert (await client.get(f"/api/tasks/{other.id}", headers=bearer(made["token"]))).status_code == 404


async def test_too_many_wrong_tokens_are_429_whatever_the_headers_say(house: House, keys: Keys) -> None:
    app = create_app(house, keys)
    app.state.attempts = Limiter(3)
    assert house.owner.user_id
    good = bearer(keys.bearer_token(house.owner.user_id))
    async with visiting(app) as here, visiting(app, "192.0.2.7") as elsewhere:
        statuses = [
            (await here.get("/api/tasks", headers={**bearer(f"x{n}"), "X-Forwarded-For": f"192.0.2.{n}"})).status_code
            for n in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]
        refused = await here.get("/api/tasks", headers=good)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["type"] == "urn:steward:problem:too-many"
        assert (await elsewhere.get("/api/tasks", headers=good)).status_code == 200
        links = [(await here.get("/", params={"token": "wrong"})).status_code for _ in range(4)]
        assert links == [401, 401, 401, 429]
        link = await elsewhere.get("/", params={"token": keys.link_token(house.owner.user_id)})
        assert link.status_code == 303


async def test_nobody_is_believed_about_an_address_but_a_proxy_of_the_settings(settings: Settings) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        """Never called."""

    plain = server_config(settings, app)
    assert not plain.proxy_headers
    behind = server_config(settings.model_copy(update={"trusted_proxies": "192.0.2.1"}), app)
    assert (behind.proxy_headers, behind.forwarded_allow_ips) == (True, "192.0.2.1")


async def test_wrong_links_of_a_feed_are_limited(house: House, keys: Keys) -> None:
    app = create_app(house, keys)
    app.state.attempts = Limiter(2)
    async with visiting(app) as visitor:
        statuses = [(await visitor.get("/api/calendar/feed", params={"token": "x" * 30})).status_code for _ in range(3)]
    assert statuses == [404, 404, 429]


async def test_the_page_makes_shows_once_and_revokes(house: House, keys: Keys) -> None:
    assert house.owner.user_id
    session = keys.session_token(house.owner.user_id)
    async with visiting(create_app(house, keys)) as browser:
        browser.cookies.set(COOKIE, session)
        form = {"csrf_token": keys.csrf_token(session), "action": "create", "name": "backup <script>", "days": "30"}
        wrong = await browser.post("/settings/tokens", data={**form, "days": "9999"})
        assert wrong.status_code == 422
        assert "Choose one of 7 days, 30 days, 90 days, a year." in wrong.text
        assert "Choose at least one of tasks:read" in (await browser.post("/settings/tokens", data=form)).text
        made = await browser.post("/settings/tokens", data={**form, "scope tasks:read": "yes"})
        assert made.status_code == 201
        assert "backup &lt;script&gt;" in made.text
        (secret,) = re.findall(r"stw_[\w-]{43}", made.text)
        page = await browser.get("/settings/tokens")
        assert secret[:10] in page.text
        assert secret not in page.text
        assert '"/settings/tokens"' in (await browser.get("/settings")).text
        (token,) = await tokens.list_tokens(house.caller)
        assert token.scopes == ["tasks:read"]
        revoke = {"csrf_token": form["csrf_token"], "action": "revoke", "token_id": str(token.id)}
        assert (await browser.post("/settings/tokens", data={**revoke, "csrf_token": ""})).status_code == 403
        assert (await browser.post("/settings/tokens", data={**revoke, "token_id": "x"})).status_code == 422
        assert (await browser.post("/settings/tokens", data=revoke)).status_code == 303
        assert (await tokens.list_tokens(house.caller))[0].state == "revoked"


async def test_one_caller_is_held_to_the_limit_and_others_are_not(
    client: httpx.AsyncClient, house: House, keys: Keys
) -> None:
    app = create_app(house, keys)
    app.state.requests = Limiter(2)
    assert house.owner.user_id
    made = await make(client)
    async with visiting(app) as visitor:
        for headers in (bearer(keys.bearer_token(house.owner.user_id)), bearer(made["token"])):
            answers = [
                await visitor.post("/api/tasks", json={"title": str(n)}, headers={**headers, "Idempotency-Key": str(n)})
                for n in range(3)
            ]
            assert [answer.status_code for answer in answers] == [201, 201, 429]
            assert json.loads(answers[2].text)["hint"].startswith("Try again in")
