"""Other people's agents for tests: registered, with a client of their own, and work that waits for them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx

from agents.executor import carry_out, start_task
from app.house import House
from core.database import Caller, Identity
from tasks import agents, functions, trees
from tasks.capture import get_profile

ID = "x-agent"  # a header of an agent's client that says its id


@asynccontextmanager
async def agent_of(
    house: House, base: str | httpx.ASGITransport, name: str, *capabilities: str, **more: Any
) -> AsyncGenerator[httpx.AsyncClient]:
    """A new agent's own client, of a server or of an app in process."""
    made = await agents.register_agent(house.caller, {"name": name, "capabilities": list(capabilities), **more})
    headers = {"Authorization": f"Bearer {made.token}", ID: str(made.details.id)}
    url, transport = (base, None) if isinstance(base, str) else ("http://127.0.0.1", base)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, transport=transport) as client:
        yield client


def own(client: httpx.AsyncClient, below: str = "") -> str:
    """A path below the agent's own."""
    return f"/api/agents/{client.headers[ID]}{below}"


async def offer(house: House, capability: str, **wanted: Any) -> UUID:
    """Work of an execution of its own, for an agent that can this."""
    given = {"capabilities": [capability], **wanted}
    tree = {"title": capability, "execution_type": "fully_automated", "tool": "outside_agent", "tool_input": given}
    made = await trees.create_task_tree(house.caller, tree)
    await functions.queue_task_execution(house.caller, made.id)
    await carry_on(house, made.id)
    return made.id


async def carry_on(house: House, task_id: UUID) -> None:
    """What a worker does with a task."""
    organization = (await get_profile(house.caller))["organization"]
    service: Caller = house.database.acting_as(Identity.service(UUID(organization["id"])))
    started = await start_task(service, task_id, house.equipment, uuid4())
    assert started
    await carry_out(service, started, house.equipment)


def event(kind: str, task_id: object, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An event with an id of its own."""
    return {"event_id": str(uuid4()), "type": kind, "task_id": str(task_id), "data": data or {}, **more}
