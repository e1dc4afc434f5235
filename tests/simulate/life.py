"""Living through a month: mail and meetings arrive, the rules look, what they found is prepared, the person acts, nights pass."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import Progress

from agents.rules.mail_people import Owner
from app.house import House, ensure_owner, furnish
from core.clock import Clock
from core.embedded import EmbeddedPostgres
from core.migrate import migrate
from core.postgres import open_database
from core.settings import Settings
from jobs.calibrating import calibrate_all
from jobs.learning import learn
from jobs.mail_reading import take_in
from jobs.watching import watch_for
from jobs.worker import Worker, working
from tasks import capture, functions
from tasks.functions import TaskFilter
from tests.in_memory import passing_folder
from tests.simulate.figures import Outcome, figure
from tests.simulate.making import FIRST, ZONE, Arrival, Month, at
from tests.simulate.month import make_month
from tests.simulate.people import OWNER
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


async def live_through(seed: int, days: int, folder: Path, *, learns: bool = True) -> Outcome:
    """The month of a seed, or its first days, with the rules alone. `learns` False: nothing that was learned is switched on."""
    with passing_folder() as memory:
        server = EmbeddedPostgres.start(memory, durable=False)
        try:
            await migrate(server.url, embedded=True)
            return await live_in(server.url, seed, days, folder, learns=learns)
        finally:
            server.stop()
            server.remove()


async def live_in(url: str, seed: int, days: int, folder: Path, *, learns: bool = True) -> Outcome:
    """The same in a database that is there, with nothing of anybody in it."""
    settings = Settings(home=folder, timezone=ZONE.key, owner_email=OWNER.address, owner_name=OWNER.name)
    owner = await ensure_owner(url, settings)
    clock = MovedClock(ZONE)
    clock.moment = at(FIRST, 7)
    async with open_database(url) as database:
        house = furnish(settings, clock, database, owner)
        async with working(Worker(database, house.equipment)):
            month = make_month(seed)
            robin = Robin(house, month.wants, Random(seed), learns)
            held = await _live(robin, clock, month, days)
            return await figure(robin, month, seed, days, clock.moment, held, url)


async def _live(robin: Robin, clock: MovedClock, month: Month, days: int) -> Counter[str]:
    """Day after day; how often something was held back at first, by the reason."""
    house, arrivals, held = robin.house, list(month.arrivals), Counter[str]()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Living", total=days)
        for number in range(days):
            day = FIRST + timedelta(days=number)
            told = f"{robin.told.total()} nudges, {robin.right.total()} of use"
            progress.update(bar, description=f"{day:%a} {day.day} {day:%B}: {told}")
            for hour, minute in LOOKS:
                clock.moment = at(day, hour, minute)
                while arrivals and arrivals[0].at <= clock.moment:
                    batch = [one for one in arrivals if one.at <= clock.moment]
                    arrivals = arrivals[len(batch) :]
                    await _deliver(house, batch)
                if (hour, minute) in ASKS and day.weekday() < 5:
                    await robin.ask()
                watched = await watch_for(house.given, house.caller, clock.moment)
                held.update(one.held_because for one in watched.made if one.held_because)
                await _settled(house)
                if (hour, minute) in SEES:
                    await robin.look(clock.moment)
                    await _settled(house)
            await learn(house.caller, at=clock.moment)
            await calibrate_all(house.database, clock)
            progress.advance(bar)
    return held


async def _deliver(house: House, batch: list[Arrival]) -> None:
    """Mail and entries of the calendar come in, as from any mailbox and any file."""
    rows = {
        (one.calendar, one.entry.uid): {**one.entry.model_dump(mode="json"), "calendar": one.calendar}
        for one in batch
        if one.entry
    }
    if rows:
        await capture.import_calendar(house.caller, list(rows.values()))
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
