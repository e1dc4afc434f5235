"""Messages to the callback addresses of plans: signed (Standard Webhooks), in order, and tried again when they are not taken.

The rows in the database are the truth: a message is due until its receiver has answered with 2xx, or until it is given
up. It keeps its id however often it is sent, so that a receiver takes it once. Any number of workers may deliver: a
message is one worker's for a minute.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import procrastinate
import structlog

from core.database import Caller, Identity
from core.errors import StewardError
from core.vault import Vault
from jobs.outside.lending import guard_for
from jobs.outside.world import Given
from jobs.periodic import QUEUE
from tasks import plans
from tasks.plans import Callback

if TYPE_CHECKING:
    from integrations.web.guard import Guard
    from integrations.webhooks.signed import SignedWebhook

log = structlog.get_logger()
JOB = "plan_callbacks"
AT_ONCE = 10
SEND_SECONDS = 10.0
PAUSE_SECONDS = 0.2  # of a hand that finds nothing while others are busy
ROUND_SECONDS = 10.0  # after so long no further messages are claimed: a worker has other things to do
RETRIES_SECONDS = (5.0, 30.0, 120.0, 600.0, 1_800.0, 7_200.0, 28_800.0)  # eight tries in all
LONGEST_WAIT_SECONDS = 86_400.0


async def deliver_callbacks(given: Given, retries_seconds: Sequence[float] = RETRIES_SECONDS) -> int:
    """Deliver what is due, a bounded time long; how many were taken. What fails is logged.

    Each hand takes one message at a time, so that a slow receiver holds up its own messages alone.
    """
    service = given.database.acting_as(Identity.service())
    until, taken, busy = time.monotonic() + ROUND_SECONDS, 0, 0

    async def hand() -> None:
        nonlocal taken, busy
        while time.monotonic() < until:
            due = await plans.claim_plan_callbacks(service, 1)
            if not due and busy == 0:
                return
            busy += 1
            try:
                for one in due:
                    taken += await _deliver(given, service, one, retries_seconds)
            finally:
                busy -= 1
            if not due:
                await asyncio.sleep(PAUSE_SECONDS)

    await asyncio.gather(*(hand() for _ in range(AT_ONCE)))
    return taken


async def _deliver(given: Given, service: Caller, callback: Callback, retries_seconds: Sequence[float]) -> bool:
    """Send one message, and keep what became of it. Was it taken?"""
    from integrations.web.guard import AddressRefused

    try:
        async with asyncio.timeout(SEND_SECONDS):
            await _send(given, callback)
    except AddressRefused as error:
        await _not_taken(service, callback, error.message, None)
    except StewardError as error:
        wait = _wait_seconds(callback, retries_seconds, float(error.retry_after_seconds or 0))
        await _not_taken(service, callback, error.message, wait)
    except TimeoutError:
        wait = _wait_seconds(callback, retries_seconds)
        await _not_taken(service, callback, f"The receiver took longer than {SEND_SECONDS:g} s", wait)
    else:
        await plans.finish_plan_callback(service, callback.id)
        return True
    return False


def receiver_of(url: str, secret: str, guard: "Guard") -> "SignedWebhook":
    """Who is told: asked through the guard each time, whatever its address was when it was given."""
    from integrations.webhooks.signed import SignedWebhook

    return SignedWebhook("receiver of the plan's messages", url, secret, guard)


async def _send(given: Given, callback: Callback) -> None:
    service = given.database.acting_as(Identity.service(callback.organization_id))
    opened = Vault.from_settings(given.settings).open(
        callback.sealed_secret, callback.organization_id, callback.organization_id
    )
    receiver = receiver_of(callback.url, str(opened["secret"]), await guard_for(given, service))
    await receiver.post(str(callback.id), callback.body)


async def _not_taken(service: Caller, callback: Callback, why: str, wait_seconds: float | None) -> None:
    told = {"plan_id": str(callback.plan_id), "attempts": callback.attempts, "error": why}
    if wait_seconds is None:
        await log.awarning("plan_callback_given_up", **told)
    else:
        await log.ainfo("plan_callback_put_off", **told, seconds=round(wait_seconds))
    await plans.finish_plan_callback(service, callback.id, why[:1000], wait_seconds)


def _wait_seconds(callback: Callback, retries_seconds: Sequence[float], least: float = 0) -> float | None:
    """When to try again, up to a tenth later than planned so that many do not come at once; None when it is given up."""
    number = max(callback.attempts - 1, 0)
    if number >= len(retries_seconds):
        return None
    planned = retries_seconds[number] * (1 + secrets.randbelow(100) / 1000)
    return min(max(planned, least), LONGEST_WAIT_SECONDS)


def register_plan_callbacks(app: procrastinate.App, given: Given) -> None:
    """Put the delivery on a worker's app: every five seconds, one at a time."""

    async def plan_callbacks(timestamp: int) -> None:
        await deliver_callbacks(given)

    job = app.task(name=JOB, queue=QUEUE, queueing_lock=JOB, lock=JOB, pass_context=False)
    app.periodic(cron="* * * * * */5", periodic_id=JOB)(job(plan_callbacks))
