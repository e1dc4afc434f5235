"""What live events are made of: wire forms made once, and coroutines that begin outside of a task."""

import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.listening import ListeningHub
from app.live import listening, server_sent_event
from app.subscription import Told, begin
from tasks.events import TaskEvent


def event(message: str = "hello") -> TaskEvent:
    now = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
    ids = {"organization_id": uuid4(), "task_id": uuid4(), "root_task_id": uuid4()}
    return TaskEvent(id=7, kind="note", message=message, data={"a": 1}, created_at=now, **ids)


@pytest.mark.parametrize(
    "message", ["hello", "", "two\nlines\r\nand id: 9\n\n", "čaj \u2028 \U0001f375", "x" * 100_000]
)
def test_an_event_is_one_block_of_a_stream_whatever_it_says(message: str) -> None:
    told = Told(event(message))
    block = told.server_sent
    lines = block.split(b"\n")
    assert (lines[0], lines[1], lines[3:]) == (b"id: 7", b"event: task", [b"", b""])
    data = json.loads(lines[2].removeprefix(b"data: "))
    assert (data["id"], data["kind"], data["message"], data["data"]) == (7, "note", message, {"a": 1})
    assert json.loads(told.message) == {"id": 7, "event": "task", "data": data}


def test_an_event_does_not_say_what_only_addresses_it() -> None:
    data = json.loads(Told(event()).message)["data"]
    assert data.keys() == {"id", "task_id", "kind", "message", "data", "created_at"}


def test_the_wire_bytes_are_made_once() -> None:
    told = Told(event())
    assert told.server_sent is told.server_sent
    assert told.message is told.message


def test_other_streams_have_events_without_ids() -> None:
    assert server_sent_event("reply", {"delta": "a\nb"}) == b'event: reply\ndata: {"delta":"a\\nb"}\n\n'


async def test_what_never_waits_is_done_at_once() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    assert begin(work()) is None
    assert done == [1]


async def test_what_waits_is_finished_by_whoever_awaits_the_rest() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    done: list[int] = []

    async def work() -> None:
        for number, gate in enumerate(gates):
            await gate.wait()
            done.append(number)

    rest = begin(work())
    assert rest is not None
    finishing = asyncio.ensure_future(_await(rest))
    for number, gate in enumerate(gates):
        await asyncio.sleep(0)
        gate.set()
        while len(done) == number:
            await asyncio.sleep(0)
    await finishing
    assert done == [0, 1]


async def test_a_wait_that_ended_before_anybody_awaits_it_goes_on() -> None:
    gate = asyncio.Event()
    rest = begin(_wait_for(gate))
    gate.set()
    await asyncio.sleep(0)
    assert rest is not None
    await rest


@pytest.mark.parametrize("waits_first", [False, True])
async def test_an_error_is_raised_where_the_rest_is_awaited(waits_first: bool) -> None:
    async def work() -> None:
        if waits_first:
            await asyncio.sleep(0)
        raise OSError("the line broke")

    rest = begin(work())
    assert rest is not None
    with pytest.raises(OSError, match="the line broke"):
        await rest


async def test_a_cancellation_reaches_the_work() -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    rest = begin(work())
    assert rest is not None
    waiting = asyncio.ensure_future(_await(rest))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert cleaned == [True]


async def test_a_hub_that_finds_no_database_can_be_stopped_and_started_again() -> None:
    hub = ListeningHub("host=127.0.0.1 port=1 dbname=nowhere connect_timeout=2")
    for _ in range(3):
        async with listening(hub):
            await asyncio.sleep(0)
    assert hub.clients == 0


async def _await(rest: object) -> None:
    await rest  # pyright: ignore[reportGeneralTypeIssues]


async def _wait_for(gate: asyncio.Event) -> None:
    await gate.wait()
