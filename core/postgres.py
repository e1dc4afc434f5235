"""The Postgres adapter: a pool of connections, one pipelined round trip a call.

Identity (role and JWT claims) is set inside the transaction of the call, in the same network round trip as the
function, so a pooled connection never carries one person's rights to another. The identity settings are
`set_config(..., is_local => true)`, as PostgREST does it.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core.database import (
    BROKEN_OFF,
    OUT_OF_REACH,
    RETRYABLE,
    SERVICE,
    TRIES,
    AsJson,
    Database,
    Identity,
    get_out_of_step,
    json_of,
    refusal,
)
from core.errors import Invalid, OutcomeUnknown, StewardError, Unavailable
from core.tracing import span

IDENTITY: LiteralString = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"


@dataclass(frozen=True)
class PostgresDatabase(Database):
    """A pool of connections, one pipelined round trip a call."""

    pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]
    url: str
    _returns_set: dict[str, bool] = field(default_factory=dict[str, bool])
    _queries: dict[tuple[str, tuple[str, ...], bool], bytes] = field(
        default_factory=dict[tuple[str, tuple[str, ...], bool], bytes]
    )

    async def call_json(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        """The JSON text that Postgres built."""
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
                await get_out_of_step(left)
        raise AssertionError("the last try returns or raises")

    async def check(self) -> None:
        """Return when the database answers. Raises `Unavailable`."""
        try:
            async with self.pool.connection(timeout=2) as connection:
                await connection.execute("select 1")
        except (psycopg.Error, PoolTimeout) as error:
            raise Unavailable("The database does not answer") from error

    def statistics(self) -> dict[str, int]:
        """What psycopg_pool counts of the pool."""
        return self.pool.get_stats()

    async def _once(self, function: str, identity: Identity, params: Mapping[str, object]) -> bytes:
        async with self.pool.connection() as connection:
            if function not in self._returns_set:
                try:
                    self._returns_set[function] = await _is_set(connection, function)
                except psycopg.OperationalError as error:  # nothing was asked yet
                    raise _unreached(error) from error
            values = [_adapt(value) for value in params.values()]
            who = (identity.role, identity.claims_setting())
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
    if isinstance(value, AsJson):
        return None if value.value is None else Jsonb(value.value, dumps=json_of)
    if isinstance(value, dict):
        return Jsonb(value, dumps=json_of)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return items if items and all(isinstance(item, UUID) for item in items) else Jsonb(items, dumps=json_of)
    return value


async def _is_set(connection: psycopg.AsyncConnection[tuple[Any, ...]], function: str) -> bool:
    cursor = await connection.execute(
        "select p.proretset from pg_catalog.pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname = %s",
        (function,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise Unavailable(f"The database has no function {function}", hint="Run `steward migrate`.")
    return bool(row[0])


def _own_word(error: psycopg.Error) -> psycopg.Error:
    """What the database said, where psycopg then failed to leave the pipeline that this broke off (a deadlock)."""
    while error.sqlstate is None and isinstance(before := error.__cause__ or error.__context__, psycopg.Error):
        error = before
    return error


def translate(error: psycopg.Error) -> StewardError:
    """The house's error for a database error."""
    state = error.sqlstate
    if state is None and isinstance(error, psycopg.DataError):
        return Invalid("A value cannot be kept", detail=str(error))
    if state in BROKEN_OFF or (state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)):
        return OutcomeUnknown("The database did not answer to the end", detail=str(error).strip() or None)
    if state is not None and state[:2] in OUT_OF_REACH:
        return _unreached(error)
    diag = error.diag
    return refusal(state or "", diag.message_primary, diag.message_detail, diag.message_hint)


def _unreached(error: psycopg.Error) -> Unavailable:
    return Unavailable("The database is out of reach", detail=str(error).strip() or None)


async def _configure(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    await connection.set_autocommit(True)
    await connection.execute("set statement_timeout = '30s'; set idle_in_transaction_session_timeout = '10s'")


@asynccontextmanager
async def open_database(url: str, *, min_size: int = 1, max_size: int = 10) -> AsyncGenerator[PostgresDatabase]:
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
        yield PostgresDatabase(pool, url)
    finally:
        await pool.close()


def pool_of(database: Database) -> AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """The connections of a database that has some. Raises `Unavailable` for one that is reached over HTTP."""
    return postgres(database).pool


def postgres(database: Database) -> PostgresDatabase:
    """The database, where it is reached by connections. Raises `Unavailable` where it is not."""
    if not isinstance(database, PostgresDatabase):
        raise needs_connection()
    return database


def needs_connection() -> Unavailable:
    """What is told where the URL and keys of a project are not enough."""
    return Unavailable(
        "This needs a connection to the database",
        detail="SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY alone are enough for `steward web`",
        hint="Set STEWARD_DATABASE_URL to the project's session connection.",
    )
