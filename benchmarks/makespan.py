"""How much longer a plan takes than it must: 61 stages, each call of a model 200 ms, over the critical path of those.

Steward runs the plan as a tree of tasks: stages with a model use a journaled tool that sleeps, the others do nothing.
One worker process takes 16 at a time.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TypedDict

import psycopg

from benchmarks.harness.bench import Bench
from benchmarks.harness.processes import ours, peer, started
from benchmarks.harness.report import Report, Target, p50, ratios
from tasks import functions, trees

STAGES = Path(__file__).parent / "data" / "plan_stages.json"
MODEL_SECONDS = 0.2
CONCURRENCY = 16
LUIGI_WORKERS = 8
LOOK_SECONDS = 0.005
MOST_SECONDS = 60


class Stage(TypedDict):
    """A stage of the plan; `llm` says whether it asks a model."""

    id: str
    llm: bool
    depends_on: list[str]


def read_stages(path: Path = STAGES) -> list[Stage]:
    """The stages of a plan document."""
    return json.loads(path.read_text())


def critical_path(stages: list[Stage], seconds: float = MODEL_SECONDS) -> float:
    """Seconds of the longest chain of model calls. Raises KeyError for an unknown stage, CycleError."""
    by_id = {stage["id"]: stage for stage in stages}
    ends: dict[str, float] = {}
    for name in TopologicalSorter({name: stage["depends_on"] for name, stage in by_id.items()}).static_order():
        stage = by_id[name]
        before = max((ends[needed] for needed in stage["depends_on"]), default=0.0)
        ends[name] = before + (seconds if stage["llm"] else 0)
    return max(ends.values(), default=0)


async def floor(stages: list[Stage]) -> float:
    """Coroutines that wait for one another, nothing kept."""
    ended = {stage["id"]: asyncio.Event() for stage in stages}
    began = time.perf_counter()

    async def run(stage: Stage) -> None:
        for name in stage["depends_on"]:
            await ended[name].wait()
        await asyncio.sleep(MODEL_SECONDS if stage["llm"] else 0)
        ended[stage["id"]].set()

    await asyncio.gather(*map(run, stages))
    return time.perf_counter() - began


@asynccontextmanager
async def our_worker(bench: Bench, stages: list[Stage]) -> AsyncGenerator[Callable[[], Awaitable[float]]]:
    """A worker process with a tool that sleeps; the tree comes from here."""
    url = await bench.lived_in("makespan")
    program = ours("sides.worker", url, str(CONCURRENCY), str(MODEL_SECONDS))
    tree = {
        "title": "A plan",
        "execution_type": "fully_automated",
        "children": [
            {
                "key": stage["id"],
                "title": stage["id"],
                "execution_type": "fully_automated",
                "tool": "sleep" if stage["llm"] else "noop",
                "depends_on": stage["depends_on"],
            }
            for stage in stages
        ],
    }
    async with (
        bench.house(url) as house,
        started(program, name="worker", environment=bench.environment(url)),
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):

        async def run() -> float:
            made = await trees.create_task_tree(house.caller, tree)
            began = time.perf_counter()
            await functions.queue_task_execution(house.caller, made.id)
            async with asyncio.timeout(MOST_SECONDS):
                while await _status(connection, made.id) != "completed":
                    await asyncio.sleep(LOOK_SECONDS)
            return time.perf_counter() - began

        yield run


async def _status(connection: psycopg.AsyncConnection[tuple[str]], task_id: object) -> str | None:
    row = await (
        await connection.execute("select execution_status from public.tasks where id = %s", (task_id,))
    ).fetchone()
    return row[0] if row else None


async def measure(bench: Bench) -> Report:
    """Rounds of the sides take turns; each side's first run is not counted."""
    stages = read_stages()
    path = critical_path(stages)
    report = Report(
        f"Makespan of {len(stages)} stages over the critical path of their model calls ({path:.1f} s)",
        ("", "best", "median", "worst"),
    )
    async with AsyncExitStack() as stack:
        run = await stack.enter_async_context(our_worker(bench, stages))
        url = bench.sqlalchemy_url(await bench.fresh("makespan_dbos", template=None))
        dbos = await stack.enter_async_context(started(peer("dbos", url), name="DBOS"))
        luigi = await stack.enter_async_context(started(peer("luigi"), name="Luigi"))

        async def asked(which: str) -> float:
            if which == "DBOS":
                answer = await dbos.ask(stages=stages, seconds=MODEL_SECONDS)
            else:
                answer = await luigi.ask(stages=stages, seconds=MODEL_SECONDS, workers=LUIGI_WORKERS)
            return answer["seconds"]

        sides: dict[str, Callable[[], Awaitable[float]]] = {
            "Steward": run,
            "Luigi, 8 workers": lambda: asked("Luigi"),
            "DBOS": lambda: asked("DBOS"),
            "asyncio, the floor": lambda: floor(stages),
        }
        found: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(bench.options.rounds + 1):
            for name, side in sides.items():
                if number or name in {"Steward", "DBOS"}:  # the others have nothing to warm up
                    found[name].append(await side() / path)
    for name in ("Steward", "DBOS"):
        del found[name][0]
    for name, times in found.items():
        report.rows.append([name, *[f"{value:.3f}" for value in (min(times), p50(times), max(times))]])
        report.figures[name] = round(p50(times), 3)
    ours_now = found["Steward"]
    report.targets.append(Target("Steward over the critical path", p50(ours_now), 1.05))
    report.targets += [
        Target(f"Steward over {name}", ratios(ours_now, found[name]), 1.0) for name in ("Luigi, 8 workers", "DBOS")
    ]
    return report
