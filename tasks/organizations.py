"""Organizations, their members, and invitations: one thin typed call per SQL function. What each refuses stands in its comment in SQL.

A person may belong to several organizations, and sees and acts in one at a time: the one they chose last. An invitation
is a link with 256 random bits; it is shown once, to whoever invites, and only its SHA-256 is kept.
"""

import hashlib
import re
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from core.database import Caller
from core.errors import NotFound
from tasks.models import Record

Role = Literal["owner", "admin", "member"]
InvitedRole = Literal["admin", "member"]
FORM = re.compile(r"[A-Za-z0-9_-]{43}")
PATH = "/invitations/"


class Organization(Record):
    """An organization as one of its members sees it in the list of theirs; `is_chosen`: they act in it."""

    id: UUID
    name: str
    is_personal: bool
    role: Role
    is_chosen: bool
    joined_at: datetime


class Member(Record):
    """A member as the others see them."""

    user_id: UUID
    email: str | None = None
    name: str | None = None
    role: Role
    joined_at: datetime
    is_you: bool


class Invitation(Record):
    """Who was asked to join which organization, as what, and what became of it. `invited_by` is a name or an address."""

    id: UUID
    organization_id: UUID
    organization: str
    email: str
    role: InvitedRole
    state: Literal["open", "accepted", "revoked", "expired"]
    invited_by: str | None = None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None
    revoked_at: datetime | None = None


class EndedOrganization(Record):
    """One of the caller's that somebody else deleted. `ended_by` is their address."""

    organization_id: UUID
    name: str
    ended_by: str | None = None
    ended_at: datetime


class DeletedPerson(BaseModel):
    """What went with a person, and where they were one of several: names of organizations.

    `is_person_gone` is false for the owner of the installation: their data is gone, and they begin anew.
    """

    deleted: list[str]
    quit: list[str]
    is_person_gone: bool


class NewInvitation(BaseModel):
    """An invitation that was just made, and the path of its link: shown this once."""

    path: str
    details: Invitation


async def list_organizations(caller: Caller) -> list[Organization]:
    """Every organization of the caller, the personal one first; of a program's token its own."""
    return [Organization.model_validate(row) for row in await caller.call("list_my_organizations")]


async def at_home(caller: Caller) -> Caller:
    """The caller in their personal organization, whichever they chose: where what the settings lend its owner belongs."""
    home = next((one for one in await list_organizations(caller) if one.is_personal), None)
    return Caller(caller.database, replace(caller.identity, organization_id=home.id)) if home else caller


async def create_organization(caller: Caller, name: str) -> Organization:
    """A new one, which the caller owns and acts in from now on."""
    return Organization.model_validate(await caller.call("create_organization", name=name))


async def choose_organization(caller: Caller, organization_id: UUID) -> Organization:
    """From now on the caller sees and acts in this one of theirs."""
    return Organization.model_validate(await caller.call("choose_organization", organization_id=organization_id))


async def rename_organization(caller: Caller, organization_id: UUID, name: str) -> Organization:
    """Another name for the one that the caller acts in (owners and admins)."""
    return Organization.model_validate(
        await caller.call("rename_organization", organization_id=organization_id, name=name)
    )


async def list_members(caller: Caller, organization_id: UUID) -> list[Member]:
    """Who belongs to the one that the caller acts in: owners, admins, members."""
    return [Member.model_validate(row) for row in await caller.call("list_members", organization_id=organization_id)]


async def change_role(caller: Caller, organization_id: UUID, user_id: UUID, role: str) -> Member:
    """A member is an owner, admin or member from now on (owners). Conflict where no owner would be left."""
    return Member.model_validate(
        await caller.call("change_role", organization_id=organization_id, user_id=user_id, role=role)
    )


async def remove_member(caller: Caller, organization_id: UUID, user_id: UUID) -> Member:
    """Somebody belongs there no more: their ways in end, their open work is the caller's."""
    return Member.model_validate(await caller.call("remove_member", organization_id=organization_id, user_id=user_id))


async def leave_organization(caller: Caller, organization_id: UUID) -> list[Organization]:
    """The caller belongs there no more; the organizations that are left to them."""
    rows = await caller.call("leave_organization", organization_id=organization_id)
    return [Organization.model_validate(row) for row in rows]


async def delete_organization(caller: Caller, organization_id: UUID, name: str) -> list[Organization]:
    """It is gone with everything in it (owners; `name` is its own, exactly); the organizations that are left to the caller.

    Conflict for a personal one, for another name, and while something is being sent or uncertain.
    """
    rows = await caller.call("delete_organization", organization_id=organization_id, name=name)
    return [Organization.model_validate(row) for row in rows]


async def delete_person(caller: Caller, address: str) -> DeletedPerson:
    """Everything of the caller is gone, and they themselves; `address` is their own. Conflict as for an organization."""
    return DeletedPerson.model_validate(await caller.call("delete_person", address=address))


async def list_ended_organizations(caller: Caller) -> list[EndedOrganization]:
    """Those of the caller that somebody else deleted, until they put that away."""
    return [EndedOrganization.model_validate(row) for row in await caller.call("list_ended_organizations")]


async def put_away_ended_organizations(caller: Caller) -> int:
    """The caller has read which are gone; how many."""
    return int(await caller.call("put_away_ended_organizations"))


async def create_invitation(caller: Caller, organization_id: UUID, email: str, role: str = "member") -> NewInvitation:
    """An invitation for one address, for seven days. Conflict for members, and where one is open already."""
    token = secrets.token_urlsafe(32)
    row = await caller.call(
        "create_invitation", organization_id=organization_id, email=email, role=role, token_hash=hash_of(token)
    )
    return NewInvitation(path=PATH + token, details=Invitation.model_validate(row))


async def list_invitations(caller: Caller, organization_id: UUID) -> list[Invitation]:
    """Open ones first, newest first (owners and admins)."""
    rows = await caller.call("list_invitations", organization_id=organization_id)
    return [Invitation.model_validate(row) for row in rows]


async def revoke_invitation(caller: Caller, invitation_id: UUID) -> Invitation:
    """The link leads nowhere any more; twice is once."""
    return Invitation.model_validate(await caller.call("revoke_invitation", invitation_id=invitation_id))


async def get_invitation(caller: Caller, token: str) -> Invitation:
    """What the caller is invited to. NotFound for no such link, Forbidden for somebody else's."""
    return Invitation.model_validate(await caller.call("get_invitation", token=_known(token)))


async def accept_invitation(caller: Caller, token: str) -> Organization:
    """The caller joins, and acts there from now on; twice is once. Conflict for one that ended."""
    return Organization.model_validate(await caller.call("accept_invitation", token=_known(token)))


def hash_of(token: str) -> str:
    """What is kept of a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def _known(token: str) -> str:
    if not FORM.fullmatch(token):
        raise NotFound("There is no such invitation", hint="Ask whoever invited you for a new link.")
    return token
