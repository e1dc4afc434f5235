"""The one seam to the database: `Database.call(function, **params)`, as somebody.

A call is one SQL function in one transaction. Identity (role and JWT claims) is set inside that transaction, in the
same network round trip as the function, so a pooled connection never carries one person's rights to another. The
identity settings are `set_config(..., is_local => true)`, as PostgREST does it.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString, cast
from uuid import UUID

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError, Unavailable
from core.tracing import span

IDENTITY: LiteralString = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"
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

    def claims(self) -> str:
        """The JWT claims that row-level security reads, as JSON."""
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
        return orjson.dumps(claims).decode()

    def as_logged(self) -> dict[str, str]:
        """Who it is, for the log."""
        return {"agent_id": str(self.agent_id)} if self.agent_id else {"user_id": str(self.user_id)}

    @classmethod
    def service(cls, organization_id: UUID | None = None) -> "Identity":
        """The worker, acting inside one organization (None only for the sweep over all of them)."""
        return cls(None, "service_role", organization_id)

    @classmethod
    def agent(cls, agent_id: UUID, organization_id: UUID) -> "Identity":
        """An outside agent: it works in one organization, decides nothing, and what it writes is nobody's own word."""
        return cls(None, "service_role", organization_id, scopes=("agents",), agent_id=agent_id)


@dataclass(frozen=True)
class Caller:
    """The database seen through one identity."""

    database: "Database"
    identity: Identity

    async def call(self, function: str, **params: object) -> Any:
        """The decoded JSON that the function returns: a value, or a list for a set."""
        return await self.database.call(function, self.identity, params)

    async def call_json(self, function: str, **params: object) -> bytes:
        """The same as JSON bytes, untouched, for answers that are passed on."""
        return await self.database.call_json(function, self.identity, params)

    def as_run(self, task_id: UUID, run_id: UUID) -> "Caller":
        """The same caller speaking for one run of a task: refused as soon as another run took the task over."""
        return Caller(self.database, replace(self.identity, run=(task_id, run_id)))


