"""What the month came to: figures in one line, and by kind what was told, wanted, right and missed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

import psycopg

from app.house import House
from tasks import nudges
from tasks.nudges import Nudge, NudgeKind
from tests.simulate.making import ZONE, Month, Want
from tests.simulate.person import Robin

SHOWN: tuple[NudgeKind, ...] = tuple(kind for kind in get_args(NudgeKind) if kind not in {"preference", "reminder"})
TOLD_BY_TASK = """
    select distinct k.kind, t.source_ref ->> 'thread_key'
    from public.tasks t cross join unnest(array['time_proposal', 'promise']) k (kind)
    where t.source = 'mail' and t.source_ref ? 'thread_key' and (k.kind = 'time_proposal' or t.title like 'Keep your promise%')
"""
COST = """
    select coalesce(sum(i.cost_usd), 0), coalesce(sum(i.cost_usd) filter (where r.source = 'proactive'), 0)
    from public.llm_interactions i left join public.tasks t on t.id = i.task_id left join public.tasks r on r.id = t.root_task_id
"""


@dataclass(frozen=True)
class Figures:
    """The month in one line.

    Precision: of what was told, the share that was wanted, then and for the first time; recall: of what was wanted, the share
    that was told in time. Edits: the share of drafts that the person had to change, in either half of them.
    """

    seed: int
    days: int
    mails: int
    events: int
    nudges: int
    nudge_precision: float
    nudge_recall: float
    nudges_a_day: float
    most_a_day: int
    told_by_digest: int
    held_by_quiet_hours: int
    budget_reached_days: int
    self_muted: list[str]
    drafts: int
    edited_first_half: float
    edited_second_half: float
    preferences: int
    cost_usd: float
    proactive_cost_usd: float


@dataclass(frozen=True)
class Outcome:
    """The figures, and lines to read."""

    figures: Figures
    lines: list[str] = field(default_factory=list[str])


async def figure(
    robin: Robin, month: Month, seed: int, days: int, end: datetime, held: Counter[str], url: str
) -> Outcome:
    """What a life came to, out of the person's judgement and the database. `held`: how often by which reason."""
    threads, costs = await _database(url)
    missed = robin.missed(end, threads)
    wanted = len(robin.met) + len(missed)
    half = len(robin.edits) // 2
    kept = await all_nudges(robin.house)
    a_day = Counter(
        f"{one.told_at.astimezone(ZONE):%F}"
        for one in kept
        if one.told_at and one.digest_id is None and one.held_because is None and one.kind != "reminder"
    )
    attention = await nudges.get_attention(robin.house.caller, end, _rules(robin.house))
    figures = Figures(
        seed=seed,
        days=days,
        mails=sum(one.mail is not None and one.at <= end for one in month.arrivals),
        events=len({one.entry.uid for one in month.arrivals if one.entry and one.at <= end}),
        nudges=robin.told.total(),
        nudge_precision=share(robin.right.total(), robin.told.total()),
        nudge_recall=share(len(robin.met), wanted),
        nudges_a_day=round(robin.told.total() / days, 2),
        most_a_day=max(a_day.values(), default=0),
        told_by_digest=sum(one.told_at is not None and one.digest_id is not None for one in kept),
        held_by_quiet_hours=held["quiet"],
        budget_reached_days=sum(count >= attention.rules.daily_nudges for count in a_day.values()),
        self_muted=sorted({one.kind for one in attention.mutes if one.muted_by == "precision" and one.kind}),
        drafts=len(robin.edits),
        edited_first_half=share(sum(robin.edits[:half]), half),
        edited_second_half=share(sum(robin.edits[half:]), len(robin.edits) - half),
        preferences=robin.switched_on,
        cost_usd=costs[0],
        proactive_cost_usd=costs[1],
    )
    return Outcome(figures, _lines(robin, missed))


async def all_nudges(house: House) -> list[Nudge]:
    """Every nudge of the month."""
    found: list[Nudge] = []
    after = None
    while True:
        page = await nudges.list_nudges(house.caller, after=after, limit=200)
        found += page.items
        if page.after is None:
            return found
        after = page.after


def share(part: int, whole: int) -> float:
    """A part of a whole, 0 to 1; 0 of nothing."""
    return round(part / whole, 3) if whole else 0.0


def _local(moment: datetime | None) -> str:
    return f"{moment.astimezone(ZONE):%a %d %H:%M}" if moment else "-"


def _rules(house: House) -> nudges.AttentionRules:
    return nudges.AttentionRules.from_settings(house.given.settings, ZONE.key)


def _lines(robin: Robin, missed: list[Want]) -> list[str]:
    met = Counter(robin.wants[place].kind for place in robin.met)
    unmet = Counter(one.kind for one in missed)
    lines = [f"{'kind':14}{'told':>6}{'right':>7}{'wanted':>8}{'precision':>11}{'recall':>8}"]
    for kind in SHOWN:
        told, wanted = robin.told[kind], met[kind] + unmet[kind]
        if told or wanted:
            precision = f"{share(robin.right[kind], told):.2f}" if told else "-"
            recall = f"{share(met[kind], wanted):.2f}" if wanted else "-"
            lines.append(f"{kind:14}{told:6}{robin.right[kind]:7}{wanted:8}{precision:>11}{recall:>8}")
    lines += [f"not wanted: {one.kind}, {_local(one.told_at)}: {one.title}. {one.why}"[:240] for one in robin.wrong]
    lines += [f"not told: {one.kind}, {one.about}, {one.begins:%a %d %H:%M}" for one in missed]
    return lines


async def _database(url: str) -> tuple[set[tuple[str, str]], tuple[float, float]]:
    """The threads that tasks came from, and what models cost: all, and for what nobody had asked for."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        threads = {(str(row[0]), str(row[1])) for row in await (await connection.execute(TOLD_BY_TASK)).fetchall()}
        row = await (await connection.execute(COST)).fetchone()
    return threads, (round(float(row[0]), 4), round(float(row[1]), 4)) if row else (0.0, 0.0)
