"""From the commit to the browser, for 1, 100 and 1,000 open streams.

The moment is taken just before `commit` is sent, on a connection that does not wait for the disk, and again in the
process of the clients when the event has come out of the socket: what lies between is the delivery alone. One
`steward web` serves them all; events are far enough apart not to meet.
"""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

import psycopg

from benchmarks.first_line import serving
from benchmarks.harness.bench import Bench
from benchmarks.harness.processes import Answering, ours, started
from benchmarks.harness.report import Report, Target, p50, p99
from tasks import functions

WARM_UP = 5


@dataclass(frozen=True)
class Crowd:
    """So many clients, so many events for them in a round, and the time between two."""

    clients: int
    events: int
    pause_seconds: float

    @property
    def label(self) -> str:
        return f"{self.clients:,} client{'s' if self.clients > 1 else ''}"


CROWDS = (Crowd(1, 150, 0.02), Crowd(100, 50, 0.05), Crowd(1000, 25, 0.2))


async def change(connection: psycopg.AsyncConnection[tuple[int]], task_id: UUID) -> tuple[int, float]:
    """One event of a task: its id, and when its commit was sent."""
    async with connection.transaction():
        await connection.execute(
            "update public.tasks set title = 'Task ' || clock_timestamp()::text where id = %s", (task_id,)
        )
        sent = time.perf_counter()
    row = await (await connection.execute("select max(id) from public.task_events")).fetchone()
    assert row
    return row[0], sent


async def watch(
    clients: Answering, connection: psycopg.AsyncConnection[tuple[int]], task_id: UUID, crowd: Crowd
) -> list[float]:
    """Seconds from commit to client, of every event to every client."""
    await clients.ask(clients=crowd.clients)
    total = WARM_UP + crowd.events
    reading = asyncio.create_task(clients.ask(seconds=(total + 1) * (crowd.pause_seconds + 0.005)))
    sent: dict[int, float] = {}
    for _ in range(total):
        number, moment = await change(connection, task_id)
        sent[number] = moment
        await asyncio.sleep(crowd.pause_seconds)
    await reading
    came = await clients.ask(until=list(sent))
    await clients.ask(close=True)
    counted = list(sent)[WARM_UP:]
    return [moment - sent[number] for number in counted for moment in came[str(number)]]


async def measure(bench: Bench) -> Report:
    """The crowds take turns."""
    url = await bench.lived_in("live")
    rounds: dict[str, list[list[float]]] = {crowd.label: [] for crowd in CROWDS}
    async with (
        bench.house(url) as house,
        serving(bench, url, house, "web") as (port, token),
        await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c synchronous_commit=off") as connection,
        started(ours("sides.clients", str(port), token), name="clients") as clients,
    ):
        (task,) = await functions.create_tasks(house.caller, [{"title": "Watched"}])
        for _ in range(bench.options.rounds):
            for crowd in CROWDS:
                rounds[crowd.label].append(await watch(clients, connection, task.id, crowd))
    report = Report("From a commit to the browser", ("", "p50 ms", "p99 ms", "p99 ratio to one client"))
    one = CROWDS[0].label
    for label, found in rounds.items():
        # Of each round by itself, then the middle one: a stall of the machine belongs to one round.
        middle, slow = p50([p50(seconds) for seconds in found]), p50([p99(seconds) for seconds in found])
        ratio = slow / p50([p99(seconds) for seconds in rounds[one]])
        report.rows.append([label, f"{middle * 1000:.2f}", f"{slow * 1000:.2f}", f"{ratio:.1f}"])
        report.figures[label] = {
            "p50_ms": round(middle * 1000, 2),
            "p99_ms": round(slow * 1000, 2),
            "p99_ratio": round(ratio, 2),
        }
        if label == CROWDS[-1].label:
            report.targets.append(Target(f"p99 at {label} over p99 at one", ratio, 10))
    return report
