"""The house: everything of one process wired together, opened and closed in order.

`open_house` gives the parts to a command or a test; `cli.serving` runs them all in one event loop.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

import psycopg

from agents.equipment import Equipment
from agents.thinking import Thinking
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyTool
from app.live import EventHub
from core.clock import Clock
from core.database import Caller, Database, Identity, open_database
from core.embedded import EmbeddedPostgres
from core.errors import Unavailable
from core.migrate import migrate
from core.settings import Settings
from jobs.calendar_sync import register_calendar
from jobs.google_sync import register_google
from jobs.mail_sync import register_mail_sync
from jobs.outside.all import connected_world
from jobs.outside.remote import remote_tools
from jobs.outside.world import Given
from jobs.periodic import register_periodic
from jobs.plan_callbacks import register_plan_callbacks
from jobs.slack_work import SlackWork, register_slack
from jobs.watching import register_watching
from jobs.worker import Worker, working
from tasks import functions, workers
from tasks.agent_work import AgentRules

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

    @property
    def caller(self) -> Caller:
        """The database as the owner sees it."""
        return self.database.acting_as(self.owner)

    @property
    def given(self) -> Given:
        """What jobs work with."""
        return Given(self.settings, self.database, self.clock)

    async def tools(self) -> dict[str, AnyTool]:
        """Every tool of this house: its own, and those that MCP servers offer now."""
        return {**await remote_tools(self.settings), **self.equipment.tools}

    async def worker(self) -> Worker:
        """A worker of this house, for the queues and with the concurrency that the settings say."""
        worker = Worker(
            self.database,
            replace(self.equipment, tools=await self.tools()),
            queues=self.settings.worker_queue_names,
            concurrency=self.settings.worker_concurrency,
            agent_rules=self.agent_rules,
        )
        register_periodic(worker.app, self.database, self.settings)
        register_slack(worker.app, self.slack, self.owner)
        register_google(worker.app, self.given)
        register_calendar(worker.app, self.given)
        register_mail_sync(worker.app, self.given, self.owner)
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
            async with working(await self.worker()):
                await self._settled(task_id)

    async def _settled(self, task_id: UUID) -> None:
        while (await functions.get_task(self.caller, task_id)).execution_status in UNSETTLED:
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncGenerator[House]:
    """The house, ready: database found or started, migrations applied, the owner there. Closes what it opened."""
    clock = Clock.from_settings(settings)
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
    return House(settings, clock, database, thinking, equipment, EventHub(database.url), owner)


async def ensure_owner(url: str, settings: Settings) -> Identity:
    """The local owner, made the first time; name and address follow the settings."""
    import json

    details = json.dumps({"name": settings.owner_name})
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            cursor = await connection.execute(
                """with known as (
                     select u.id from auth.users u where u.raw_app_meta_data ->> 'steward_owner' = 'true' or u.email = %(email)s
                     order by u.raw_app_meta_data ->> 'steward_owner' nulls last limit 1),
                   kept as (
                     update auth.users u set email = %(email)s, raw_user_meta_data = %(details)s::jsonb
                     from known where u.id = known.id returning u.id),
                   made as (
                     insert into auth.users (email, raw_user_meta_data, raw_app_meta_data)
                     select %(email)s, %(details)s::jsonb, '{"steward_owner": "true"}' where not exists (select 1 from known)
                     on conflict (email) do update set raw_user_meta_data = excluded.raw_user_meta_data
                     returning id)
                   select id from kept union all select id from made""",
                {"email": settings.owner_email, "details": details},
            )
            row = await cursor.fetchone()
    except psycopg.Error as error:
        raise Unavailable("The local owner could not be made", detail=str(error).strip()) from error
    if row is None:
        raise Unavailable("The local owner could not be made")
    return Identity(UUID(str(row[0])))


async def worker_lives(database: Database) -> bool:
    """Does any worker on this database show a heartbeat?"""
    listed = await workers.list_workers(database.acting_as(Identity.service()))
    return any(worker["is_alive"] for worker in listed)
