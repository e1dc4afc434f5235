"""`make bench`: how quick the list is with 10,000 tasks, as a ratio to a bare FastAPI answer in the same run.

    python -m benchmarks.lists [--tasks 10000] [--seconds 5] [--connections 8]

Rounds of the kinds alternate, so that a noisy machine hits them alike. Ends with one line of JSON.
"""

import argparse
import asyncio
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from app.house import House, ensure_owner, furnish
from app.main import create_app
from cli.serving import QuietServer, listening_socket, load_keys
from core.clock import Clock
from core.database import open_database
from core.embedded import EmbeddedPostgres
from core.migrate import migrate
from core.settings import Settings
from tasks import functions

ROUNDS = 5


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
        print(f"\r{min(start + 1000, count)} of {count} tasks", end="", flush=True)
    print()


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


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await asyncio.to_thread(EmbeddedPostgres.start, home)
        stack.callback(server.remove)
        stack.callback(server.stop)
        await migrate(server.url, embedded=True)
        settings = Settings.model_validate({"home": home})
        owner = await ensure_owner(server.url, settings)
        database = await stack.enter_async_context(open_database(server.url))
        house = furnish(settings, Clock.from_settings(settings), database, owner)
        keys = load_keys(house)
        await fill(house, options.tasks)
        async with database.pool.connection() as connection:
            await connection.execute("analyze")
        bare = FastAPI()

        @bare.get("/")
        async def hello() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
            return {"hello": "world"}

        steward = await stack.enter_async_context(served(create_app(house, keys), 0))
        floor = await stack.enter_async_context(served(bare, 0))
        assert owner.user_id
        token = keys.bearer_token(owner.user_id)
        # Threads and a server in one process would measure one another.
        loader = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        kinds = {
            "bare FastAPI": f"{floor}/",
            "GET /api/tasks": f"{steward}/api/tasks?limit=50",
            "GET /api/tasks?label=l3&sort=due": f"{steward}/api/tasks?limit=50&label=l3&sort=due",
            "GET /api/tasks?q=4321": f"{steward}/api/tasks?limit=50&q=4321",
            "GET /tasks (the page)": f"{steward}/tasks",
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, url in kinds.items():
                times[kind] += await asyncio.get_running_loop().run_in_executor(
                    loader, load, url, token, options.seconds / ROUNDS, options.connections
                )
    floor_p50 = statistics.median(times["bare FastAPI"])
    report = {"tasks": options.tasks, "connections": options.connections}
    print(f"{'answer':36} {'p50 ms':>8} {'p99 ms':>8} {'per s':>8} {'p50 ratio to bare':>18}")
    for kind, found in times.items():
        p50, p99 = statistics.median(found), statistics.quantiles(found, n=100)[98]
        rate = len(found) / options.seconds
        print(f"{kind:36} {p50 * 1000:8.1f} {p99 * 1000:8.1f} {rate:8.0f} {p50 / floor_p50:18.1f}")
        report[kind] = {
            "p50_ms": round(p50 * 1000, 2),
            "p99_ms": round(p99 * 1000, 2),
            "p50_ratio": round(p50 / floor_p50, 1),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main())
