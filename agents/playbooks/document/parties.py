"""Who is responsible for something in the governance of a plan: one of its bodies, or a role."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from agents.playbooks.document.checks import same, told
from agents.playbooks.document.filled import Entry


class Party(Entry):
    """Who is responsible: a governance body by the name that part 2 gives it, or a role; never a person's name."""

    kind: Literal["body", "role"]
    name: str = Field(description="A body's name exactly as part 2 gives it, or a role")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return told(self, 3, "name")


def is_body_of(known: Sequence[str], parties: Sequence[Party]) -> str | None:
    """Which of these parties call themselves bodies and are none, or roles and are bodies; None when all fit."""
    for party in parties:
        is_known = any(same(party.name, name) for name in known)
        if party.kind == "body" and not is_known:
            return f"there is no body {party.name!r}; the bodies are: {'; '.join(known)}. Anybody else is a role"
        if party.kind == "role" and is_known:
            return f"{party.name!r} is a body, not a role"
    return None


def unused_bodies(known: Sequence[str], parties: Sequence[Party]) -> list[str]:
    """The bodies that none of these parties is."""
    return [name for name in known if not any(party.kind == "body" and same(party.name, name) for party in parties)]
