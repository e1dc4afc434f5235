"""What stands on the calendars of a person, day by day, with the tasks that are due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from core.database import Caller
from core.outside.calendar import DAY, CalendarEvent, WorkingHours, at_clock
from integrations.calendar.entries import entry_from
from integrations.calendar.ics import CalendarEntry
from integrations.calendar.local import LocalCalendar
from tasks import calendar, capture, functions
from tasks.functions import TaskFilter
from tasks.models import Task

OPEN = ["pending", "queued", "in_progress", "paused", "blocked", "failed"]
MOST_TASKS = 1000
FIRST_HOUR, LAST_HOUR = 6, 22  # what the picture of a day shows
SHORTEST_FREE = timedelta(minutes=30)


@dataclass(frozen=True)
class Item:
    """An event or a due task on one day. `clashes_with`: titles of what takes the same time."""

    kind: Literal["event", "task"]
    title: str
    start: datetime
    end: datetime
    is_all_day: bool
    event: CalendarEvent | None = None
    task: Task | None = None
    clashes_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Day:
    """One day: what lasts all of it, what has its time, when there is room, and its picture (x, width, kind)."""

    date: date
    all_day: list[Item]
    timed: list[Item]
    free: list[tuple[datetime, datetime]]
    picture: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

    @property
    def is_empty(self) -> bool:
        return not self.all_day and not self.timed


async def events_between(caller: Caller, start: datetime, end: datetime, hours: WorkingHours) -> list[CalendarEvent]:
    """Everything on all calendars of the caller that touches [start, end), in order; nothing cancelled."""
    profile = await capture.get_profile(caller)
    address = str(profile.get("email") or "").casefold()
    kept: dict[str, list[CalendarEntry]] = {}
    for row in await calendar.list_calendar(caller, end, start):
        kept.setdefault(row.calendar, []).append(entry_from(row.model_dump(exclude={"id", "calendar"})))
    found: list[CalendarEvent] = []
    for entries in kept.values():
        found += await LocalCalendar(_Read(entries), address, hours).list_events(start, end)
    return sorted((e for e in found if e.status != "cancelled"), key=lambda e: (e.begins(hours.zone), e.title))


@dataclass(frozen=True)
class _Read:
    """Entries that were read already; they are shown, never written."""

    entries: Sequence[CalendarEntry]

    async def touching(self, start: datetime, end: datetime) -> Sequence[CalendarEntry]:
        return self.entries

    async def get(self, uid: str) -> Sequence[CalendarEntry]:
        return [entry for entry in self.entries if entry.uid == uid]

    async def add(self, row: Mapping[str, object]) -> CalendarEntry:
        raise NotImplementedError("what is shown is not written to")

    async def change(
        self, row: Mapping[str, object], etag: str | None, *, drops_changes: bool = False
    ) -> CalendarEntry:
        raise NotImplementedError("what is shown is not written to")


async def tasks_due(caller: Caller, start: datetime, end: datetime, states: Sequence[str] = tuple(OPEN)) -> list[Task]:
    """The person's tasks that are due in [start, end), by date; at most 1,000."""
    where = TaskFilter.model_validate({"status": list(states), "due_after": start, "due_before": end})
    found: list[Task] = []
    after = None
    while len(found) < MOST_TASKS:
        page = await functions.list_tasks(caller, where, sort="due", after=after, limit=200)
        found += [task for task in page.items if task.due_at is not None and task.due_at < end]
        after = page.after
        if after is None:
            break
    return found


def days_of(
    events: Iterable[CalendarEvent], tasks: Iterable[Task], first: date, count: int, hours: WorkingHours, now: datetime
) -> list[Day]:
    """The days, each with its items in order. A longer event stands on each of its days."""
    zone = hours.zone
    items = [*(_event(event, zone) for event in events), *(item for task in tasks if (item := _task(task, zone)))]
    days: list[Day] = []
    for number in range(count):
        day = first + number * DAY
        begin, end = at_clock(day, datetime.min.time(), zone), at_clock(day + DAY, datetime.min.time(), zone)
        here = [i for i in items if i.start < end and (i.end > begin or i.start >= begin)]
        timed = sorted((i for i in here if not i.is_all_day), key=lambda i: (i.start, i.end))
        busy = [i for i in here if i.event and i.event.takes_time()]
        days.append(
            Day(
                day,
                [i for i in here if i.is_all_day],
                _with_clashes(timed),
                _free(busy, hours, day, now),
                [*_picture(timed, begin)],
            )
        )
    return days


def _event(event: CalendarEvent, zone: ZoneInfo) -> Item:
    start, end = event.begins(zone).astimezone(zone), event.finishes(zone).astimezone(zone)
    return Item("event", event.title or "(no title)", start, end, event.is_all_day, event)


def _task(task: Task, zone: ZoneInfo) -> Item | None:
    if task.due_at is None:
        return None
    at = task.due_at.astimezone(zone)
    if task.due_is_all_day:
        at = at_clock(at.date(), datetime.min.time(), zone)
        return Item("task", task.title, at, at_clock(at.date() + DAY, datetime.min.time(), zone), True, task=task)
    return Item("task", task.title, at, at, False, task=task)


def _with_clashes(items: list[Item]) -> list[Item]:
    """Each timed event with the titles of others that take the same time."""
    taking = [i for i in items if i.event and i.event.takes_time() and i.end > i.start]
    found: list[Item] = []
    for item in items:
        others = tuple(o.title for o in taking if o is not item and o.start < item.end and o.end > item.start)
        is_taking = any(item is one for one in taking)
        found.append(
            Item(item.kind, item.title, item.start, item.end, False, item.event, item.task, others if is_taking else ())
        )
    return found


def _free(busy: list[Item], hours: WorkingHours, day: date, now: datetime) -> list[tuple[datetime, datetime]]:
    """Stretches of the working time that nothing takes and that are not over."""
    taken = sorted((item.start.astimezone(UTC), item.end.astimezone(UTC)) for item in busy)
    free: list[tuple[datetime, datetime]] = []
    for begin, end in hours.on(day):
        at = max(begin.astimezone(UTC), now.astimezone(UTC))
        edges = [(at, at), *((s, e) for s, e in taken if e > at and s < end), (end.astimezone(UTC),) * 2]
        reached = at
        for (_, before), (after, _) in pairwise(edges):
            reached = max(reached, before)
            if after - reached >= SHORTEST_FREE:
                free.append((reached.astimezone(hours.zone), after.astimezone(hours.zone)))
    return free


def _picture(timed: list[Item], begin: datetime) -> Iterable[tuple[int, int, str]]:
    """Minutes since six of each item, and how many it takes; cut to the picture."""
    last = (LAST_HOUR - FIRST_HOUR) * 60
    for item in timed:
        start = int((item.start - begin).total_seconds() // 60) - FIRST_HOUR * 60
        end = int((item.end - begin).total_seconds() // 60) - FIRST_HOUR * 60
        low, high = max(0, start), min(last, max(end, start + 8))
        if high > low:
            kind = "task" if item.task else (item.event.takes_time() if item.event else None) or "free"
            yield low, high - low, kind
