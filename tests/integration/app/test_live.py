"""Live events over a real server: replay, the handover to live, tenants, slow clients, a database that goes away."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import psycopg
import pytest
import uvicorn
from starlette.requests import Request
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app import subscription as subscriptions
from app.dependencies import current_caller, identify
from app.house import House
from app.listening import ListeningHub
from app.live import EventHub, listening
from app.main import create_app
from app.person_session import COOKIE
from app.subscription import End
from core.database import Caller, Database, Identity
from core.errors import Forbidden, TooMany, Unauthorized
from core.keys import Keys
from core.postgres import pool_of
from tasks.functions import get_last_event_id, list_task_events
from tasks.tokens import create_token, revoke_token
from tests.conftest import sign_up

PATIENCE = 20


@pytest.fixture
async def served(house: House, keys: Keys) -> AsyncGenerator[str]:
    """host:port of a real server of this house."""
    async with small_server(house, keys, send_buffer=None) as address:
        yield address


@asynccontextmanager
async def small_server(house: House, keys: Keys, send_buffer: int | None = 32_768) -> AsyncGenerator[str]:
    """host:port of a server whose sockets hold little that was not read yet."""
    config = uvicorn.Config(create_app(house, keys), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listening_socket:
        if send_buffer:
            listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listening_socket.bind(("127.0.0.1", 0))
        async with listening(house.hub):
            serving = asyncio.create_task(server.serve(sockets=[listening_socket]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                yield f"127.0.0.1:{listening_socket.getsockname()[1]}"
            finally:
                server.should_exit = True
        await serving


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


# The past, and the handover ------------------------------------------------------------------------------------------


async def test_the_past_is_replayed_and_goes_on_live(house: House, served: str, mine: dict[str, str]) -> None:
    await make_tasks(house.caller, 3)
    past = await ids_of(house.caller)
    async with streaming(served, mine) as events:
        assert await take(events, len(past)) == past
        await make_tasks(house.caller, 1)
        new = await ids_of(house.caller, past[-1])
        assert await take(events, len(new)) == new


async def test_a_stream_begins_after_the_last_event_id(house: House, served: str, mine: dict[str, str]) -> None:
    await make_tasks(house.caller, 4)
    past = await ids_of(house.caller)
    async with streaming(served, {**mine, "Last-Event-ID": str(past[1])}, after=past[0]) as events:
        assert await take(events, len(past) - 2) == past[2:]
    async with streaming(served, mine, after=past[-2]) as events:
        assert await take(events, 1) == past[-1:]


async def test_a_tail_knows_where_it_begins(house: House, served: str, mine: dict[str, str]) -> None:
    await make_tasks(house.caller, 2)
    newest = await get_last_event_id(house.caller)
    headers = {**mine, "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", f"http://{served}/api/events?tail=true", headers=headers) as answer,
    ):
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("retry: ")
        assert await anext(lines) == f"id: {newest}"


async def test_an_id_that_was_never_given_out_is_taken_as_the_newest(
    house: House, served: str, mine: dict[str, str]
) -> None:
    await make_tasks(house.caller, 1)
    newest = await get_last_event_id(house.caller)
    async with streaming(served, mine, after=2**60) as events:
        hearing = asyncio.create_task(take(events, 1))
        while not hearing.done():  # the newest is looked up a moment after the answer has begun
            await make_tasks(house.caller, 1)
            await asyncio.sleep(0.05)
        assert hearing.result()[0] > newest


async def test_the_handover_under_writers_has_no_gap_and_no_double(
    house: House, served: str, mine: dict[str, str]
) -> None:
    """Streams are opened in the middle of many transactions: each has every id after its first, once and in order."""
    await make_tasks(house.caller, 5)

    async def follow_some(into: list[int]) -> None:
        async with streaming(served, mine) as events:
            async for event_id, _ in events:
                into.append(event_id)

    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(make_tasks(house.caller, 40, f"Writer {n}")) for n in range(6)]
        seen: list[list[int]] = []
        followers: list[asyncio.Task[None]] = []
        while not all(writer.done() for writer in writers):
            if len(seen) < 15:
                seen.append([])
                followers.append(group.create_task(follow_some(seen[-1])))
            await asyncio.sleep(0.02)
        expected = await ids_of(house.caller)
        async with asyncio.timeout(PATIENCE):
            while any(ids[-1:] != expected[-1:] for ids in seen):
                await asyncio.sleep(0.02)
        for follower in followers:
            follower.cancel()
    assert len(seen) > 2
    assert all(ids == expected for ids in seen)


async def test_a_long_past_comes_page_by_page(
    house: House, served: str, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "PAGE", 7)
    await make_tasks(house.caller, 25)
    expected = await ids_of(house.caller)
    assert len(expected) > 21
    async with streaming(served, mine) as events:
        assert await take(events, len(expected)) == expected


async def test_a_task_s_stream_holds_its_tree_alone(house: House, served: str, mine: dict[str, str]) -> None:
    root, other = await make_tasks(house.caller, 2)
    await house.caller.call("create_subtask", parent_id=root, title="Part")
    async with streaming(served, mine, f"/api/tasks/{root}/events") as events:
        before = [e.id for e in await list_task_events(house.caller, root)]
        assert await take(events, len(before)) == before
        await make_tasks(house.caller, 1)
        await house.caller.call("update_task", task_id=other, changes={"title": "Not this one"})
        part = await house.caller.call("create_subtask", parent_id=root, title="Another part")
        async with asyncio.timeout(PATIENCE):
            _, data = await anext(events)
        assert data["task_id"] in {part["id"], str(root)}


async def test_two_hundred_clients_get_the_same_at_once(house: House, keys: Keys, mine: dict[str, str]) -> None:
    async with small_server(with_streams(house, 200), keys, send_buffer=None) as served:
        await all_get_the_same(house, served, mine, 200)


async def all_get_the_same(house: House, served: str, mine: dict[str, str], count: int) -> None:
    await make_tasks(house.caller, 2)
    past = await ids_of(house.caller)
    opened = asyncio.Semaphore(0)
    written = asyncio.Event()
    new: list[int] = []

    async def client() -> list[int]:
        reader, writer = await lazy_client(served, mine)
        seen = await take_raw(reader, len(past))
        opened.release()
        await written.wait()
        seen += await take_raw(reader, len(new))
        writer.close()
        return seen

    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(client()) for _ in range(count)]
        for _ in clients:
            await opened.acquire()
        await make_tasks(house.caller, 10)
        new += await ids_of(house.caller, past[-1])
        written.set()
    assert all(task.result() == past + new for task in clients)


# Tenants -------------------------------------------------------------------------------------------------------------


async def test_nobody_sees_what_happens_in_another_organization(
    house: House, served: str, mine: dict[str, str], keys: Keys, mallory: Caller
) -> None:
    async with streaming(served, mine) as ours, streaming(served, bearer(keys, mallory.identity)) as theirs:
        for _ in range(5):
            await make_tasks(house.caller, 1)
            await make_tasks(mallory, 1)
        our_ids, their_ids = await ids_of(house.caller), await ids_of(mallory)
        assert set(our_ids).isdisjoint(their_ids)
        assert await take(ours, len(our_ids)) == our_ids
        assert await take(theirs, len(their_ids)) == their_ids


async def test_a_task_of_another_organization_has_no_stream(
    house: House, served: str, keys: Keys, mallory: Caller
) -> None:
    (task_id,) = await make_tasks(house.caller, 1)
    headers = {"Accept": "text/event-stream", **bearer(keys, mallory.identity)}
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{served}/api/tasks/{task_id}/events", headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_even_a_subscription_to_a_foreign_task_stays_empty(house: House, mallory: Caller) -> None:
    (task_id,) = await make_tasks(house.caller, 1)
    async with listening(house.hub), house.hub.subscribed(mallory, task_id) as foreign:
        batches = foreign.batches()
        waiting = asyncio.ensure_future(anext(batches))
        async with house.hub.subscribed(house.caller) as own:
            await house.caller.call("update_task", task_id=task_id, changes={"title": "Changed"})
            await collect(own, await ids_of(house.caller))
        assert not waiting.done()
        waiting.cancel()


async def test_the_worker_s_identity_sees_the_one_organization_it_names(house: House, mallory: Caller) -> None:
    database = house.database
    profile = await mallory.call("get_profile")
    named = database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
    async with listening(house.hub):
        with pytest.raises(Forbidden):
            async with house.hub.subscribed(database.acting_as(Identity.service())):
                pass
        async with house.hub.subscribed(named) as subscription:
            await make_tasks(house.caller, 3)
            await make_tasks(mallory, 1)
            theirs = await ids_of(mallory)
            assert await collect(subscription, theirs) == theirs


async def test_somebody_without_an_organization_gets_no_stream(
    house: House, served: str, keys: Keys, database: Database
) -> None:
    identity = await sign_up(database, "nowhere@example.net")
    await leave(database, identity)
    async with httpx.AsyncClient() as client:
        answer = await client.get(
            f"http://{served}/api/events", headers={"Accept": "text/event-stream", **bearer(keys, identity)}
        )
    assert answer.status_code == 403


async def test_who_leaves_the_organization_loses_the_stream(
    house: House, served: str, keys: Keys, database: Database, mallory: Caller, mine: dict[str, str]
) -> None:
    async with streaming(served, bearer(keys, mallory.identity)) as theirs, streaming(served, mine) as ours:
        await make_tasks(mallory, 1)
        await take(theirs, 1)
        await leave(database, mallory.identity)
        await house.hub.check_members()
        async with asyncio.timeout(PATIENCE):
            assert [event async for event in theirs] == []
        await make_tasks(house.caller, 1)
        assert await take(ours, 1)


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


# Slow clients, a database that goes away -----------------------------------------------------------------------------


async def test_a_client_that_does_not_read_is_given_up_while_others_go_on(
    house: House, mine: dict[str, str], keys: Keys
) -> None:
    async with small_server(house, keys) as served:
        reader, writer = await lazy_client(served, mine)
        async with streaming(served, mine) as events:
            items = [{"title": f"{n} " + "x" * 400} for n in range(200)]
            reading = asyncio.ensure_future(take(events, 7 * len(items)))
            for _ in range(7):
                await house.caller.call("create_tasks", items=items)
            expected = await ids_of(house.caller)
            assert await reading == expected
        async with asyncio.timeout(PATIENCE):
            rest = await read_to_the_end(reader)
        writer.close()
        seen = [int(line[4:]) for line in rest.splitlines() if line.startswith(b"id: ")][1:]
        assert len(seen) < len(expected) - 500
        async with streaming(served, {**mine, "Last-Event-ID": str(seen[-2])}) as events:
            missed = expected[expected.index(seen[-2]) + 1 :]
            assert await take(events, len(missed)) == missed


async def test_a_client_that_pauses_and_reads_on_misses_nothing(house: House, mine: dict[str, str], keys: Keys) -> None:
    """Events come one by one, more of them than the socket holds, fewer than the queue does."""
    async with small_server(house, keys) as served:
        reader, writer = await lazy_client(served, mine)
        for n in range(300):
            await house.caller.call("create_tasks", items=[{"title": f"{n} " + "x" * 400}])
        expected = await ids_of(house.caller)
        assert await take_raw(reader, len(expected)) == expected
        writer.close()


async def lazy_client(served: str, headers: dict[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream whose head was read and nothing else; its socket holds little."""
    host, port = served.split(":")
    reader, writer = await asyncio.open_connection(sock=small_socket(host, int(port)), limit=4096)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: {served}\r\nAccept: text/event-stream\r\n{head}\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    read = b""
    try:
        while part := await reader.read(65536):
            read += part
    except ConnectionResetError:
        pass
    return read


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


