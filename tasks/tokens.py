"""Tokens of programs: one thin typed call per SQL function. What each refuses stands in its comment in SQL.

A token is `stw_` and 256 random bits; it is shown once, and only its SHA-256 is kept: with so many random bits a slow
hash would add nothing. Its scopes say what the program may do; approving is never among those given by default.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, cast, get_args
from uuid import UUID

from pydantic import BaseModel

from core.database import Caller
from core.errors import Invalid
from tasks.models import Record

Scope = Literal["tasks:read", "tasks:write", "review:read", "review:write", "mail:read", "agents"]
SCOPES = cast("tuple[Scope, ...]", get_args(Scope))
KNOWN: dict[str, Scope] = {scope: scope for scope in SCOPES}
DEFAULT_SCOPES: tuple[Scope, ...] = ("tasks:read", "tasks:write")
SCOPE_WORDS: dict[Scope, str] = {
    "tasks:read": "Read tasks, plans, conversations and the calendar",
    "tasks:write": "Make, change and execute tasks; what would leave the house still waits for you",
    "review:read": "Read drafts and what waits for an answer",
    "review:write": "Approve, edit and reject in your place, and change permissions",
    "mail:read": "Read the mail that Steward has read",
    "agents": "See the agents that work here; each works with a token of its own",
}
PREFIX = "stw_"
SHOWN = len(PREFIX) + 6
FORM = re.compile(r"stw_[A-Za-z0-9_-]{43}")
DEFAULT_DAYS, MOST_DAYS = 90, 366


class Token(Record):
    """A token as its person sees it."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    state: Literal["live", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class NewToken(BaseModel):
    """A token that was just made, and its secret: shown this once."""

    token: str
    details: Token


class Resolved(Record):
    """Whose token came to the door, for which organization, and what it may do."""

    id: UUID
    user_id: UUID
    organization_id: UUID
    scopes: list[str]


def read_scopes(given: Iterable[str]) -> list[Scope]:
    """The scopes, each once. Raises Invalid that names the wrong one and those there are."""
    found: list[Scope] = []
    for one in given:
        known = KNOWN.get(one.strip())
        if known is None:
            message = f"allowed are {', '.join(SCOPES)}"
            raise Invalid(
                f"There is no scope {one[:80]!r}",
                detail=message,
                errors=[{"field": "scopes", "value": one[:80], "message": message}],
            )
        if known not in found:
            found.append(known)
    if not found:
        message = f"choose at least one of {', '.join(SCOPES)}"
        raise Invalid(f"scopes: {message}", errors=[{"field": "scopes", "message": message}])
    return found


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def create_token(
    caller: Caller, name: str, scopes: Sequence[str] = DEFAULT_SCOPES, days: float = DEFAULT_DAYS
) -> NewToken:
    """A new token of the caller. Raises Invalid for a wrong name, scope or number of days, Conflict with 50 live ones."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100:
        message = "1 to 100 characters say what the token is for"
        raise Invalid(f"name: {message}", errors=[{"field": "name", "value": name[:120], "message": message}])
    if not 0 < days <= MOST_DAYS:
        message = f"more than 0 and at most {MOST_DAYS} are allowed"
        raise Invalid(f"days: {message}", errors=[{"field": "days", "value": str(days), "message": message}])
    token = PREFIX + secrets.token_urlsafe(32)
    row = await caller.call(
        "create_api_token",
        name=name,
        token_hash=hash_of(token),
        prefix=token[:SHOWN],
        scopes=list(read_scopes(scopes)),
        expires_in_seconds=timedelta(days=days).total_seconds(),
    )
    return NewToken(token=token, details=Token.model_validate(row))


async def list_tokens(caller: Caller) -> list[Token]:
    """The caller's tokens: live ones first, newest first."""
    return [Token.model_validate(row) for row in await caller.call("list_api_tokens")]


async def revoke_token(caller: Caller, token_id: UUID) -> Token:
    """End a token at once; twice is once."""
    return Token.model_validate(await caller.call("revoke_api_token", token_id=token_id))


async def resolve_token(service: Caller, token: str) -> Resolved | None:
    """Whose live token this is; None for any other text (service only)."""
    if not FORM.fullmatch(token):
        return None
    row = await service.call("resolve_api_token", token_hash=hash_of(token))
    return None if row is None else Resolved.model_validate(row)


async def live_tokens(service: Caller, token_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these tokens still work (service only)."""
    if not token_ids:
        return set()
    return {UUID(row) for row in await service.call("list_live_tokens", token_ids=list(token_ids))}
