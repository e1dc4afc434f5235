"""What happens by the clock: a snapshot of the metrics every few minutes, and the clean-up at night.

Procrastinate defers each scheduled time once, however many workers there are; and a second run does no harm: a
snapshot of one time is one row, a clean-up finds nothing left. What was missed while nothing ran (a laptop asleep at
two) is made up for at the next start.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import attr
import croniter
import procrastinate
import structlog
from procrastinate.periodic import PeriodicTask

from core.clock import Clock
from core.database import Caller, Database, Identity
from core.settings import Settings
from jobs.calibrating import calibrate_all
from jobs.learning import learn_all
from jobs.stored_files import sweep_objects
from tasks import metrics
from tasks.metrics import CLEAN_UPS, CleanUp

log = structlog.get_logger()
QUEUE = "housekeeping"
MISSED_SECONDS = 24 * 60 * 60
IDEMPOTENCY_DAYS = 1  # as long as an Idempotency-Key is promised to work
FINISHED_JOB_DAYS = 1
BATCH_SIZES: Mapping[CleanUp, int] = {"completed_tasks": 200, "failed_tasks": 100}
OTHER_BATCH_SIZE = 5000


@attr.dataclass(frozen=True)
class ZonedTask(PeriodicTask[Any, Any, Any]):
    """A periodic task by the clock of a place; Procrastinate's own go by UTC.

    On the day the clocks go forward a time in the gap is the first moment after it; on the day they go back a time
    that comes twice is both.
    """

    zone: ZoneInfo

    @property
    def croniter(self) -> croniter.croniter:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A fresh one each time: the loops of a worker ask side by side, and it remembers where it was."""
        return croniter.croniter(self.cron, datetime.now(self.zone))


def register_periodic(app: procrastinate.App, database: Database, settings: Settings) -> None:
    """Put the periodic jobs that the settings ask for on a worker's app. A worker has to take queue `housekeeping`."""
    zone = Clock.from_settings(settings).timezone
    app.periodic_defaults["max_delay"] = MISSED_SECONDS  # else ten minutes

    async def take_snapshot(timestamp: int) -> None:
        await take_metrics_snapshot(database, datetime.fromtimestamp(timestamp, UTC))

    async def clean_up_at_night(timestamp: int) -> None:
        if datetime.fromtimestamp(timestamp, zone).fold:
            return  # this hour comes twice today, and it was done in the first
        await clean_up(database, settings)
        await sweep_objects(database)

    async def calibrate_at_night(timestamp: int) -> None:
        await calibrate_all(database, Clock.from_settings(settings), learns=settings.learn_thresholds)

    async def learn_at_night(timestamp: int) -> None:
        clock = Clock.from_settings(settings)
        await learn_all(
            database, max(clock.now(), datetime.now(UTC)), least=settings.learning_cases, has_model=settings.has_model
        )

    for name, schedule, job in (
        ("metrics_snapshot", settings.metrics_schedule, take_snapshot),
        ("cleanup", settings.cleanup_schedule, clean_up_at_night),
        ("calibration", settings.calibration_schedule, calibrate_at_night),
        ("learning", settings.learning_schedule, learn_at_night),
    ):
        if schedule == "off":
            continue
        task = app.task(name=name, queue=QUEUE, lock=name, queueing_lock=name)(job)
        app.periodic_registry.periodic_tasks[(name, "")] = ZonedTask(
            task=task, cron=schedule, periodic_id="", configure_kwargs={}, zone=zone
        )


async def take_metrics_snapshot(database: Database, taken_at: datetime | None = None) -> int:
    """A snapshot of every tenant with tasks, for a moment (now); how many were not there yet."""
    made = await metrics.take_metrics_snapshot(_service(database), taken_at)
    await log.ainfo("metrics_snapshot_taken", tenants=made)
    return made


async def clean_up(database: Database, settings: Settings, *, dry_run: bool = False) -> dict[CleanUp, int]:
    """Clean up all that is older than the settings say, in small batches; how many of each (trees, for tasks).

    With `dry_run` nothing is touched: how many there would be.
    """
    days: dict[CleanUp, int] = {
        "completed_tasks": settings.archive_after_days,
        "failed_tasks": settings.remove_after_days,
        "task_events": settings.keep_events_days,
        "idempotency_keys": IDEMPOTENCY_DAYS,
        "queue_jobs": FINISHED_JOB_DAYS,
        "metrics_snapshots": settings.keep_metrics_days,
        "agent_reports": settings.keep_agent_reports_days,
        "agent_leases": settings.keep_agent_reports_days,
    }
    caller = _service(database)
    done: dict[CleanUp, int] = {
        what: await _clean_up_one(caller, what, days[what], dry_run=dry_run) for what in CLEAN_UPS
    }
    if not dry_run:
        await log.ainfo("cleaned_up", **done)
    return done


async def _clean_up_one(caller: Caller, what: CleanUp, days: int, *, dry_run: bool) -> int:
    size = BATCH_SIZES.get(what, OTHER_BATCH_SIZE)
    total = 0
    while count := await metrics.clean_up(caller, what, days, batch_size=size, dry_run=dry_run):
        total += count
        if dry_run:
            break
    return total


def _service(database: Database) -> Caller:
    return database.acting_as(Identity.service())
