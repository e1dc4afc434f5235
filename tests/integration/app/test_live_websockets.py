"""Live events over WebSockets of a real server: who may open one, what it is told, and what ends it."""

import asyncio
import json
from contextlib import suppress
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app import subscription as subscriptions
from app.house import House
from app.main import create_app
from app.person_session import COOKIE
from core.database import Caller, Database
from core.keys import Keys
from tasks.tokens import create_token, revoke_token
from tests.integration.app.live import (
    PATIENCE,
    at_its_place,
    bearer,
    ids_of,
    leave,
    make_tasks,
    mine,
    served,
    small_server,
    streaming,
    with_streams,
)

__all__ = ["mine", "served"]


def socket_to(served: str, headers: dict[str, str], path: str = "/api/events", origin: str | None = None) -> connect:
    return connect(f"ws://{served}{path}", additional_headers=headers, origin=origin, proxy=None)  # pyright: ignore[reportArgumentType]


async def close_code(client: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionClosed):
            async for _ in client:  # what was said before the end
                pass
        await client.wait_closed()
    return client.close_code


async def messages(client: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        return [json.loads(await client.recv()) for _ in range(count)]


async def test_a_websocket_replays_and_goes_on_live(house: House, served: str, mine: dict[str, str]) -> None:
    await make_tasks(house.caller, 3)
    past = await ids_of(house.caller)
    async with socket_to(served, mine, f"/api/events?after={past[0]}") as client:
        got = await messages(client, len(past) - 1)
        assert [message["id"] for message in got] == past[1:]
        assert all(message.keys() == {"id", "event", "data"} and message["event"] == "task" for message in got)
        assert [message["data"]["id"] for message in got] == past[1:]
        await client.send("nobody reads this")
        await client.send(b"\x00\xff")
        await make_tasks(house.caller, 1)
        new = await ids_of(house.caller, past[-1])
        assert [message["id"] for message in await messages(client, len(new))] == new


async def test_the_same_event_reads_the_same_on_both_and_from_past_and_live(
    house: House, served: str, mine: dict[str, str]
) -> None:
    async with streaming(served, mine) as live, socket_to(served, mine) as live_socket:
        await make_tasks(house.caller, 1)
        async with streaming(served, mine) as past, asyncio.timeout(PATIENCE):
            _, first = await anext(past)
            _, second = await anext(live)
        (third,) = await messages(live_socket, 1)
        assert first == second == third["data"]


async def test_a_tailing_websocket_begins_now(house: House, served: str, mine: dict[str, str]) -> None:
    await make_tasks(house.caller, 3)
    newest = (await ids_of(house.caller))[-1]
    async with socket_to(served, mine, "/api/events?tail=true") as client:
        hearing = asyncio.create_task(messages(client, 1))
        while not hearing.done():  # its now comes a moment after the handshake
            await make_tasks(house.caller, 1)
            await asyncio.sleep(0.05)
        assert hearing.result()[0]["id"] > newest


async def test_the_session_s_cookie_opens_a_websocket(house: House, served: str, keys: Keys) -> None:
    assert house.owner.user_id
    cookie = {"Cookie": f"{COOKIE}={keys.session_token(house.owner.user_id)}"}
    await make_tasks(house.caller, 1)
    async with socket_to(served, cookie, origin=f"http://{served}") as client:
        assert await messages(client, 1)
    async with socket_to(served, cookie, origin="http://evil.example") as client:
        assert await close_code(client) == 4403
    async with socket_to(served, cookie, origin="null") as client:
        assert await close_code(client) == 4403
    other_port = f"http://127.0.0.1:{int(served.split(':')[1]) ^ 1}"
    async with socket_to(served, cookie, origin=other_port) as client:
        assert await close_code(client) == 4403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic cm9iaW46cm9iaW4="},
        {"Authorization": "Bearer "},
        {"Cookie": f"{COOKIE}=nonsense"},
    ],
)
async def test_without_a_valid_token_a_websocket_is_closed(served: str, headers: dict[str, str]) -> None:
    async with socket_to(served, headers) as client:
        assert await close_code(client) == 4401


async def test_a_token_in_the_address_is_not_looked_at(house: House, served: str, keys: Keys) -> None:
    assert house.owner.user_id
    async with socket_to(served, {}, f"/api/events?token={keys.bearer_token(house.owner.user_id)}") as client:
        assert await close_code(client) == 4401


async def test_a_websocket_ends_when_its_token_has_run_out(house: House, served: str, keys: Keys) -> None:
    assert house.owner.user_id
    token = keys.bearer_token(house.owner.user_id, seconds=2)
    await make_tasks(house.caller, 1)
    async with socket_to(served, {"Authorization": f"Bearer {token}"}) as client:
        await messages(client, 1)
        closing = asyncio.ensure_future(close_code(client))
        async with asyncio.timeout(PATIENCE):
            while not closing.done():
                await house.hub.check_members()
                await asyncio.sleep(0.05)
        assert closing.result() == 4401


