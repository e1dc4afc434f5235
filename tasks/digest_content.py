"""What a digest says of promises, of what is put off and of reminders: kept when it is made, and shown so ever after."""

import asyncio
from collections.abc import Callable
from datetime import datetime, time, timedelta
from uuid import UUID

from core.database import Caller
from tasks import functions
from tasks.commitments import CommitmentFilter, all_commitments
from tasks.digests import Digest, KeptInDigest, KeptPromise, KeptReminder, KeptTask, keep_in_digest
from tasks.functions import TaskFilter
from tasks.reminders import list_reminders

MOST_PROMISES, MOST_SNOOZED, MOST_REMINDERS = 50, 20, 50
LOOKED_AT = 200  # snoozed tasks, soonest first, among which the reader's are found

Concerns = Callable[[UUID | None], bool]
"""Does what is this person's concern whoever the digest is for?"""


def everything(_: UUID | None) -> bool:
    """Where somebody is alone, all concerns them."""
    return True


async def keep_what_is_due(caller: Caller, digest: Digest, at: datetime, concerns: Concerns = everything) -> Digest:
    """The digest with what is due by the end of tomorrow at this moment, kept in it; twice changes nothing."""
    return await keep_in_digest(caller, digest.id, await what_is_due(caller, at, concerns))


async def what_is_due(caller: Caller, at: datetime, concerns: Concerns = everything) -> KeptInDigest:
    """Open promises and reminders until the end of tomorrow, and what is put off, as of this moment (in the person's zone).

    `concerns`: of what is shared only what is theirs is told.
    """
    tomorrow_ends = datetime.combine(at.date() + timedelta(days=2), time(), at.tzinfo)
    promises, snoozed, reminders = await asyncio.gather(
        all_commitments(caller, CommitmentFilter(state="open", due_before=tomorrow_ends)),
        functions.list_tasks(caller, TaskFilter(snoozed="true", at=at), sort="due", limit=LOOKED_AT),
        list_reminders(caller),
    )
    soon = [one for one in reminders if one.told_at is None and one.at < tomorrow_ends and concerns(one.created_by)]
    theirs = [one for one in promises if concerns(one.user_id)]
    put_off = [one for one in snoozed.items if concerns(one.created_by)]
    return KeptInDigest(
        promises=[
            KeptPromise(
                id=one.id,
                said=one.said,
                due_at=one.due_at,
                due_is_all_day=one.due_is_all_day,
                is_overdue=one.due_at is not None and one.due_at < at,
            )
            for one in theirs[:MOST_PROMISES]
        ],
        snoozed=[KeptTask(task_id=one.id, title=one.title, until=one.snoozed_until) for one in put_off[:MOST_SNOOZED]],
        reminders=[
            KeptReminder(task_id=one.task_id, title=one.task_title, note=one.note, at=one.at)
            for one in soon[:MOST_REMINDERS]
        ],
    )