async def test_a_full_queue_ends_the_subscription_and_is_let_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        listening(house.hub),
        house.hub.subscribed(house.caller) as slow,
        house.hub.subscribed(house.caller) as fast,
    ):
        slow_batches = slow.batches()
        await at_its_place(house.hub)
        await make_tasks(house.caller, 1)
        assert await anext(slow_batches)
        await collect(fast, await ids_of(house.caller))
        monkeypatch.setattr(subscriptions, "MOST_WAITING", 3)  # both are live by now: nothing of the past is read again
        for _ in range(6):
            newest = await ids_of(house.caller)
            await make_tasks(house.caller, 1)
            await collect(fast, await ids_of(house.caller, newest[-1]))
        assert await asyncio.wait_for(slow.ended, PATIENCE) is End.SLOW
        assert [batch async for batch in slow_batches] == []
        assert not fast.ended.done()


async def test_a_write_that_stalls_ends_the_subscription(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "STALLED_SECONDS", 0.0)
    await make_tasks(house.caller, 1)
    async with house.hub.subscribed(house.caller) as stalled:
        batches = stalled.batches()
        assert await anext(batches)  # and it never comes back for more
        stalled.keep_alive(asyncio.get_running_loop().time() + 1)
        assert stalled.ended.result() is End.SLOW
        await batches.aclose()


