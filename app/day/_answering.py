"""What is said in chat about a day: "plan my day" is answered with the plan, and makes no task."""

from agents.rules.day_request import day_asked_for
from app.day._planning import PlannedDay, planned_day
from app.house import House
from core.database import Caller
from tasks.models import Extraction

MOST_LINES = 20
OWN_SOURCES = {"chat", "manual"}


async def answer_about_day(house: House, caller: Caller, message: str) -> Extraction | None:
    """The plan of the day that is asked for, in words; None where a message asks for anything else."""
    day = day_asked_for(message, house.clock.now())
    return Extraction(reply=in_words(await planned_day(house, caller, day))) if day else None


def in_words(planned: PlannedDay) -> str:
    """A planned day as a reply. What others may have titled is not repeated there, where a model reads along later."""
    plan = planned.plan
    others = {
        one.id: f"a task from {one.source}" for one in planned.work if one.source not in OWN_SOURCES or one.tainted_by
    }
    head = f"{plan.day:%A}, {plan.day.day} {plan.day:%B}:"
    lines: list[str] = []
    for one in plan.blocks:
        title = others.get(one.task_ids[0], one.title) if len(one.task_ids) == 1 else one.title
        part = f" ({one.part[0]} of {one.part[1]})" if one.part[1] > 1 else ""
        lines.append(f"{one.starts_at:%H:%M}–{one.ends_at:%H:%M} {title}{part}")
    said = [head, *lines[:MOST_LINES]] if lines else [f"{head} there is nothing to fit in."]
    said += plan.notes
    if plan.left_out:
        count = len(plan.left_out)
        said.append(f"{count} {'task does' if count == 1 else 'tasks do'} not fit.")
    return "\n".join([*said, f"All of it, to look at and keep: /day?date={plan.day}"])
