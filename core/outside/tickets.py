"""Nouns of ticket systems: what a ticket says, and what is changed about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class TicketFields:
    """What is set; None leaves a field as it is. `description` is plain text, `assignee` an id of the service's."""

    summary: str | None = None
    description: str | None = None
    labels: Sequence[str] | None = None
    priority: str | None = None
    assignee: str | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Ticket:
    """A ticket as it stands. `key` is like OPS-17. Written by others."""

    key: str
    url: str
    summary: str
    status: str
    description: str = ""
    labels: Sequence[str] = ()
    priority: str | None = None
    assignee: str | None = None
    due_on: date | None = None
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


@dataclass(frozen=True)
class Transition:
    """A way that a ticket may go on: its name, and the status it leads to."""

    id: str
    name: str
    to: str