async def test_a_quiet_stream_gives_a_sign_of_life(house: House) -> None:
    async with house.hub.subscribed(house.caller, after=2**60) as subscription:
        batches = subscription.batches()
        waiting = asyncio.ensure_future(anext(batches))
        while not waiting.done():
            subscription.keep_alive(asyncio.get_running_loop().time())
            await asyncio.sleep(0.01)
        assert waiting.result() == []


@pytest.mark.parametrize("who", ["query ilike 'listen%%'", "pid <> pg_backend_pid()"])
async def test_a_lost_connection_is_made_again_and_nothing_is_missed(
    house: House, served: str, mine: dict[str, str], database_url: str, who: str
) -> None:
    """Only the listener's backend is ended, then every backend of the database."""
    await make_tasks(house.caller, 1)
    past = await ids_of(house.caller)
    async with streaming(served, mine) as events:
        assert await take(events, len(past)) == past
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as admin:
            for _ in range(2):
                cursor = await admin.execute(
                    f"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and {who}".encode()
                )
                assert cursor.rowcount
                newest = past[-1]
                async with asyncio.timeout(PATIENCE):
                    while not (past := await new_events(house, newest)):
                        await asyncio.sleep(0.05)
                assert await take(events, len(past)) == past


async def new_events(house: House, after: int) -> list[int]:
    """Make a task, and give the ids of what came of it; none while the database cannot be reached."""
    from core.errors import Unavailable

    try:
        await make_tasks(house.caller, 1)
        return await ids_of(house.caller, after)
    except Unavailable:
        return []


