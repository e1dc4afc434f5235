# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Periodic jobs on the real queue: deferred once by however many workers, run by one that takes `housekeeping`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import procrastinate
import pytest
from procrastinate.periodic import PeriodicDeferrer

from core.database import Caller
from core.postgres import PostgresDatabase, pool_of
from core.settings import Settings
from jobs.periodic import QUEUE, clean_up, register_periodic, take_metrics_snapshot
from jobs.worker import queue_app
from tasks import functions, metrics

EVERY_DAY = timedelta(days=1)


@asynccontextmanager
async def an_app(database: PostgresDatabase, settings: Settings) -> AsyncGenerator[procrastinate.App]:
    """A worker's app with the periodic jobs on it."""
    app = queue_app(database.url)
    register_periodic(app, database, settings)
    async with app.open_async():
        yield app


async def defer(app: procrastinate.App, at: datetime) -> None:
    """What the clock of a worker does at that moment."""
    deferrer = PeriodicDeferrer(app.periodic_registry, **app.periodic_defaults)
    await deferrer.defer_jobs(deferrer.get_previous_tasks(at=at.timestamp()))


async def work_off(app: procrastinate.App, *queues: str) -> None:
    """Run what waits, periodic deferring left out, then stop."""
    names = dict(app.periodic_registry.periodic_tasks)
    app.periodic_registry.periodic_tasks.clear()
    await app.run_worker_async(
        queues=list(queues) or [QUEUE], wait=False, install_signal_handlers=False, delete_jobs="always"
    )
    app.periodic_registry.periodic_tasks.update(names)


async def waiting(database: PostgresDatabase) -> list[str]:
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select task_name from jobs.procrastinate_jobs where status = 'todo' order by 1"
        )
        return [str(row[0]) for row in await cursor.fetchall()]


async def test_two_workers_take_one_snapshot_of_each_time(
    database: PostgresDatabase, settings: Settings, ana: Caller
) -> None:
    await functions.create_tasks(ana, [{"title": "x", "execution_type": "manual"}])
    at = datetime.now(UTC)
    async with an_app(database, settings) as one, an_app(database, settings) as other:
        await asyncio.gather(defer(one, at), defer(other, at))
        assert await waiting(database) == ["calibration", "cleanup", "learning", "metrics_snapshot"]
        await asyncio.gather(work_off(one), work_off(other))
        await asyncio.gather(defer(one, at), defer(other, at))
        assert await waiting(database) == []  # this time has been served
    latest = (await metrics.get_metrics(ana)).latest
    assert latest
    scheduled = at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)
    assert (latest.taken_at, latest.tasks) == (scheduled, {"pending": 1})


async def test_jobs_of_a_queue_that_nobody_takes_wait_and_are_one_each(
    database: PostgresDatabase, settings: Settings
) -> None:
    at = datetime(2026, 3, 4, 8, 32, tzinfo=UTC)
    async with an_app(database, settings) as app:
        for minutes in range(0, 30, 5):
            await defer(app, at + timedelta(minutes=minutes))
        await work_off(app, "thinking")
        assert await waiting(database) == ["calibration", "cleanup", "learning", "metrics_snapshot"]
        await work_off(app, "housekeeping")
        assert await waiting(database) == []


async def test_the_night_s_job_cleans_up(database: PostgresDatabase, settings: Settings, ana: Caller) -> None:
    (task,) = await functions.create_tasks(ana, [{"title": "x", "execution_type": "manual"}])
    await functions.cancel_task(ana, task.id)
    async with pool_of(database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute("update public.tasks set cancelled_at = cancelled_at - interval '31 days'")
    async with an_app(database, settings.model_copy(update={"metrics_schedule": "off"})) as app:
        await defer(app, datetime(2026, 3, 4, 8, 32, tzinfo=UTC))
        await work_off(app)
    assert (await functions.list_tasks(ana)).items == []


async def test_the_ages_are_the_settings_and_a_dry_run_only_counts(
    database: PostgresDatabase, settings: Settings, ana: Caller
) -> None:
    for title in "ab":
        (task,) = await functions.create_tasks(ana, [{"title": title, "execution_type": "manual"}])
        await functions.cancel_task(ana, task.id)
    async with pool_of(database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute("update public.tasks set cancelled_at = cancelled_at - interval '3 days'")
    soon = settings.model_copy(update={"remove_after_days": 2})
    assert (await clean_up(database, settings, dry_run=True))["failed_tasks"] == 0
    assert (await clean_up(database, soon, dry_run=True))["failed_tasks"] == 2
    assert (await clean_up(database, settings))["failed_tasks"] == 0
    answers = await asyncio.gather(clean_up(database, soon), clean_up(database, soon))
    assert sum(answer["failed_tasks"] for answer in answers) == 2
    assert (await functions.list_tasks(ana)).items == []


async def test_a_snapshot_by_hand_is_of_this_moment(database: PostgresDatabase, ana: Caller) -> None:
    await functions.create_tasks(ana, [{"title": "x", "execution_type": "manual"}])
    assert await take_metrics_snapshot(database) == 1
    latest = (await metrics.get_metrics(ana)).latest
    assert latest
    assert datetime.now(UTC) - latest.taken_at < EVERY_DAY


@pytest.mark.parametrize("schedule", ["* * * * *"])
async def test_a_running_worker_keeps_the_clock_by_itself(
    database: PostgresDatabase, settings: Settings, ana: Caller, schedule: str
) -> None:
    await functions.create_tasks(ana, [{"title": "x", "execution_type": "manual"}])
    async with an_app(database, settings.model_copy(update={"metrics_schedule": schedule})) as app:
        worker = asyncio.create_task(app.run_worker_async(install_signal_handlers=False, delete_jobs="always"))
        for _ in range(300):
            if (await metrics.get_metrics(ana)).latest is not None:
                break
            await asyncio.sleep(0.05)
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
    assert (await metrics.get_metrics(ana)).latest is not None
