"""What those who are written to are called: read from mail and calendar before the rules write a greeting."""

from dataclasses import replace

from agents.equipment import Run
from agents.strategist import TaskContext
from tasks.runs import get_known_names

KINDS = {"email", "schedule", "reply"}
MOST_PEOPLE = 20


async def with_names(run: Run, context: TaskContext) -> TaskContext:
    """The context of a mail with the known names of the addresses that it names; an answer has those of its thread.

    A name is others' text. It goes into the greeting alone, and, where anything else of others was read, only if the
    address itself says it: so it is never what a permission would ask about.
    """
    task = context.task
    if task.kind not in KINDS or context.thread:
        return context
    addresses = sorted(context.named_addresses)[:MOST_PEOPLE]
    found = await get_known_names(run.caller, task.id, addresses) if addresses else {}
    if not found:
        return context
    from agents.rules.workflows.known_names import names_of_people

    has_read = bool(task.tainted_by or context.outputs or context.notes or context.meeting) or not context.in_own_words
    return replace(context, known_names=names_of_people(found, only_as_in_address=has_read))
