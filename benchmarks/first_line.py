"""From the click to the first line of work: POST /api/tasks/execute until its run shows in the stream of events.

Beside it a raw round of LISTEN/NOTIFY: a notification to another process, and its notification back. Both are timed in
this process, in turns, with nothing else going on.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg

from app.house import House
from benchmarks.harness.bench import Bench
from benchmarks.harness.http import BadAnswer, Connection, connected, free_port
from benchmarks.harness.processes import ours, started, steward
from benchmarks.harness.report import Report, Target, p50, p99
from benchmarks.tasks import NOOP
from cli.serving import load_keys
from tasks import functions

CLICKS = 300
WARM_UP = 30
PAUSE_SECONDS = 0.01
MOST_SECONDS = 10


class Stream:
    """Listens to the events of a connection and notes when the first line of a task's run came."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._waited: dict[str, asyncio.Future[float]] = {}

    def expect(self, task_id: UUID) -> asyncio.Future[float]:
        """When the run of this task shows itself, by `time.perf_counter`."""
        return self._waited.setdefault(str(task_id), asyncio.get_running_loop().create_future())

    async def listen(self) -> None:
        async for _, event in self.connection.events():
            if not is_work(event):
                continue
            waited = self._waited.pop(event["task_id"], None)
            if waited is not None:
                waited.set_result(time.perf_counter())
        raise BadAnswer("the stream ended")


def is_work(event: dict[str, Any]) -> bool:
    """Does this event come from a run? That the task was queued is only the click itself."""
    return event["kind"] == "step" or (event["kind"] == "state" and event["data"].get("to") == "in_progress")


@asynccontextmanager
async def raw_rounds(url: str) -> AsyncGenerator["RawRound"]:
    """Two connections here, an echo in a process of its own."""
    async with (
        started(ours("sides.echo", url), name="echo"),
        await psycopg.AsyncConnection.connect(url, autocommit=True) as said,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as heard,
    ):
        await heard.execute("listen pong")
        rounds = RawRound(said)
        listening = asyncio.create_task(rounds.listen(heard))
        try:
            yield rounds
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


class RawRound:
    """Seconds from a NOTIFY to the answering one."""

    def __init__(self, said: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self._said = said
        self._answered: asyncio.Future[float] | None = None

    async def listen(self, heard: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        async for _ in heard.notifies():
            if self._answered is not None and not self._answered.done():
                self._answered.set_result(time.perf_counter())

    async def once(self) -> float:
        self._answered = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        await self._said.execute("select pg_notify('ping', '')")
        return await asyncio.wait_for(self._answered, MOST_SECONDS) - began


async def click(connection: Connection, stream: Stream, task_id: UUID) -> float:
    """Seconds from the request to the first line of its run. Raises BadAnswer."""
    came = stream.expect(task_id)
    began = time.perf_counter()
    connection.send("POST", "/api/tasks/execute", {"taskId": str(task_id), "wait": False})
    status, body = await connection.answer()
    if status not in {200, 202}:
        raise BadAnswer(f"the click was answered {status}: {body[:200]!r}")
    return await asyncio.wait_for(came, MOST_SECONDS) - began


@asynccontextmanager
async def serving(bench: Bench, url: str, house: House, *arguments: str) -> AsyncGenerator[tuple[int, str]]:
    """`steward run` or `steward web` as a process of its own: its port, and the owner's token."""
    assert house.owner.user_id
    token = load_keys(house).bearer_token(house.owner.user_id)
    port = free_port()
    program = steward(*arguments, "--port", str(port))
    async with started(program, name="steward", environment=bench.environment(url)):
        yield port, token


async def measure(bench: Bench) -> Report:
    """One `steward run`, as installed; a click and a raw round in turns."""
    url = await bench.lived_in("first_line")
    clicks: list[float] = []
    rounds: list[float] = []
    async with (
        bench.house(url) as house,
        serving(bench, url, house, "run", "--no-browser") as (port, token),
        connected(port, token) as clicking,
        connected(port, token) as watching,
        raw_rounds(url) as raw,
    ):
        stream = Stream(watching)
        watching.send("GET", "/api/events?tail=true", accept="text/event-stream")
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(stream.listen())
            await asyncio.sleep(1)
            for number in range(WARM_UP + CLICKS):
                (task,) = await functions.create_tasks(house.caller, [NOOP])
                await asyncio.sleep(PAUSE_SECONDS)
                took = await click(clicking, stream, task.id)
                await asyncio.sleep(PAUSE_SECONDS)
                raw_took = await raw.once()
                if number >= WARM_UP:
                    clicks.append(took)
                    rounds.append(raw_took)
            listening.cancel()
    report = Report("From a click to the first line of its work", ("", "p50 ms", "p99 ms", "p50 ratio"))
    for name, found in (("Steward", clicks), ("LISTEN/NOTIFY there and back", rounds)):
        report.rows.append(
            [name, f"{p50(found) * 1000:.2f}", f"{p99(found) * 1000:.2f}", f"{p50(found) / p50(rounds):.2f}"]
        )
        report.figures[name] = {"p50_ms": round(p50(found) * 1000, 2), "p99_ms": round(p99(found) * 1000, 2)}
    report.targets.append(Target("Click to first line over a raw round, p50", p50(clicks) / p50(rounds), 3))
    return report