async def test_streams_opened_before_the_hub_runs_miss_nothing(house: House) -> None:
    async with house.hub.subscribed(house.caller) as early:
        batches = early.batches()
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0.05)
        await make_tasks(house.caller, 3)
        async with listening(house.hub):
            async with asyncio.timeout(PATIENCE):
                assert [told.id for told in await waiting] == await ids_of(house.caller)
    assert not early.ended.done() or early.ended.result() is End.CLOSING


async def test_a_hub_that_stops_ends_its_streams_and_those_that_come_too_late(house: House) -> None:
    async with house.hub.subscribed(house.caller) as early:
        async with listening(house.hub):
            waiting = asyncio.ensure_future(anext(early.batches(), None))
            await asyncio.sleep(0.1)
            assert not waiting.done()
        assert await asyncio.wait_for(waiting, PATIENCE) is None
        assert early.ended.result() is End.CLOSING
    async with house.hub.subscribed(house.caller) as late:
        assert await asyncio.wait_for(anext(late.batches(), None), PATIENCE) is None
        assert late.ended.result() is End.CLOSING
    async with listening(house.hub), house.hub.subscribed(house.caller) as again:
        await asyncio.sleep(0.1)
        assert not again.ended.done()


async def test_a_hub_without_a_database_can_be_stopped() -> None:
    async with listening(ListeningHub("host=127.0.0.1 port=1 dbname=nowhere")):
        await asyncio.sleep(0.1)


# WebSockets ----------------------------------------------------------------------------------------------------------


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


def with_streams(house: House, most: int) -> House:
    """The same house, where one person may have so many streams open."""
    return replace(house, settings=house.settings.model_copy(update={"streams_per_person": most}))


async def test_one_person_has_so_many_streams_open_and_no_more(
    house: House, keys: Keys, mine: dict[str, str], mallory: Caller
) -> None:
    """Counted with all programs of theirs, over SSE and WebSocket; a closed one makes room."""
    await make_tasks(house.caller, 1)
    program = {"Authorization": f"Bearer {(await create_token(house.caller, 'program', ['tasks:read'], days=1)).token}"}
    async with small_server(with_streams(house, 2), keys) as served:
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


async def test_what_is_wrong_with_one_stream_keeps_no_other_from_its_end(
    house: House, keys: Keys, database: Database, mallory: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused() -> None:
        raise Unauthorized("over")

    async def unknown() -> None:
        raise TooMany("later", retry_after_seconds=1)

    over = jwt.encode({"sub": str(house.owner.user_id), "exp": 1}, "x" * 32, "HS256")
    late = Caller(database, replace(house.owner, access_token=over))
    hub = ListeningHub("")
    async with (
        hub.subscribed(late) as expired,
        hub.subscribed(house.caller, None, 0, refused) as signed_out,
        hub.subscribed(house.caller, None, 0, unknown) as unheard,
        hub.subscribed(house.caller) as stays,
        hub.subscribed(mallory) as left,
    ):
        await leave(database, mallory.identity)
        await hub.check_members()
        assert [one.ended.done() for one in (unheard, stays)] == [False, False]
        assert [one.ended.result() for one in (expired, signed_out, left)] == [End.SIGNED_OUT, End.SIGNED_OUT, End.LEFT]
        monkeypatch.setattr(subscriptions, "UNKNOWN_SECONDS", 0.0)
        await hub.check_members()
        assert unheard.ended.result() == End.UNKNOWN
        assert not stays.ended.done()


async def test_others_wrong_tokens_do_not_keep_a_stream_open(house: House, keys: Keys, mine: dict[str, str]) -> None:
    app = create_app(house, keys)
    headers = [(name.lower().encode(), value.encode()) for name, value in mine.items()]
    scope: dict[str, Any] = {"type": "http", "app": app, "method": "GET", "path": "/api/events", "headers": headers}
    request = Request({**scope, "client": ("127.0.0.1", 1), "query_string": b"", "state": {}})
    await current_caller(request)
    with suppress(TooMany):
        while True:
            app.state.attempts.take("token 127.0.0.1")
    assert (await identify(request)).user_id == house.owner.user_id
    with pytest.raises(TooMany):
        await identify(Request({**scope, "client": ("127.0.0.1", 1), "query_string": b"", "state": {}}))
