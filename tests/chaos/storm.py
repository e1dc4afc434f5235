"""`make chaos`: trees of tasks while workers die, freeze and are replaced, Postgres crashes, the model and the mail server fail.

Ends with one line of JSON: lost, sent_twice, stuck, steps_rebilled (each has to be 0), uncertain, kills, freezes, seconds.
Mails and requests are counted at the other end: what the mail server took, what the model was asked (tests/chaos/judge.py).
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from app.house import ensure_owner
from core import embedded
from core.embedded import EmbeddedPostgres
from core.migrate import migrate
from core.postgres import open_database, pool_of
from core.settings import Settings
from tests.chaos import load
from tests.chaos.judge import Aftermath, Findings, judge
from tests.chaos.model_faults import ModelFaults, running_faults
from tests.chaos.person import Person
from tests.chaos.smtp_sink import SmtpSink, running_sink
from tests.chaos.workers import Crew
from tests.emulators.model_server import running_model_server

LOOK_SECONDS = 0.5
CALM_FROM = 0.97  # the last ones may end
MOST_CONNECTIONS = "300"  # the frozen ones keep theirs
DOWN_SECONDS = 1.0
SLOW_SECONDS = 0.5  # what servers take at most to answer: workers are struck in the middle of a step
QUIET_SECONDS = 10.0  # between two lines of progress where there is no terminal


@dataclass(frozen=True)
class Sizes:
    """How much is asked for and how much is done to it. `limit_seconds` ends a run that does not settle."""

    trees: int = 500
    workers: int = 4
    every_seconds: float = 1.0
    plant_every_seconds: float = 0.1
    crashes: int = 2
    seed: int = 1
    limit_seconds: float = 900


@dataclass
class Report:
    """What a run left behind, and what was done to it."""

    findings: Findings = field(default_factory=Findings)
    kills: int = 0
    freezes: int = 0
    crashes: int = 0
    seconds: float = 0
    tasks: int = 0
    mails: int = 0
    refusals: int = 0
    takeovers: int = 0
    faults: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def is_clean(self) -> bool:
        """Nothing lost, sent twice, stuck, billed again, or left without an explanation."""
        return not self.findings.lines()

    def as_json(self) -> str:
        """The one line."""
        found = self.findings
        counts = {
            name: len(getattr(found, name)) for name in ("lost", "sent_twice", "stuck", "steps_rebilled", "uncertain")
        }
        return json.dumps({**counts, "kills": self.kills, "freezes": self.freezes, "seconds": round(self.seconds, 1)})


@dataclass
class Storm:
    """One run in a folder of its own."""

    sizes: Sizes
    home: Path
    embedded: EmbeddedPostgres
    crew: Crew
    person: Person
    show_progress: bool = True
    crashes: int = 0
    began: float = field(default_factory=time.monotonic)
    shown: float = 0

    async def blow(self) -> None:
        """Plant the trees, and strike until nearly all is done; return when all is settled, or the time is up."""
        async with asyncio.TaskGroup() as group:
            planting = group.create_task(self.person.plant(self.sizes.trees, self.sizes.plant_every_seconds))
            looking = group.create_task(self.person.look_after())
            striking = group.create_task(self._strike())
            try:
                await self._until_settled(planting, striking)
            finally:
                for task in (planting, looking, striking):
                    task.cancel()

    async def _until_settled(self, planting: asyncio.Task[None], striking: asyncio.Task[None]) -> None:
        expected = self.sizes.trees * 6  # a root, four parts, and the task that sends the mail
        while time.monotonic() - self.began < self.sizes.limit_seconds:
            await asyncio.sleep(LOOK_SECONDS)
            self.crew.fill()
            after = await self._look()
            if after is None:
                continue
            share = after.ended / max(expected, len(after.tasks))
            self._show(f"{after.ended} of {max(expected, len(after.tasks))} tasks over")
            if planting.done() and not after.unsettled():
                return
            if share >= CALM_FROM and planting.done():
                striking.cancel()
            if self.crashes < self.sizes.crashes and share > (self.crashes + 1) / (self.sizes.crashes + 1.5):
                await self._crash()

    async def _look(self) -> Aftermath | None:
        """The tables now; None while the server is away."""
        try:
            url = self.embedded.url
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=2) as connection:
                return await Aftermath.read(connection, with_steps=False)
        except psycopg.Error:
            return None

    async def _strike(self) -> None:
        while True:
            await asyncio.sleep(self.sizes.every_seconds * self.crew.chance.uniform(0.5, 1.5))
            self.crew.strike()
            self.crew.fill()

    async def _crash(self) -> None:
        """The server ends at once, as in a power cut, and recovers when it is started again a moment later."""
        self.crashes += 1
        pid_file = self.embedded.data / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        while pid_file.exists():
            await asyncio.sleep(0.05)
        await asyncio.sleep(DOWN_SECONDS)
        again = await asyncio.to_thread(EmbeddedPostgres.start, self.home)
        await asyncio.to_thread(again.stop)  # it stays, since `self.embedded` uses it

    def _show(self, what: str) -> None:
        if not self.show_progress:
            return
        crew = self.crew
        seconds = round(time.monotonic() - self.began)
        line = (
            f"{seconds:4} s  {what}, {crew.kills} killed, {crew.freezes} frozen, Postgres crashed {self.crashes} times"
        )
        if sys.stderr.isatty():
            print(f"\r{line}  ", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.shown > QUIET_SECONDS:
            self.shown = time.monotonic()
            print(line, file=sys.stderr, flush=True)


@asynccontextmanager
async def durable_server(home: Path) -> AsyncGenerator[EmbeddedPostgres]:
    """An embedded Postgres that forgets nothing on a crash, with room for many workers; gone with the block."""
    usual = dict(embedded.DURABLE)
    embedded.DURABLE["max_connections"] = MOST_CONNECTIONS
    server = await asyncio.to_thread(EmbeddedPostgres.start, home)
    try:
        yield server
    finally:
        embedded.DURABLE.update(usual)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.remove)


async def run_storm(sizes: Sizes, home: Path, *, show_progress: bool = True) -> Report:
    """Everything from an empty database to the report. Logs stay in `home`."""
    began = time.monotonic()
    settings = Settings.model_validate({"home": home / "steward"})
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(durable_server(home / "database"))
        await migrate(server.url, embedded=True)
        sink = await stack.enter_async_context(running_sink(SmtpSink(sizes.seed, SLOW_SECONDS / 2)))
        (home / "answers.json").write_text(load.answers(sizes.trees))
        model = stack.enter_context(running_model_server(home / "answers.json", log=home / "model.log"))
        faults = ModelFaults(model.base_url.removesuffix("/v1"), sizes.seed, SLOW_SECONDS)
        await stack.enter_async_context(running_faults(faults))
        database = await stack.enter_async_context(open_database(server.url))
        person = Person(database.acting_as(await ensure_owner(server.url, settings)))
        environment = worker_environment(settings, server, sink, faults)
        crew = Crew(sizes.workers, environment, random.Random(sizes.seed), home)
        stack.callback(crew.dismiss)
        crew.fill()
        storm = Storm(sizes, home / "database", server, crew, person, show_progress)
        await storm.blow()
        await asyncio.to_thread(crew.dismiss)
        async with pool_of(database).connection() as connection:
            after = await Aftermath.read(connection)
    findings = judge(after, person, sink, faults)
    findings.unexplained += crew.died
    return Report(
        findings,
        kills=crew.kills,
        freezes=crew.freezes,
        crashes=storm.crashes,
        seconds=time.monotonic() - began,
        tasks=len(after.tasks),
        mails=sum(sink.taken.values()),
        refusals=sum(sink.refused.values()),
        takeovers=sum(task.lost_count for task in after.tasks),
        faults=faults.faults(),
    )


def worker_environment(
    settings: Settings, server: EmbeddedPostgres, sink: SmtpSink, faults: ModelFaults
) -> dict[str, str]:
    """The settings of the workers: everything on loopback."""
    return {
        "STEWARD_HOME": str(settings.home),
        "STEWARD_DATABASE_URL": server.url,
        "STEWARD_SMTP_URL": sink.url,
        "STEWARD_OWNER_EMAIL": settings.owner_email,
        "STEWARD_CLEANUP_SCHEDULE": "off",
        "OPENAI_API_KEY": "not-a-key",
        "OPENAI_BASE_URL": faults.base_url,
    }
