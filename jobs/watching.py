"""Looking ahead of being asked: after every change of mail or calendar, and every so often, the rules look.

What they find is kept once however many workers look. No model is asked here: one thinks, where there is one, when a
task that was found is prepared.
"""

from dataclasses import dataclass, field
from datetime import datetime

import procrastinate
import structlog

from agents.proactive.watch import RULES, watch
from core.database import Caller, Identity
from core.errors import StewardError
from jobs.learning import preferences_to_see
from jobs.outside.world import Given
from jobs.periodic import QUEUE
from jobs.situation import situation_of
from tasks import digests, nudges, reminders, watches
from tasks.digests import Digest
from tasks.nudges import AttentionRules, Nudge

log = structlog.get_logger()
JOB = "watch"
LEASE_SECONDS = 120.0


@dataclass(frozen=True)
class Watched:
    """What one look brought: nudges that are new (told, held or muted), those told after a wait, settled ones, the digest."""

    made: list[Nudge] = field(default_factory=list[Nudge])
    released: list[Nudge] = field(default_factory=list[Nudge])
    settled: int = 0
    digest: Digest | None = None


async def watch_for(given: Given, person: Caller, now: datetime | None = None) -> Watched:
    """Look for one person at this moment (the clock's); twice finds nothing more."""
    moment = now or given.clock.now()
    rules = AttentionRules.from_settings(given.settings, given.clock.timezone.key)
    asked_for = await reminders.find_due_reminders(person, moment)
    found = watch(await situation_of(given, person, moment))
    findings = [*asked_for, *found, *await preferences_to_see(person, moment)]
    offered = await nudges.offer_nudges(person, findings, moment, rules, looked_at=[*RULES, "preference"])
    await reminders.mark_reminders_told(person, asked_for, moment)
    released = await nudges.release_nudges(person, moment, rules)
    digest = await digests.make_digest(person, moment, rules)
    return Watched(offered.made, released, offered.settled, digest)


async def watch_all(given: Given) -> int:
    """Look for every tenant that is due; how many were. One that fails does not hold up the others."""
    service, looked = given.database.acting_as(Identity.service()), 0
    while due := await watches.take_watch(service, given.settings.watch_seconds, LEASE_SECONDS):
        within = given.database.acting_as(Identity.service(due.organization_id))
        person = given.database.acting_as(Identity(due.user_id, organization_id=due.organization_id))
        problem = None
        try:
            found = await watch_for(given, person)
            await log.ainfo("watched", organization_id=str(due.organization_id), made=len(found.made))
        except StewardError as error:
            problem = error.message
            await log.awarning("not_watched", organization_id=str(due.organization_id), error=error.message)
        await watches.end_watch(within, problem)
        looked += 1
    return looked


def register_watching(app: procrastinate.App, given: Given) -> None:
    """Put the look on a worker's app: every minute it is asked who is due."""

    async def look(timestamp: int) -> None:
        await watch_all(given)

    job = app.task(name=JOB, queue=QUEUE, queueing_lock=JOB, lock=JOB, pass_context=False)(look)
    app.periodic(cron="* * * * *", periodic_id=JOB)(job)
