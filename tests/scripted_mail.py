"""A mailbox that sends as it is told: stands in for a mail server where no real one fails on demand at this very point."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from agents.equipment import Equipment
from agents.services.mail import Mailbox
from app.house import House
from core.database import Caller
from core.outside.errors import Uncertain
from core.outside.mail import HandOver, MailAddress, OutgoingMail, Receipt
from integrations.mail.local import LocalMailbox
from integrations.mail.sender import Sender
from jobs.outside.mail import Shelf
from jobs.outside.world import Service, World
from tasks.models import Task


@dataclass
class ScriptedSender:
    """`outcomes` are what the next hand-overs end with (None: taken); `entering` what getting ready for them does."""

    outcomes: list[Callable[[], Exception] | None] = field(default_factory=list[Callable[[], Exception] | None])
    entering: list[Callable[[], Exception] | None] = field(default_factory=list[Callable[[], Exception] | None])
    sent: list[OutgoingMail] = field(default_factory=list[OutgoingMail])
    knows_earlier: bool = True
    keeps_drafts: bool = False
    prepared: list[str] = field(default_factory=list[str])
    provider: str = "scripted"

    async def prepare(self, mail: OutgoingMail) -> str | None:
        if not self.keeps_drafts:
            return None
        self.prepared.append(mail.message_id)
        return f"draft-{len(self.prepared)}"

    @asynccontextmanager
    async def sending(self, mail: OutgoingMail, provider_ref: str | None) -> AsyncGenerator[HandOver]:
        broken = self.entering.pop(0) if self.entering else None
        if broken:
            raise broken()

        async def hand_over() -> Receipt:
            return await self.send(mail)

        yield hand_over

    async def send(self, mail: OutgoingMail) -> Receipt:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome:
            raise outcome()
        self.sent.append(mail)
        return Receipt("scripted", mail.message_id, "here", datetime.now(UTC))

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        if not self.knows_earlier:
            raise Uncertain("nobody can be asked")
        taken = (mail for mail in self.sent if mail.message_id == message_id)
        return next((Receipt("scripted", mail.message_id, "here", mail.date) for mail in taken), None)


def equipment_sending_by(house: House, sender: Sender) -> Equipment:
    """The house's equipment, its usual mailbox handing mail over to `sender`."""
    own = (MailAddress(house.settings.sender_address, house.settings.owner_name),)

    async def usual(caller: Caller, task: Task) -> Mailbox:
        return LocalMailbox(Shelf(caller), sender, own)

    outside = house.equipment.outside
    assert isinstance(outside, World)
    return replace(house.equipment, outside=World({**outside.services, Mailbox: Service(usual)}))