async def test_a_programs_streams_end_when_its_token_is_revoked_and_nobody_elses(
    house: House, served: str, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.TOKENS_SECONDS", 0.02)
    revoked, kept = [await create_token(house.caller, name, ["tasks:read"]) for name in ("revoked", "kept")]
    headers = {one.details.name: {"Authorization": f"Bearer {one.token}"} for one in (revoked, kept)}
    await make_tasks(house.caller, 1)
    async with (
        socket_to(served, headers["revoked"]) as ending,
        socket_to(served, headers["kept"]) as staying,
        socket_to(served, mine) as person,
        httpx.AsyncClient(base_url=f"http://{served}", timeout=PATIENCE) as web,
        web.stream("GET", "/api/events", headers={**headers["revoked"], "Accept": "text/event-stream"}) as stream,
    ):
        for client in (ending, staying, person):
            await messages(client, 1)
        await revoke_token(house.caller, revoked.details.id)
        assert await close_code(ending) == 4401
        async with asyncio.timeout(PATIENCE):
            assert "event: task" in "\n".join([line async for line in stream.aiter_lines()])  # read to its end
        await make_tasks(house.caller, 1)
        for client in (staying, person):
            await messages(client, 1)


async def test_a_foreign_or_unknown_task_has_no_websocket(
    house: House, served: str, keys: Keys, mallory: Caller, mine: dict[str, str]
) -> None:
    (task_id,) = await make_tasks(house.caller, 1)
    async with socket_to(served, bearer(keys, mallory.identity), f"/api/tasks/{task_id}/events") as client:
        assert await close_code(client) == 4404
    async with socket_to(served, mine, f"/api/tasks/{uuid4()}/events") as client:
        assert await close_code(client) == 4404
    async with socket_to(served, mine, f"/api/tasks/{task_id}/events") as client:
        assert (await messages(client, 1))[0]["data"]["task_id"] == str(task_id)


@pytest.mark.parametrize("path", ["/api/tasks/nope/events", "/api/nothing", "/api/tasks"])
async def test_where_no_websocket_is_it_says_so(served: str, mine: dict[str, str], path: str) -> None:
    async with socket_to(served, mine, path) as client:
        assert await close_code(client) == 4404
        assert client.close_reason == f"Nothing is served at {path}"


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=", "after=\u0663", f"after={2**63}", "after=1e3", "tail=maybe"]
)
async def test_a_wrong_parameter_is_named(served: str, mine: dict[str, str], query: str) -> None:
    async with socket_to(served, mine, f"/api/events?{httpx.QueryParams(query)}") as client:
        assert await close_code(client) == 1008
        assert (client.close_reason or "").startswith(query.split("=", maxsplit=1)[0])


async def test_who_leaves_the_organization_loses_the_websocket(
    house: House, served: str, keys: Keys, database: Database, mallory: Caller
) -> None:
    await make_tasks(mallory, 1)
    async with socket_to(served, bearer(keys, mallory.identity)) as client:
        await messages(client, 1)
        await leave(database, mallory.identity)
        await house.hub.check_members()
        assert await close_code(client) == 4404


async def test_a_slow_websocket_is_told_to_come_again(
    house: House, served: str, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tasks(house.caller, 1)
    async with socket_to(served, mine) as client:
        await at_its_place(house.hub)
        await make_tasks(house.caller, 1)
        await messages(client, len(await ids_of(house.caller)))
        async with asyncio.timeout(PATIENCE):
            while not all(one._is_waiting() for one in house.hub._all()):  # pyright: ignore[reportPrivateUsage] # it is live
                await asyncio.sleep(0.01)
        monkeypatch.setattr(subscriptions, "MOST_WAITING", 0)
        await house.caller.call("create_tasks", items=[{"title": "One"}, {"title": "Two"}])
        assert await close_code(client) == 1013


async def test_one_person_has_so_many_streams_open_and_no_more(
    house: House, keys: Keys, mine: dict[str, str], mallory: Caller
) -> None:
    """Counted with all programs of theirs, over SSE and WebSocket; a closed one makes room."""
    await make_tasks(house.caller, 1)
    program = {"Authorization": f"Bearer {(await create_token(house.caller, 'program', ['tasks:read'], days=1)).token}"}
    async with small_server(create_app(with_streams(house, 2), keys), house.hub) as served:
        async with streaming(served, mine), socket_to(served, program) as client:
            await messages(client, 1)
            async with httpx.AsyncClient() as asking:
                address = f"http://{served}/api/events"
                refused = await asking.get(address, headers={**program, "Accept": "text/event-stream"})
            assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
            assert (refused.json()["type"], refused.headers["retry-after"]) == ("urn:steward:problem:too-many", "30")
            async with socket_to(served, mine) as third:
                assert await close_code(third) == 1013
            async with streaming(served, bearer(keys, mallory.identity)):
                pass  # somebody else
        async with asyncio.timeout(PATIENCE):
            while house.hub.clients:
                await asyncio.sleep(0.01)
        async with streaming(served, mine):
            pass


async def test_a_websocket_that_leaves_is_forgotten(house: House, served: str, mine: dict[str, str]) -> None:
    async with socket_to(served, mine):
        pass
    async with asyncio.timeout(PATIENCE):
        while house.hub.clients:
            await asyncio.sleep(0.01)


async def test_ids_only_grow(house: House, served: str, mine: dict[str, str]) -> None:
    await asyncio.gather(*(make_tasks(house.caller, 5) for _ in range(5)))
    expected = await ids_of(house.caller)
    async with socket_to(served, mine) as client:
        got = [message["id"] for message in await messages(client, len(expected))]
    assert all(a < b for a, b in pairwise(got))
    assert got == expected
