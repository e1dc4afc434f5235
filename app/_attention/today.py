"""What is brought up now, how quiet it is, and the newest digest: what Today shows of all that."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from app._attention.rules import rules_of
from app.house import House
from core.database import Caller
from tasks.digests import Digest, list_digests
from tasks.nudges import Attention, Nudge, get_attention, list_nudges

SHOWN = 8
LOOKED_AT = 60
REMINDED = timedelta(days=1)  # how long a reminder stays on Today; it stays among the nudges


@dataclass(frozen=True)
class Brought:
    """The newest nudges that wait for a word, whether there are more, and what stands around them."""

    nudges: list[Nudge]
    has_more: bool
    attention: Attention
    digest: Digest | None  # today's

    @property
    def task_ids(self) -> set[UUID]:
        """Tasks that stand there already, under their nudge."""
        return {nudge.task_id for nudge in self.nudges if nudge.task_id}

    @property
    def is_worth_a_line(self) -> bool:
        """Has anything been brought up or held back lately?"""
        return bool(self.nudges or self.digest or self.attention.told_today or self.attention.held)


async def brought_up(house: House, caller: Caller) -> Brought:
    """What Today shows of nudges."""
    now = house.clock.now()
    told, attention, digests = await asyncio.gather(
        list_nudges(caller, states=["told"], limit=LOOKED_AT),
        get_attention(caller, now, rules_of(house)),
        list_digests(caller, 1),
    )
    shown = [nudge for nudge in told.items if not _is_old_reminder(nudge, now)][:SHOWN]
    return Brought(shown, len(told.items) > len(shown), attention, _of(digests, now.date()))


def _is_old_reminder(nudge: Nudge, now: datetime) -> bool:
    return nudge.kind == "reminder" and nudge.told_at is not None and nudge.told_at < now - REMINDED


def _of(digests: list[Digest], day: date) -> Digest | None:
    return digests[0] if digests and digests[0].day == day else None
