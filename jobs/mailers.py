"""The real mail senders, made to fit what agents ask for."""

import asyncio

from agents.protocols import MailSender, OutgoingMessage, Receipt, SendRefused, SendTemporary, SendUncertain
from core.errors import StewardError
from core.settings import Settings
from integrations.mail.compose import OutgoingMail
from integrations.mail.outbox import Outbox
from integrations.mail.smtp import SmtpRefused, SmtpSender, SmtpTemporary, SmtpUncertain


def mail_sender(settings: Settings) -> MailSender:
    """SMTP where STEWARD_SMTP_URL is set, else the local outbox in `<home>/outbox`."""
    domain = settings.sender_address.rpartition("@")[2]
    domain = domain if "." in domain else "steward.local"
    if settings.smtp_url:
        return SmtpMailSender(SmtpSender(settings.smtp_url.get_secret_value()), domain)
    return OutboxMailSender(Outbox(settings.home / "outbox"), domain)


def _outgoing(message: OutgoingMessage) -> OutgoingMail:
    return OutgoingMail(
        from_address=message.from_address,
        from_name=message.from_name,
        to=list(message.to),
        cc=list(message.cc),
        bcc=list(message.bcc),
        subject=message.subject,
        body=message.body,
        in_reply_to=message.in_reply_to,
        references=list(message.references),
        message_id=message.message_id,
        date=message.date,
        attachments=[],
    )


class OutboxMailSender:
    """Writes each mail as one file; writing the same one twice is writing it once, so no draft has to be kept before."""

    def __init__(self, outbox: Outbox, sender_domain: str) -> None:
        self._outbox = outbox
        self._domain = sender_domain

    @property
    def sender_domain(self) -> str:
        return self._domain

    async def prepare(self, message: OutgoingMessage) -> None:
        return None

    async def send(self, message: OutgoingMessage, provider_ref: str | None) -> Receipt:
        try:
            written = await asyncio.to_thread(self._outbox.send, _outgoing(message))
        except StewardError as error:
            kind = SendTemporary if error.is_retryable else SendRefused
            raise kind(error.message, detail=error.detail, hint=error.hint) from error
        return Receipt(written.provider, written.message_id, written.location, written.accepted_at)

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        found = await asyncio.to_thread(self._outbox.find, message_id)
        return Receipt(found.provider, found.message_id, found.location, found.accepted_at) if found else None


class SmtpMailSender:
    """Hands each mail to an SMTP server, which keeps neither drafts nor a list of what it took."""

    def __init__(self, smtp: SmtpSender, sender_domain: str) -> None:
        self._smtp = smtp
        self._domain = sender_domain

    @property
    def sender_domain(self) -> str:
        return self._domain

    async def prepare(self, message: OutgoingMessage) -> None:
        return None

    async def send(self, message: OutgoingMessage, provider_ref: str | None) -> Receipt:
        try:
            taken = await self._smtp.send(_outgoing(message))
        except SmtpTemporary as error:
            raise SendTemporary(error.message, detail=error.detail) from error
        except SmtpUncertain as error:
            raise SendUncertain(error.message, detail=error.detail) from error
        except SmtpRefused as error:
            raise SendRefused(error.message, detail=error.detail) from error
        except StewardError as error:
            raise SendRefused(error.message, detail=error.detail) from error
        return Receipt(taken.provider, taken.message_id, taken.location, taken.accepted_at)

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        raise SendUncertain(
            "An earlier attempt to send broke off, and the mail server cannot be asked what became of it"
        )
