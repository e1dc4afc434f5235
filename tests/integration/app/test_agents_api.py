"""Other people's agents over HTTP: registered, given work, heard."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from app._agents.examples import TASK
from app.house import House
from app.limits import Limiter
from app.main import create_app
from core.keys import Keys
from tasks import functions
from tasks.agent_work import EVENT_TYPES
from tasks.tokens import create_token
from tests.integration.app.offering import ID, agent_of, event, offer, own

LARRY = {"name": "Larry", "capabilities": ["Prospecting", "email"], "max_concurrent": 2, "tools": ["web search"]}


@pytest.fixture
def app(house: House, keys: Keys) -> FastAPI:
    return create_app(house, keys)


@pytest.fixture
def transport(app: FastAPI) -> httpx.ASGITransport:
    """The app in process."""
    return httpx.ASGITransport(app, raise_app_exceptions=False)


@pytest.fixture
async def larry(house: House, transport: httpx.ASGITransport) -> AsyncGenerator[httpx.AsyncClient]:
    """An agent's own client."""
    async with agent_of(house, transport, "Larry", "prospecting", "email", max_concurrent=2) as client:
        yield client


async def test_a_person_says_who_works_here(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    made = await client.post("/api/agents", json=LARRY)
    assert made.status_code == 201
    token, larry = made.json()["token"], made.json()["details"]
    shown = {name: larry[name] for name in ("status", "load", "success", "capabilities", "tools", "has_token")}
    assert shown == {
        "status": "new",
        "load": {"held": 0, "most": 2},
        "success": None,
        "capabilities": ["prospecting", "email"],
        "tools": [{"name": "web search", "description": ""}],
        "has_token": True,
    }
    path = f"/api/agents/{larry['id']}"
    changed = await client.patch(path, json={"instructions": "Be kind", "lease_seconds": 60, "is_paused": True})
    assert (changed.json()["instructions"], changed.json()["lease_seconds"]) == ("Be kind", 60)
    assert changed.json()["status"] == "paused"
    back = (await client.patch(path, json={"lease_seconds": None, "is_paused": False})).json()
    assert (back["lease_seconds"], back["instructions"], back["status"]) == (None, "Be kind", "new")
    assert token not in (await client.get("/api/agents")).text + (await client.get(path)).text

    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "A", "max_concurrent": 0}, "max_concurrent"),
        ({"name": "A", "capabilities": ["x" * 101]}, "capabilities.0"),
        ({"name": "A", "capabilities": "email"}, "capabilities"),
        ({"name": "A", "tools": [{"name": ""}]}, "tools.0.name"),
        ({"name": "A", "token": "sta_mine"}, "token"),
        ({"name": "A\u0000"}, "name"),
        ({"name": "A\nB"}, "name"),
        ({"name": str(uuid4())}, "name"),
    ]
    for body, field in wrong:
        refused = await client.post("/api/agents", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
    assert "cannot be null" in (await client.patch(path, json={"name": None})).text
    assert (await client.post("/api/agents", json={"name": "LARRY"})).status_code == 409

    for method, below in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/token"),
        ("DELETE", "/token"),
        ("GET", "/leases"),
    ):
        body: dict[str, Any] | None = {} if method == "PATCH" else None
        assert (await stranger.request(method, path + below, json=body)).status_code == 404, below
    assert larry["id"] not in (await stranger.get("/api/agents")).text
    script = await create_token(house.caller, "script", ["agents"], 1)
    program = {"Authorization": f"Bearer {script.token}"}
    assert (await client.get(path, headers=program)).status_code == 200
    for refused in (
        await client.post("/api/agents", json={"name": "Mona"}, headers=program),
        await client.post(f"{path}/token", headers=program),
        await client.get(f"{path}/work", headers=program),
        await client.get("/api/agents/me", headers=program),
    ):
        assert refused.status_code == 403


