"""Looking ahead of being asked: after every change of mail or calendar, and every so often, the rules look.

What they find is kept once however many workers look. No model is asked here: one thinks, where there is one, when a
task that was found is prepared.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import procrastinate
import structlog

from agents.proactive.watch import watch
from core.database import Caller, Identity
from jobs.apart import apart
from jobs.learning import preferences_to_see
from jobs.outside.world import Given
from jobs.periodic import QUEUE
from jobs.situation import share_of, situation_of, to_oneself
from tasks import digests, nudges, reminders, watches
from tasks.digest_content import keep_what_is_due
from tasks.digests import Digest
from tasks.nudges import AttentionRules, Finding, Nudge

log = structlog.get_logger()
JOB = "watch"
LEASE_SECONDS = 120.0
A_CALL = 200
MOST_SETTLED = 1000  # as many as one call may name
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Watched:
    """What one look brought: nudges that are new (told, held or muted), those told after a wait, settled ones, the digest."""

    made: list[Nudge] = field(default_factory=list[Nudge])
    released: list[Nudge] = field(default_factory=list[Nudge])
    settled: int = 0
    digest: Digest | None = None


@dataclass(frozen=True)
class Offered:
    """What became of findings: the new nudges, and how many were settled."""

    made: list[Nudge]
    settled: int


async def watch_for(given: Given, person: Caller, now: datetime | None = None) -> Watched:
    """Look for one person at this moment (the clock's); twice finds nothing more.

    What they asked to be reminded of is told before anything is looked for. Where a rule fails, what was held is told
    and the digest is made all the same, and then it is raised.
    """
    given = await given.of(person)
    moment = (now or given.clock.now()).astimezone(given.clock.timezone)
    rules = AttentionRules.from_settings(given.settings, given.clock.timezone.key)
    made = await _remind(person, moment, rules)
    found, failed = Offered([], 0), None
    try:
        found = await _look(given, person, moment, rules)
    except Exception as error:  # whatever a rule stumbled over: what is told by the clock is told
        failed = error
    if digest := await digests.make_digest(person, moment, rules):
        digest = await keep_what_is_due(person, digest, moment, (await share_of(person)).has_of)
    released = await nudges.release_nudges(person, moment, rules)
    if failed:
        raise failed
    return Watched([*made, *found.made], released, found.settled, digest)


async def _remind(person: Caller, moment: datetime, rules: AttentionRules) -> list[Nudge]:
    asked_for = await reminders.find_due_reminders(person, moment)
    made: list[Nudge] = []
    for start in range(0, len(asked_for), A_CALL):
        part = asked_for[start : start + A_CALL]
        made += (await nudges.offer_nudges(person, part, moment, rules)).made
        await reminders.mark_reminders_told(person, part, moment)
    return made


async def _look(given: Given, person: Caller, moment: datetime, rules: AttentionRules) -> Offered:
    share = await share_of(person)
    situation = await situation_of(given, person, moment, share)
    seen = await asyncio.to_thread(watch, situation)  # a while, where there is much
    kept = [to_oneself(one, situation, share) for one in seen.findings]
    findings = [*kept, *await preferences_to_see(person, moment)]
    return await offer(person, findings, [*seen.looked_at, "preference"], moment, rules)


async def offer(
    person: Caller, findings: Sequence[Finding], looked_at: Sequence[str], moment: datetime, rules: AttentionRules
) -> Offered:
    """Offer what was found: of very much the urgent and soonest first, and the rest at the next looks.

    Of the kinds of `looked_at` whatever is not found any more is settled, unless some of the kind was left for later.
    """
    if len(findings) <= A_CALL:
        offered = await nudges.offer_nudges(person, findings, moment, rules, looked_at=looked_at)
        return Offered(offered.made, offered.settled)
    waiting = sorted(findings, key=lambda one: (not one.is_urgent, one.expires_at or one.tell_at or FAR))
    made: list[Nudge] = []
    taken: list[Finding] = []
    while waiting and len(made) < A_CALL:
        part, waiting = waiting[:A_CALL], waiting[A_CALL:]
        made += (await nudges.offer_nudges(person, part, moment, rules)).made
        taken += part
    left = {one.kind for one in waiting}
    known = [one for one in taken if one.kind not in left]
    if len(known) > MOST_SETTLED:
        return Offered(made, 0)
    whole = [kind for kind in looked_at if kind not in left]
    return Offered(made, (await nudges.offer_nudges(person, known, moment, rules, looked_at=whole)).settled)


async def watch_all(given: Given, *, every_seconds: float | None = None) -> int:
    """Look for every tenant that is due; how many were. Whatever fails for one does not hold up the others.

    `every_seconds`: how old the last look may be, where it is not what the settings say; 0 is everybody, once.
    """
    service, looked = given.database.acting_as(Identity.service()), set[UUID]()
    every = given.settings.watch_seconds if every_seconds is None else every_seconds
    while due := await watches.take_watch(service, every, LEASE_SECONDS):
        within = given.database.acting_as(Identity.service(due.organization_id))
        if due.organization_id in looked:
            await watches.end_watch(within)
            break
        problems = [await _watch_one(given, due.organization_id, user_id) for user_id in due.user_ids]
        await watches.end_watch(within, next((one for one in problems if one), None))
        looked.add(due.organization_id)
    return len(looked)


async def _watch_one(given: Given, organization_id: UUID, user_id: UUID) -> str | None:
    """Look for one member, by their own clock; why that failed, which holds up no other."""
    about = {"organization_id": str(organization_id), "user_id": str(user_id)}
    async with apart("not_watched", **about) as outcome:
        found = await watch_for(given, given.database.acting_as(Identity(user_id, organization_id=organization_id)))
        await log.ainfo("watched", **about, made=len(found.made))
    return outcome.problem


async def watch_at_start(given: Given) -> int:
    """The look of a worker that starts: at who is due, and at everybody where the clock was moved meanwhile."""
    return await watch_all(given, every_seconds=0 if given.settings.now else None)


def register_watching(app: procrastinate.App, given: Given) -> None:
    """Put the look on a worker's app: every minute it is asked who is due."""

    async def look(timestamp: int) -> None:
        await watch_all(given)

    job = app.task(name=JOB, queue=QUEUE, queueing_lock=JOB, lock=JOB, pass_context=False)(look)
    app.periodic(cron="* * * * *", periodic_id=JOB)(job)
