"""How quick the list is with 10,000 tasks, as a ratio to a bare FastAPI answer."""

import asyncio
import http.client
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing import get_context
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from app.house import House
from app.main import create_app
from benchmarks.harness.bench import Bench
from benchmarks.harness.report import Report, p50, p99, ratios
from cli.serving import QuietServer, listening_socket, load_keys
from core.postgres import pool_of
from tasks import functions

BARE = "a bare FastAPI answer"
TASKS = 10_000
SECONDS = 1.5
CONNECTIONS = 8


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncGenerator[str]:
    """The app on loopback; its base URL."""
    sock = listening_socket("127.0.0.1", port)
    server = QuietServer(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def fill(house: House, count: int) -> None:
    """Tasks of mixed priority, date, label and state."""
    for start in range(0, count, 1000):
        items = [
            {
                "title": f"Task {n}",
                "priority": ["critical", "high", "medium", "low"][n % 4],
                "labels": [f"l{n % 10}"],
                "due_at": f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}T12:00:00Z" if n % 3 else None,
                "execution_type": ["manual", "semi_automated", "fully_automated"][n % 3],
            }
            for n in range(start, min(start + 1000, count))
        ]
        await functions.create_tasks(house.caller, items)


def load(url: str, token: str, seconds: float, connections: int) -> list[float]:
    """Latencies in seconds of as many answers as fit into the time; runs in a process of its own."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    until = time.perf_counter() + seconds

    def one_after_another() -> list[float]:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        found: list[float] = []
        while time.perf_counter() < until:
            began = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{url} answered {answer.status}")
            found.append(time.perf_counter() - began)
        connection.close()
        return found

    with ThreadPoolExecutor(connections) as threads:
        return [
            one for each in [threads.submit(one_after_another) for _ in range(connections)] for one in each.result()
        ]


async def measure(bench: Bench) -> Report:
    """Rounds of the kinds alternate, so that a noisy machine hits them alike."""
    url = await bench.fresh("lists")
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(bench.house(url))
        keys = load_keys(house)
        await fill(house, TASKS)
        async with pool_of(house.database).connection() as connection:
            await connection.execute("analyze")
        bare = FastAPI()

        @bare.get("/")
        async def hello() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
            return {"hello": "world"}

        steward = await stack.enter_async_context(served(create_app(house, keys), 0))
        floor = await stack.enter_async_context(served(bare, 0))
        assert house.owner.user_id
        token = keys.bearer_token(house.owner.user_id)
        # Threads and a server in one process would measure one another.
        loader = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        kinds = {
            BARE: f"{floor}/",
            "GET /api/tasks": f"{steward}/api/tasks?limit=50",
            "GET /api/tasks?label=l3&sort=due": f"{steward}/api/tasks?limit=50&label=l3&sort=due",
            "GET /api/tasks?q=4321": f"{steward}/api/tasks?limit=50&q=4321",
            "GET /tasks, the page": f"{steward}/tasks",
        }
        rounds: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
        for _ in range(bench.options.rounds):
            for kind, address in kinds.items():
                rounds[kind].append(
                    await asyncio.get_running_loop().run_in_executor(loader, load, address, token, SECONDS, CONNECTIONS)
                )
    return _report(rounds)


def _report(rounds: dict[str, list[list[float]]]) -> Report:
    report = Report(
        f"Lists of {TASKS:,} tasks, {CONNECTIONS} connections", ("", "p50 ms", "p99 ms", "p50 over a bare answer")
    )
    bare = [p50(times) for times in rounds[BARE]]
    for kind, found in rounds.items():
        middle, slow = p50([p50(times) for times in found]), p50([p99(times) for times in found])
        ratio = ratios([p50(times) for times in found], bare)
        report.rows.append([kind, f"{middle * 1000:.1f}", f"{slow * 1000:.1f}", f"{ratio:.1f}"])
        report.figures[kind] = {
            "p50_ms": round(middle * 1000, 2),
            "p99_ms": round(slow * 1000, 2),
            "p50_ratio": round(ratio, 1),
        }
    return report
