"""Copies of connected calendars, kept up to date: what changed since the last time, or everything where that is lost.

The copy is what pages show. Writing it twice does no harm; how far it was read is kept after the copy was written, so
that a crash in between repeats and loses nothing.
"""

from typing import TYPE_CHECKING

import procrastinate
import structlog

from core.database import Identity
from core.errors import Conflict
from core.outside.errors import SignInExpired
from jobs.apart import apart
from jobs.calendar_push import keep_told
from jobs.outside.google import GOOGLE, open_google_account
from jobs.outside.world import Given
from jobs.watching import watch_all
from tasks import accounts, calendar
from tasks.accounts import Account
from tasks.calendar import Synced

if TYPE_CHECKING:
    from integrations.google.calendar import GoogleCalendar

log = structlog.get_logger()
PART = "calendar"
QUEUE, JOB = "housekeeping", "calendar_sync"


def register_calendar(app: procrastinate.App, given: Given) -> None:
    """Put the periodic reading of calendars on a worker's app, as often as mail at Google is asked for."""

    async def read_calendars(timestamp: int) -> None:
        if await sync_calendars(given):
            await watch_all(given)  # of whoever's calendar changed, and is not looked at just now

    minutes = min(given.settings.google_poll_minutes, 59)
    job = app.task(name=JOB, queue=QUEUE, queueing_lock=JOB, lock=JOB, pass_context=False)(read_calendars)
    app.periodic(cron=f"*/{minutes} * * * *", periodic_id="calendar")(job)


async def sync_calendars(given: Given) -> int:
    """Bring the copies of all connected calendars up to date; how many were. One that fails does not hold up the others."""
    from integrations.google.oauth import permissions_of

    done = 0
    service = given.database.acting_as(Identity.service())
    for account in await accounts.list_connected_accounts(service, GOOGLE):
        if "calendar" not in permissions_of(account.scopes):
            continue
        async with apart("calendar_not_synced", account_id=str(account.id)):
            try:
                await sync_account(given, account)
                done += 1
            except SignInExpired as error:
                within = given.database.acting_as(Identity.service(account.organization_id))
                await accounts.expire_account(within, account.id, error.message, version=account.secret_version or None)
                await log.awarning("calendar_sign_in_expired", account_id=str(account.id))
    return done


async def sync_account(given: Given, account: Account) -> Synced:
    """Bring the copy of one account's calendar up to date. Raises as its calendar's reads."""
    from integrations.google.calendar import GoogleCalendar

    within = given.database.acting_as(Identity.service(account.organization_id))
    given = await given.of(given.database.acting_as(Identity(account.user_id)))
    hours = given.clock.hours
    client = await open_google_account(given, within, account)
    try:
        source = GoogleCalendar(client, account.address.casefold(), hours)
        known = account.sync.get(PART)
        await keep_told(given, account, client)
        try:
            return await _bring(given, account, source, known, known["token"] if known else None)
        except Conflict:
            # Somebody else read it meanwhile, and either may have written the older version: all of it anew, then.
            fresh = next(a for a in await accounts.list_accounts(within, GOOGLE) if a.id == account.id)
            return await _bring(given, fresh, source, fresh.sync.get(PART), None)
    finally:
        client.close()


async def _bring(
    given: Given, account: Account, source: "GoogleCalendar", known: dict[str, str] | None, token: str | None
) -> Synced:
    from integrations.calendar.entries import row_of

    within = given.database.acting_as(Identity.service(account.organization_id))
    changes = await source.changes(token or None, given.clock.now())
    rows = [row_of(event) for event in changes.events]
    name = f"{GOOGLE}:{account.id}"
    synced = await calendar.sync_calendar(within, name, rows, changes.gone, is_full=changes.is_full)
    await accounts.save_sync_state(within, account.id, known, {"token": changes.token}, PART)
    await log.ainfo("calendar_synced", account_id=str(account.id), kept=synced.kept, removed=synced.removed)
    return synced
