"""Other people's agents over HTTP: registered, given work, heard."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys
from tasks import functions

LARRY = {"name": "Larry", "capabilities": ["Prospecting", "email"], "max_concurrent": 2, "tools": ["web search"]}


@pytest.fixture
async def larry(client: httpx.AsyncClient, house: House, keys: Keys):
    """An agent's own client; `.headers["x-agent"]` is its id."""
    made = (await client.post("/api/agents", json=LARRY)).json()
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {made['token']}", "x-agent": made["details"]["id"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as agent:
        yield agent


def event(kind: str, task_id: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"event_id": str(uuid4()), "type": kind, "task_id": task_id, "data": data or {}, **more}


async def offered(house: House, client: httpx.AsyncClient, *inputs: dict[str, Any]) -> list[str]:
    """Ids of root tasks for outside agents; a worker offers them."""
    ids: list[str] = []
    for number, given in enumerate(inputs):
        tree = {
            "title": f"Work {number}",
            "tool": "outside_agent",
            "execution_type": "fully_automated",
            "tool_input": given,
        }
        made = (await client.post("/api/tasks/tree", json=tree)).json()
        ids.append(made["tree"]["id"] if "tree" in made else made["id"])
        await client.post("/api/tasks/execute", json={"taskId": ids[-1], "wait": False})
    return ids


async def test_an_agent_takes_work_and_reports_it(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, house: House, at_work: None
) -> None:
    own = f"/api/agents/{larry.headers['x-agent']}"
    me = (await larry.get("/api/agents/me")).json()
    assert (me["name"], me["status"], me["load"]) == ("Larry", "online", {"held": 0, "most": 2})
    assert (me["capabilities"], me["tools"], me["poll_seconds"]) == (
        ["prospecting", "email"],
        [{"name": "web search", "description": ""}],
        300,
    )
    nothing = await larry.get(f"{own}/work")
    assert (nothing.status_code, nothing.headers["retry-after"]) == (204, "300")

    [task_id] = await offered(house, client, {"capabilities": ["prospecting"], "input": {"city": "Ghent"}})
    work = (await larry.get(f"{own}/work?wait=20")).json()
    assert (work["task"]["id"], work["input"]) == (task_id, {"city": "Ghent"})
    beat = (await larry.post(f"{own}/heartbeat")).json()
    assert [one["next"] for one in beat["leases"]] == ["continue"]

    events = f"/api/executions/{task_id}/events"
    begun = await larry.post(events, json=event("task_started", task_id))
    assert (begun.status_code, begun.json()["outcome"], begun.json()["next"]) == (200, "applied", "continue")
    both = await larry.post(
        events,
        json={
            "events": [event("task_progress", task_id, {"percent": 40}), event("task_complete", task_id, {"output": 3})]
        },
    )
    assert [one["outcome"] for one in both.json()["items"]] == ["applied", "applied"]
    assert (await functions.get_task(house.caller, work["task"]["id"])).execution_status == "completed"
    late = (await larry.post(events, json=event("task_progress", task_id, {"percent": 50}))).json()
    assert (late["outcome"], late["next"]) == ("late", "stop")
