"""Plan documents: how much longer one takes than its model calls must, and a hundred of them at once on one worker.

A real model server on loopback gives authored answers, each 200 ms after it was asked. The floor is the same stages as
coroutines that wait for one another, where an answer is 200 ms of sleep: no engine, no HTTP, nothing kept. What the client
library and the loopback add to 200 ms is in the first ratio's denominator and not in the second's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from agents.playbooks.document.catalog import stages_of
from agents.playbooks.document.making import document_plan
from agents.sequencer import Part, sequence
from app.house import House
from benchmarks.harness.bench import Bench
from benchmarks.harness.processes import ours, started
from benchmarks.harness.report import Report, Target, p50
from tasks import plans
from tests.emulators.document_answers import PROMPT, write_document, write_fixtures
from tests.emulators.model_server import running_model_server

MODEL_MS = 200
CONCURRENCY = 16
MANY = 100
LOOK_SECONDS = 0.005
MOST_SECONDS = 1800
LEVEL: plans.Level = "balanced_speed_and_detail"


@dataclass
class Writers:
    """A worker process that asks the model server, the house that gives it plans, and a way to look."""

    house: House
    connection: psycopg.AsyncConnection[tuple[Any, ...]]

    async def make(self, level: plans.Level) -> UUID:
        plan = document_plan(PROMPT, level)
        return (await plans.create_plan(self.house.caller, plan)).id

    async def ended(self, ids: list[UUID], look_seconds: float) -> dict[str, int]:
        """State to number, once none of these is under way any more."""
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                cursor = await self.connection.execute(
                    "select execution_status, count(*) from public.tasks where id = any (%s) group by 1", (ids,)
                )
                found = dict(await cursor.fetchall())
                if not found.keys() & {"pending", "queued", "in_progress", "blocked", "paused"}:
                    return found
                await asyncio.sleep(look_seconds)

    async def asked_seconds(self, plan_id: UUID) -> float:
        """Seconds of the longest chain of stages, each as long as its requests to the model were under way."""
        cursor = await self.connection.execute(
            """select t.source_ref ->> 'key', (extract(epoch from i.created_at) * 1000)::bigint, i.latency_ms::bigint
               from public.llm_interactions i join public.tasks t on t.id = i.task_id where t.root_task_id = %s""",
            (plan_id,),
        )
        spans: dict[str, list[tuple[int, int]]] = {}
        async for stage_id, ended_ms, latency_ms in cursor:
            spans.setdefault(str(stage_id), []).append((int(ended_ms) - int(latency_ms), int(ended_ms)))
        wanted = stages_of(LEVEL)
        parts = [
            Part(one.id, frozenset(one.depends_on), minutes=covered_ms(spans.get(one.id, [])))
            for one in wanted.values()
        ]
        return sequence(parts).minutes / 1000

    async def count(self, ids: list[UUID]) -> dict[str, int]:
        """Finished stages, stages that asked the model for the same thing twice, requests."""
        cursor = await self.connection.execute(
            """select 'stages', count(*) from public.tasks where parent_task_id = any (%(ids)s) and execution_status = 'completed'
               union all select 'requests', count(*) from public.steps where root_task_id = any (%(ids)s) and kind = 'model'
               union all select 'requests_again', coalesce(sum(attempts - 1), 0)::bigint from public.steps where root_task_id = any (%(ids)s) and kind = 'model'""",
            {"ids": ids},
        )
        return dict(await cursor.fetchall())


def covered_ms(spans: list[tuple[int, int]]) -> int:
    """How many milliseconds are covered by at least one of these (begin, end)."""
    total, until = 0, 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, until))
        until = max(until, end)
    return total


@asynccontextmanager
async def writers(bench: Bench, name: str, latency_ms: int, concurrency: int) -> AsyncGenerator[Writers]:
    """A house, a worker process of it, and the model server both know."""
    url = await bench.lived_in(name)
    fixtures = write_fixtures(bench.home / f"{name}.json", latency_ms=latency_ms, in_one_piece=True)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running_model_server(fixtures, log=bench.home / f"{name}.log"))
        environment = bench.environment(url) | {
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": server.base_url,
            "STEWARD_MODEL": "gpt-5-mini",
        }
        house = await stack.enter_async_context(bench.house(url))
        program = ours("sides.worker", url, str(concurrency), "0")
        await stack.enter_async_context(started(program, name="worker", environment=environment))
        connection = await stack.enter_async_context(await psycopg.AsyncConnection.connect(url, autocommit=True))
        yield Writers(house, connection)


async def measure(bench: Bench) -> Report:
    """Rounds of plan and floor take turns, the first is not counted; then the hundred."""
    report = Report("Plan documents", ("", "best", "median", "worst"))
    ours_took: list[float] = []
    floor_took: list[float] = []
    asked_took: list[float] = []
    async with writers(bench, "document", MODEL_MS, CONCURRENCY) as one:
        for number in range(bench.options.rounds + 1):
            began = time.perf_counter()
            plan_id = await one.make(LEVEL)
            ended = await one.ended([plan_id], LOOK_SECONDS)
            if ended != {"completed": 1}:
                raise RuntimeError(f"The plan ended as {ended}")
            took = time.perf_counter() - began
            began = time.perf_counter()
            await write_document(LEVEL, MODEL_MS / 1000)
            if number:
                ours_took.append(took)
                floor_took.append(time.perf_counter() - began)
                asked_took.append(await one.asked_seconds(plan_id))
    for name, words, below in (
        ("over_calls", "the longest chain of its requests as they took", asked_took),
        ("over_floor", "the same stages where a request is 200 ms of sleep", floor_took),
    ):
        over = [mine / other for mine, other in zip(ours_took, below, strict=True)]
        report.rows.append(
            [f"61 stages over {words}", *[f"{value:.3f}" for value in (min(over), p50(over), max(over))]]
        )
        report.figures[name] = round(p50(over), 3)
        report.targets.append(Target(f"a document over {words}", p50(over), 1.05))
    async with writers(bench, "hundred", 0, CONCURRENCY) as many:
        began = time.perf_counter()
        ids = [await many.make(LEVEL) for _ in range(MANY)]
        ended = await many.ended(ids, 0.2)
        counted = await many.count(ids)
    seconds = time.perf_counter() - began
    lost = MANY - ended.get("completed", 0)
    report.rows.append([f"{MANY} plans on one worker: lost", str(lost), "", ""])
    report.rows.append(["stages, requests", str(counted["stages"]), str(counted["requests"]), ""])
    report.figures |= {"plans": MANY, "lost": lost, **counted, "hundred_seconds": round(seconds)}
    report.targets.append(Target("plans lost of a hundred", lost, 0))
    report.targets.append(Target("requests made again", counted["requests_again"], 0))
    return report
