"""Live events as streams of a real server: replay, the handover to live, tenants, a database that goes away."""

import asyncio

import httpx
import psycopg
import pytest

from app import subscription as subscriptions
from app.house import House
from core.database import Caller, Database
from core.keys import Keys
from tasks.events import get_last_event_id, list_task_events
from tests.conftest import sign_up
from tests.integration.app.live import (
    PATIENCE,
    bearer,
    ids_of,
    lazy_client,
    leave,
    make_tasks,
    mine,
    served,
    streaming,
    take,
    take_raw,
    usual_server,
    with_streams,
)

__all__ = ["mine", "served"]


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
    async with usual_server(with_streams(house, 200), keys) as served:
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
