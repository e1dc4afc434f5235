"""Living through a month: mail and meetings arrive, the rules look, what they found is prepared, the person acts, nights pass."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
from rich.console import Console
from rich.progress import Progress

from agents.rules.mail_people import Owner
from app.house import House, ensure_owner, furnish
from core.clock import Clock
from core.database import open_database
from core.embedded import EmbeddedPostgres
from core.migrate import migrate
from core.settings import Settings
from jobs.calibrating import calibrate_all
from jobs.learning import learn
from jobs.mail_reading import take_in
from jobs.watching import watch_for
from jobs.worker import Worker, working
from tasks import capture, functions, nudges
from tasks.functions import TaskFilter
from tasks.nudges import Nudge
from tests.in_memory import passing_folder
from tests.simulate.month import FIRST, OWNER, ZONE, Arrival, Month, Want, at, make_month
from tests.simulate.person import Robin

LOOKS = (*((hour, minute) for hour in range(7, 18) for minute in (0, 30)), (18, 0), (21, 0))
SEES = {(8, 30), (10, 0), (12, 30), (15, 0), (17, 30)}  # when the person looks
ASKS = {(10, 0), (15, 0)}  # when, on working days, they have something written
SETTLE_SECONDS = 30.0
REST_SECONDS = 0.02


class MovedClock(Clock):
    """A clock that stands where it is put."""

    moment: datetime

    def now(self) -> datetime:
        """Where it was put."""
        return self.moment


@dataclass(frozen=True)
class Figures:
    """The month in one line. Precision: of what was told, the share that was wanted; recall: of what was wanted, the share
    that was told in time. Edits: the share of drafts that the person had to change, in either half of them."""

    seed: int
    days: int
    mails: int
    events: int
    nudges: int
    nudge_precision: float
    nudge_recall: float
    nudges_a_day: float
    most_a_day: int
    drafts: int
    edited_first_half: float
    edited_second_half: float
    preferences: int
    cost_usd: float


@dataclass(frozen=True)
class Outcome:
    """The figures, and lines to read."""

    figures: Figures
    lines: list[str] = field(default_factory=list[str])


async def live_through(seed: int, days: int, folder: Path) -> Outcome:
    """The month of a seed, or its first days, with the rules alone."""
    with passing_folder() as memory:
        server = EmbeddedPostgres.start(memory, durable=False)
        try:
            await migrate(server.url, embedded=True)
            settings = Settings(home=folder, timezone=ZONE.key, owner_email=OWNER.address, owner_name=OWNER.name)
            owner = await ensure_owner(server.url, settings)
            clock = MovedClock(ZONE)
            clock.moment = at(FIRST, 7)
            async with open_database(server.url) as database:
                house = furnish(settings, clock, database, owner)
                async with working(Worker(database, house.equipment)):
                    return await _live(house, clock, make_month(seed), seed, days, server.url)
        finally:
            server.stop()
            server.remove()


async def _live(house: House, clock: MovedClock, month: Month, seed: int, days: int, url: str) -> Outcome:
    robin = Robin(house, month.wants, Random(seed))
    arrivals = list(month.arrivals)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Living", total=days)
        for number in range(days):
            day = FIRST + timedelta(days=number)
            progress.update(bar, description=f"{day:%a %-d %B}: {robin.told} nudges, {robin.right} of use")
            for hour, minute in LOOKS:
                clock.moment = at(day, hour, minute)
                while arrivals and arrivals[0].at <= clock.moment:
                    batch = [one for one in arrivals if one.at <= clock.moment]
                    arrivals = arrivals[len(batch) :]
                    await _deliver(house, batch)
                if (hour, minute) in ASKS and day.weekday() < 5:
                    await robin.ask()
                await watch_for(house.given, house.caller, clock.moment)
                await _settled(house)
                if (hour, minute) in SEES:
                    await robin.look(clock.moment)
                    await _settled(house)
            await learn(house.caller, at=clock.moment)
            await calibrate_all(house.database, clock.moment)
            progress.advance(bar)
    return await _outcome(robin, month, seed, days, clock.moment, url)


async def _deliver(house: House, batch: list[Arrival]) -> None:
    """Mail and entries of the calendar come in, as from any mailbox and any file."""
    rows = [one.entry.model_dump(mode="json") for one in batch if one.entry]
    if rows:
        await capture.import_calendar(house.caller, rows)
    mails = [one.mail for one in batch if one.mail]
    if mails:
        owner = Owner((OWNER.address,), (OWNER.name,))
        await take_in(house.given, house.caller, "simulated", owner, mails)


async def _settled(house: House) -> None:
    """Return when nothing is queued or running."""
    busy = TaskFilter(status=["queued", "in_progress"])
    async with asyncio.timeout(SETTLE_SECONDS):
        while (await functions.list_tasks(house.caller, busy, limit=1)).items:
            await asyncio.sleep(REST_SECONDS)


async def _outcome(robin: Robin, month: Month, seed: int, days: int, end: datetime, url: str) -> Outcome:
    missed = robin.missed(end)
    wanted = len(robin.met) + len(missed)
    half = len(robin.edits) // 2
    a_day = await _a_day(robin.house)
    figures = Figures(
        seed=seed,
        days=days,
        mails=sum(one.mail is not None and one.at <= end for one in month.arrivals),
        events=sum(one.entry is not None and one.at <= end for one in month.arrivals),
        nudges=robin.told,
        nudge_precision=_share(robin.right, robin.told),
        nudge_recall=_share(len(robin.met), wanted),
        nudges_a_day=round(robin.told / days, 2),
        most_a_day=max(a_day.values(), default=0),
        drafts=len(robin.edits),
        edited_first_half=_share(sum(robin.edits[:half]), half),
        edited_second_half=_share(sum(robin.edits[half:]), len(robin.edits) - half),
        preferences=robin.switched_on,
        cost_usd=await _cost(url),
    )
    return Outcome(figures, await _lines(robin, missed))


async def _a_day(house: House) -> Counter[str]:
    """How many were told by themselves, by day; those of the digest are one page."""
    return Counter(
        f"{one.told_at.astimezone(ZONE):%F}" for one in await _all(house) if one.told_at and one.digest_id is None
    )


async def _all(house: House) -> list[Nudge]:
    found: list[Nudge] = []
    after = None
    while True:
        page = await nudges.list_nudges(house.caller, after=after, limit=200)
        found += page.items
        if page.after is None:
            return found
        after = page.after


async def _lines(robin: Robin, missed: list[Want]) -> list[str]:
    kinds: dict[str, Counter[str]] = {}
    for one in await _all(robin.house):
        kinds.setdefault(one.kind, Counter())[one.state] += 1
    lines = [
        f"{kind:14} " + ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
        for kind, states in sorted(kinds.items())
    ]
    unmet = Counter(one.kind for one in missed)
    return [*lines, "never told     " + (", ".join(f"{n} {kind}" for kind, n in sorted(unmet.items())) or "nothing")]


async def _cost(url: str) -> float:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (
            await connection.execute("select coalesce(sum(cost_usd), 0) from public.llm_interactions")
        ).fetchone()
    return round(float(row[0]), 4) if row else 0.0


def _share(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0
