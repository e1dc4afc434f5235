"""When a task is seen again: its snooze, its reminders, and how it repeats."""

from dataclasses import dataclass
from datetime import datetime

from core.clock import Clock
from core.database import Caller
from core.errors import Invalid
from tasks import reminders, repeating, snoozing
from tasks.models import Task
from tasks.reminders import Reminder
from tasks.repeating import Series

OVER = {"completed", "cancelled"}
UNDER_WAY = {"queued", "in_progress"}


@dataclass(frozen=True)
class Later:
    """What the page shows of it; `next_due_at`: when it comes again if it were done now."""

    reminders: list[Reminder]
    series: Series
    next_due_at: datetime | None
    missed: list[str]
    """What falls due while it is snoozed, in sentences."""
    may_snooze: bool
    may_remind: bool
    may_repeat: bool

    @property
    def is_empty(self) -> bool:
        return not (self.may_snooze or self.may_remind or self.may_repeat or self.reminders or self.series.next_task_id)


async def later_of(caller: Caller, task: Task, clock: Clock) -> Later:
    """Everything about later of one task."""
    series = await repeating.get_series(caller, task.id)
    try:
        coming = series.next(clock) if series.goes_on and task.execution_status not in OVER else None
    except Invalid:  # a rule from before rules were looked at
        coming = None
    is_open = task.execution_status not in OVER
    return Later(
        reminders=[one for one in await reminders.list_reminders(caller, task.id) if one.told_at or is_open],
        series=series,
        next_due_at=coming.due_at if coming else None,
        missed=await snoozing.missed_by_snooze(caller, task, clock.now()) if task.is_snoozed else [],
        may_snooze=is_open and task.execution_status not in UNDER_WAY,
        may_remind=is_open,
        may_repeat=is_open and task.parent_task_id is None and task.source != "plan",
    )
