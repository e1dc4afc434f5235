"""Whom a draft is from: the person whose task it is, and what they lack before it can be sent."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.equipment import Run
from core.outside.errors import NotConnected, SignInExpired, Temporary
from tasks.accounts import MAIL_PROVIDERS, list_accounts
from tasks.people import get_person_of_task

LACKS = "lacks"
MAILBOX = "mailbox"


@dataclass(frozen=True)
class Sender:
    """A person's own address and name; those of the settings for the owner of the installation.

    `accounts_of`: the one person with whose accounts it is done; None: nobody's.
    """

    address: str
    name: str
    is_owner: bool
    accounts_of: UUID | None


async def sender_of(run: Run) -> Sender:
    """Whoever this run's task belongs to."""
    person = await get_person_of_task(run.caller, run.task.id)
    if person.is_owner:
        return Sender(run.equipment.from_address, run.equipment.from_name, True, person.accounts_of)
    return Sender(person.email or "", person.name or "", False, person.accounts_of)


async def target_meanwhile(run: Run, error: NotConnected | Temporary) -> dict[str, Any]:
    """What a draft says of its sender while no mailbox can be reached, for the reason given.

    `lacks` stands there where nothing would ever send it: nobody says yes to it before a mailbox is connected.
    """
    sender = await sender_of(run)
    own = {"from_address": sender.address, "from_name": sender.name}
    if sender.is_owner:
        return own
    if isinstance(error, SignInExpired | Temporary):
        known = await list_accounts(run.caller)
        mine = [one for one in known if one.provider in MAIL_PROVIDERS and one.state != "revoked"]
        address = next((one.address for one in mine if one.user_id == sender.accounts_of), sender.address)
        return own | {"from_address": address}
    return own | {LACKS: MAILBOX}
