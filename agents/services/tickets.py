"""What agents need of a ticket system."""

from collections.abc import Sequence
from typing import Protocol

from core.outside.tickets import Ticket, TicketFields, Transition


class Tickets(Protocol):
    """A ticket system. Every call raises SignInExpired, Refused or Temporary; reads also Malformed, changes Uncertain."""

    async def create(self, project: str, kind: str, fields: TicketFields, our_key: str) -> Ticket:
        """A new ticket, marked with our key so that `find_created` finds it."""
        ...

    async def find_created(self, our_key: str) -> Ticket | None:
        """The ticket that was created with this key; None where there is none."""
        ...

    async def get(self, key: str) -> Ticket:
        """A ticket as it stands."""
        ...

    async def update(self, key: str, fields: TicketFields) -> Ticket:
        """Set fields; the ticket as it stands then."""
        ...

    async def list_transitions(self, key: str) -> Sequence[Transition]:
        """The ways that a ticket may go on from where it is."""
        ...

    async def move(self, key: str, transition: Transition) -> Ticket:
        """Take one of these ways; the ticket as it stands then."""
        ...