async def test_a_token_lets_in_one_agent_to_its_own_work(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, house: House, app: FastAPI, transport: httpx.ASGITransport
) -> None:
    for method, path in (("GET", own(larry, "/work")), ("POST", own(larry, "/heartbeat")), ("GET", "/api/agents/me")):
        persons = await client.request(method, path)
        assert (persons.status_code, "sta_" in persons.json()["hint"]) == (403, True)
    reported = await client.post(f"/api/executions/{uuid4()}/events", json=event("heartbeat", uuid4()))
    assert reported.status_code == 403
    assert (await larry.get("/api/agents/me")).json()["silent_seconds"] == 1800
    async with agent_of(house, transport, "Mona") as mona:
        for method, path in (
            ("GET", own(mona, "/work")),
            ("GET", own(mona, f"/work/{uuid4()}")),
            ("GET", own(mona, "/leases")),
            ("POST", own(mona, "/heartbeat")),
            ("GET", "/api/tasks"),
            ("GET", "/api/agents"),
            ("POST", "/api/agents"),
            ("POST", own(larry, "/token")),
            ("DELETE", own(larry, "/token")),
            ("DELETE", own(larry)),
        ):
            assert (await larry.request(method, path)).status_code == 403, path
    assert (await larry.get(own(larry, "/leases"))).json() == {"items": [], "next_cursor": None}
    keyed = await larry.post(own(larry, "/heartbeat"), headers={"Idempotency-Key": "k"})
    assert (keyed.status_code, keyed.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    unknown = str(uuid4())
    beat = (await larry.post(own(larry, "/heartbeat"), json={"lease_ids": [unknown]})).json()
    assert beat == {"leases": [], "unknown_lease_ids": [unknown], "is_paused": False, "poll_seconds": 300}

    app.state.requests = Limiter(1)
    assert [(await larry.get("/api/agents/me")).status_code for _ in "12"] == [200, 429]
    async with agent_of(house, transport, "Nils") as nils:
        assert (await nils.get("/api/agents/me")).status_code == 200
    app.state.requests = Limiter(0)

    rotated = (await client.post(own(larry, "/token"))).json()
    assert (await larry.get("/api/agents/me")).status_code == 401
    larry.headers["Authorization"] = f"Bearer {rotated['token']}"
    assert (await larry.get("/api/agents/me")).status_code == 200
    assert (await client.delete(own(larry, "/token"))).json()["has_token"] is False
    assert (await larry.get(own(larry, "/work"))).status_code == 401
    assert (await client.delete(own(larry))).json()["status"] == "removed"
    assert (await client.post(own(larry, "/token"))).status_code == 409
    assert (await client.patch(own(larry), json={"name": "Larry II"})).status_code == 409
    assert (await client.post("/api/agents", json=LARRY)).status_code == 201  # the name is free again
    removed = (await client.get("/api/agents?removed=true")).json()["items"]
    assert [one["status"] for one in removed if one["id"] == larry.headers[ID]] == ["removed"]


async def test_work_is_claimed_reported_and_over(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, house: House
) -> None:
    nothing = await larry.get(own(larry, "/work"))
    assert (nothing.status_code, nothing.headers["retry-after"], nothing.content) == (204, "300", b"")
    for wait in ("-1", "61", "nan", "soon"):
        refused = await larry.get(own(larry, f"/work?wait={wait}"))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "wait")
    assert (await larry.get(own(larry, "/work?wait=0.1"))).status_code == 204
    task_id = await offer(house, "prospecting", input={"city": "Ghent"})
    work = (await larry.get(own(larry, "/work"))).json()
    assert (work["task"]["id"], work["input"]) == (str(task_id), {"city": "Ghent"})
    beat = (await larry.post(own(larry, "/heartbeat"))).json()
    assert [(one["next"], one["lease_id"]) for one in beat["leases"]] == [("continue", work["lease"]["id"])]
    again = (await larry.get(own(larry, f"/work/{work['lease']['id']}"))).json()
    assert (again["task"], again["input"]) == (work["task"], work["input"])
    assert again["lease"]["expires_at"] > work["lease"]["expires_at"]
    for lease_id in (uuid4(), "a"):
        assert (await larry.get(own(larry, f"/work/{lease_id}"))).status_code == 404
    held = (await client.get(own(larry))).json()
    assert (held["load"], held["working_on"][0]["task_id"]) == ({"held": 1, "most": 2}, str(task_id))

    events = f"/api/executions/{task_id}/events"
    begun = event("task_started", task_id)
    answers = [one.json() for one in await asyncio.gather(*(larry.post(events, json=begun) for _ in "1234"))]
    assert sorted(one["outcome"] for one in answers) == ["applied", "duplicate", "duplicate", "duplicate"]
    assert {one["first_outcome"] for one in answers} == {None, "applied"}
    again = await larry.post(events, json={**begun, "type": "task_progress"})
    assert (again.status_code, again.json()["outcome"], again.json()["next"]) == (409, "refused", "continue")
    elsewhere = await larry.post(events, json=event("task_progress", uuid4(), {"percent": 1}))
    assert (elsewhere.status_code, elsewhere.json()["next"]) == (404, "poll")
    assert "never had this task" in elsewhere.json()["detail"]
    assert elsewhere.headers["content-type"] == "application/problem+json"
    no_execution = await larry.post(f"/api/executions/{uuid4()}/events", json=begun)
    assert (no_execution.status_code, "no such execution" in no_execution.json()["detail"]) == (404, True)

    half = event(
        "task_progress",
        task_id,
        {"percent": 50, "message": "½ – на полпути"},
        at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}+00:00",
    )
    bad = await larry.post(events, json={"events": [half, event("task_error", task_id, {"error": ""})]})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "events.1.data.error")
    done = event(
        "task_complete", task_id, {"output": {"x": "y" * 500_000}, "evidence": [{"kind": "url", "what": "page"}]}
    )
    stray, late = event("task_progress", uuid4()), event("task_progress", task_id, {"percent": 99})
    batch = await larry.post(events, json={"events": [half, stray, done, late]})
    assert [one["outcome"] for one in batch.json()["items"]] == ["applied", "refused", "applied", "late"]
    assert [one["next"] for one in batch.json()["items"]] == ["continue", "poll", "poll", "stop"]
    assert batch.json()["items"][3]["reason"] == "the task is completed"
    finished = await functions.get_task(house.caller, task_id)
    assert finished.execution_status == "completed"
    assert (await client.get(own(larry))).json()["success"] == 1.0
    huge = event("task_complete", task_id, {"output": "y" * 1_000_000})
    assert (await larry.post(events, json=huge)).status_code == 413
    many = {"events": [event("heartbeat", task_id) for _ in range(501)]}
    refused = await larry.post(events, json=many)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "events")
    assert (await larry.post(events, content=b"x", headers={"Content-Type": "text/plain"})).status_code == 415


