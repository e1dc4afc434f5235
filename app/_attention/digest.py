"""The digest of a day as it is shown: what it tells, and what is due around it."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.database import Caller
from core.errors import NotFound
from tasks import functions
from tasks.commitments import Commitment, CommitmentFilter, list_commitments
from tasks.digests import Digest, get_digest, list_digests, read_digest
from tasks.functions import TaskFilter
from tasks.models import Task
from tasks.nudges import Nudge, list_nudges
from tasks.reminders import Reminder, list_reminders

MOST = 200


@dataclass(frozen=True)
class ShownDigest:
    """A digest, its nudges, and for the newest what is due by tomorrow and what is put off."""

    digest: Digest
    nudges: list[Nudge]
    commitments: list[Commitment]
    snoozed: list[Task]
    reminders: list[Reminder]

    @property
    def is_empty(self) -> bool:
        """Has nothing happened that is worth a line?"""
        content = self.digest.content
        return not (
            self.nudges
            or self.commitments
            or self.snoozed
            or self.reminders
            or content.by_itself
            or content.silent.runs
            or content.done
        )


async def shown_digest(caller: Caller, day: date | None, now: datetime) -> ShownDigest | None:
    """The digest of this day (the newest without one), which counts as read; None where there is none."""
    digest = await _wanted(caller, day)
    if digest is None:
        return None
    await read_digest(caller, digest.id, now)
    tomorrow_ends = datetime.combine(now.date() + timedelta(days=2), time(), now.tzinfo)
    is_newest = digest.next is None
    nudges, due, snoozed, reminders = await asyncio.gather(
        list_nudges(caller, digest_id=digest.id, limit=MOST),
        list_commitments(caller, CommitmentFilter(state="open", due_before=tomorrow_ends), limit=50),
        functions.list_tasks(caller, TaskFilter(snoozed="true", at=now), sort="due", limit=20),
        list_reminders(caller),
    )
    if not is_newest:
        return ShownDigest(digest, nudges.items, [], [], [])
    soon = [one for one in reminders if one.told_at is None and one.at < tomorrow_ends]
    return ShownDigest(digest, nudges.items, due.items, snoozed.items, soon)


async def _wanted(caller: Caller, day: date | None) -> Digest | None:
    if day is None:
        newest = await list_digests(caller, 1)
        if not newest:
            return None
        day = newest[0].day
    try:
        return await get_digest(caller, day)
    except NotFound:
        return None
