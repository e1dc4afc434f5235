"""Live events within a house: subscriptions, clients that do not keep up, a hub that stops, what ends a stream."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
import pytest
from starlette.requests import Request

from app import subscription as subscriptions
from app.dependencies import current_caller, identify
from app.house import House
from app.listening import ListeningHub
from app.live import listening
from app.main import create_app
from app.subscription import End, Told
from core.database import Caller, Database, Identity
from core.errors import Forbidden, TooMany, Unauthorized
from core.keys import Keys
from tasks.events import TaskEvent, add_task_event, list_task_events
from tasks.organizations import Organization
from tests.integration.app.live import (
    PATIENCE,
    at_its_place,
    collect,
    ids_of,
    lazy_client,
    leave,
    make_tasks,
    mine,
    small_server,
    streaming,
    take,
    take_raw,
)
from tests.integration.tasks.test_colleagues import ben, directly, vega

__all__ = ["ben", "mine", "vega"]


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


async def test_a_models_words_are_told_to_whoever_it_works_for_alone(
    house: House, vega: Organization, ben: Caller
) -> None:
    """They may quote what it was told of Robin: neither live nor afterwards, nor past the functions, does Ben read them."""
    (task_id,) = await make_tasks(house.caller, 1)
    service = house.database.acting_as(Identity.service(vega.id))
    async with listening(house.hub), house.hub.subscribed(house.caller) as own, house.hub.subscribed(ben) as bens:
        await collect(own, await ids_of(house.caller))
        await collect(bens, await ids_of(ben))
        for data in ({"purpose": "objective"}, {"purpose": "objective", "is_thought": True}):
            await add_task_event(service, task_id, "output", "You get 85000 from May", data)
        last = await add_task_event(service, task_id, "progress", "Done")
        mine = await ids_of(house.caller)
        assert await collect(own, mine[-3:]) == mine[-3:]
        assert await collect(bens, [last]) == [last]
    assert [one.kind for one in await list_task_events(ben, task_id, mine[-3] - 1)] == ["progress"]
    assert await directly(ben, "select message from public.task_events where kind = 'output'") == 0
    assert "person_id" not in Told(TaskEvent(id=1, kind="x", created_at=datetime.now(UTC), person_id=task_id)).message


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


async def test_a_client_that_does_not_read_is_given_up_while_others_go_on(
    house: House, mine: dict[str, str], keys: Keys
) -> None:
    async with small_server(create_app(house, keys), house.hub) as served:
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
    async with small_server(create_app(house, keys), house.hub) as served:
        reader, writer = await lazy_client(served, mine)
        for n in range(300):
            await house.caller.call("create_tasks", items=[{"title": f"{n} " + "x" * 400}])
        expected = await ids_of(house.caller)
        assert await take_raw(reader, len(expected)) == expected
        writer.close()


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    read = b""
    try:
        while part := await reader.read(65536):
            read += part
    except ConnectionResetError:
        pass
    return read


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
