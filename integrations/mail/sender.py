"""What hands mail over for mailboxes that cannot do so by themselves: an SMTP server, Resend, the outbox."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.outside.mail import HandOver, OutgoingMail, Receipt


class Sender(Protocol):
    """See `agents.services.mail.Mailbox` for what each call promises."""

    @property
    def provider(self) -> str: ...

    async def prepare(self, mail: OutgoingMail) -> str | None: ...

    def sending(self, mail: OutgoingMail, provider_ref: str | None) -> AbstractAsyncContextManager[HandOver]: ...

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None: ...
