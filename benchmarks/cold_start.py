"""From the start of the web tier to its first answer, and the memory it has then, beside a bare FastAPI application.

Files are compiled and in the system's cache, as after a first start. The databases are there already.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress

import psutil

from benchmarks.adapters import without_connections
from benchmarks.harness.bench import Bench
from benchmarks.harness.http import connected, free_port
from benchmarks.harness.processes import Ended, ours, started, steward
from benchmarks.harness.report import Report, p50, ratios
from tests.emulators.supabase import supabase_lite

BARE = "a bare FastAPI application"
MOST_SECONDS = 60.0
PAUSE_SECONDS = 0.005


async def first_answer(port: int, path: str) -> None:
    """Return when a request was answered with success. Raises Ended after a minute."""
    until = time.perf_counter() + MOST_SECONDS
    while time.perf_counter() < until:
        with suppress(OSError, asyncio.IncompleteReadError):
            async with connected(port, "") as connection:
                connection.send("GET", path)
                status, _ = await connection.answer()
                if status == 200:
                    return
        await asyncio.sleep(PAUSE_SECONDS)
    raise Ended(f"nothing answers at port {port}")


async def start(program: Sequence[str], environment: Mapping[str, str], port: int, path: str) -> tuple[float, float]:
    """Seconds from the start to the first answer, and megabytes then."""
    began = time.perf_counter()
    async with started(program, name=program[0], environment=environment) as process:
        await first_answer(port, path)
        took = time.perf_counter() - began
        return took, psutil.Process(process.process.pid).memory_info().rss / 1e6


async def measure(bench: Bench) -> Report:
    """The kinds take turns."""
    found: dict[str, list[tuple[float, float]]] = {}
    url = await bench.lived_in("cold_start")
    async with AsyncExitStack() as stack:
        lite = await stack.enter_async_context(supabase_lite(url))
        for _ in range(max(bench.options.rounds, 3)):
            for kind, environment in (
                ("steward web, Postgres", bench.environment(url)),
                ("steward web, PostgREST", without_connections(bench, lite)),
            ):
                port = free_port()
                program = steward("web", "--port", str(port))
                found.setdefault(kind, []).append(await start(program, environment, port, "/healthz"))
            port = free_port()
            found.setdefault(BARE, []).append(await start(ours("sides.bare", str(port)), {}, port, "/"))
    report = Report(
        "From the start to the first answer", ("", "seconds", "over the bare one", "MB", "over the bare one")
    )
    for kind, rounds in found.items():
        seconds, megabytes = p50([one for one, _ in rounds]), p50([one for _, one in rounds])
        slower = ratios([one for one, _ in rounds], [one for one, _ in found[BARE]])
        larger = ratios([one for _, one in rounds], [one for _, one in found[BARE]])
        report.rows.append([kind, f"{seconds:.2f}", f"{slower:.1f}", f"{megabytes:.0f}", f"{larger:.1f}"])
        report.figures[kind] = {
            "seconds_ratio": round(slower, 2),
            "memory_ratio": round(larger, 2),
            "seconds": round(seconds, 2),
            "megabytes": round(megabytes),
        }
    return report
