"""In which order the tasks of a day are given room: deadlines, then what is overdue, then priority. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import heapify, heappop, heappush
from math import inf
from typing import TYPE_CHECKING
from uuid import UUID

from agents.day_due import is_due_soon
from core.outside.calendar import DAY, WorkingHours, at_clock

if TYPE_CHECKING:
    from agents.day_plan import Todo

LOOK_MINUTES = 5  # to look at one draft
MOST_LOOKING = 60
MOST_STARTED_NAMED = 8
STEP_MINUTES, FEWEST_MINUTES, MOST_MINUTES = 5, 10, 60 * 100
RANK_WORDS = {1: "critical", 2: "high priority"}


@dataclass(frozen=True, kw_only=True)
class Work:
    """A task as it is placed, or several that are looked at together.

    `due`: it ends before; None where nothing is due or the time is over. `is_due_now`: the next working day is too late.
    """

    task_ids: tuple[UUID, ...]
    title: str
    length: timedelta
    due: datetime | None
    has_hour: bool
    is_due_now: bool
    needs: frozenset[UUID]
    waits_for: tuple[str, ...]
    why: str
    urgency: tuple[int, float, float]


def in_order(todos: Iterable["Todo"], day: date, now: datetime, hours: WorkingHours) -> list[Work]:
    """The works of a day, most urgent first, each after those it needs. What a more urgent one needs is as urgent."""
    known = sorted({one.task_id: one for one in todos}.values(), key=lambda one: str(one.task_id))
    works = [_work([one], day, now, hours) for one in known if not one.looked_at]
    for kinds in ({"draft", "question"}, {"start"}):
        if looking := [one for one in known if one.looked_at in kinds]:
            works.append(_work(sorted(looking, key=_by_due), day, now, hours))
    return _after_needs(_inherited(works))


def next_start(day: date, hours: WorkingHours) -> datetime | None:
    """When the next working time after a day begins; None where nobody ever works."""
    for n in range(1, 8):
        if spans := hours.on(day + n * DAY):
            return spans[0][0]
    return None


def _work(parts: list["Todo"], day: date, now: datetime, hours: WorkingHours) -> Work:
    first = parts[0]
    begin = max(now.astimezone(UTC), at_clock(day, time(), hours.zone).astimezone(UTC))
    dues = [(one.due_at.astimezone(UTC), one.due_is_all_day) for one in parts if one.due_at is not None]
    ahead = min((one for one in dues if one[0] > begin), default=None)
    over = min((one[0] for one in dues if one[0] <= begin), default=None)
    rank = min(one.rank for one in parts)
    too_late = next_start(day, hours) or begin + 7 * DAY
    is_due_now = ahead is not None and ahead[0] <= too_late.astimezone(UTC)
    if ahead is not None and is_due_now:
        urgency = (0, ahead[0].timestamp(), float(rank))
    elif over is not None:
        urgency = (1, float(rank), over.timestamp())
    elif ahead is not None and is_due_soon(ahead[0], day, now, hours.zone):
        urgency = (2, ahead[0].timestamp(), float(rank))
    else:
        urgency = (3, float(rank), ahead[0].timestamp() if ahead else inf)
    minutes = first.minutes if not first.looked_at else min(LOOK_MINUTES * len(parts), MOST_LOOKING)
    minutes = min(max(FEWEST_MINUTES, -(-minutes // STEP_MINUTES) * STEP_MINUTES), MOST_MINUTES)
    reasons = [_due_words(ahead, over, day, hours), RANK_WORDS.get(rank, ""), _looking_words(parts)]
    reasons += [] if first.looked_at else [first.minutes_why]
    return Work(
        task_ids=tuple(one.task_id for one in parts),
        title=first.title if not first.looked_at else _looking_title(parts),
        length=timedelta(minutes=minutes),
        due=ahead[0] if ahead else None,
        has_hour=ahead is not None and not ahead[1] and ahead[0].astimezone(hours.zone).date() == day,
        is_due_now=is_due_now,
        needs=first.needs if not first.looked_at else frozenset(),
        waits_for=first.waits_for if not first.looked_at else (),
        why="; ".join(one for one in reasons if one),
        urgency=urgency,
    )


def _due_words(ahead: tuple[datetime, bool] | None, over: datetime | None, day: date, hours: WorkingHours) -> str:
    if over is not None:
        there = over.astimezone(hours.zone)
        return f"was due on {there:%A}, {there.day} {there:%B}"
    if ahead is None:
        return ""
    there = ahead[0].astimezone(hours.zone)
    when = "" if ahead[1] else f" at {there:%H:%M}"
    if there.date() == day:
        return f"due this day{when}"
    return f"due on {there:%A}, {there.day} {there:%B}{when}"


def _by_due(todo: "Todo") -> tuple[float, str]:
    return todo.due_at.timestamp() if todo.due_at else inf, str(todo.task_id)


def _looking_title(parts: list["Todo"]) -> str:
    if parts[0].looked_at == "start":
        return f"Start: {parts[0].title}" if len(parts) == 1 else f"Start {len(parts)} tasks that Steward prepares"
    if len(parts) == 1:
        return f"Look at: {parts[0].title}"
    what = "drafts" if all(one.looked_at == "draft" for one in parts) else "things that wait for you"
    return f"{len(parts)} {what} to look at" if what == "drafts" else f"Look at {len(parts)} {what}"


def _looking_words(parts: list["Todo"]) -> str:
    if not parts[0].looked_at:
        return ""
    is_start = parts[0].looked_at == "start"
    most = MOST_STARTED_NAMED if is_start else 3
    named = ", ".join(f"“{one.title[:60]}{'…' if len(one.title) > 60 else ''}”" for one in parts[:most])
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return f"{'press Execute' if is_start else 'waits for you'}: {named}{more}"


def _inherited(works: list[Work]) -> list[Work]:
    """What others need takes over their urgency and deadline, where those are nearer."""
    by_id = {task_id: place for place, one in enumerate(works) for task_id in one.task_ids}
    changed = list(works)
    for _ in works:
        before = list(changed)
        for one in before:
            for place in sorted({by_id[need] for need in one.needs if need in by_id}):
                needed = changed[place]
                due = min((d for d in (needed.due, one.due and one.due - one.length) if d is not None), default=None)
                changed[place] = replace(
                    needed,
                    urgency=min(needed.urgency, one.urgency),
                    due=due,
                    has_hour=needed.has_hour or one.has_hour,
                    is_due_now=needed.is_due_now or one.is_due_now,
                )
        if changed == before:
            break
    return changed


def _after_needs(works: list[Work]) -> list[Work]:
    """By urgency, each after those it needs. What needs itself in a circle comes last."""
    by_id: Mapping[UUID, int] = {task_id: place for place, one in enumerate(works) for task_id in one.task_ids}
    needs = [{by_id[need] for need in one.needs if need in by_id} - {place} for place, one in enumerate(works)]
    key = [(one.urgency, str(one.task_ids[0])) for one in works]
    waiting = [(key[place], place) for place in range(len(works)) if not needs[place]]
    heapify(waiting)
    found: list[int] = []
    while waiting:
        _, place = heappop(waiting)
        found.append(place)
        for other, left in enumerate(needs):
            if place in left:
                left.discard(place)
                if not left:
                    heappush(waiting, (key[other], other))
    rest = sorted(set(range(len(works))) - set(found), key=lambda place: key[place])
    return [works[place] for place in (*found, *rest)]
