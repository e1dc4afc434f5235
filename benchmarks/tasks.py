"""No-op tasks a second, created to completed, beside bare Procrastinate, DBOS, LangGraph and a floor.

Every side runs in as many worker processes, each with the same number of jobs at a time, on a database of its own on
one server. Tasks and jobs are made in batches while the workers are at work; DBOS, LangGraph and the floor make their own. Each round starts fresh processes, lets them do some work to warm up, then measures.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from procrastinate.types import JSONDict

from app.house import House
from benchmarks.harness.bench import Bench
from benchmarks.harness.processes import Answering, crew, ours, peer, split, steward
from benchmarks.harness.report import Report, Target, p50, ratios
from jobs.worker import queue_app
from tasks import functions

BATCH, PRODUCERS = 50, 4
LOOK_SECONDS = 0.01
WARM_UP = 64
WORK_LEFT: LiteralString = (
    "select exists (select from public.tasks where execution_status in ('queued', 'in_progress'))"
)
JOBS_LEFT: LiteralString = "select exists (select from jobs.procrastinate_jobs)"
NOOP = {"title": "No-op", "tool": "noop", "execution_type": "fully_automated"}

Side = Callable[[Bench, int], AbstractAsyncContextManager[Callable[[int], Awaitable[float]]]]


@dataclass(frozen=True)
class Kind:
    """One side of the comparison: `run` gives a function from a number of tasks to the seconds they took."""

    name: str
    run: Side
    count: int


async def produce(count: int, make: Callable[[int], Awaitable[None]]) -> None:
    """Call `make` with sizes of batches that sum up to `count`, from several producers at a time."""
    batches = iter([min(BATCH, count - start) for start in range(0, count, BATCH)])

    async def one_after_another() -> None:
        for size in batches:
            await make(size)

    await asyncio.gather(*[one_after_another() for _ in range(PRODUCERS)])


async def create(house: House, count: int) -> None:
    """Tasks, made and sent to the workers."""

    async def make(size: int) -> None:
        made = await functions.create_tasks(house.caller, [NOOP] * size)
        await functions.bulk_update_tasks(house.caller, [task.id for task in made], "execute")

    await produce(count, make)


async def none_left(url: str, query: LiteralString) -> None:
    """Return when the query says that nothing is left to do."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            row = await (await connection.execute(query)).fetchone()
            if row is not None and not row[0]:
                return
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def our_workers(bench: Bench, workers: int) -> AsyncGenerator[Callable[[int], Awaitable[float]]]:
    """`steward worker` processes; the tasks come from here."""
    url = await bench.lived_in("tasks")
    program = steward("worker", "--concurrency", str(bench.options.concurrency))
    async with (
        bench.house(url) as house,
        crew(workers, program, name="steward worker", environment=bench.environment(url)),
    ):

        async def run(count: int) -> float:
            began = time.perf_counter()
            await create(house, count)
            await none_left(url, WORK_LEFT)
            return time.perf_counter() - began

        yield run


@asynccontextmanager
async def bare_queue(bench: Bench, workers: int) -> AsyncGenerator[Callable[[int], Awaitable[float]]]:
    """Procrastinate alone: our pool, our loops, our polling; no-op jobs."""
    url = await bench.fresh("bare", template=None)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("create schema jobs")
    app = queue_app(url, 4)
    noop = app.configure_task(name="noop", queue="noop")
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        program = ours("sides.queue", url, str(bench.options.concurrency))
        async with crew(workers, program, name="Procrastinate"):

            async def defer(size: int) -> None:
                jobs: list[JSONDict] = [{"number": number} for number in range(size)]
                await noop.batch_defer_async(*jobs)

            async def run(count: int) -> float:
                began = time.perf_counter()
                await produce(count, defer)
                await none_left(url, JOBS_LEFT)
                return time.perf_counter() - began

            yield run


def asked(program: Callable[[Bench, str], list[str]], database: str) -> Side:
    """A side whose processes make their own work, each its share."""

    @asynccontextmanager
    async def side(bench: Bench, workers: int) -> AsyncGenerator[Callable[[int], Awaitable[float]]]:
        url = await bench.fresh(database, template=None)
        async with AsyncExitStack() as stack:
            # One after another: each makes its tables when it starts, and they are not made for that at once.
            processes: list[Answering] = []
            for _ in range(workers):
                processes += await stack.enter_async_context(crew(1, program(bench, url), name=database))

            async def run(count: int) -> float:
                began = time.perf_counter()
                shares = zip(processes, split(count, workers), strict=True)
                await asyncio.gather(
                    *[one.ask(count=share, concurrency=bench.options.concurrency) for one, share in shares]
                )
                return time.perf_counter() - began

            yield run

    return side


KINDS = (
    Kind("Steward", our_workers, 1000),
    Kind("Procrastinate, bare", bare_queue, 2000),
    Kind("DBOS, two steps", asked(lambda bench, url: peer("dbos", bench.sqlalchemy_url(url)), "dbos"), 200),
    Kind("LangGraph, two nodes", asked(lambda _, url: peer("langgraph", url), "langgraph"), 300),
    Kind("SKIP LOCKED, the floor", asked(lambda _, url: ours("sides.floor", url), "floor"), 8000),
)


async def measure(bench: Bench) -> Report:
    """With 1 and with 4 worker processes."""
    report = Report(
        "No-op tasks a second, created to completed", ("", "1 worker", "of Steward's", "4 workers", "of Steward's")
    )
    rates: dict[int, dict[str, list[float]]] = {workers: {kind.name: [] for kind in KINDS} for workers in (1, 4)}
    for _ in range(bench.options.rounds):
        for workers, found in rates.items():
            for kind in KINDS:
                async with kind.run(bench, workers) as run:
                    await run(WARM_UP * workers)
                    count = kind.count * (2 if workers > 1 else 1)
                    found[kind.name].append(count / await run(count))
    for kind in KINDS:
        report.rows.append(
            [
                kind.name,
                *[
                    cell
                    for found in rates.values()
                    for cell in (f"{p50(found[kind.name]):.0f}", f"{ratios(found[kind.name], found['Steward']):.2f}")
                ],
            ]
        )
    for workers, found in rates.items():
        _judge(report, workers, found)
    return report


def _judge(report: Report, workers: int, found: Mapping[str, list[float]]) -> None:
    label = f"{workers} worker{'s' if workers > 1 else ''}"
    for name, bound in (("Procrastinate, bare", 0.5), ("DBOS, two steps", 5), ("LangGraph, two nodes", 5)):
        ratio = ratios(found["Steward"], found[name])
        report.targets.append(Target(f"{label}: Steward over {name}", ratio, bound, at_least=True))
    report.figures[label] = {name: round(p50(rates)) for name, rates in found.items()}
