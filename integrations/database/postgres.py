"""A Postgres that tools ask or change: one connection for each use, closed afterwards.

Asking is held by the database: one statement (the extended protocol takes no more), inside `select ... from (...)`, in a
transaction that reads only, under a role where one is given, ended by its timeout, bounded in rows and bytes.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString, cast

from core.outside.errors import NotConnected, Refused, SignInExpired, Temporary, Uncertain
from core.outside.records import QueryRows, StoredRecord
from integrations.database.statements import one_reading_statement
from integrations.web.guard import Guard
from integrations.web.service import Changed, NotThere

CONNECT_SECONDS = 10
MOST_BYTES = 2_000_000
BATCH = 50
TAKEN = {"host", "port", "user", "password", "dbname", "sslmode", "channel_binding"}
SERIAL = {"40001", "40P01", "55P03"}  # nothing was left behind


@dataclass(frozen=True)
class Postgres:
    """Fulfils `agents.services.records.SqlQueries` and `TableRecords`."""

    url: str = field(repr=False)
    guard: Guard | None  # None: the address stands in the settings of the installation
    timeout_seconds: float = 15.0
    role: str | None = None
    most_bytes: int = MOST_BYTES
    most_rows: int = 10_000

    async def query(self, statement: str, parameters: Mapping[str, Any], most_rows: int) -> QueryRows:
        from psycopg import errors, sql

        inner, most_rows = one_reading_statement(statement), min(most_rows, self.most_rows)
        if not parameters:
            inner = inner.replace("%", "%%")
        asked = sql.SQL("select left(to_json(q)::text, {}) from (\n{}\n) q limit {}").format(
            sql.Literal(self.most_bytes + 1), sql.SQL(cast("LiteralString", inner)), sql.Literal(most_rows + 1)
        )
        async with self._connected(reads_only=True) as connection, connection.cursor(name="asked") as cursor:
            try:
                await cursor.execute(asked, dict(parameters))
                return await self._rows(cursor, most_rows)
            except (errors.ProgrammingError, errors.DataError, KeyError) as error:
                raise _refused(error) from error

    async def _rows(self, cursor: Any, most_rows: int) -> QueryRows:
        rows: list[Mapping[str, Any]] = []
        size = 0
        while batch := await cursor.fetchmany(BATCH):
            for (text,) in batch:
                size += len(text.encode())
                if len(rows) == most_rows or size > self.most_bytes:
                    return QueryRows(rows, is_cut=True)
                rows.append(json.loads(text))
        return QueryRows(rows)

    async def get(self, kind: str, record_id: str, names: Sequence[str]) -> StoredRecord:
        async with self._connected(reads_only=True) as connection:
            return await _read(connection, kind, record_id, names)

    async def update(
        self, kind: str, record_id: str, changes: Mapping[str, Any], before: Mapping[str, Any], version: str | None
    ) -> StoredRecord:
        from psycopg import errors, sql
        from psycopg.types.json import Jsonb

        table, key = _table(kind)
        # Both sides go through the table's own row type, so a value is compared and kept in the type of its column.
        asked = sql.SQL(
            "update {table} t set ({names}) = (select {new} from jsonb_populate_record(t, %(changes)s) n) "
            "where t.{key}::text = %(id)s and (select coalesce(bool_and(to_jsonb(t) -> b.key = b.value), true) from jsonb_each(%(before)s) b)"
        ).format(
            table=table,
            names=sql.SQL(", ").join(sql.Identifier(name) for name in changes),
            new=sql.SQL(", ").join(sql.SQL("n.{}").format(sql.Identifier(name)) for name in changes),
            key=sql.Identifier(key),
        )
        values = {"changes": Jsonb(dict(changes)), "before": Jsonb(dict(before)), "id": record_id}
        done = False
        try:
            async with self._connected(reads_only=False) as connection:
                try:
                    cursor = await connection.execute(asked, values)
                except (errors.ProgrammingError, errors.DataError, errors.IntegrityError) as error:
                    raise _refused(error) from error
                if cursor.rowcount == 0:
                    await _read(connection, kind, record_id, list(changes))
                    raise Changed(f"{kind}/{record_id} was changed since you saw it")
                if cursor.rowcount > 1:
                    raise Refused(f"{cursor.rowcount} rows of {kind} have the key {record_id!r}; nothing was changed")
                found = await _read(connection, kind, record_id, list(changes))
                done = True
        except Temporary as error:
            if done:  # the line broke while it was made to last
                raise Uncertain("The database took the change and the line broke", detail=error.detail) from error
            raise
        return found

    @asynccontextmanager
    async def _connected(self, *, reads_only: bool) -> AsyncGenerator[Any]:
        """A connection in a transaction that ends well with the block."""
        import psycopg
        from psycopg import errors, sql

        milliseconds = int(self.timeout_seconds * 1000)
        options = (
            f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds} -c lock_timeout=3000"
            f" -c default_transaction_read_only={'on' if reads_only else 'off'}"
        )
        try:
            more = await self._addresses()
            connection = await psycopg.AsyncConnection.connect(
                self.url, connect_timeout=CONNECT_SECONDS, options=options, application_name="steward tools", **more
            )
        except psycopg.ProgrammingError:
            hint = "postgresql://user:password@host:5432/name"
            raise NotConnected("The address of the database cannot be read", hint=hint) from None
        except psycopg.OperationalError as error:
            if error.sqlstate in {"28P01", "28000"} or "authentication failed" in str(error):
                raise SignInExpired(
                    "The database does not accept the sign-in", hint="Look at the user and password."
                ) from None
            raise Temporary("The database is out of reach", detail=type(error).__name__) from None
        try:
            async with connection:
                await connection.set_read_only(reads_only)
                if self.role:
                    await connection.execute(sql.SQL("set local role {}").format(sql.Identifier(self.role)))
                yield connection
                if reads_only:
                    await connection.rollback()
        except errors.QueryCanceled as error:
            raise Refused(f"It took longer than {self.timeout_seconds:g} seconds and was ended") from error
        except (errors.OperationalError, errors.InterfaceError, errors.InternalError) as error:
            if error.sqlstate in SERIAL or error.sqlstate is None or error.sqlstate[:2] in {"08", "53", "57"}:
                raise Temporary(
                    "The database is busy or the line broke", detail=f"SQLSTATE {error.sqlstate}"
                ) from error
            raise _refused(error) from error
        except errors.Error as error:
            raise _refused(error) from error

    async def _addresses(self) -> dict[str, Any]:
        """Where somebody else wrote the address: the checked address of its one host, to connect to and nowhere else.

        What would name files or services of this machine is not taken.
        """
        if self.guard is None:
            return {}
        from psycopg.conninfo import conninfo_to_dict

        given = {name: str(value) for name, value in conninfo_to_dict(self.url).items() if value}
        host, port = given.get("host", ""), given.get("port", "5432")
        if not host or host.startswith(("/", "@")) or "," in host or not port.isdecimal() or set(given) - TAKEN:
            raise NotConnected(
                "The address of the database is not taken", hint="postgresql://user:password@host:5432/name"
            )
        return {"hostaddr": (await self.guard.vetted(host, int(port)))[0]}


async def _read(connection: Any, kind: str, record_id: str, names: Sequence[str]) -> StoredRecord:
    from psycopg import errors, sql

    table, key = _table(kind)
    asked = sql.SQL("select to_jsonb(t) from {} t where t.{}::text = %s limit 2").format(table, sql.Identifier(key))
    try:
        cursor = await connection.execute(asked, [record_id])
        rows = await cursor.fetchall()
    except errors.ProgrammingError as error:
        raise _refused(error) from error
    if len(rows) != 1:
        raise NotThere(f"{kind} has {'several rows' if rows else 'no row'} with the key {record_id!r}")
    values: dict[str, Any] = rows[0][0]
    unknown = [name for name in names if name not in values]
    if unknown:
        raise NotThere(f"{kind} has no column {', '.join(unknown)}", detail=f"it has: {', '.join(values)}")
    return StoredRecord(kind, record_id, values)


def _table(kind: str) -> tuple[Any, str]:
    """`schema.table/key` or `table/key`, as names."""
    from psycopg import sql

    name, slash, key = kind.partition("/")
    parts = name.split(".")
    if not slash or not key or len(parts) > 2 or not all(parts):
        raise Refused(f"{kind[:200]!r} is no table", detail="allowed is table/key_column or schema.table/key_column")
    return sql.Identifier(*parts), key


def _refused(error: Exception) -> Refused:
    said = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    state = getattr(error, "sqlstate", None)
    return Refused("The database refused it", detail=f"{str(said)[:300]}" + (f" (SQLSTATE {state})" if state else ""))
