"""What a full table costs: a task, the list, the claim, at 10 thousand, 100 thousand and a million tasks.

Three databases on one server, one a size, take turns. A task came every minute; nine tenths are done, and what was done
a week ago is archived, as the nightly clean-up does.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID, uuid4

import httpx

from agents.executor import carry_out, start_task
from app.house import House
from app.main import create_app
from benchmarks.harness.bench import Bench
from benchmarks.harness.filling import fill
from benchmarks.harness.report import Report, Target, p50, ratios
from benchmarks.tasks import NOOP, WORK_LEFT, create, none_left
from cli.serving import load_keys
from core.database import Caller, Identity
from core.postgres import postgres
from jobs.worker import Worker, working
from tasks import functions
from tasks.capture import get_profile

SMALLEST = 10_000
TASKS = 300
CLAIMS = 100
PAGES, FEWEST_PAGES, PAGE_SECONDS = 20, 3, 1.0
WARM_UP = 40


class Filled:
    """A house with a full table, and what is measured in it. Each answers with seconds for one."""

    def __init__(self, house: House, service: Caller, client: httpx.AsyncClient) -> None:
        self.house = house
        self.service = service
        self.client = client

    async def task(self) -> float:
        """A no-op task from creation to completion, through a worker in this process."""
        url = postgres(self.house.database).url
        async with working(Worker(self.house.database, self.house.equipment, concurrency=16)):
            await create(self.house, WARM_UP)
            await none_left(url, WORK_LEFT)
            began = time.perf_counter()
            await create(self.house, TASKS)
            await none_left(url, WORK_LEFT)
            return (time.perf_counter() - began) / TASKS

    async def claim(self) -> float:
        """A queued task becomes a run's; one after another."""
        made = await functions.create_tasks(self.house.caller, [NOOP] * CLAIMS)
        await functions.bulk_update_tasks(self.house.caller, [task.id for task in made], "execute")
        worker_id = uuid4()
        began = time.perf_counter()
        started = [await start_task(self.service, task.id, self.house.equipment, worker_id) for task in made]
        seconds = (time.perf_counter() - began) / CLAIMS
        for task in started:
            if task is not None:
                await carry_out(self.service, task, self.house.equipment)
        return seconds

    async def list_json(self) -> float:
        return await self._page("/api/tasks?limit=50")

    async def list_page(self) -> float:
        return await self._page("/tasks")

    async def search(self) -> float:
        return await self._page("/api/tasks?limit=50&q=subject+321")

    async def _page(self, path: str) -> float:
        times: list[float] = []
        while len(times) < FEWEST_PAGES or (len(times) < PAGES and sum(times) < PAGE_SECONDS):
            began = time.perf_counter()
            (await self.client.get(path)).raise_for_status()
            times.append(time.perf_counter() - began)
        return p50(times)


MEASURES: dict[str, Callable[[Filled], Awaitable[float]]] = {
    "a task, created to completed": Filled.task,
    "a claim": Filled.claim,
    "GET /api/tasks": Filled.list_json,
    "GET /api/tasks?q=": Filled.search,
    "GET /tasks, the page": Filled.list_page,
}


@asynccontextmanager
async def filled(bench: Bench, count: int) -> AsyncGenerator[Filled]:
    """A house with that many tasks."""
    url = await bench.fresh(f"growth_{count}")
    async with bench.house(url) as house:
        profile = await get_profile(house.caller)
        organization_id = UUID(profile["organization"]["id"])
        await fill(url, house.owner, count)
        assert house.owner.user_id
        keys = load_keys(house)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(house, keys)),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {keys.bearer_token(house.owner.user_id)}"},
        ) as client:
            service = house.database.acting_as(Identity.service(organization_id))
            yield Filled(house, service, client)


def sizes(largest: int) -> list[int]:
    """Ten thousand and its tenfolds, up to the largest."""
    found = [SMALLEST]
    while found[-1] * 10 <= largest:
        found.append(found[-1] * 10)
    return found


async def measure(bench: Bench) -> Report:
    """The sizes take turns at each measure."""
    counts = sizes(bench.options.rows)
    found: dict[str, dict[int, list[float]]] = {name: {count: [] for count in counts} for name in MEASURES}
    async with AsyncExitStack() as stack:
        houses = {count: await stack.enter_async_context(filled(bench, count)) for count in counts}
        for number in range(bench.options.rounds + 1):
            for name, one in MEASURES.items():
                for count, house in houses.items():
                    seconds = await one(house)
                    if number:  # the first is for caches and plans
                        found[name][count].append(seconds)
                    await asyncio.sleep(0)
    return _report(counts, found)


def _report(counts: Sequence[int], found: dict[str, dict[int, list[float]]]) -> Report:
    header = ["ms of one", *[f"{count:,}" for count in counts], *[f"{count:,} over first" for count in counts[1:]]]
    report = Report("What a full table costs", header)
    for name, times in found.items():
        grown = {count: ratios(times[count], times[counts[0]]) for count in counts[1:]}
        report.rows.append(
            [name, *[f"{p50(times[count]) * 1000:.2f}" for count in counts], *[f"{r:.2f}" for r in grown.values()]]
        )
        report.figures[name] = {
            "ms": {str(count): round(p50(times[count]) * 1000, 2) for count in counts},
            "ratio": {str(count): round(ratio, 2) for count, ratio in grown.items()},
        }
        if grown and name == next(iter(MEASURES)):
            report.targets.append(
                Target(f"A task at {counts[-1]:,} rows over one at {counts[0]:,}", grown[counts[-1]], 1.3)
            )
    return report
