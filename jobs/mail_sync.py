"""Reading IMAP mailboxes: that of the settings for the local owner, and those of connected accounts.

How far a mailbox was read moves on only by whoever still stands where it began, and what is kept twice is there once:
two workers at once do no harm. A delivery report about a mail that was sent from here finds its draft.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import procrastinate
import structlog

from agents.services.mail import Mailbox
from core.database import Caller, Identity
from core.errors import Conflict
from core.outside.errors import SignInExpired
from core.outside.mail import IncomingMail
from core.settings import Settings
from jobs.apart import apart, problem_of
from jobs.mail_reading import owner_of, take_in
from jobs.outside.mail import IMAP, OwnMailboxes, mailbox_of_settings
from jobs.outside.world import Given
from tasks import accounts, capture, mail
from tasks.accounts import Account
from tasks.organizations import at_home

log = structlog.get_logger()
QUEUE = "housekeeping"
JOB = "read_mail"
PAGE = 50
MOST_PAGES = 40

KeepCursor = Callable[[str | None, str], Awaitable[bool]]
"""Moves the mark of a mailbox from one cursor to the next; False when somebody else has moved it meanwhile."""


@dataclass(frozen=True)
class Reading:
    """What reading a mailbox brought."""

    messages_added: int = 0
    tasks_added: int = 0
    bounces: int = 0
    pages: int = 0


async def read_mailbox(
    given: Given, person: Caller, mailbox: Mailbox, account: str, cursor: str | None, keep: KeepCursor
) -> Reading:
    """Read on in a mailbox until nothing is new, for its person. `account` names it in `mail_messages`.

    Raises SignInExpired, Temporary, Malformed. A page counts as read once everything in it is kept.
    """
    profile = await capture.get_profile(person)
    service = accounts.service_of(person, UUID(profile["organization"]["id"]))
    owner = await owner_of(person, mailbox, (await mailbox.addresses())[0].address)
    total, has_more = Reading(), True
    while has_more and total.pages < MOST_PAGES:
        page = await mailbox.sync(cursor, limit=PAGE)
        taken = await take_in(given, person, account, owner, page.messages)
        bounces = await record_bounces(service, page.messages)
        total = Reading(
            total.messages_added + taken.messages_added,
            total.tasks_added + len(taken.tasks),
            total.bounces + bounces,
            total.pages + 1,
        )
        if page.cursor != cursor and not await keep(cursor, page.cursor):
            break
        cursor, has_more = page.cursor, page.has_more
    await log.ainfo("mail_read", account=account, messages_added=total.messages_added, bounces=total.bounces)
    return total


async def record_bounces(service: Caller, messages: Sequence[IncomingMail]) -> int:
    """Tell the person of mail that came back; how many drafts it is about. A report read twice is told once."""
    found = 0
    for message in messages:
        if message.delivery_report is not None:
            bounce = await mail.record_bounce(service, message.delivery_report)
            found += 1 if bounce and bounce.recorded else 0
    return found


async def read_own_mailbox(given: Given, owner: Identity) -> Reading:
    """Read the mailbox of STEWARD_IMAP_URL for the local owner; why it failed is kept beside how far it was read."""
    person = await at_home(given.database.acting_as(owner))
    profile = await capture.get_profile(person)
    service = accounts.service_of(person, UUID(profile["organization"]["id"]))
    known = await mail.get_mail_cursor(service, IMAP)
    cursor = known.cursor if known else None

    async def keep(expected: str | None, newer: str) -> bool:
        return await mail.save_mail_cursor(service, IMAP, expected, newer)

    try:
        mailbox = mailbox_of_settings(given.settings, service)
        reading = await read_mailbox(given, person, mailbox, IMAP, cursor, keep)
        if known and known.problem:
            await mail.save_mail_cursor(service, IMAP, cursor, cursor)
        return reading
    except Exception as error:
        await mail.save_mail_cursor(service, IMAP, cursor, cursor, problem_of(error))
        raise


class MailboxMark:
    """How far the mail of a connected account was read, as its row has it."""

    def __init__(self, service: Caller, account: Account) -> None:
        self._service = service
        self._account_id = account.id
        self._mark: dict[str, Any] | None = account.sync.get("mail") or None

    @property
    def cursor(self) -> str | None:
        """Where to go on; None: from the beginning."""
        return str(self._mark["cursor"]) if self._mark and self._mark.get("cursor") else None

    async def keep(self, expected: str | None, newer: str) -> bool:
        """It was read up to `newer`; False where somebody else was quicker than from `expected`, which the row compares by itself."""
        mark = {"cursor": newer, "at": int(time.time())}
        try:
            await accounts.save_sync_state(self._service, self._account_id, self._mark, mark)
        except Conflict:
            return False
        self._mark = mark
        return True


async def read_account(given: Given, account: Account) -> Reading:
    """Read a connected IMAP account. A sign-in that is not taken any more expires the account."""
    everywhere = given.database.acting_as(Identity.service())
    service = accounts.service_of(everywhere, account.organization_id)
    person = given.database.acting_as(Identity(account.user_id, organization_id=account.organization_id))
    mark = MailboxMark(service, account)
    try:
        mailbox = await OwnMailboxes(given, service, account.user_id).of_account(account)
        return await read_mailbox(given, person, mailbox, account.mail_name, mark.cursor, mark.keep)
    except SignInExpired as error:
        await accounts.expire_account(service, account.id, error.message)
        raise


async def read_all(given: Given, owner: Identity) -> int:
    """Read every IMAP mailbox; how many worked. What fails for one is logged, and does not hold up the others."""
    everywhere = given.database.acting_as(Identity.service())
    readings: list[Callable[[], Awaitable[Reading]]] = []
    if given.settings.imap_url and owner.user_id:
        readings.append(lambda: read_own_mailbox(given, owner))
    for account in await accounts.list_connected_accounts(everywhere, IMAP):
        readings.append(lambda account=account: read_account(given, account))
    worked = 0
    for read in readings:
        async with apart("mailbox_not_read"):
            await read()
            worked += 1
    return worked


def register_mail_sync(app: procrastinate.App, given: Given, owner: Identity) -> None:
    """Put the reading on a worker's app: as often as the settings say, one reading at a time."""

    async def read_mail(timestamp: int) -> None:
        if is_due(given.settings, timestamp):
            await read_all(given, owner)

    job = app.task(name=JOB, queue=QUEUE, queueing_lock=JOB, lock=JOB, pass_context=False)
    every = "* * * * * */10" if given.settings.mail_sync_seconds < 60 else "* * * * *"
    app.periodic(cron=every, periodic_id=JOB)(job(read_mail))


def is_due(settings: Settings, timestamp: int) -> bool:
    """Is a mailbox read at this tick of the clock? Ticks come each minute, or each ten seconds where that is asked for."""
    tick = 10 if settings.mail_sync_seconds < 60 else 60
    every = max(settings.mail_sync_seconds // tick, 1)
    return (timestamp // tick) % every == 0
