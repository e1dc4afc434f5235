"""What the date of a task means for a day's plan: a deadline, the day on which it happens, or a moment that is over. Pure."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from agents.rules.dates import find_dates
from core.outside.calendar import DAY, at_clock
from tasks.models import Task

SOON = 2 * DAY  # what is due by then comes before what has time, and is never left out without a word
OCCASION = re.compile(
    r"\b(?:birthday|\w*geburtstag\w*|b-?day|anniversary|jubiläum|hochzeitstag|name ?day)\b", re.IGNORECASE
)
ON_THE_DAY = re.compile(
    r"^\W*(?:(?:please|bitte) )?(?:call|ring|phone|congratulate|wish|visit|greet|toast|gratulier\w*|besuch\w*|ruf\w*|telefonier\w*)\b"
    r"|\b(?:anrufen|gratulieren|besuchen)\W*$",
    re.IGNORECASE,
)
BRINGS = re.compile(
    r"^\W*(?:(?:please|bitte) )?(?:bring|take along|pack)\b|\b(?:mitbringen|mitnehmen)\b", re.IGNORECASE
)
BY = re.compile(
    r"\b(?:by|until|till?|no later than|deadline|due|before|bis|spätestens|fällig|vor (?:dem|der))\b", re.IGNORECASE
)
LEADS_TO_DAY = re.compile(r"\W*(?:on|am|at|um)\b", re.IGNORECASE)


def first_day(task: Task, zone: ZoneInfo) -> date | None:
    """The day a person's task belongs to, or for what is brought along the day before; None where its date is a deadline."""
    if task.due_at is None or task.execution_type != "manual":
        return None
    day = task.due_at.astimezone(zone).date()
    said = str(task.source_ref.get("quote") or "")[:2000]
    if is_brought(task):
        return day - DAY
    if BY.search(task.title):
        return None
    known = [one for one in find_dates(said, task.created_at.astimezone(zone)) if one.has_day]
    here = [one for one in known if one.due_at.date() == day] or known[:1]
    if any(one.relation in {"by", "before"} for one in here):
        return None
    is_greeting = ON_THE_DAY.search(task.title) is not None or task.kind == "call"
    if OCCASION.search(task.title) or OCCASION.search(said):
        return day if is_greeting else None  # a present is bought before
    if task.kind == "call" and here:
        return day
    return day if any(LEADS_TO_DAY.match(said[one.start : one.end]) for one in here) else None


def is_brought(task: Task) -> bool:
    """Is it to be brought along to what its date is?"""
    return task.due_at is not None and task.execution_type == "manual" and BRINGS.search(task.title) is not None


def is_moment_over(task: Task, day: date, now: datetime, zone: ZoneInfo) -> bool:
    """Was it brought up for a moment that is over by more than a day when the planned day begins?"""
    if task.source != "proactive" or task.due_at is None or task.due_is_all_day:
        return False
    begin = max(now.astimezone(UTC), at_clock(day, time(), zone).astimezone(UTC))
    return task.due_at.astimezone(UTC) + DAY < begin


def is_due_soon(due_at: datetime | None, day: date, now: datetime, zone: ZoneInfo) -> bool:
    """Is it due within two days of the planned day, or over?"""
    begin = max(now.astimezone(UTC), at_clock(day, time(), zone).astimezone(UTC))
    until = at_clock(begin.astimezone(zone).date() + SOON + DAY, time(), zone)
    return due_at is not None and due_at.astimezone(UTC) < until.astimezone(UTC)