async def test_a_task_is_broken_down_by_its_agent(larry: httpx.AsyncClient, house: House) -> None:
    task_id = await offer(house, "email")
    assert (await larry.get(own(larry, "/work"))).status_code == 200
    events = f"/api/executions/{task_id}/events"
    parts = [
        {"key": "look", "title": "Look"},
        {"title": "Wait", "who": "steward", "tool": "delay", "tool_input": {"seconds": 1}, "depends_on": ["look"]},
        {"title": "Sign", "who": "person", "depends_on": [1]},
    ]
    wrong = [{**parts[0], "who": "steward", "tool": "rm -rf"}]
    bad = event("subtask_created", task_id, {"subtasks": wrong, "confidence": 0.9})
    for body, field in ((bad, "data.subtasks.0.tool"), ({"events": [bad]}, "events.0.data.subtasks.0.tool")):
        refused = await larry.post(events, json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    too_many = [
        {"title": f"Part {n}"} for n in range(100)
    ]  # a task may have so many; not the question before them as well
    unsure = event("subtask_created", task_id, {"subtasks": too_many, "confidence": 0.5})
    reached = await larry.post(events, json=unsure)
    assert (reached.status_code, reached.json()["next"]) == (422, "continue")
    assert "bound" in reached.json()["detail"]

    more = await offer(house, "email")
    claims = await asyncio.gather(*(larry.get(own(larry, "/work")) for _ in "1234"))  # he may hold one more
    assert sorted(one.status_code for one in claims) == [200, 204, 204, 204]
    assert {one.json()["task"]["id"] for one in claims if one.content} == {str(more)}

    created = event("subtask_created", task_id, {"subtasks": parts, "confidence": 0.9, "continue": True})
    answer = (await larry.post(events, json=created)).json()
    assert (answer["outcome"], answer["next"], answer["human_review_required"]) == ("applied", "poll", False)
    assert [part["key"] for part in answer["parts"]] == ["look", None, None]
    look, wait, sign = [await functions.get_task(house.caller, UUID(part["task_id"])) for part in answer["parts"]]
    assert (look.execution_status, look.tool_input["whom"]) == ("queued", larry.headers[ID])
    assert (wait.tool, wait.execution_status, sign.execution_type) == ("delay", "pending", "manual")
    assert (await larry.post(events, json=created)).json()["outcome"] == "duplicate"


async def test_what_the_documents_show_works(
    client: httpx.AsyncClient, house: House, app: FastAPI, transport: httpx.ASGITransport
) -> None:
    document = app.openapi()
    wish = document["components"]["schemas"]["AgentWish"]["examples"][0]
    assert (await client.post("/api/agents", json=wish)).status_code == 201
    body = document["paths"]["/api/executions/{execution_id}/events"]["post"]["requestBody"]["content"][
        "application/json"
    ]
    kinds: set[str] = set()
    async with agent_of(house, transport, "Mona", "email", max_concurrent=100) as mona:
        for number, (name, example) in enumerate(body["examples"].items()):
            task_id = await offer(house, "email")
            assert (await mona.get(own(mona, "/work"))).status_code == 200
            given = json.loads(json.dumps(example["value"]).replace(TASK, str(task_id)).replace('-1"', f'-{number}"'))
            answer = await mona.post(f"/api/executions/{task_id}/events", json=given)
            said = answer.json().get("items", [answer.json()])
            assert {one.get("outcome") for one in said} <= {"applied", "recorded"}, (name, answer.text)
            kinds |= {one["type"] for one in given.get("events", [given])}
    assert kinds == {kind for kind in EVENT_TYPES if kind.startswith("task_")} | {"heartbeat", "subtask_created"}
