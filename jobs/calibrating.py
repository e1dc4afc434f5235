"""Once a night: what came of what was said with a confidence, and the thresholds that follow from it."""

from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from core.clock import Clock
from core.database import Caller, Database, Identity
from jobs.apart import apart
from tasks.calibration import (
    HIGHEST,
    LEAST_CASES,
    LOOK_BACK_DAYS,
    LOWEST,
    Calibration,
    aim_of,
    calibrated,
    threshold_for,
)
from tasks.thresholds import as_outcomes, list_organizations_at_work, list_outcomes, save_calibration

log = structlog.get_logger()


async def calibrate_all(database: Database, clock: Clock, *, learns: bool = True) -> int:
    """Compute every stream of every tenant in which something changed; how many streams.

    Where the clock was moved, up to its time and the real one: nudges are stamped by the one, drafts by the other.
    """
    times = (clock.now(), datetime.now(clock.timezone))
    at, since = max(times), min(times) - timedelta(days=LOOK_BACK_DAYS)
    whole = database.acting_as(Identity.service())
    count = 0
    for organization_id in await list_organizations_at_work(whole, since):
        worker = database.acting_as(Identity.service(organization_id))
        async with apart("not_calibrated", organization_id=str(organization_id)):
            count += await calibrate(worker, at, since=since, learns=learns)
    await log.ainfo("calibrated", streams=count)
    return count


async def calibrate(caller: Caller, at: datetime, *, since: datetime | None = None, learns: bool = True) -> int:
    """Compute every stream of the tenant that the worker acts for, and keep it; how many. Without `learns` no threshold moves."""
    stored = await list_outcomes(caller, since or at - timedelta(days=LOOK_BACK_DAYS), at)
    count = 0
    for stream, rows in groupby(stored, lambda one: one.stream):
        outcomes = list(as_outcomes(list(rows)))
        figures, aim = calibrated(outcomes), aim_of(stream)
        if figures is None:
            continue
        learned = threshold_for(aim.target, outcomes, aim.default) if learns else aim.default
        more = {"learned": learned, "reason": _reason(figures, learned, aim.target)}
        await save_calibration(caller, stream, {**asdict(figures), **more}, aim.default, at)
        count += 1
    return count


def _reason(figures: Calibration, learned: float, target: float) -> str:
    """Why the threshold is where it is, in words."""
    cases = f"{figures.cases:g} cases, {figures.share_right:.0%} right"
    if figures.cases < LEAST_CASES:
        return f"Too few cases to learn from: {cases}"
    if learned >= HIGHEST:
        return f"Not even the surest are right in {target:.0%} of cases: {cases}"
    if learned <= LOWEST:
        return f"From the lowest that is allowed on, at least {target:.0%} are right: {cases}"
    return f"From {learned:.0%} on, at least {target:.0%} are right: {cases}"
