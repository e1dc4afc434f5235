"""Agents that wait for work over real HTTP: answered when there is some, and let go when nothing will come."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn

from agents.executor import carry_out, start_task
from app._agents import waiting
from app._agents.waiting import WaitingAgents
from app.house import House
from app.live import EventHub
from app.main import create_app
from core.database import Caller, Identity
from core.keys import Keys
from tasks import agents, functions, trees
from tasks.capture import get_profile
from tests.conftest import free_port


@dataclass
class Served:
    """A house on loopback, and who waits in it."""

    url: str
    waiting: WaitingAgents
    listening: asyncio.Task[None]

    async def until(self, count: int) -> None:
        """Return when so many requests wait."""
        async with asyncio.timeout(10):
            while self.waiting.count != count:
                await asyncio.sleep(0.01)


@pytest.fixture
async def served(house: House, keys: Keys) -> AsyncGenerator[Served]:
    app, port = create_app(house, keys), free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False, lifespan="off"))
    hub: EventHub = house.hub
    listening, serving = asyncio.create_task(hub.run()), asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield Served(f"http://127.0.0.1:{port}", app.state.waiting, listening)
    server.should_exit = True
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await serving


@asynccontextmanager
async def agent_of(house: House, served: Served, name: str, *capabilities: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A new agent's own client, below its own URL."""
    made = await agents.register_agent(house.caller, {"name": name, "capabilities": list(capabilities)})
    headers = {"Authorization": f"Bearer {made.token}", "x-agent": str(made.details.id)}
    url = f"{served.url}/api/agents/{made.details.id}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        yield client


async def offer(house: House, capability: str) -> UUID:
    """Work for an agent that can this."""
    organization = (await get_profile(house.caller))["organization"]
    service: Caller = house.database.acting_as(Identity.service(UUID(organization["id"])))
    wanted = {"tool": "outside_agent", "tool_input": {"capabilities": [capability]}}
    tree = await trees.create_task_tree(
        house.caller, {"title": capability, "execution_type": "fully_automated", **wanted}
    )
    await functions.queue_task_execution(house.caller, tree.id)
    started = await start_task(service, tree.id, house.equipment, uuid4())
    assert started
    await carry_out(service, started, house.equipment)
    return tree.id


async def test_who_waited_longest_gets_what_fits_and_the_others_wait_on(
    house: House, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 60.0)  # only what rings is found
    async with (
        agent_of(house, served, "Larry", "prospecting") as larry,
        agent_of(house, served, "Mona", "prospecting") as mona,
        agent_of(house, served, "Nils", "email") as nils,
        agent_of(house, served, "Olga", "prospecting") as olga,
    ):
        larrys, nilses, monas = (asyncio.create_task(client.get("/work?wait=30")) for client in (larry, nils, mona))
        await served.until(3)
        first = await offer(house, "email")
        got = await asyncio.wait_for(nilses, 4)
        assert (got.status_code, got.json()["task"]["id"]) == (200, str(first))
        both = {str(await offer(house, "prospecting")), str(await offer(house, "prospecting"))}
        assert {(await asyncio.wait_for(poll, 4)).json()["task"]["id"] for poll in (larrys, monas)} == both

        # Larry holds as much as he may: what he looks at in vain goes on to Olga, who came after him.
        larrys = asyncio.create_task(larry.get("/work?wait=30"))
        await served.until(1)
        olgas = asyncio.create_task(olga.get("/work?wait=30"))
        await served.until(2)
        monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.1)
        third = await offer(house, "prospecting")
        assert (await asyncio.wait_for(olgas, 4)).json()["task"]["id"] == str(third)
        await agents.revoke_agent_token(house.caller, UUID(larry.headers["x-agent"]))
        assert (await asyncio.wait_for(larrys, 4)).status_code == 401

        monas = asyncio.create_task(mona.get("/work?wait=30"))
        await served.until(1)
        async with agent_of(house, served, "Pia") as pia:
            with pytest.raises(httpx.ReadTimeout):
                await pia.get("/work?wait=60", timeout=0.2)
        await served.until(1)  # Pia has left
        served.listening.cancel()  # the house closes
        nothing = await asyncio.wait_for(monas, 4)
        assert (nothing.status_code, nothing.headers["retry-after"]) == (204, "300")
        await served.until(0)


async def test_nobody_waits_for_ever(house: House, served: Served) -> None:
    async with agent_of(house, served, "Larry") as larry:
        for wait in ("-1", "61", "nan", "soon"):
            refused = await larry.get(f"/work?wait={wait}")
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "wait")
        assert (await larry.get("/work?wait=0.1")).status_code == 204
