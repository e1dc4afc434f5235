"""Tasks that come again: when one is done or cancelled, the next of its series is made, once."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

import structlog

from core.clock import Clock
from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, StewardError
from tasks.functions import cancel_task
from tasks.models import ExecutionStatus, Record, Task
from tasks.occurrences import Occurrence, RepeatsFrom, check_rule, next_after_completion, next_occurrence

log = structlog.get_logger()
DAY_BEGINS = time(8)  # what is due some time on a day starts by itself from then on


class Series(Record):
    """What the next date of a task follows from. `starts_at` is where the rule counts from, `occurs_at` its own place in it."""

    task_id: UUID
    organization_id: UUID
    execution_status: ExecutionStatus
    recurrence: str | None = None
    repeats_from: RepeatsFrom = "due"
    run_when_due: bool = False
    due_at: datetime | None = None
    due_is_all_day: bool = True
    series_id: UUID | None = None
    series_number: int = 1
    series_starts_at: datetime | None = None
    occurs_at: datetime | None = None
    series_ended_at: datetime | None = None
    timezone: str | None = None  # of whoever it belongs to, where they chose one and it may be seen
    repeats_task_id: UUID | None = None
    next_task_id: UUID | None = None
    ended_seconds_ago: float | None = None

    @property
    def goes_on(self) -> bool:
        """Does something come after this?"""
        return self.recurrence is not None and self.series_ended_at is None

    def next(self, clock: Clock) -> Occurrence | None:
        """What comes next if this is over now, or was a while ago. None at the end. Raises Invalid for a wrong rule."""
        if self.recurrence is None or self.series_starts_at is None or self.occurs_at is None:
            return None
        now, zone = clock.now(), clock.timezone
        if self.repeats_from == "completion":
            return next_after_completion(
                self.recurrence,
                occurs_at=self.occurs_at,
                number=self.series_number,
                completed_at=now - timedelta(seconds=self.ended_seconds_ago or 0),
                after=now,
                zone=zone,
            )
        return next_occurrence(
            self.recurrence, starts_at=self.series_starts_at, occurs_at=self.occurs_at, after=now, zone=zone
        )


async def get_series(caller: Caller, task_id: UUID) -> Series:
    """The series that a task belongs to."""
    return Series.model_validate(await caller.call("get_series", task_id=task_id))


async def set_repeat(
    caller: Caller,
    task_id: UUID,
    rule: str,
    *,
    due_at: datetime | None = None,
    repeats_from: RepeatsFrom | None = None,
    run_when_due: bool | None = None,
    due_is_all_day: bool | None = None,
) -> Task:
    """This task and those that follow repeat by this rule from now on. Raises Invalid for a wrong rule, Conflict for a part."""
    row = await caller.call(
        "set_repeat",
        task_id=task_id,
        recurrence=check_rule(rule),
        due_at=due_at,
        repeats_from=repeats_from,
        run_when_due=run_when_due,
        due_is_all_day=due_is_all_day,
    )
    return Task.model_validate(row)


async def stop_series(caller: Caller, task_id: UUID, at: datetime) -> Task:
    """The series ends with this task, which stays as it is. Twice is once."""
    return Task.model_validate(await caller.call("stop_series", task_id=task_id, at=at))


async def skip_occurrence(database: Database, caller: Caller, task_id: UUID, clock: Clock) -> Task | None:
    """Leave this one out: it is cancelled, and the next one is there. None where the series is over with it."""
    series = await get_series(caller, task_id)
    if not series.goes_on:
        raise Conflict("This task does not repeat", detail=f"task {task_id}")
    await cancel_task(caller, task_id)
    return next(iter(await continue_ended(database, clock, [task_id])), None)


async def continue_ended(database: Database, clock: Clock, task_ids: Sequence[UUID] | None = None) -> list[Task]:
    """Make what comes next of every series whose task is done or cancelled (of these tasks alone, where given).

    As often and from as many sides as one likes: each task is followed once. A series whose rule cannot be understood ends.
    """
    service = database.acting_as(Identity.service())
    rows = await service.call("list_ended_occurrences", task_ids=list(task_ids) if task_ids is not None else None)
    made: list[Task] = []
    for row in rows:
        series = Series.model_validate(row)
        try:
            task = await _follow(database, clock, series)
        except StewardError as error:  # one of them must not hold up the others
            await log.awarning("series_not_continued", task_id=str(series.task_id), error=error.message)
            continue
        if task is not None:
            made.append(task)
    return made


async def _follow(database: Database, clock: Clock, series: Series) -> Task | None:
    """The next one. A series that cannot go on (its rule, or the database, refuses) ends, and its task says why."""
    try:
        clock = clock.of(series.timezone)
        coming = series.next(clock)
        return await _continue(database, clock, series, coming)
    except (Invalid, Forbidden, Conflict) as error:
        await log.awarning("series_ended", task_id=str(series.task_id), error=error.message)
        return await _continue(database, clock, series, None, f"It does not repeat any more: {error.message}")


async def _continue(
    database: Database, clock: Clock, series: Series, coming: Occurrence | None, reason: str | None = None
) -> Task | None:
    row = await database.acting_as(Identity.service(series.organization_id)).call(
        "continue_series",
        task_id=series.task_id,
        due_at=coming.due_at if coming else None,
        series_number=coming.number if coming else None,
        zone=clock.timezone.key,
        at=clock.now(),
        reason=reason,
    )
    return Task.model_validate(row) if row else None


async def start_due_occurrences(database: Database, clock: Clock) -> int:
    """Queue what repeats, is due, and may run by itself; how many. What is due on a whole day begins in its morning."""
    clock = clock.installation  # of whoever has no zone of their own
    now = clock.now()
    end_of_today = datetime.combine(now.date() + timedelta(days=1), time(), clock.timezone)
    until = end_of_today if now.time() >= DAY_BEGINS else end_of_today - timedelta(days=1)
    service = database.acting_as(Identity.service())
    return await service.call("start_due_occurrences", at=now, all_day_until=until)
