"""Reminders: when the person wants to hear of a task, at times of their own choice."""

from datetime import datetime
from uuid import UUID

from core.database import Caller
from core.errors import Invalid
from tasks.models import Record
from tasks.nudges import Finding

LONGEST_NOTE = 1000
LONGEST_TITLE = 300
LONGEST_OF_TASK = 200  # where a note comes after it


class Reminder(Record):
    """A reminder of a task; `told_at` once the person was told."""

    id: UUID
    task_id: UUID
    task_title: str = ""
    at: datetime
    note: str = ""
    created_by: UUID | None = None
    """Whose it is: they alone are reminded."""
    told_at: datetime | None = None
    created_at: datetime


async def set_reminder(caller: Caller, task_id: UUID, at: datetime, note: str = "", *, now: datetime) -> Reminder:
    """Remind of a task at a time; the same time twice is one reminder. Raises Invalid for a time that is over."""
    if at <= now:
        raise Invalid(f"at is {at.isoformat()}, which is over", detail=f"allowed is a time after {now:%Y-%m-%d %H:%M}")
    if len(note) > LONGEST_NOTE:
        raise Invalid(f"note has {len(note)} characters; up to {LONGEST_NOTE} are allowed")
    return Reminder.model_validate(await caller.call("set_reminder", task_id=task_id, at=at, note=note.strip()))


async def list_reminders(caller: Caller, task_id: UUID | None = None) -> list[Reminder]:
    """All reminders of a task, or those of every task that are still to come; in order of time."""
    return [Reminder.model_validate(row) for row in await caller.call("list_reminders", task_id=task_id)]


async def remove_reminder(caller: Caller, task_id: UUID, reminder_id: UUID) -> None:
    """Take a reminder away."""
    await caller.call("remove_reminder", task_id=task_id, reminder_id=reminder_id)


async def find_due_reminders(caller: Caller, at: datetime) -> list[Finding]:
    """What the person asked to be reminded of, by now, and was not told: findings for `offer_nudges`.

    The same reminder has the same key, whoever asks and how often. What came of them is told by `mark_reminders_told`.
    """
    rows = await caller.call("list_due_reminders", at=at)
    zone = at.tzinfo
    return [
        Finding(
            key=f"reminder:{row['id']}",
            kind="reminder",
            title=_title(row["task_title"], row["note"]),
            why=f"You asked to be reminded of this {datetime.fromisoformat(row['at']).astimezone(zone):%a %-d %b at %H:%M}.",
            source_ref={"task_id": row["task_id"], "reminder_id": row["id"]},
            is_urgent=True,
            confidence=1,
            person=None,
            thread_key=None,
        )
        for row in rows
    ]


async def mark_reminders_told(caller: Caller, findings: list[Finding], at: datetime) -> int:
    """The person was told of these; how many were new."""
    ids = [UUID(finding.source_ref["reminder_id"]) for finding in findings if finding.kind == "reminder"]
    return await caller.call("mark_reminders_told", reminder_ids=ids, at=at) if ids else 0


def _title(task_title: str, note: str) -> str:
    """The task, and after it what in particular: "Pay invoice: bring figures"."""
    if not note or note.casefold() == task_title.casefold():
        return task_title[:LONGEST_TITLE]
    return f"{task_title[:LONGEST_OF_TASK]}: {note}"[:LONGEST_TITLE]
