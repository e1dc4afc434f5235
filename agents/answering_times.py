"""Whether a mail that is to be answered proposes times, and which of them are free: read before the answer is thought of."""

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.availability import busy_from
from agents.equipment import Run
from agents.rules.mail_signs import AWAY
from agents.services.calendar import Calendar
from core.errors import StewardError
from tasks.events import add_task_event

if TYPE_CHECKING:
    from agents.strategist import TaskContext


async def with_times(run: Run, context: "TaskContext") -> "TaskContext":
    """The context of an answer with the times that are free, where the last mail of its thread proposes some.

    A calendar that cannot be read is said in the task's events; the answer is then written without it.
    """
    from agents.rules.free_times import OwnTime, weigh_times, window_of
    from agents.rules.proposed_times import read_proposal

    last = context.thread[-1] if context.thread else None
    if context.task.kind != "reply" or last is None or last.is_from_me or AWAY.search(last.subject):
        return context
    now = run.equipment.clock.now()
    written_at = (last.sent_at or now).astimezone(now.tzinfo)
    proposal = read_proposal(last.text, written_at, subject=last.subject)
    if proposal is None:
        return context
    try:
        calendar = await run.reach(Calendar)
        hours = await calendar.working_hours()
        start, end = window_of(proposal, now)
        own = OwnTime(hours, busy_from(await calendar.list_events(start, end), hours.zone))
    except StewardError as error:
        what = f"The mail proposes times, and your calendar could not be read: {error.message}"
        await add_task_event(run.caller, run.task.id, "check", what)
        return context
    return replace(context, times=weigh_times(proposal, own, now))
