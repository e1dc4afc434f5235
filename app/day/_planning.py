"""A day planned from what is in the house: calendars, open tasks, how long they take. And the plan that is kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from agents.day_due import first_day, is_brought, is_due_soon, is_moment_over
from agents.day_plan import OVER, Block, DayPlan, LeftOut, Todo, plan_day
from agents.day_room import Span
from agents.estimates import DEFAULT_MINUTES
from agents.estimating import expected, own_bias
from app.calendar._agenda import events_between
from app.day._ways import ways_to
from app.house import House
from core.database import Caller
from core.errors import Invalid
from core.outside.calendar import DAY, CalendarEvent, WorkingHours, at_clock
from tasks.day_plans import MARK, OwnTask, WorkedTask, list_own_work, list_worked_tasks, save_day_plan
from tasks.functions import TaskFilter, list_tasks
from tasks.models import ExecutionStatus, Task

GROUPS = {
    "no_room": "What does not fit",
    "own_day": "On a day of their own",
    "prepared": "What Steward prepares, and what waits",
}
AT_WORK: list[ExecutionStatus] = ["pending", "queued", "in_progress", "failed"]
MOST_PREPARED = 100
LOOK_AHEAD = 15 * DAY
YEARS = range(1970, 2201)
RANKS = {"critical": 1, "high": 2, "medium": 3, "low": 4}


@dataclass(frozen=True, kw_only=True)
class PlannedDay:
    """A day's plan with what it was made of. `kept`: events of a plan that is in the calendar; `bias`: a sentence, or empty.

    `ways`: minutes to an event at a place, by its id.
    """

    plan: DayPlan
    now: datetime
    hours: WorkingHours
    events: list[CalendarEvent]
    kept: list[CalendarEvent]
    work: list[Task]
    ways: dict[str, int]
    bias: str = ""


def day_in(text: str | None, now: datetime) -> date:
    """The day that is meant: today where nothing is said, or words like 2026-03-05, today, tomorrow. Raises Invalid."""
    named = {"": now.date(), "today": now.date(), "tomorrow": now.date() + DAY}
    said = (text or "").strip().casefold()
    try:
        day = named.get(said) or date.fromisoformat(said)
    except ValueError as error:
        raise Invalid(
            f"{said[:40]!r} is no day",
            errors=[{"field": "date", "message": "allowed: today, tomorrow or a date like 2026-03-05"}],
        ) from error
    if day.year not in YEARS:
        raise Invalid(
            f"The year {day.year} is on no calendar",
            errors=[{"field": "date", "message": f"allowed: {YEARS[0]} to {YEARS[-1]}"}],
        )
    return day


async def planned_day(house: House, caller: Caller, day: date) -> PlannedDay:
    """The plan of a day, made anew from what is known now. What is kept for the day already does not stand in its way."""
    now = house.clock.now()
    hours = house.clock.hours
    start, end = at_clock(day, time(), hours.zone), at_clock(day + DAY, time(), hours.zone)
    events = await events_between(caller, start, at_clock(day + LOOK_AHEAD, time(), hours.zone), hours)
    cases = await list_worked_tasks(caller, now)
    work = [
        one
        for one in await list_own_work(caller)
        if not _is_snoozed(one, end) and not is_moment_over(one, day, now, hours.zone)
    ]
    prepared = [
        one
        for one in await _prepared(
            caller, end, {one.id for one in work}, lambda one: is_due_soon(one.due_at, day, now, hours.zone)
        )
        if not is_moment_over(one, day, now, hours.zone)
    ]
    started = [one for one in prepared if _is_to_start(one) and is_due_soon(one.due_at, day, now, hours.zone)]
    mark = f"{MARK}{day}-"
    bias = own_bias(cases)
    ways = await ways_to(house, caller, events, hours)
    taken = [
        Span(
            one.begins(hours.zone),
            one.finishes(hours.zone),
            one.title,
            needs_buffer=bool(one.others),
            way=timedelta(minutes=ways.get(one.id, 0)),
        )
        for one in events
        if one.takes_time() == "busy" and not one.id.startswith(mark)
    ]
    here = [one for one in events if one.begins(hours.zone) < end]
    return PlannedDay(
        plan=_with_prepared(
            plan_day(day, now, hours, taken, [*todos_of(work, cases, hours), *map(_start, started)]),
            prepared,
            {one.id for one in started},
        ),
        now=now,
        hours=hours,
        events=[one for one in here if not one.id.startswith(mark)],
        work=[*work, *prepared],
        ways=ways,
        kept=[one for one in here if one.id.startswith(mark)],
        bias=bias.in_words if bias else "",
    )


async def _prepared(caller: Caller, end: datetime, known: set[UUID], soon: Callable[[Task], bool]) -> list[Task]:
    """Open tasks that are not the person's work: all that wait for Execute, and of the others those with a date.

    What waits for something else, or is done by somebody else, is told where it is due soon.
    """
    where = TaskFilter(status=[*AT_WORK, "blocked", "paused"], parent="none", snoozed="false", at=end)
    found = (await list_tasks(caller, where, sort="due", limit=MOST_PREPARED)).items
    return [
        one
        for one in found
        if one.id not in known
        and one.superseded_at is None
        and (
            soon(one)
            or (
                one.execution_type != "manual"
                and one.execution_status in AT_WORK
                and (one.due_at is not None or (one.execution_type == "semi_automated" and _is_to_start(one)))
            )
        )
    ]


def _is_to_start(task: Task) -> bool:
    """Does it wait for the person to press Execute?"""
    return (
        task.execution_status == "pending"
        and task.execution_type != "manual"
        and task.assigned_to_type != "agent"
        and task.run_after is None
    )


def _start(task: Task) -> Todo:
    """Pressing Execute, and a look at what comes of it."""
    return Todo(
        task_id=task.id,
        title=task.title,
        due_at=task.due_at,
        due_is_all_day=task.due_is_all_day,
        rank=RANKS[task.priority],
        looked_at="start",
    )


def _with_prepared(plan: DayPlan, prepared: list[Task], started: set[UUID]) -> DayPlan:
    """The plan, with what Steward prepares beside it, and each by its title what there is no room to start."""
    if plan.notes == (OVER,):
        return plan
    placed = {task_id for one in plan.blocks for task_id in one.task_ids}
    listed = tuple(
        LeftOut(task_ids=(one.id,), title=one.title, minutes=5, why=_prepared_words(one), group="prepared")
        for one in prepared
        if one.id not in placed
    )
    others = (one for one in plan.left_out if not started.issuperset(one.task_ids))
    return replace(plan, left_out=(*others, *listed))


def _prepared_words(task: Task) -> str:
    words = {"queued": "Steward is at it", "in_progress": "Steward is at it", "failed": "it failed: look at it"}
    waits = {
        "subtasks": "its parts are under way",
        "reply": "it waits for a reply",
        "agent": "an agent does it",
        "model": "it waits for the language model",
        "account": "it waits for an account to be connected",
        "start": "it waits to be started",
    }
    match task.execution_status:
        case "blocked":
            return waits.get(task.blocked_on or "", "it waits")
        case "paused":
            return "it is paused"
        case "pending" if task.subtask_count:
            return "it is done with its parts"
        case "pending" if _is_to_start(task):
            return "press Execute and Steward prepares it"
        case "pending":
            return "it starts by itself" if task.run_after else "somebody else does it"
        case other:
            return words.get(other, "Steward is at it")


def todos_of(work: list[OwnTask], cases: list[WorkedTask], hours: WorkingHours) -> list[Todo]:
    """What a person has to do, as it is planned."""
    known = {one.id for one in work}
    found: list[Todo] = []
    for task in work:
        minutes, why = expected(task, cases)
        found.append(
            Todo(
                task_id=task.id,
                title=task.title,
                minutes=minutes or DEFAULT_MINUTES,
                minutes_why=why or "nobody said how long it takes",
                due_at=task.due_at,
                due_is_all_day=task.due_is_all_day,
                rank=RANKS[task.priority],
                needs=frozenset(one.id for one in task.waits_for if one.id in known),
                waits_for=tuple(one.title for one in task.waits_for if one.id not in known),
                looked_at=_looked_at(task),
                first_day=first_day(task, hours.zone),
                is_brought=is_brought(task),
            )
        )
    return found


async def keep_plan(caller: Caller, planned: PlannedDay) -> int:
    """Write the blocks into the local calendar in place of those kept before; how many."""
    kept = await save_day_plan(caller, planned.plan.day, [_event(one, planned.hours) for one in planned.plan.blocks])
    return len(kept)


def left_out_of(plan: DayPlan) -> list[tuple[str, list[LeftOut]]]:
    """What is not on the day, under the headings it is shown with."""
    grouped = [(words, [one for one in plan.left_out if one.group == group]) for group, words in GROUPS.items()]
    return [(words, found) for words, found in grouped if found]


def block_title(block: Block) -> str:
    """Its title, with which part of how many it is."""
    number, total = block.part
    return f"{block.title} ({number} of {total})" if total > 1 else block.title


def _event(block: Block, hours: WorkingHours) -> dict[str, object]:
    return {
        "title": block_title(block),
        "description": f"Planned by Steward: {block.why}",
        "starts_at": block.starts_at.isoformat(),
        "ends_at": block.ends_at.isoformat(),
        "timezone": hours.timezone,
        "is_busy": False,  # a plan gives way: a meeting over it is no conflict, and the task is planned anew
    }


def _is_snoozed(task: OwnTask, end: datetime) -> bool:
    """Is it out of sight until after the day, or until somebody answers?"""
    if task.snoozed_until is not None:
        return task.snoozed_until >= end
    return task.snoozed_for is not None


def _looked_at(task: OwnTask) -> Literal["", "draft", "question"]:
    if task.execution_type == "manual" and task.blocked_on not in {"review", "approval"}:
        return ""
    return "draft" if task.open_draft_id else "question"
