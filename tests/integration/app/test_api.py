"""The API's manners: errors, identity, idempotency, cursors, tenants, and that OpenAPI tells the truth."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys

BASE = "http://127.0.0.1"


async def make(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/tasks", json={"title": "Call Ana", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    return body


async def test_a_sentence_makes_a_task(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/tasks", json={"text": "call Ana tomorrow 3pm p1 #home"})
    task = answer.json()
    assert (task["title"], task["priority"], task["labels"]) == ("Call Ana", "critical", ["home"]) or task[
        "title"
    ] == "call Ana"
    assert task["due_at"].startswith("2026-03-05T14:00:00")


async def test_several_tasks_are_made_or_none(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/tasks", json={"tasks": [{"title": "A"}, {"title": "B"}]})
    assert [t["title"] for t in made.json()["tasks"]] == ["A", "B"]
    is_problem(
        await client.post(
            "/api/tasks", json={"tasks": [{"title": "C"}, {"title": "D", "parent_task_id": str(uuid4())}]}
        ),
        422,
    )
    assert len((await client.get("/api/tasks")).json()["items"]) == 2


async def test_a_forbidden_change_of_state_names_the_allowed_ones(client: httpx.AsyncClient) -> None:
    task = await make(client)
    await client.patch(f"/api/tasks/{task['id']}", json={"execution_status": "completed"})
    body = is_problem(await client.patch(f"/api/tasks/{task['id']}", json={"execution_status": "queued"}), 409)
    assert "final" in body["detail"]
    other = await make(client)
    body = is_problem(await client.patch(f"/api/tasks/{other['id']}", json={"execution_status": "paused"}), 409)
    assert "allowed: queued, in_progress, cancelled" in body["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title or text"),
        ({"title": "x", "text": "y"}, "title or text"),
        ({"title": ""}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"title": "x", "priority": "p9"}, "priority"),
        ({"title": "x", "due_at": "tomorrow"}, "due_at"),
        ({"title": "x", "due_at": "2026-03-05T10:00:00"}, "offset"),
        ({"title": "x", "recurrence": "FREQ=DAILY"}, "recurrence"),
        ({"title": "x", "surprise": 1}, "surprise"),
        ({"title": ["x"]}, "title"),
        ([1], ""),
    ],
)
async def test_bad_input_names_the_field(client: httpx.AsyncClient, body: object, field: str) -> None:
    problem = is_problem(await client.post("/api/tasks", json=body), 422)
    assert field in str(problem)
    assert (await client.get("/api/tasks")).json()["items"] == []


async def test_broken_requests_are_refused_before_anything_is_done(client: httpx.AsyncClient) -> None:
    json_type = {"Content-Type": "application/json"}
    is_problem(await client.post("/api/tasks", content=b"{", headers=json_type), 422)
    is_problem(await client.post("/api/tasks", content=b'{"title": "a\\u0000b"}', headers=json_type), 422)
    is_problem(await client.post("/api/tasks", content=b'{"title": "x"}', headers={"Content-Type": "text/plain"}), 415)
    is_problem(await client.post("/api/tasks", json={"title": "x", "description": "y" * 1_100_000}), 413)
    is_problem(await client.get("/api/nowhere"), 404)
    is_problem(await client.get("/api/tasks/not-a-uuid"), 404)
    is_problem(await client.delete("/api/tasks"), 405)
    is_problem(await client.get("/api/tasks", params={"limit": 0}), 422)
    is_problem(await client.get("/api/tasks", params={"cursor": "garbage"}), 422)
    is_problem(await client.get("/api/tasks", headers={"Host": "evil.example"}), 400)


async def test_lists_page_by_opaque_cursors(client: httpx.AsyncClient) -> None:
    await client.post("/api/tasks", json={"tasks": [{"title": f"T{n}"} for n in range(7)]})
    seen: list[str] = []
    cursor = None
    while True:
        page = (await client.get("/api/tasks", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [t["id"] for t in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    is_problem(await client.get("/api/tasks", params={"sort": "title", "cursor": "WzEsImEiLCJiIiwiYyJd"}), 422)


async def test_what_is_not_yours_is_not_found(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    task = await make(client)
    for method, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"title": "mine"}),
        ("DELETE", "", None),
        ("POST", "/cancel", None),
        ("GET", "/tree", None),
        ("GET", "/log", None),
        ("GET", "/events", None),
        ("POST", "/feedback", {"rating": 5}),
    ]:
        is_problem(await stranger.request(method, f"/api/tasks/{task['id']}{path}", json=body), 404)
    is_problem(await stranger.post("/api/tasks/execute", json={"taskId": task["id"]}), 404)
    is_problem(await stranger.post("/api/tasks/bulk", json={"ids": [task["id"]], "action": "cancel"}), 404)
    assert (await stranger.get("/api/tasks")).json()["items"] == []


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_bad_tokens_are_refused(house: House, keys: Keys) -> None:
    user = str(house.owner.user_id)
    good = {"sub": user, "aud": "authenticated", "exp": 4102444800}
    tokens = {
        "garbage": "x.y.z",
        "other key": jwt.encode(good, "k" * 32, "HS256"),
        "none": jwt.encode(good, "", "none"),
        "other algorithm": jwt.encode(good, keys.jwt_secret, "HS512"),
        "wrong audience": jwt.encode({**good, "aud": "anon"}, keys.jwt_secret, "HS256"),
        "expired": jwt.encode({**good, "exp": 1}, keys.jwt_secret, "HS256"),
        "no expiry": jwt.encode({"sub": user, "aud": "authenticated"}, keys.jwt_secret, "HS256"),
        "no subject": jwt.encode({"aud": "authenticated", "exp": 4102444800}, keys.jwt_secret, "HS256"),
        "subject no id": jwt.encode({**good, "sub": "robin"}, keys.jwt_secret, "HS256"),
        "session as bearer": keys.session_token(UUID(user)),
        "link as bearer": keys.link_token(UUID(user)),
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(house, keys)), base_url=BASE) as client:
        for name, token in tokens.items():
            answer = await client.get("/api/tasks", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, name
            assert answer.headers["www-authenticate"] == "Bearer"
        is_problem(await client.get("/api/tasks"), 401)
        is_problem(await client.get("/api/tasks", headers={"Authorization": "Basic eDp5"}), 401)


async def test_a_link_signs_in_once_and_forms_need_their_token(house: House, keys: Keys) -> None:
    assert house.owner.user_id
    link = keys.link_token(house.owner.user_id)
    app = create_app(house, keys)

    def browser() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)

    async with browser() as first, browser() as second:
        answers = await asyncio.gather(first.get("/", params={"token": link}), second.get("/", params={"token": link}))
        assert sorted(a.status_code for a in answers) == [303, 401]
        winner = first if answers[0].status_code == 303 else second
        cookie = next(a for a in answers if a.status_code == 303).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await winner.get("/api/tasks")).status_code == 200
        is_problem(await winner.post("/api/tasks", json={"title": "forged"}), 403)
        token = keys.csrf_token(winner.cookies["steward_session"])
        right = {"X-CSRF-Token": token}
        assert (await winner.post("/api/tasks", json={"title": "mine"}, headers=right)).status_code == 201
        for extra in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-CSRF-Token": "0" * 64}):
            is_problem(await winner.post("/api/tasks", json={"title": "forged"}, headers={**right, **extra}), 403)


async def test_the_same_key_gives_the_first_answer_again(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await client.post("/api/tasks", json={"title": "Once"}, headers=key)
    again = await client.post("/api/tasks", json={"title": "Once"}, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    is_problem(await client.post("/api/tasks", json={"title": "Other"}, headers=key), 409)
    is_problem(await client.post("/api/tasks", json={"title": "x"}, headers={"Idempotency-Key": "k" * 256}), 422)
    no_form = {"Idempotency-Key": "k-3", "Content-Type": "multipart/form-data"}
    is_problem(await client.post("/api/preferences/look", headers=no_form), 400)
    assert len((await client.get("/api/tasks")).json()["items"]) == 1


async def test_the_same_key_at_the_same_time_does_one_thing(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(client.post("/api/tasks", json={"title": "Once"}, headers={"Idempotency-Key": "k-2"}) for _ in range(8))
    )
    assert {a.status_code for a in answers} <= {201, 409}
    assert len((await client.get("/api/tasks")).json()["items"]) == 1


async def test_bulk_is_all_or_nothing(client: httpx.AsyncClient) -> None:
    ids = [(await make(client))["id"] for _ in range(3)]
    done = await client.post("/api/tasks/bulk", json={"ids": ids, "action": "label", "value": "home"})
    assert done.json() == {"updated": 3}
    is_problem(await client.post("/api/tasks/bulk", json={"ids": [*ids, str(uuid4())], "action": "cancel"}), 404)
    states = {t["execution_status"] for t in (await client.get("/api/tasks", params={"label": "home"})).json()["items"]}
    assert states == {"pending"}
    is_problem(await client.post("/api/tasks/bulk", json={"ids": ids, "action": "priority", "value": "p1"}), 422)


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/api/tasks", "/api/nowhere", "/healthz", "/static/htmx.js"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"


async def test_static_files_stay_in_their_folder(client: httpx.AsyncClient) -> None:
    for path in ("/static/../main.py", "/static/%2e%2e/main.py", "/static//etc/passwd", "/static/none.css"):
        is_problem(await client.get(path), 404)


async def test_openapi_documents_each_operation_and_its_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    seen: set[str] = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            if path.startswith("/api"):
                assert "application/problem+json" in operation["responses"]["422"]["content"], (method, path)
                assert "401" in operation["responses"]
