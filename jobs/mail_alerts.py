"""Mails that say what waits for a person and what failed, to those whom STEWARD_ALERT_RECIPIENTS names.

Whoever runs the installation wrote the addresses down, so no draft and no approval is made of it. It is told of the
owner's personal organization alone, and in words of others nothing: such a thing is named by what it is.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import procrastinate
import structlog

from core.database import Identity
from core.errors import StewardError
from core.outside.errors import Refused, Uncertain
from core.outside.mail import OutgoingMail
from core.settings import Settings
from jobs.addresses import web_address
from jobs.outside.mail import sender_of_settings
from jobs.outside.world import Given
from jobs.periodic import QUEUE
from tasks import accounts
from tasks.mail_alerts import MailAlert, keep_mail_alerts, list_mail_alerts
from tasks.organizations import at_home

log = structlog.get_logger()
JOB = "mail_alerts"
WAITED_SECONDS = 60  # who decides at the page meanwhile needs no mail
MOST_LINES = 20
LONGEST_TITLE = 200
HEADINGS = {
    "approval": "Waits for your yes",
    "failure": "Failed",
    "account": "Waits for an account to be connected again",
}
FOREIGN = "something that others wrote (its words are on the page)"


async def send_mail_alerts(given: Given, owner: Identity, waited_seconds: int = WAITED_SECONDS) -> int:
    """One mail about all that is new; how many things it told of. What fails for a time is told at the next call.

    A mail whose arrival nobody knows, or that its server refuses for good, is not sent again: the pages tell the same.
    """
    if not given.settings.alert_addresses or owner.user_id is None:
        return 0
    person = await at_home(given.database.acting_as(owner))
    organization_id = person.identity.organization_id
    if organization_id is None:
        return 0
    service = accounts.service_of(person, organization_id)
    alerts = await list_mail_alerts(service, waited_seconds)
    if not alerts:
        return 0
    try:
        await _send(given.settings, alert_mail(given.settings, alerts, datetime.now(UTC)))
    except (Refused, Uncertain) as error:
        await log.awarning("mail_alert_given_up", error=error.message, things=len(alerts))
    except StewardError as error:
        await log.awarning("mail_alert_put_off", error=error.message, things=len(alerts))
        return 0
    return await keep_mail_alerts(service, [one.subject_id for one in alerts])


def alert_mail(settings: Settings, alerts: Sequence[MailAlert], now: datetime) -> OutgoingMail:
    """The mail about these; the same things have the same Message-ID, by which Resend takes it once."""
    named = hashlib.sha256(",".join(sorted(str(one.subject_id) for one in alerts)).encode()).hexdigest()[:32]
    domain = settings.sender_address.rpartition("@")[2]
    address = web_address(settings)
    lines: list[str] = []
    for what, heading in HEADINGS.items():
        found = [one for one in alerts if one.what == what]
        shown = [f"- {_title(one)}\n  {address}{_path(one)}" for one in found[:MOST_LINES]]
        more = [f"- and {len(found) - MOST_LINES} more"] if len(found) > MOST_LINES else []
        lines += [f"{heading}:", *shown, *more, ""] if found else []
    lines.append(f"All of it: {address}/review")
    return OutgoingMail(
        message_id=f"<alert-{named}@{domain}>",
        from_address=settings.sender_address,
        from_name="Steward",
        to=tuple(settings.alert_addresses),
        subject=_subject(alerts),
        body="\n".join(lines) + "\n",
        date=now,
    )


def _subject(alerts: Sequence[MailAlert]) -> str:
    counts = {what: sum(one.what == what for one in alerts) for what in HEADINGS}
    said = [f"{counts['approval']} waiting for your yes"] if counts["approval"] else []
    said += [f"{counts['failure']} failed"] if counts["failure"] else []
    said += [f"{counts['account']} waiting for an account"] if counts["account"] else []
    return f"Steward: {', '.join(said)}"


def _title(alert: MailAlert) -> str:
    return FOREIGN if alert.is_tainted else " ".join(alert.title.split())[:LONGEST_TITLE]


def _path(alert: MailAlert) -> str:
    if alert.draft_id is not None:
        return f"/review/{alert.draft_id}"
    return f"/tasks/{alert.task_id}" if alert.task_id else "/review"


async def _send(settings: Settings, mail: OutgoingMail) -> None:
    sender = sender_of_settings(settings)
    prepared = await sender.prepare(mail)
    async with sender.sending(mail, prepared) as hand_over:
        await hand_over()


def register_mail_alerts(app: procrastinate.App, given: Given, owner: Identity) -> None:
    """Put the mails on a worker's app where somebody is named: each minute, one at a time."""
    if not given.settings.alert_addresses:
        return

    async def mail_alerts(timestamp: int) -> None:
        await send_mail_alerts(given, owner)

    job = app.task(name=JOB, queue=QUEUE, queueing_lock=JOB, lock=JOB, pass_context=False)
    app.periodic(cron="* * * * *", periodic_id=JOB)(job(mail_alerts))
