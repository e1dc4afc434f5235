"""A day planned from what is in the house: calendars, open tasks, how long they take. And the plan that is kept."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from agents.day_plan import Block, DayPlan, Todo, plan_day
from agents.day_room import Span
from agents.estimates import DEFAULT_MINUTES
from agents.estimating import expected, own_bias
from app.calendar._agenda import events_between
from app.day._ways import ways_to
from app.house import House
from core.database import Caller
from core.errors import Invalid
from core.outside.calendar import DAY, CalendarEvent, WorkingHours, at_clock, hours_from
from tasks.day_plans import MARK, OwnTask, WorkedTask, list_own_work, list_worked_tasks, save_day_plan

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
    work: list[OwnTask]
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
    hours = hours_from(house.settings.calendar_working_hours, house.clock.timezone.key)
    start, end = at_clock(day, time(), hours.zone), at_clock(day + DAY, time(), hours.zone)
    events = await events_between(caller, start, at_clock(day + LOOK_AHEAD, time(), hours.zone), hours)
    cases = await list_worked_tasks(caller, now)
    work = [one for one in await list_own_work(caller) if not _is_snoozed(one, end)]
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
        plan=plan_day(day, now, hours, taken, todos_of(work, cases)),
        now=now,
        hours=hours,
        events=[one for one in here if not one.id.startswith(mark)],
        work=work,
        ways=ways,
        kept=[one for one in here if one.id.startswith(mark)],
        bias=bias.in_words if bias else "",
    )


def todos_of(work: list[OwnTask], cases: list[WorkedTask]) -> list[Todo]:
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
            )
        )
    return found


async def keep_plan(caller: Caller, planned: PlannedDay) -> int:
    """Write the blocks into the local calendar in place of those kept before; how many."""
    kept = await save_day_plan(caller, planned.plan.day, [_event(one, planned.hours) for one in planned.plan.blocks])
    return len(kept)


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
