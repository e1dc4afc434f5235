"""What is said in chat about a day: "plan my day" is answered with the plan, and makes no task."""

from agents.rules.day_reply import last_line
from agents.rules.day_request import day_asked_for
from app.day._planning import PlannedDay, left_out_of, planned_day
from app.house import House
from core.database import Caller
from tasks.models import Extraction

MOST_LINES = 20
MOST_LEFT_OUT = 5
LONGEST_TITLE = 120


async def answer_about_day(house: House, caller: Caller, message: str) -> Extraction | None:
    """The plan of the day that is asked for, in words; None where a message asks for anything else."""
    day = day_asked_for(message, house.clock.now())
    return Extraction(reply=in_words(await planned_day(house, caller, day))) if day else None


def in_words(planned: PlannedDay) -> str:
    """A planned day as a reply to a person. Its titles may be others' words: no model is given it (`without_plan`)."""
    plan = planned.plan
    titles = {one.id: one.title for one in planned.work}
    head = f"{plan.day:%A}, {plan.day.day} {plan.day:%B}:"
    lines: list[str] = []
    for one in plan.blocks:
        part = f" ({one.part[0]} of {one.part[1]})" if one.part[1] > 1 else ""
        lines.append(f"{one.starts_at:%H:%M}–{one.ends_at:%H:%M} {_short(one.title)}{part}")
        if len(one.task_ids) > 1:
            lines += [f"  {_short(titles[task_id])}" for task_id in one.task_ids]
    said = [head, *lines[:MOST_LINES]] if lines else [f"{head} there is nothing to fit in."]
    said += [f"and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    said += plan.notes
    for heading, found in left_out_of(plan):
        said.append(f"{heading}:")
        said += [f"  {_short(one.title)} ({_short(one.why)})" for one in found[:MOST_LEFT_OUT]]
        said += [f"  and {len(found) - MOST_LEFT_OUT} more"] if len(found) > MOST_LEFT_OUT else []
    return "\n".join([*said, last_line(plan.day)])


def _short(words: str) -> str:
    """On one line, and not too long for it."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"
