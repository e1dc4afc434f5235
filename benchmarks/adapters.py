"""The web tier on both adapters: a list, a new task, Execute, and an event, as ratios to a bare FastAPI answer.

One `steward web` per adapter on databases that are alike; nobody works, so that the web tier alone is measured. Behind
the PostgREST adapter stands Supabase Lite, which is no PostgREST: what it costs itself is measured beside, as a call of
the same function without Steward. Rounds of all kinds alternate, so that a noisy machine hits them alike.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from benchmarks.harness.bench import Bench
from benchmarks.harness.http import BadAnswer, Connection, connected, free_port
from benchmarks.harness.processes import Answering, ours, started, steward
from benchmarks.harness.report import Report, p50, p99, ratios
from core.keys import Keys
from core.urls import auth_url_of
from tasks import functions
from tests.emulators.supabase import SupabaseLite, supabase_lite

BARE, POSTGRES, POSTGREST = "a bare FastAPI answer", "Postgres", "PostgREST"
LITE = "list_tasks of Supabase Lite itself"
SECONDS = 2.0
CONNECTIONS = 8
EVENTS = 30
MOST_TASKS = 2_000  # that are executed in a round
MOST_SECONDS = 30.0


@dataclass(frozen=True)
class Tier:
    """A running web tier: where it is, and the token of its person."""

    port: int
    token: str


@asynccontextmanager
async def tier(environment: dict[str, str], token: str) -> AsyncGenerator[Tier]:
    """`steward web` as a process of its own."""
    port = free_port()
    async with started(steward("web", "--port", str(port)), name="steward web", environment=environment):
        yield Tier(port, token)


def without_connections(bench: Bench, lite: SupabaseLite) -> dict[str, str]:
    """Variables for a web tier that is given a project's URL and keys alone."""
    return {
        **bench.environment(""),
        "STEWARD_HOME": str(bench.home / "web"),
        "SUPABASE_URL": lite.url,
        "SUPABASE_PUBLISHABLE_KEY": lite.publishable_key,
        "SUPABASE_SECRET_KEY": lite.secret_key,
        "SUPABASE_JWT_SECRET": lite.jwt_secret,
    }


async def new_tasks(tier: Tier, count: int) -> list[str]:
    """Ids of tasks that are there to be executed."""
    ids: list[str] = []
    async with connected(tier.port, tier.token) as connection:
        for _ in range(count):
            connection.send("POST", "/api/tasks", {"title": "Think of something"})
            status, body = await connection.answer()
            if status != 201:
                raise BadAnswer(f"a new task was answered {status}: {body[:200]!r}")
            ids.append(json.loads(body)["id"])
    return ids


async def ask(
    load: Answering, at: Tier, method: str, path: str, bodies: list[dict[str, Any]] | None = None
) -> tuple[list[float], float]:
    """Seconds of each answer, and answers a second."""
    found = await load.ask(
        port=at.port,
        token=at.token,
        method=method,
        path=path,
        bodies=bodies or [],
        connections=CONNECTIONS,
        seconds=SECONDS,
    )
    return found["times"], len(found["times"]) / found["seconds"]


async def events(at: Tier) -> list[float]:
    """Seconds from sending a change to its event in a stream."""
    (task,) = await new_tasks(at, 1)
    found: list[float] = []
    async with connected(at.port, at.token) as changing, connected(at.port, at.token) as watching:
        watching.send("GET", "/api/events?tail=true", accept="text/event-stream")
        stream = watching.events()
        await asyncio.sleep(1)
        for number in range(EVENTS):
            began = time.perf_counter()
            changing.send("PATCH", f"/api/tasks/{task}", {"title": f"Title {number}"})
            await _succeeded(changing)
            async with asyncio.timeout(MOST_SECONDS):
                async for _, event in stream:
                    if event["task_id"] == task:
                        break
            found.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
    return found


async def _succeeded(connection: Connection) -> None:
    status, body = await connection.answer()
    if status != 200:
        raise BadAnswer(f"a change was answered {status}: {body[:200]!r}")


Found = dict[str, list[tuple[list[float], float]]]


async def round_of(load: Answering, tiers: dict[str, Tier], bare: Tier, lite: Tier | None, found: Found) -> None:
    """Every kind once."""

    def note(kind: str, times: list[float], rate: float) -> None:
        found.setdefault(kind, []).append((times, rate))

    note(BARE, *await ask(load, bare, "GET", "/"))
    if lite:
        note(LITE, *await ask(load, lite, "POST", "/rest/v1/rpc/list_tasks", [{"sort": "urgency"}] * 100_000))
    for name, at in tiers.items():
        note(f"{name}: list 50 of 10,000", *await ask(load, at, "GET", "/api/tasks?limit=50"))
        note(f"{name}: create", *await ask(load, at, "POST", "/api/tasks", [{"title": "A task"}] * 100_000))
        ready = await new_tasks(at, MOST_TASKS // 10)
        clicks = [{"taskId": one, "wait": False} for one in ready]
        note(f"{name}: execute", *await ask(load, at, "POST", "/api/tasks/execute", clicks))
        times = await events(at)
        note(f"{name}: event, from the request on", times, 0)


async def measure(bench: Bench) -> Report:
    """Both tiers, the bare answer and Supabase Lite in turns."""
    found: Found = {}
    async with AsyncExitStack() as stack:
        urls = [await bench.lived_in(f"adapters_{name}") for name in ("postgres", "postgrest")]
        lite = await stack.enter_async_context(supabase_lite(urls[1]))
        people: list[UUID] = []
        for url in urls:
            async with bench.house(url) as house:
                await functions.list_tasks(house.caller, limit=1)
                assert house.owner.user_id
                people.append(house.owner.user_id)
        keys = replace(Keys.load(bench.home / "house", lite.jwt_secret), issuer=auth_url_of(lite.url))
        environments = {
            POSTGRES: {**bench.environment(urls[0]), "SUPABASE_JWT_SECRET": lite.jwt_secret},
            POSTGREST: without_connections(bench, lite),
        }
        tiers = {
            name: await stack.enter_async_context(tier(environment, keys.bearer_token(person)))
            for (name, environment), person in zip(environments.items(), people, strict=True)
        }
        bare = Tier(free_port(), "")
        await stack.enter_async_context(started(ours("sides.bare", str(bare.port)), name="bare"))
        load = await stack.enter_async_context(started(ours("sides.requests"), name="requests"))
        for _ in range(bench.options.rounds):
            await round_of(load, tiers, bare, None, found)
    return _report(found)


def _report(found: Found) -> Report:
    report = Report(
        f"The web tier on both adapters, {CONNECTIONS} connections (events: one after another)",
        ("", "p50 ms", "p99 ms", "requests/s", "p50 over a bare answer"),
    )
    bare = [p50(times) for times, _ in found[BARE]]
    for kind, rounds in found.items():
        middle, slow = p50([p50(times) for times, _ in rounds]), p50([p99(times) for times, _ in rounds])
        ratio, rate = ratios([p50(times) for times, _ in rounds], bare), p50([rate for _, rate in rounds])
        report.rows.append(
            [kind, f"{middle * 1000:.1f}", f"{slow * 1000:.1f}", f"{rate:,.0f}" if rate else "", f"{ratio:.1f}"]
        )
        report.figures[kind] = {
            "p50_ms": round(middle * 1000, 2),
            "p99_ms": round(slow * 1000, 2),
            "requests_a_second": round(rate),
            "p50_ratio": round(ratio, 1),
        }
    return report
