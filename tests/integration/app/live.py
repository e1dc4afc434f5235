"""Live events over a real server, for tests: servers, streams, and what is read of them."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app import subscription as subscriptions
from app.house import House
from app.live import EventHub, listening
from app.main import create_app
from core.database import Caller, Database, Identity
from core.keys import Keys
from core.postgres import pool_of
from tasks.events import list_task_events

PATIENCE = 20


@asynccontextmanager
async def small_server(app: FastAPI, hub: EventHub, send_buffer: int | None = 32_768) -> AsyncGenerator[str]:
    """host:port of a server whose sockets hold little that was not read yet."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    with socket.socket() as listening_socket:
        if send_buffer:
            listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listening_socket.bind(("127.0.0.1", 0))
        async with listening(hub):
            serving = asyncio.create_task(server.serve(sockets=[listening_socket]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                yield f"127.0.0.1:{listening_socket.getsockname()[1]}"
            finally:
                server.should_exit = True
        await serving


@asynccontextmanager
async def usual_server(house: House, keys: Keys) -> AsyncGenerator[str]:
    """host:port of a real server of this house."""
    async with small_server(create_app(house, keys), house.hub, send_buffer=None) as address:
        yield address


@pytest.fixture
async def served(house: House, keys: Keys) -> AsyncGenerator[str]:
    """host:port of a real server of this house."""
    async with usual_server(house, keys) as address:
        yield address


def bearer(keys: Keys, identity: Identity) -> dict[str, str]:
    assert identity.user_id
    return {"Authorization": f"Bearer {keys.bearer_token(identity.user_id)}"}


@pytest.fixture
def mine(house: House, keys: Keys) -> dict[str, str]:
    """The owner's header."""
    return bearer(keys, house.owner)


async def make_tasks(caller: Caller, count: int, title: str = "Task") -> list[UUID]:
    made = [await caller.call("create_tasks", items=[{"title": f"{title} {n}"}]) for n in range(count)]
    return [UUID(tasks[0]["id"]) for tasks in made]


@asynccontextmanager
async def streaming(
    served: str, headers: dict[str, str], path: str = "/api/events", **params: Any
) -> AsyncGenerator[AsyncIterator[tuple[int, dict[str, Any]]]]:
    """The events of one SSE stream, (id, data) each, once it is open."""
    headers = {"Accept": "text/event-stream", **headers}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", f"http://{served}{path}", params=params, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield sse_events(answer)


async def sse_events(answer: httpx.Response) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    event_id = 0
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            event_id = int(value)
        elif name == "data":
            yield event_id, json.loads(value)


async def take(events: AsyncIterator[tuple[int, dict[str, Any]]], count: int) -> list[int]:
    """The ids of the next events."""
    async with asyncio.timeout(PATIENCE):
        return [(await anext(events))[0] for _ in range(count)]


async def take_raw(reader: asyncio.StreamReader, count: int) -> list[int]:
    """The ids of the next events, read as lines; the id that a stream begins with is none of them."""
    ids: list[int] = []
    last = 0
    async with asyncio.timeout(PATIENCE):
        while len(ids) < count:
            line = await reader.readline()
            assert line, "the stream ended"
            if line.startswith(b"id: "):
                last = int(line[4:])
            elif line.startswith(b"data: "):
                ids.append(last)
    return ids


async def ids_of(caller: Caller, after: int = 0) -> list[int]:
    ids: list[int] = []
    while page := await list_task_events(caller, None, ids[-1] if ids else after, 1000):
        ids += [event.id for event in page]
    return ids


async def leave(database: Database, identity: Identity) -> None:
    async with pool_of(database).connection() as connection:
        await connection.execute("delete from public.members where user_id = %s", (identity.user_id,))


async def collect(subscription: subscriptions.Subscription, expected: list[int]) -> list[int]:
    """The ids that come, as many as expected."""
    got: list[int] = []
    async with asyncio.timeout(PATIENCE):
        async for batch in subscription.batches():
            got += [told.id for told in batch]
            if len(got) >= len(expected):
                break
    return got


async def lazy_client(served: str, headers: dict[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream whose head was read and nothing else; its socket holds little."""
    host, port = served.split(":")
    reader, writer = await asyncio.open_connection(sock=small_socket(host, int(port)), limit=4096)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: {served}\r\nAccept: text/event-stream\r\n{head}\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def small_socket(host: str, port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, port))
    client.setblocking(False)
    return client


async def at_its_place(hub: EventHub) -> None:
    """Return once the hub knows where it goes on live; the past is not read again after that."""
    async with asyncio.timeout(PATIENCE):
        while hub._cursor is None:  # pyright: ignore[reportPrivateUsage] # nothing else tells
            await asyncio.sleep(0.01)


def with_streams(house: House, most: int) -> House:
    """The same house, where one person may have so many streams open."""
    return replace(house, settings=house.settings.model_copy(update={"streams_per_person": most}))
