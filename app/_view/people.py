"""Who is meant: "you" is whoever reads a page, and in an organization of several a colleague is called by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from fastapi import Request

from app.chosen import acting
from core.database import Caller
from tasks.organizations import list_members

GONE = "a former member"


@dataclass(frozen=True)
class People:
    """The reader, and the names of all members by id: none in an organization of one, where everything is the reader's."""

    reader: UUID | None = None
    names: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    may_permit: bool = True
    leads: tuple[str, ...] = ()
    """The names of owners and admins: who may do what a plain member may not."""

    def is_another(self, person: UUID | None) -> bool:
        """Is this somebody else than the reader? Nobody is not."""
        return bool(self.names) and person is not None and person != self.reader

    def name(self, person: UUID | None) -> str:
        """The word "you", or a colleague's name."""
        return self.names.get(person, GONE) if person and self.is_another(person) else "you"

    def whose(self, person: UUID | None) -> str:
        """The word "your", or a colleague's name as a possessive: "Ana's"."""
        return f"{self.name(person)}'s" if self.is_another(person) else "your"

    def was_reminded(self, person: UUID | None) -> str:
        """Who was reminded, as a sentence begins: "You were reminded", "Ana was reminded"."""
        return f"{self.name(person)} was reminded" if self.is_another(person) else "You were reminded"

    def is_reminded(self, person: UUID | None) -> str:
        """To whom a reminder comes: "A reminder comes", "Ana is reminded"."""
        return f"{self.name(person)} is reminded" if self.is_another(person) else "A reminder comes"


ALONE = People()


def people_of(request: Request) -> People:
    """The people that were noted for this request; without them everything is the reader's."""
    return cast("People", request.scope.get("state", {}).get("people", ALONE))


async def note_people(request: Request, caller: Caller) -> None:
    """Keep the names of the members with the request, where the caller's organization, noted before, is one of several."""
    here = acting(request)
    if here is None or here.is_personal:
        return
    members = await list_members(caller, here.id)
    names = {one.user_id: one.name or one.email or "a colleague" for one in members}
    leads = tuple(names[one.user_id] for one in members if one.role != "member")
    request.state.people = People(caller.identity.user_id, names, may_permit=here.role != "member", leads=leads)
