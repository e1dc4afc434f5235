"""A day planned around the calendar: which task when, and what does not fit. Pure, and the same for the same input.

Deadlines come first, then priority; each task takes the earliest room that it fits in, whole where it can. A task is
placed before it is due and after what it waits for, or not at all: what is left out says why, and which day has room.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Literal
from uuid import UUID

from agents.day_order import Work, in_order, next_start
from agents.day_room import Room, Span, lunch_on, room_on
from agents.estimates import DEFAULT_MINUTES
from core.outside.calendar import DAY, WorkingHours

SHORTEST, SHORTEST_WILLINGLY, LONGEST = timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=90)
OVER = "This day is over."
LONG_WORK = timedelta(minutes=60)
SHORT_PAUSE, PAUSE = timedelta(minutes=5), timedelta(minutes=10)  # after a block; after one of an hour or more
LOOK_AHEAD_DAYS = 14
OWN_DAYS = timedelta(days=7)  # further away, what belongs to a day of its own is not told


@dataclass(frozen=True, kw_only=True)
class Todo:
    """A task to be planned. `rank`: 1 is the most urgent priority; `needs`: tasks that come before it.

    `waits_for`: titles of tasks before it that are nobody's to plan here; `minutes_why`: where the minutes come from.
    `looked_at`: it only waits to be looked at, as a draft or as a question, or to be started; such are done together.
    `first_day`: it belongs to the day it is due, and is not done before this one; `is_brought`: nor after.
    """

    task_id: UUID
    title: str
    minutes: int = DEFAULT_MINUTES
    minutes_why: str = ""
    due_at: datetime | None = None
    due_is_all_day: bool = True
    rank: int = 3
    needs: frozenset[UUID] = frozenset()
    waits_for: tuple[str, ...] = ()
    looked_at: Literal["", "draft", "question", "start"] = ""
    first_day: date | None = None
    is_brought: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """A stretch of the day for a task, or for several that are looked at together. `part`: (2, 3) is the second of three."""

    task_ids: tuple[UUID, ...]
    title: str
    starts_at: datetime
    ends_at: datetime
    why: str
    part: tuple[int, int] = (1, 1)

    @property
    def minutes(self) -> int:
        return _minutes(self.ends_at.astimezone(UTC) - self.starts_at.astimezone(UTC))


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What is not on the day, or the rest of it, why, and the first day that has room, where there is one.

    `group`: it does not fit; it belongs to a day of its own; or it is Steward's to do, after Execute or already.
    """

    task_ids: tuple[UUID, ...]
    title: str
    minutes: int
    why: str
    suggested_day: date | None = None
    group: Literal["no_room", "own_day", "prepared"] = "no_room"


