"""Reading Google accounts: every few minutes, and at once where Google tells that something is new.

How far an account was read is kept in its row, moved on only by whoever still stands where it began; so two workers at
once do no harm, and what was kept twice is there once.
"""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import procrastinate

from core.database import Caller, Identity
from core.errors import Conflict, NotFound
from core.outside.errors import SignInExpired
from jobs.apart import apart, problem_of
from jobs.mail_sync import MailboxMark, Reading, read_mailbox
from jobs.outside.google import GOOGLE, google_app, lacks_google, mailbox_of, open_google_account
from jobs.outside.world import Given
from tasks import accounts, review
from tasks.accounts import Account

if TYPE_CHECKING:
    from integrations.google.client import GoogleClient

QUEUE = "housekeeping"
READ_JOB, MINUTE_JOB = "read_account", "google_minute"
AT_ONCE = 4
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
RENEW_WATCH_SECONDS = 6 * DAY_SECONDS  # Gmail ends a watch after seven days, and asks to renew it daily
OURS = re.compile(r"<([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@")
OVER = {"sent", "failed", "rejected", "superseded"}


async def read_google_mail(given: Given, account: Account) -> Reading:
    """Read on in a mailbox until nothing is new. Raises SignInExpired (the account is expired then), Temporary, ...

    Somebody else who reads at the same time goes on, and this one stops.
    """
    everywhere = given.database.acting_as(Identity.service())
    service = accounts.service_of(everywhere, account.organization_id)
    client = await open_google_account(given, service, account)
    try:
        return await _read(given, service, account, client)
    except SignInExpired as error:
        await accounts.expire_account(service, account.id, error.message)
        raise
    except Conflict:
        return Reading()
    except Exception as error:
        await _note_problem(service, account, problem_of(error))
        raise
    finally:
        client.close()


async def _read(given: Given, service: Caller, account: Account, client: "GoogleClient") -> Reading:
    # Tasks from a person's mail are that person's, as if they had imported the mailbox themselves.
    person = given.database.acting_as(Identity(account.user_id, organization_id=account.organization_id))
    mark = MailboxMark(service, account)
    before = mark.cursor
    reading = await read_mailbox(given, person, mailbox_of(account, client), account.mail_name, before, mark.keep)
    if before and mark.cursor == before:
        await mark.keep(before, before)  # nothing was new: when that was seen
    await _sweep_daily(service, account, client)
    return reading


async def _sweep_daily(service: Caller, account: Account, client: "GoogleClient") -> int:
    if time.time() - part_of(account, "sweep").get("at", 0) < DAY_SECONDS:
        return 0
    swept = await sweep_drafts(service, account, client)
    now = {"at": int(time.time())}
    await accounts.save_sync_state(service, account.id, account.sync.get("sweep"), now, part="sweep")
    return swept


async def _note_problem(service: Caller, account: Account, problem: str) -> None:
    """Say on the account why it was not read; it is tried again."""
    known = next((one for one in await accounts.list_accounts(service, GOOGLE) if one.id == account.id), None)
    if known is None or known.state != "connected":
        return
    state: dict[str, Any] | None = known.sync.get("mail")
    try:
        noted = {**(state or {}), "problem": problem[:500], "at": int(time.time())}
        await accounts.save_sync_state(service, account.id, state, noted)
    except Conflict:
        return  # somebody else has read it meanwhile


async def sweep_drafts(service: Caller, account: Account, client: "GoogleClient") -> int:
    """Delete drafts at Gmail that a crash left behind, or that are over here; how many. Others' drafts are not touched."""
    from integrations.google.gmail_send import GmailSender
    from integrations.google.oauth import permissions_of

    if "mail_send" not in permissions_of(account.scopes):
        return 0
    sender, swept = GmailSender(client), 0
    for provider_ref, message_id in await sender.our_drafts():
        match = OURS.match(message_id)
        if match is None:
            continue
        try:
            draft = await review.get_draft(service, UUID(match[1]))
        except NotFound:
            continue  # another installation's, or another tenant's
        if draft.state in OVER or (draft.provider_ref is not None and draft.provider_ref != provider_ref):
            await sender.discard(provider_ref)
            swept += 1
    return swept


