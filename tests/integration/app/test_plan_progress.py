"""The progress of a plan over a real server: replay and live, percent and state of the whole, and who may watch."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.api.plans.by_plan_id.progress import _voice
from app.house import House
from core.database import Identity
from core.keys import Keys
from jobs.worker import working
from tasks import plans
from tasks.events import add_task_event
from tasks.functions import queue_task_execution
from tests.conftest import sign_up
from tests.integration.app.live import bearer, streaming, usual_server

PATIENCE = 20
TASKS: list[dict[str, Any]] = [
    {"key": "look", "title": "Look", "tool": "noop"},
    {"key": "gate", "title": "Go on?", "tool": "approval_gate", "tool_input": {"question": "Go on?"}}
    | {"depends_on": ["look"], "on_failure": "stop"},
]


async def a_plan(house: House) -> UUID:
    plan = {"kind": "objective", "title": "Gated", "starts_by_itself": False, "tasks": TASKS}
    return (await plans.create_plan(house.caller, plan)).id


async def read_until(
    events: AsyncIterator[tuple[int, dict[str, Any]]], plan_id: UUID, state: str
) -> list[dict[str, Any]]:
    """The messages up to the one that says the whole plan is in this state."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        async for event_id, message in events:
            assert message["id"] == event_id
            found.append(message)
            if "percent" in message and message["task_id"] == str(plan_id) and message.get("state") == state:
                return found
    raise AssertionError(found)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams look more often how far the plan is."""
    monkeypatch.setattr(_voice, "LOOK_SECONDS", 0.05)


async def test_a_stream_tells_what_happens_and_how_far_the_plan_is(house: House, keys: Keys) -> None:
    plan_id, mine = await a_plan(house), bearer(keys, house.owner)
    path = f"/api/plans/{plan_id}/progress"
    async with usual_server(house, keys) as served:
        async with streaming(served, mine, path) as events:
            past = await read_until(events, plan_id, "ready")
            async with working(await house.worker()):
                await queue_task_execution(house.caller, plan_id)
                live = await read_until(events, plan_id, "waiting")
                found = await plans.get_plan(house.caller, plan_id)
                service = house.database.acting_as(Identity.service(found.plan.organization_id))
                gate = found.tree.children[1]
                said = {"purpose": "premise_attack/2"}
                await add_task_event(service, gate.id, "output", "a thought", said | {"is_thought": True})
                await add_task_event(service, gate.id, "output", "a piece", said)
                await add_task_event(service, gate.id, "progress", "1 of 2", {"stage": "setup", "done": 1, "total": 2})
                await add_task_event(service, gate.id, "check", "too thin")
                async with asyncio.timeout(PATIENCE):
                    told = [(await anext(events))[1] for _ in range(4)]
                headers = {**mine, "Content-Type": "application/json"}
                async with httpx.AsyncClient(base_url=f"http://{served}", headers=headers) as client:
                    url = f"/api/plans/{plan_id}/tasks/{gate.id}/approve"
                    assert (await client.post(url, json={"approved": True})).status_code == 200
                    end = await read_until(events, plan_id, "completed")
                    page = (await client.get(path, params={"limit": 3})).json()
                    rest = (await client.get(path, params={"cursor": page["next_cursor"]})).json()
        everything = [*past, *live, *told, *end]
        assert all(a["id"] <= b["id"] for a, b in pairwise(everything))
        percents = [one["percent"] for one in everything if "percent" in one]
        assert percents == sorted(percents)
        assert (percents[0], percents[-1]) == (0, 100)
        assert {one["type"] for one in everything} == {"log", "output", "reasoning", "progress", "state"}
        assert [(one["type"], one.get("stage")) for one in told] == [
            ("reasoning", "premise_attack"),
            ("output", "premise_attack"),
            ("progress", "setup"),
            ("log", None),
        ]
        assert [one["message"] for one in told[:2]] == ["a thought", "a piece"]
        assert (told[2]["done"], told[3]["message"]) == (1, "check: too thin")
        assert (page["state"], page["percent"]) == ("completed", 100)
        events_of = [one["id"] for one in everything if "percent" not in one]
        assert [one["id"] for one in [*page["items"], *rest["items"]]] == events_of
        async with streaming(served, {**mine, "Last-Event-ID": str(events_of[-3])}, path) as events:
            async with asyncio.timeout(PATIENCE):
                again = [one async for one in _up_to(events, events_of[-1])]
            assert again == events_of[-2:]


async def _up_to(events: AsyncIterator[tuple[int, dict[str, Any]]], last: int) -> AsyncIterator[int]:
    """The ids of what happened, up to this one."""
    async for event_id, message in events:
        if "percent" not in message:
            yield event_id
            if event_id == last:
                return


async def test_a_socket_tells_the_same_and_lets_no_stranger_watch(house: House, keys: Keys) -> None:
    plan_id = await a_plan(house)
    stranger = await sign_up(house.database, "stranger@example.net")
    async with usual_server(house, keys) as served:

        async def closed_with(headers: dict[str, str], of: UUID, query: str = "") -> int:
            async with connect(f"ws://{served}/api/plans/{of}/progress{query}", additional_headers=headers) as socket:
                try:
                    async with asyncio.timeout(PATIENCE):
                        while True:
                            await socket.recv()
                except ConnectionClosed as closed:
                    return closed.rcvd.code if closed.rcvd else 0

        mine = bearer(keys, house.owner)
        task = (await house.caller.call("create_tasks", items=[{"title": "No plan"}]))[0]["id"]
        assert await closed_with({}, plan_id) == 4401
        assert await closed_with(bearer(keys, stranger), plan_id) == 4404
        assert await closed_with(mine, uuid4()) == await closed_with(mine, UUID(task)) == 4404
        assert await closed_with({**mine, "Origin": "https://evil.example"}, plan_id) == 4403
        assert await closed_with(mine, plan_id, "?after=x") == 1008
        async with connect(f"ws://{served}/api/plans/{plan_id}/progress", additional_headers=mine) as socket:

            async def messages() -> AsyncIterator[tuple[int, dict[str, Any]]]:
                while True:
                    message = json.loads(await socket.recv())
                    yield message["id"], message

            found = await read_until(messages(), plan_id, "ready")
            assert found[0]["type"] in {"state", "progress"}