@dataclass
class Database:
    """The Postgres adapter: a pool, one pipelined round trip a call."""

    pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]
    url: str
    _returns_set: dict[str, bool] = field(default_factory=dict[str, bool])
    _queries: dict[tuple[str, tuple[str, ...], bool], bytes] = field(
        default_factory=dict[tuple[str, tuple[str, ...], bool], bytes]
    )

    def acting_as(self, identity: Identity) -> Caller:
        """This database through the eyes of `identity`."""
        return Caller(self, identity)

    async def call(self, function: str, identity: Identity, params: Mapping[str, object]) -> Any:
        """Call `public.<function>` with named parameters; dicts and lists of dicts go in as jsonb.

        Raises `StewardError` by SQLSTATE (PT4xx and Postgres's own), `Unavailable` when the database is out of reach.
        """
        answer = await self.call_json(function, identity, params)
        return orjson.loads(answer)

    async def call_json(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        """As `call`, but the JSON text that Postgres built."""
        for left in reversed(range(TRIES)):
            try:
                with span("database", function=function):
                    return await self._once(function, identity, params)
            except PoolTimeout as error:
                raise Unavailable("The database has no free connection", hint="Try again in a moment.") from error
            except psycopg.Error as caught:
                error = _own_word(caught)
                if error.sqlstate not in RETRYABLE or not left:
                    raise translate(error) from error
                await asyncio.sleep(random.uniform(0, PAUSE_SECONDS) * (TRIES - left))  # noqa: S311 # nosec B311 # out of step, no secret
        raise AssertionError("the last try returns or raises")

    async def _once(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        async with self.pool.connection() as connection:
            if function not in self._returns_set:
                self._returns_set[function] = await _is_set(connection, function)
            values = [_adapt(value) for value in params.values()]
            who = (identity.role, identity.claims())
            if identity.role == SERVICE:
                query = self._query(connection, function, tuple(params), in_one=True)
                cursor = await connection.execute(query, [*values, *who])
            else:
                query = self._query(connection, function, tuple(params), in_one=False)
                async with connection.pipeline():
                    await connection.execute(IDENTITY, who)
                    cursor = await connection.execute(query, values)
            row = await cursor.fetchone()
        value = row[0] if row else None
        return (value if isinstance(value, str) else "null").encode()

    def _query(
        self,
        connection: psycopg.AsyncConnection[tuple[Any, ...]],
        function: str,
        names: tuple[str, ...],
        *,
        in_one: bool,
    ) -> bytes:
        """The text of a call, made once. `in_one`: with the identity in the same statement.

        A statement checks who may execute its functions before it sets the role, so only the worker's calls go in one;
        it halves what they cost. A person's call is checked as the person.
        """
        known = self._queries.get((function, names, in_one))
        if known is None:
            query = _query(function, names, self._returns_set[function])
            if in_one:
                # The identity comes first: its row has to be there before anything is made out of it.
                query = sql.SQL("select ({}) from ({} offset 0) identity").format(query, sql.SQL(IDENTITY))
            known = self._queries[function, names, in_one] = query.as_bytes(connection)
        return known


def _query(function: str, names: tuple[str, ...], returns_set: bool) -> sql.Composed:
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in names
    )
    call = sql.SQL("public.{}({})").format(sql.Identifier(function), arguments)
    if returns_set:
        return sql.SQL("select coalesce(jsonb_agg(r.v), '[]')::text from {} r(v)").format(call)
    return sql.SQL("select to_jsonb({})::text").format(call)


def _adapt(value: object) -> object:
    """Dicts and lists go in as jsonb, but a list of ids as an array."""
    if isinstance(value, dict):
        return Jsonb(value, dumps=_dumps)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return items if items and all(isinstance(item, UUID) for item in items) else Jsonb(items, dumps=_dumps)
    return value


def _dumps(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_UUID)
    except TypeError:
        return json.dumps(value, default=str).encode()  # integers beyond 64 bits, which jsonb takes


async def _is_set(connection: psycopg.AsyncConnection[tuple[Any, ...]], function: str) -> bool:
    cursor = await connection.execute(
        "select p.proretset from pg_catalog.pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname = %s",
        (function,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise Unavailable(f"The database has no function {function}", hint="Run `steward migrate`.")
    return bool(row[0])


RETRYABLE = {"40001", "40P01"}  # serialization_failure, deadlock_detected: the transaction left nothing behind
TRIES = 8  # several that collide go out of step
PAUSE_SECONDS = 0.03

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


def _own_word(error: psycopg.Error) -> psycopg.Error:
    """What the database said, where psycopg then failed to leave the pipeline that this broke off (a deadlock)."""
    while error.sqlstate is None and isinstance(before := error.__cause__ or error.__context__, psycopg.Error):
        error = before
    return error


def translate(error: psycopg.Error) -> StewardError:
    """The house's error for a database error, by SQLSTATE alone; never by message."""
    state = error.sqlstate
    # Class 22 is "data exception": a value that the database cannot take.
    kind = Invalid if (state or "").startswith("22") else STATUS_ERRORS.get(state or "")
    if kind is None:
        if state in RETRYABLE:
            return Conflict("Somebody else changed the same thing at the same time", hint="Try again.")
        if isinstance(error, psycopg.DataError):
            return Invalid("A value cannot be kept", detail=str(error))
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return Unavailable("The database is out of reach", detail=str(error).strip() or None)
        return StewardError("The database refused the call", detail=f"SQLSTATE {state}: {error.diag.message_primary}")
    diag = error.diag
    detail = diag.message_detail
    if not (state or "").startswith("PT") and diag.constraint_name:
        detail = f"constraint {diag.constraint_name}" + (f": {detail}" if state == "23503" and detail else "")
    return kind(
        diag.message_primary or "The database refused the call",
        detail=detail or None,
        hint=diag.message_hint or None,
    )


async def _configure(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    await connection.set_autocommit(True)
    await connection.execute("set statement_timeout = '30s'; set idle_in_transaction_session_timeout = '10s'")


@asynccontextmanager
async def open_database(url: str, *, min_size: int = 1, max_size: int = 10) -> AsyncGenerator[Database]:
    """A database for as long as the block runs. Raises `Unavailable` when nothing answers at `url`."""
    pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]] = AsyncConnectionPool(
        url,
        min_size=min_size,
        max_size=max_size,
        open=False,
        configure=_configure,
        timeout=10,
        kwargs={"prepare_threshold": 3},
    )
    try:
        await pool.open(wait=True, timeout=10)
    except PoolTimeout as error:
        await pool.close()
        raise Unavailable("The database does not answer", detail=str(error)) from error
    except BaseException:
        await pool.close()  # cancelled while it opened: its own tasks must not be left behind
        raise
    try:
        yield Database(pool, url)
    finally:
        await pool.close()
