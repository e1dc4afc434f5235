"""What a task about a meeting is made from is read before it is thought of; what notes leave to do becomes parts and promises."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from agents.equipment import Run
from agents.journal import insist
from agents.provenance import taint
from agents.tools.tool import Outcome, Settled
from tasks import runs
from tasks.commitments import CommitmentFilter, NewCommitment, all_commitments, record_commitments
from tasks.meetings import get_meeting_facts
from tasks.models import Task

if TYPE_CHECKING:
    from agents.proactive.meeting_context import MeetingContext
    from agents.strategist import TaskContext

KINDS = {"agenda", "brief", "follow_up"}
LOOK_BACK = timedelta(days=60)


def is_about_meeting(task: Task) -> bool:
    """Does it, or the task that it is a part of, name an event?"""
    return task.kind in KINDS and (isinstance(task.source_ref.get("event"), Mapping) or task.parent_task_id is not None)


async def with_meeting(run: Run, context: "TaskContext") -> "TaskContext":
    """The context of a task about a meeting with what is known of it; what others wrote of that taints the task."""
    task = context.task
    if not is_about_meeting(task):
        return context
    from agents.proactive.meeting_context import context_of

    now = run.equipment.clock.now()
    facts = await get_meeting_facts(run.caller, task.id, now - LOOK_BACK, now)
    promises = []
    if task.kind != "follow_up":
        promises = await all_commitments(run.caller, CommitmentFilter(state="open"))
    found = context_of(facts, task.kind, now, promises)
    if found is not None:
        await taint(run, *found.taints)
    return replace(context, meeting=found)


async def leave_to_do(run: Run, context: "TaskContext") -> Outcome | None:
    """What the notes of a meeting leave to people: the promises of others are kept, what is the person's becomes parts.

    With parts the follow-up mail is one of them, and the task waits for all. None where there is nothing for the person to
    do: the task goes on by itself.
    """
    task, found = context.task, context.meeting
    if task.kind != "follow_up" or task.parent_task_id is not None or found is None or found.notes is None:
        return None
    from agents.rules.workflows.follow_up import noted_items

    items = noted_items(found, run.equipment.clock.now())
    await insist(lambda: record_commitments(run.caller, _promises(found, [one for one in items if not one.is_mine])))
    own = [one for one in items if one.is_mine and one.linked_to is None]
    if not own:
        return None
    rows: list[dict[str, Any]] = [one.as_row() for one in own]
    rows.append(
        {
            "title": f"Write follow-up: {found.meeting.title}"[:300],
            "kind": "follow_up",
            "execution_type": "fully_automated",
        }
    )
    message = f"The notes leave {len(own)} {'thing' if len(own) == 1 else 'things'} to you; the mail to those who were there is drafted"
    await insist(lambda: runs.decompose_task_execution(run.caller, task.id, rows, message, 0.7))
    return Settled()


def _promises(found: "MeetingContext", items: list[Any]) -> list[NewCommitment]:
    notes = found.notes
    if notes is None:
        return []
    mail = notes.mail
    return [
        NewCommitment(
            is_mine=False,
            person_address=one.address,
            person_name=one.who[:300],
            quote=one.quote[:1000],
            title=one.what[:300],
            source_kind="notes",
            message_id=mail.message_id if mail else None,
            thread_key=mail.thread_key if mail else None,
            said_at=notes.at,
            due_at=one.due_at,
            due_is_all_day=not one.has_time,
        )
        for one in items
        if one.who
    ]
