"""The digest of a day as it is shown: what it tells, as it was when it was made."""

from dataclasses import dataclass
from datetime import date, datetime

from core.database import Caller
from core.errors import NotFound
from jobs.situation import share_of
from tasks.digest_content import what_is_due
from tasks.digests import (
    Digest,
    KeptInDigest,
    KeptPromise,
    KeptReminder,
    KeptTask,
    get_digest,
    list_digests,
    read_digest,
)
from tasks.nudges import Nudge, list_nudges

MOST = 200


@dataclass(frozen=True)
class ShownDigest:
    """A digest, its nudges, and what was due and put off then."""

    digest: Digest
    nudges: list[Nudge]
    kept: KeptInDigest

    @property
    def overdue(self) -> list[KeptPromise]:
        """Promises whose day was over."""
        return [one for one in self.kept.promises if one.is_overdue]

    @property
    def due(self) -> list[KeptPromise]:
        """Promises due by the end of the day after."""
        return [one for one in self.kept.promises if not one.is_overdue]

    @property
    def snoozed(self) -> list[KeptTask]:
        """What was put off."""
        return self.kept.snoozed

    @property
    def reminders(self) -> list[KeptReminder]:
        """Reminders by the end of the day after."""
        return self.kept.reminders

    @property
    def is_empty(self) -> bool:
        """Has nothing happened that is worth a line?"""
        content, kept = self.digest.content, self.kept
        told = (self.nudges, kept.promises, kept.snoozed, kept.reminders, content.by_itself)
        return not (any(told) or content.silent.runs or content.preparing or content.done)


async def shown_digest(caller: Caller, day: date | None, now: datetime) -> ShownDigest | None:
    """The digest of this day (the newest without one), which counts as read; None where there is none."""
    digest = await _wanted(caller, day)
    if digest is None:
        return None
    await read_digest(caller, digest.id, now)
    nudges = await list_nudges(caller, digest_id=digest.id, limit=MOST)
    kept = digest.content.kept
    if kept is None:  # it was made before such things were kept: only the newest can still be told
        concerns = (await share_of(caller)).has_of
        kept = await what_is_due(caller, now, concerns) if digest.next is None else KeptInDigest()
    return ShownDigest(digest, nudges.items, kept)


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
