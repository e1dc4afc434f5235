"""What agents need from the outside world; the doors wire in integrations that fulfil it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from core.database import Caller
from core.errors import StewardError
from tasks.models import Task

Service = TypeVar("Service")


@dataclass(frozen=True)
class OutgoingMessage:
    """A mail exactly as a person approved it. Addresses are bare (`ana@example.com`), one a list entry."""

    message_id: str
    from_address: str
    from_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str
    body: str
    date: datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """Evidence that a message left: where it can be found, and when it was taken."""

    provider: str
    message_id: str
    location: str
    accepted_at: datetime
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    def as_json(self) -> dict[str, object]:
        return {
            "provider": self.provider,
            "message_id": self.message_id,
            "location": self.location,
            "accepted_at": self.accepted_at.isoformat(),
            **self.details,
        }


class SendRefused(StewardError):
    """The message was refused for good; nothing left."""

    status = 422
    type = "send-refused"
    title = "The message was refused"


class SendTemporary(StewardError):
    """The message could not be handed over, and certainly did not leave; trying again is safe."""

    status = 503
    type = "send-temporary"
    title = "The message could not be handed over"


class SendUncertain(StewardError):
    """The line broke while the message was handed over; nobody knows whether it left."""

    status = 502
    type = "send-uncertain"
    title = "Nobody knows whether the message left"


class MailSender(Protocol):
    """Sends mail. `send` raises SendRefused, SendTemporary or SendUncertain, nothing else that is expected."""

    @property
    def sender_domain(self) -> str:
        """The domain in Message-IDs."""
        ...

    async def prepare(self, message: OutgoingMessage) -> str | None:
        """Make the message a draft at the provider and answer its id there; None where the provider keeps no drafts.

        For the same Message-ID twice it is the same draft.
        """
        ...

    async def send(self, message: OutgoingMessage, provider_ref: str | None) -> Receipt:
        """Hand the message over; where there is a draft at the provider, send that draft."""
        ...

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """The receipt of a message that left already; None when it certainly did not. SendUncertain when it can't be known."""
        ...


class Outside(Protocol):
    """The outside world of an installation: which services there are, by the Protocol that they fulfil."""

    async def reach(self, need: type[Service], caller: Caller, task: Task) -> Service:
        """The service for the tenant and the person of a task.

        Raises NotConnected with what would connect it, SignInExpired, or Temporary.
        """
        ...

    def lacks(self, need: type[Any]) -> str | None:
        """What would connect such a service here, in a sentence; None when there is one (or an account may be added)."""
        ...
