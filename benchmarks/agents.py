"""Outside agents under load: a hundred executions at once, fifty agents that poll every second, a thousand events a second.

First one agent works alone, with a poll and a report a second: what a claim and a report take where nothing else is
going on. Then the load, for a minute. Both go through one `steward web`, with one worker process beside it. Afterwards
the database says what became of every event and every lease.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from app.house import House
from benchmarks.first_line import serving
from benchmarks.harness.bench import Bench
from benchmarks.harness.processes import Answering, crew, ours, split, started
from benchmarks.harness.report import Report, Target, p50, p99
from tasks import functions, trees
from tasks.agents import register_agent

EXECUTIONS = 100
AGENTS = 50
EVENTS_A_SECOND = 1000
SECONDS = 60
BATCH = 10
TASKS = 30  # of one execution, three at a time
TASKS_ALONE = 12
TASK_SECONDS = 6.0
PROCESSES = 2
ALONE_SECONDS = 15


async def execution(house: House, number: int, tasks: int, capability: str) -> UUID:
    """A tree of work for agents that is under way: three chains beside each other."""
    parts = [
        {
            "title": f"Part {place}",
            "key": f"p{place}",
            "tool": "outside_agent",
            "execution_type": "fully_automated",
            "tool_input": {"capabilities": [capability]},
            "depends_on": [f"p{place - 3}"] if place >= 3 else [],
        }
        for place in range(tasks)
    ]
    tree = await trees.create_task_tree(
        house.caller,
        {"title": f"Execution {number}", "execution_type": "fully_automated", "children": parts},
    )
    await functions.queue_task_execution(house.caller, tree.id)
    return tree.id


async def agents(house: House, count: int, capability: str) -> list[tuple[str, str]]:
    """New agents that can do this; id and token of each."""
    made = [
        await register_agent(
            house.caller, {"name": f"{capability} {number}", "capabilities": [capability], "max_concurrent": 4}
        )
        for number in range(count)
    ]
    return [(str(one.details.id), one.token) for one in made]


async def at_work(crowd: Sequence[Answering], who: Sequence[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """Let these agents work, spread over the processes; what all of them saw."""
    shares = split(len(who), len(crowd))
    begins = [sum(shares[:number]) for number in range(len(crowd))]
    found = await asyncio.gather(
        *[
            process.ask(
                **{
                    **more,
                    "agents": who[begin : begin + share],
                    "events_a_second": more["events_a_second"] * share / len(who),
                }
            )
            for process, begin, share in zip(crowd, begins, shares, strict=True)
        ]
    )
    seen: dict[str, Any] = {"sent": {}}
    for one in found:
        seen["sent"] |= one["sent"]
        for name in ("claims", "polls", "reports", "completed", "wrong"):
            seen.setdefault(name, []).extend(one[name])
    return seen


async def judged(url: str, ids: list[UUID], sent: dict[str, int]) -> dict[str, int]:
    """What the database says: events lost or kept twice, tasks that were begun twice, done twice, or left behind."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(
            """select r.event_id, count(*) from public.agent_reports r where r.execution_id = any (%s) group by 1""",
            (ids,),
        )
        kept = dict(await cursor.fetchall())
        cursor = await connection.execute(
            """select count(*) filter (where n > 1), count(*) from
                 (select l.task_id, count(*) as n from public.agent_leases l where l.root_task_id = any (%s) group by 1) x""",
            (ids,),
        )
        twice, claimed = (await cursor.fetchall())[0]
        cursor = await connection.execute(
            """select (select count(*) from public.tasks t where t.root_task_id = any (%(ids)s) and t.parent_task_id is not null
                       and t.execution_status = 'completed'),
                      (select count(*) from public.agent_leases l where l.root_task_id = any (%(ids)s) and l.ended_at is null)""",
            {"ids": ids},
        )
        completed, held = (await cursor.fetchall())[0]
    return {
        "events_lost": len(sent.keys() - kept.keys()),
        "events_doubled": sum(1 for number in kept.values() if number > 1) + len(kept.keys() - sent.keys()),
        "claimed_twice": twice,
        "claimed": claimed,
        "completed": completed,
        "leases_left": held,
    }


async def measure(bench: Bench) -> Report:
    """One agent alone, then all of them."""
    url = await bench.lived_in("agents")
    async with (
        bench.house(url) as house,
        serving(bench, url, house, "web") as (port, _),
        started(ours("sides.worker", url, "8", "0"), name="worker", environment=bench.environment(url)),
        crew(PROCESSES, ours("sides.agents", str(port)), name="agents") as crowd,
    ):
        await execution(house, 0, TASKS_ALONE, "alone")
        alone = await at_work(
            crowd[:1],
            await agents(house, 1, "alone"),
            seconds=ALONE_SECONDS,
            events_a_second=BATCH * 2,
            batch=BATCH,
            task_seconds=1.0,
        )
        ids = [await execution(house, number, TASKS, "crowd") for number in range(1, EXECUTIONS + 1)]
        crowded = await at_work(
            crowd,
            await agents(house, AGENTS, "crowd"),
            seconds=SECONDS,
            events_a_second=EVENTS_A_SECOND,
            batch=BATCH,
            task_seconds=TASK_SECONDS,
        )
        found = await judged(url, ids, crowded["sent"])
    report = Report("Outside agents", ("", "alone ms", "under load ms", "growth"))
    for name, words in (("claims", "a claim"), ("polls", "a poll that gets nothing"), ("reports", f"{BATCH} events")):
        for kind, of in (("p50", p50), ("p99", p99)):
            quiet, busy = of(alone[name] or [0.0]), of(crowded[name] or [0.0])
            growth = busy / quiet if quiet else 0.0
            report.rows.append(
                [
                    f"{words}, {kind} of {len(crowded[name])}",
                    f"{quiet * 1000:.1f}",
                    f"{busy * 1000:.1f}",
                    f"{growth:.1f}",
                ]
            )
            report.figures[f"{name}_{kind}_ms"] = round(busy * 1000, 1)
            report.figures[f"{name}_{kind}_growth"] = round(growth, 2)
    events = len(crowded["sent"])
    report.figures |= {
        "events": events,
        "events_a_second": round(events / SECONDS),
        "wrong": len(crowded["wrong"]),
        **found,
    }
    report.rows.append(["events a second", "", str(round(events / SECONDS)), ""])
    report.rows.append(["tasks claimed, completed", "", f"{found['claimed']}, {found['completed']}", ""])
    for one in crowded["wrong"][:5]:
        report.rows.append([f"  {one[:160]}", "", "", ""])
    for name in ("events_lost", "events_doubled", "claimed_twice", "leases_left"):
        report.targets.append(Target(name.replace("_", " "), found[name], 0))
    report.targets.append(Target("answers of another kind", len(crowded["wrong"]), 0))
    report.targets.append(Target("events a second", events / SECONDS, EVENTS_A_SECOND * 0.95, at_least=True))
    return report
