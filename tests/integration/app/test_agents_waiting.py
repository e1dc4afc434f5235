"""Agents that wait for work over real HTTP: answered when there is some, and let go when nothing will come."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
import uvicorn

from app._agents import waiting
from app._agents.waiting import WaitingAgents
from app.house import House
from app.live import EventHub
from app.main import create_app
from core.keys import Keys
from tasks import agents
from tests.conftest import free_port
from tests.integration.app.offering import ID, agent_of, offer, own

PATIENCE_SECONDS = 20


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


async def test_who_waited_longest_gets_what_fits_and_the_others_wait_on(
    house: House, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 60.0)  # only what rings is found
    async with (
        agent_of(house, served.url, "Larry", "prospecting") as larry,
        agent_of(house, served.url, "Mona", "prospecting") as mona,
        agent_of(house, served.url, "Nils", "email") as nils,
        agent_of(house, served.url, "Olga", "prospecting") as olga,
    ):
        larrys, nilses, monas = (
            asyncio.create_task(client.get(own(client, "/work?wait=30"))) for client in (larry, nils, mona)
        )
        await served.until(3)
        first = await offer(house, "email")
        got = await asyncio.wait_for(nilses, PATIENCE_SECONDS)
        assert (got.status_code, got.json()["task"]["id"]) == (200, str(first))
        both = {str(await offer(house, "prospecting")), str(await offer(house, "prospecting"))}
        assert {
            (await asyncio.wait_for(poll, PATIENCE_SECONDS)).json()["task"]["id"] for poll in (larrys, monas)
        } == both

        # Larry holds as much as he may: what he looks at in vain goes on to Olga, who came after him.
        larrys = asyncio.create_task(larry.get(own(larry, "/work?wait=30")))
        await served.until(1)
        olgas = asyncio.create_task(olga.get(own(olga, "/work?wait=30")))
        await served.until(2)
        monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.1)
        third = await offer(house, "prospecting")
        assert (await asyncio.wait_for(olgas, PATIENCE_SECONDS)).json()["task"]["id"] == str(third)
        await agents.revoke_agent_token(house.caller, UUID(larry.headers[ID]))
        assert (await asyncio.wait_for(larrys, PATIENCE_SECONDS)).status_code == 401

        monas = asyncio.create_task(mona.get(own(mona, "/work?wait=30")))
        await served.until(1)
        async with agent_of(house, served.url, "Pia") as pia:
            with pytest.raises(httpx.ReadTimeout):
                await pia.get(own(pia, "/work?wait=60"), timeout=0.2)
        await served.until(1)  # Pia has left
        served.listening.cancel()  # the house closes
        nothing = await asyncio.wait_for(monas, PATIENCE_SECONDS)
        assert (nothing.status_code, nothing.headers["retry-after"]) == (204, "300")
        await served.until(0)
