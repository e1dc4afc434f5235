"""The one seam to the database: `Database.call(function, **params)`, as somebody.

A call is one SQL function in one transaction. Two adapters carry it: `core.postgres` (a pool of connections) and
`core.postgrest` (Supabase's API over HTTP, for a web tier that is given no more than a project's URL and keys). What a
call answers and raises is the same by both.
"""

import asyncio
import json
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from core.objects import Contents
from core.written import noted

SERVICE = "service_role"


@dataclass(frozen=True)
class Identity:
    """Who a call acts as: a person (`authenticated`), the worker (`service_role`, which names its tenant), or nobody."""

    user_id: UUID | None
    role: str = "authenticated"
    organization_id: UUID | None = None
    run: tuple[UUID, UUID] | None = None  # a task and the one run of it that speaks here
    token_id: UUID | None = None  # a program's token speaks for the person
    scopes: tuple[str, ...] | None = None  # what that program may do; None: the person's own session
    agent_id: UUID | None = None  # an outside agent speaks, by its own token
    # The person's own token of Supabase Auth, where they came with one: what PostgREST is shown.
    access_token: str | None = field(default=None, repr=False, compare=False)

    def claims(self) -> dict[str, str | list[str]]:
        """The JWT claims that row-level security reads."""
        claims: dict[str, str | list[str]] = {"role": self.role}
        if self.user_id:
            claims["sub"] = str(self.user_id)
        if self.organization_id:
            claims["organization_id"] = str(self.organization_id)
        if self.run:
            claims["run_task_id"], claims["run_id"] = map(str, self.run)
        if self.scopes is not None:
            claims["token_scopes"] = list(self.scopes)
        if self.agent_id:
            claims["agent_id"] = str(self.agent_id)
        return claims

    def claims_setting(self) -> str:
        """The claims as JSON: the value of the setting request.jwt.claims."""
        return orjson.dumps(self.claims()).decode()

    def as_logged(self) -> dict[str, str]:
        """Who it is, for the log."""
        return {"agent_id": str(self.agent_id)} if self.agent_id else {"user_id": str(self.user_id)}

    @classmethod
    def nobody(cls) -> "Identity":
        """Somebody who did not sign in."""
        return cls(None, "anon")

    @classmethod
    def service(cls, organization_id: UUID | None = None) -> "Identity":
        """The worker, acting inside one organization (None only for the sweep over all of them)."""
        return cls(None, "service_role", organization_id)

    @classmethod
    def agent(cls, agent_id: UUID, organization_id: UUID) -> "Identity":
        """An outside agent: it works in one organization, decides nothing, and what it writes is nobody's own word."""
        return cls(None, "service_role", organization_id, scopes=("agents",), agent_id=agent_id)


@dataclass(frozen=True)
class AsJson:
    """A parameter of type jsonb that may be a text or a number: it goes in as that JSON value; None as no value."""

    value: object


@dataclass(frozen=True)
class Caller:
    """The database seen through one identity."""

    database: "Database"
    identity: Identity

    async def call(self, function: str, **params: object) -> Any:
        """The decoded JSON that the function returns: a value, or a list for a set."""
        with noted(function):
            return await self.database.call(function, self.identity, params)

    async def call_json(self, function: str, **params: object) -> bytes:
        """The same as JSON bytes, untouched, for answers that are passed on."""
        with noted(function):
            return await self.database.call_json(function, self.identity, params)

    def as_run(self, task_id: UUID, run_id: UUID) -> "Caller":
        """The same caller speaking for one run of a task: refused as soon as another run took the task over."""
        return Caller(self.database, replace(self.identity, run=(task_id, run_id)))


@dataclass(frozen=True)
class Database(ABC):
    """The seam: SQL functions of schema `public`, called as somebody. `core.postgres` and `core.postgrest` carry it.

    `contents`: where the content of large files lies; none of them beside the database, where nobody says.
    """

    contents: Contents = field(default_factory=Contents, kw_only=True)

    def acting_as(self, identity: Identity) -> Caller:
        """This database through the eyes of `identity`."""
        return Caller(self, identity)

    async def call(self, function: str, identity: Identity, params: Mapping[str, object]) -> Any:
        """Call `public.<function>` with named parameters; dicts and lists of dicts go in as jsonb.

        Raises `StewardError` by SQLSTATE (PT4xx and Postgres's own), `Unavailable` when the database is out of reach.
        """
        return orjson.loads(await self.call_json(function, identity, params))

    @abstractmethod
    async def call_json(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        """As `call`, but the JSON text of the answer."""

    @abstractmethod
    async def check(self) -> None:
        """Return when it answers. Raises `Unavailable`."""

    def can_speak_for(self, identity: Identity) -> bool:
        """Can a call be made as them here? Over HTTP that takes a token of theirs, or a key to sign one with."""
        return True

    @abstractmethod
    def statistics(self) -> dict[str, int]:
        """Figures of its connections, by the names of psycopg_pool's statistics; empty where it holds none."""


# The connection went, and whether the transaction was committed before is not said: 08 of a pooler between, a crash.
BROKEN_OFF = {"08000", "08003", "08006", "08007", "57P02"}
OUT_OF_REACH = {"08", "53", "55", "57", "58"}  # classes: connection, resources, not ready, an operator, the system
RETRYABLE = {"40001", "40P01"}  # serialization_failure, deadlock_detected: the transaction left nothing behind
TRIES = 8  # several that collide go out of step
PAUSE_SECONDS = 0.03


async def get_out_of_step(left: int) -> None:
    """Wait a little before the next try, with so many left: at random, so that those who collided do not meet again."""
    await asyncio.sleep(random.uniform(0, PAUSE_SECONDS) * (TRIES - left))  # noqa: S311 # nosec B311 # no secret


STATUS_ERRORS: dict[str, type[StewardError]] = {
    "PT403": Forbidden,
    "PT404": NotFound,
    "PT409": Conflict,
    "PT422": Invalid,
    "42501": Forbidden,  # insufficient_privilege
    "23505": Conflict,  # unique_violation
    "23503": Invalid,  # foreign_key_violation
    "23514": Invalid,  # check_violation
    "23502": Invalid,  # not_null_violation
}


def json_of(value: object) -> bytes:
    """A value as it goes into a parameter of type jsonb."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_UUID)
    except TypeError:
        return json.dumps(value, default=str).encode()  # integers beyond 64 bits, which jsonb takes


CONSTRAINT = re.compile(r'constraint "([^"]+)"')


def refusal(state: str, message: str | None, detail: str | None, hint: str | None) -> StewardError:
    """The house's error for what the database said, by SQLSTATE alone; never by message."""
    # Class 22 is "data exception": a value that the database cannot take.
    kind = Invalid if state.startswith("22") else STATUS_ERRORS.get(state)
    if kind is None:
        if state in RETRYABLE:
            message = "Somebody else changed the same thing at the same time"
            return Conflict(message, hint="Try again.", retry_after_seconds=1)
        return StewardError("The database refused the call", detail=f"SQLSTATE {state}: {message}")
    if not state.startswith("PT") and (constraint := CONSTRAINT.search(message or "")):
        detail = f"constraint {constraint[1]}" + (f": {detail}" if state == "23503" and detail else "")
    return kind(message or "The database refused the call", detail=detail or None, hint=hint or None)
