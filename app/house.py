"""The house: everything of one process wired together, opened and closed in order.

`open_house` gives the parts to a command or a test; `cli.serving` runs them all in one event loop.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from agents.equipment import Equipment
from agents.thinking import Thinking
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyTool
from app.live import EventHub
from app.owner import ensure_owner
from core.clock import Clock
from core.database import Caller, Database, Identity
from core.embedded import EmbeddedPostgres
from core.errors import Unavailable
from core.migrate import migrate
from core.postgres import PostgresDatabase, needs_connection, open_database
from core.settings import Settings
from jobs.outside.all import connected_world
from jobs.outside.remote import remote_tools
from jobs.outside.storing import contents_from
from jobs.outside.world import Given
from jobs.slack_work import SlackWork
from tasks import functions, workers
from tasks.agent_work import AgentRules
from tasks.own_hours import Clocks

if TYPE_CHECKING:
    from jobs.worker import Worker

LOOK_SECONDS = 0.1
UNSETTLED = {"queued", "in_progress"}


@dataclass(frozen=True)
class House:
    """The parts of a running Steward. `owner` is the person of a local installation."""

    settings: Settings
    clock: Clock
    database: Database
    thinking: Thinking
    equipment: Equipment
    hub: EventHub
    owner: Identity
    clocks: Clocks

    @property
    def caller(self) -> Caller:
        """The database as the owner sees it. Raises `Unavailable` where there is none, with the setting that names one."""
        if self.owner == Identity.nobody():
            raise Unavailable(
                "This installation has no owner, so commands have nobody to speak for",
                hint="Set STEWARD_OWNER_EMAIL to your address in the Supabase project, or work in the browser.",
            )
        return self.database.acting_as(self.owner)

    def by(self, clock: Clock) -> "House":
        """This house by the clock and the working hours of one person."""
        if clock is self.clock:
            return self
        return replace(self, clock=clock, equipment=replace(self.equipment, clock=clock))

    async def by_owner(self) -> "House":
        """This house by the clock of its owner; of the settings where it has none."""
        return self if self.owner == Identity.nobody() else self.by(await self.clocks.of(self.caller))

    @property
    def given(self) -> Given:
        """What jobs work with."""
        return Given(self.settings, self.database, self.clock)

    async def tools(self) -> dict[str, AnyTool]:
        """Every tool of this house: its own, and those that MCP servers offer now."""
        return {**await remote_tools(self.settings), **self.equipment.tools}

    async def worker(self) -> "Worker":
        """A worker of this house, for the queues and with the concurrency that the settings say."""
        # Late, as what only a worker needs is a quarter of what a web tier would import.
        from jobs.calendar_sync import register_calendar
        from jobs.google_sync import register_google
        from jobs.mail_alerts import register_mail_alerts
        from jobs.mail_sync import register_mail_sync
        from jobs.periodic import register_periodic
        from jobs.plan_callbacks import register_plan_callbacks
        from jobs.slack_work import register_slack
        from jobs.watching import register_watching
        from jobs.worker import Worker

        worker = Worker(
            self.database,
            replace(self.equipment, tools=await self.tools()),
            queues=self.settings.worker_queue_names,
            concurrency=self.settings.worker_concurrency,
            agent_rules=self.agent_rules,
            clocks=self.clocks,
        )
        register_periodic(worker.app, self.database, self.settings)
        register_slack(worker.app, self.slack, self.owner)
        register_google(worker.app, self.given)
        register_calendar(worker.app, self.given)
        register_mail_sync(worker.app, self.given, self.owner)
        register_mail_alerts(worker.app, self.given, self.owner)
        register_plan_callbacks(worker.app, self.given)
        register_watching(worker.app, self.given)
        return worker

    @property
    def agent_rules(self) -> AgentRules:
        """How the work of outside agents is watched."""
        return AgentRules.from_settings(self.settings)

    @cached_property
    def slack(self) -> SlackWork:
        """What Slack delivered and what is shown there."""
        return SlackWork(self.given, self.thinking)

    async def work_until(self, task_id: UUID) -> None:
        """Return when the task is settled (neither queued nor running); work in this process where no worker lives."""
        if await worker_lives(self.database):
            await self._settled(task_id)
        else:
            from jobs.worker import working

            async with working(await self.worker()):
                await self._settled(task_id)

    async def _settled(self, task_id: UUID) -> None:
        while (await functions.get_task(self.caller, task_id)).execution_status in UNSETTLED:
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_house(settings: Settings, *, over_http: bool = False) -> AsyncGenerator[House]:
    """The house, ready: database found or started, migrations applied, the owner there. Closes what it opened.

    `over_http`: the URL and keys of a Supabase project are enough. Nothing is migrated then, and there is no local owner.
    Raises `Unavailable` where no more than these is set and it takes a connection.
    """
    clock = Clock.from_settings(settings)
    if settings.is_over_http:
        if not over_http:
            raise needs_connection()
        from core.postgrest import open_postgrest

        async with open_postgrest(settings) as reached:
            await reached.check()
            yield furnish(settings, clock, reached, Identity.nobody())
        return
    if settings.database_url is None and settings.lacks_of_project == "SUPABASE_URL":
        raise Unavailable(
            "SUPABASE_PUBLISHABLE_KEY is set, and SUPABASE_URL is not",
            hint="Set SUPABASE_URL, too; or take the key out, and Steward opens a database of its own.",
        )
    embedded = None
    if settings.database_url:
        url = settings.database_url.get_secret_value()
    else:
        embedded = await asyncio.to_thread(EmbeddedPostgres.start, settings.home)
        url = embedded.url
    try:
        await migrate(url, embedded=embedded is not None)
        owner = await ensure_owner(url, settings)
        async with open_database(url) as database:
            yield furnish(settings, clock, database, owner)
    finally:
        if embedded:
            await asyncio.to_thread(embedded.stop)


def furnish(
    settings: Settings, clock: Clock, database: Database, owner: Identity, thinking: Thinking | None = None
) -> House:
    """A house around an open database; `thinking` replaces the one of the settings."""
    thinking = thinking or Thinking.from_settings(settings)
    database = replace(database, contents=contents_from(settings))
    equipment = Equipment(
        thinking=thinking,
        clock=clock,
        from_address=settings.sender_address,
        from_name=settings.owner_name,
        tools=BUILT_IN_TOOLS,
        timeout_seconds=settings.task_timeout_seconds,
        outside=connected_world(Given(settings, database, clock)),
        private_hosts=frozenset(one.strip().casefold() for one in settings.private_hosts.split(",") if one.strip()),
    )
    return House(settings, clock, database, thinking, equipment, hub_of(database), owner, Clocks(clock))


def hub_of(database: Database) -> EventHub:
    """Live events out of this database: told by Postgres, or asked for where it is reached over HTTP."""
    if isinstance(database, PostgresDatabase):
        from app.listening import ListeningHub

        return ListeningHub(database.url)
    from app.polling import PollingHub

    return PollingHub(database, for_all=database.can_speak_for(Identity.service()))


async def worker_lives(database: Database) -> bool:
    """Does any worker on this database show a heartbeat?"""
    listed = await workers.list_workers(database.acting_as(Identity.service()))
    return any(worker["is_alive"] for worker in listed)