@dataclass(frozen=True, kw_only=True)
class DayPlan:
    """A planned day: blocks in order of time; what is left out, most urgent first; the break at noon; minutes still free."""

    day: date
    blocks: tuple[Block, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    lunch: Span | None = None
    free_minutes: int = 0
    notes: tuple[str, ...] = ()


def plan_day(day: date, now: datetime, hours: WorkingHours, taken: Iterable[Span], todos: Iterable[Todo]) -> DayPlan:
    """The plan of one day. `taken`: busy times of this day and (for suggestions) of those after it; `now` is aware."""
    if day < now.astimezone(hours.zone).date():
        return DayPlan(day=day, notes=(OVER,))
    busy = sorted(taken, key=lambda one: (one.start, one.end, one.title))
    room = room_on(day, now, hours, busy)
    lunch, wants_lunch = lunch_on(day, hours, room)
    had_room = room.minutes > 0
    if lunch:
        room.take(lunch.start, lunch.end)
    todos = list(todos)
    elsewhere = {one.task_id: one for one in todos if not _belongs_to(one, day, now, hours)}
    blocks: list[Block] = []
    left: list[tuple[Work, timedelta, str]] = []
    done: dict[UUID, datetime] = {}
    for work in in_order((one for one in todos if one.task_id not in elsewhere), day, now, hours):
        placed, why = _place(work, work.length, room, done, hours)
        total = len(placed) + ceil((work.length - sum((one.end - one.start for one in placed), timedelta())) / LONGEST)
        blocks += [_block(work, one, (number, total), hours) for number, one in enumerate(placed, 1)]
        rest = work.length - sum((one.end - one.start for one in placed), timedelta())
        if rest:
            left.append((work, rest, why))
        else:
            done |= dict.fromkeys(work.task_ids, placed[-1].end)
    return DayPlan(
        day=day,
        blocks=tuple(sorted(blocks, key=lambda one: (one.starts_at.astimezone(UTC), one.title))),
        left_out=(*_left_out(left, done, day, now, hours, busy), *_on_other_days(elsewhere.values(), day, hours)),
        lunch=lunch and Span(lunch.start.astimezone(hours.zone), lunch.end.astimezone(hours.zone)),
        free_minutes=room.minutes,
        notes=tuple(_notes(day, now, hours, had_room=had_room, lacks_lunch=wants_lunch and lunch is None)),
    )


def _belongs_to(todo: Todo, day: date, now: datetime, hours: WorkingHours) -> bool:
    """Can it be done on this day? What belongs to another cannot, but for what was forgotten there."""
    if todo.first_day is None or todo.due_at is None:
        return True
    last = todo.due_at.astimezone(hours.zone).date()
    if day > last:
        return last < now.astimezone(hours.zone).date() and not todo.is_brought
    return todo.first_day <= day and bool(hours.on(day))


def _on_other_days(todos: Iterable[Todo], day: date, hours: WorkingHours) -> Iterable[LeftOut]:
    """What belongs to this day outside of working hours, or to another day of the week around it."""
    for one in sorted(todos, key=lambda todo: (todo.due_at or datetime.max.replace(tzinfo=UTC), str(todo.task_id))):
        if one.due_at is None or one.first_day is None or abs(one.first_day - day) > OWN_DAYS:
            continue
        due = one.due_at.astimezone(hours.zone)
        clock = "" if one.due_is_all_day else f" at {due:%H:%M}"
        there = f"{due:%A}, {due.day} {due:%B}{clock}"
        if one.first_day <= day <= due.date():
            why = f"this is its day{clock}" if day == due.date() else f"to have it ready for {there}"
        else:
            why = f"it {'belonged' if day > due.date() else 'belongs'} to {there}"
        yield LeftOut(task_ids=(one.task_id,), title=one.title, minutes=one.minutes, why=why, group="own_day")


def _place(
    work: Work, length: timedelta, room: Room, done: Mapping[UUID, datetime], hours: WorkingHours
) -> tuple[list[Span], str]:
    """Where a piece of work goes, taken out of the room, and what keeps (the rest of) it out."""
    if work.waits_for:
        return [], f"it waits for “{work.waits_for[0]}”"
    if work.needs - done.keys():
        return [], "it waits for what does not fit itself"
    after = max((done[one] for one in work.needs), default=None)
    whole = room.whole(length, after, work.due) if length <= LONGEST else None
    spans = [whole] if whole else []
    if whole is None and (length > LONGEST or work.is_due_now):
        shortest = SHORTEST if work.is_due_now else SHORTEST_WILLINGLY
        spans = room.parts(length, after, work.due, shortest, LONGEST, PAUSE)
        if length <= LONGEST and sum((one.end - one.start for one in spans), timedelta()) < length:
            spans = []
    free = room.minutes_between(after, work.due)
    for one in spans:
        room.take(one.start, one.end + (PAUSE if one.end - one.start >= LONG_WORK else SHORT_PAUSE))
    return spans, _too_long(work, length, free, hours)


def _too_long(work: Work, length: timedelta, free: int, hours: WorkingHours) -> str:
    until = f" before it is due at {work.due.astimezone(hours.zone):%H:%M}" if work.due and work.has_hour else ""
    needed = f"it needs {_minutes(length)} min"
    if not free:
        return f"{needed}, and nothing is free{until}"
    in_one = " in one piece" if free >= _minutes(length) else ""
    return f"{needed}{in_one}, and {free} min are free{until}{' in pieces' if in_one else ''}"


def _left_out(
    left: Sequence[tuple[Work, timedelta, str]],
    done: Mapping[UUID, datetime],
    day: date,
    now: datetime,
    hours: WorkingHours,
    busy: Sequence[Span],
) -> Iterable[LeftOut]:
    """What is left out, each placed on the first of the next days that has room beside what was placed there before."""
    later = [
        (next_day, room_on(next_day, now, hours, busy))
        for n in range(LOOK_AHEAD_DAYS)
        if (next_day := day + (n + 1) * DAY)
    ]
    for next_day, room in later:
        lunch, _ = lunch_on(next_day, hours, room)
        if lunch:
            room.take(lunch.start, lunch.end)
    moments = dict(done)
    for work, rest, why in left:
        found: date | None = None
        for next_day, room in later:
            if room.minutes_between(None, work.due) < _minutes(min(rest, LONGEST)):
                continue
            spans, _ = _place(work, rest, room, moments, hours)
            if spans:
                found = next_day
                moments |= dict.fromkeys(work.task_ids, spans[-1].end)
                break
        told = f"{_minutes(rest)} of {_minutes(work.length)} min do not fit any more" if rest < work.length else why
        yield LeftOut(task_ids=work.task_ids, title=work.title, minutes=_minutes(rest), why=told, suggested_day=found)


def _block(work: Work, span: Span, part: tuple[int, int], hours: WorkingHours) -> Block:
    return Block(
        task_ids=work.task_ids,
        title=work.title,
        starts_at=span.start.astimezone(hours.zone),
        ends_at=span.end.astimezone(hours.zone),
        why=work.why,
        part=part,
    )


def _notes(day: date, now: datetime, hours: WorkingHours, *, had_room: bool, lacks_lunch: bool) -> Iterable[str]:
    spans = hours.on(day)
    if not spans:
        following = next_start(day, hours)
        yield f"No working hours on a {day:%A}" + (f"; the next are on {following:%A}." if following else ".")
    elif spans[-1][1] <= now:
        yield "The working hours of this day are over."
    elif not had_room:
        yield "The calendar leaves no room for tasks."
    elif lacks_lunch and now < spans[-1][1] and had_room:
        yield "Meetings leave no room for a break between 12:00 and 14:00."


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