async def keep_watch(given: Given, account: Account) -> bool:
    """Have Google tell when something is new, where it can reach this installation; is it being watched?"""
    topic = given.settings.google_push_topic
    if topic is None or given.settings.public_url is None:
        return False
    if part_of(account, "watch").get("ends_at", 0) - time.time() > RENEW_WATCH_SECONDS:
        return True
    service = accounts.service_of(given.database.acting_as(Identity.service()), account.organization_id)
    client = await open_google_account(given, service, account)
    try:
        told = await client.call(
            "gmail",
            lambda gmail: gmail.users().watch(userId="me", body={"topicName": topic}),
            "be told of new mail",
        )
    finally:
        client.close()
    ends_at = int(str(told.get("expiration") or 0)) // 1000
    await accounts.save_sync_state(service, account.id, account.sync.get("watch"), {"ends_at": ends_at}, part="watch")
    return True


async def read_due_accounts(given: Given) -> int:
    """Read every account that it is time for, of every tenant; how many. What fails for one is logged, and noted there."""
    if lacks_google(given.settings):
        return 0
    google_app(given.settings)
    everywhere = given.database.acting_as(Identity.service())
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(account: Account) -> bool:
        async with gate:
            async with apart("account_not_read", account_id=str(account.id)):
                is_watched = await keep_watch(given, account)
                if not is_due(account, given.settings.google_poll_minutes * 60, is_watched=is_watched):
                    return False
                await read_google_mail(given, account)
            return True

    listed = [one for one in await accounts.list_connected_accounts(everywhere, GOOGLE) if _may_read(one)]
    return sum(await asyncio.gather(*map(one, listed)))


def is_due(account: Account, every_seconds: float, *, is_watched: bool, now: float | None = None) -> bool:
    """Is it time to read? An account that Google watches for us is asked once an hour, in case a word got lost."""
    read_at: float = part_of(account, "mail").get("at", 0)
    wait = max(every_seconds, HOUR_SECONDS) if is_watched else every_seconds
    return (time.time() if now is None else now) - read_at >= wait - 30


def part_of(account: Account, part: str) -> dict[str, Any]:
    """How far a part of an account was read; empty when never."""
    return cast("dict[str, Any]", account.sync.get(part) or {})


def _may_read(account: Account) -> bool:
    from integrations.google.oauth import permissions_of

    return "mail_read" in permissions_of(account.scopes)


async def read_account(given: Given, account_id: UUID, organization_id: UUID) -> None:
    """Read one account now. One that is gone or expired meanwhile is none of our business any more."""
    service = accounts.service_of(given.database.acting_as(Identity.service()), organization_id)
    for account in await accounts.list_accounts(service, GOOGLE):
        if account.id == account_id and account.state == "connected" and _may_read(account):
            async with apart("account_not_read", account_id=str(account_id)):
                await read_google_mail(given, account)


def register_google(app: procrastinate.App, given: Given) -> None:
    """Put the jobs on a worker's app: every minute for what is due, and on request."""

    async def read_on_request(account_id: str, organization_id: str) -> None:
        await read_account(given, UUID(account_id), UUID(organization_id))

    async def look_every_minute(timestamp: int) -> None:
        await read_due_accounts(given)

    app.task(name=READ_JOB, queue=QUEUE, pass_context=False)(read_on_request)
    every_minute = app.task(name=MINUTE_JOB, queue=QUEUE, queueing_lock=MINUTE_JOB, lock=MINUTE_JOB, pass_context=False)
    app.periodic(cron="* * * * *", periodic_id="google")(every_minute(look_every_minute))
