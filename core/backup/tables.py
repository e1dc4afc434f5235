"""The rows of Steward's own tables, out of one consistent snapshot and into one transaction."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from core.backup.format import Counter, Manifest, Table, blocks, writing
from core.backup.people import (
    IDENTITIES,
    USERS,
    Connection,
    begin_people,
    end_people,
    join_people,
    kept_columns,
    people_query,
)
from core.errors import Invalid, StewardError, Unavailable
from core.migrate import MIGRATIONS, find_migrations

Told = Callable[[str, int, int], None]  # what, how much of it is done, how much it is
MADE = re.compile(r"^create table (?:if not exists )?(public|private)\.(\w+)", re.MULTILINE)
QUEUE = (("jobs", "procrastinate_jobs"), ("jobs", "procrastinate_periodic_defers"))
# Who works now, and what they noted: nobody of them works in what is restored.
OF_PROCESSES = (
    ("private", "workers"),
    ("private", "web_processes"),
    ("jobs", "procrastinate_workers"),
    ("jobs", "procrastinate_events"),
)
PATIENT = "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set row_security = off"


def own_tables(folder: Path = MIGRATIONS) -> list[tuple[str, str]]:
    """Every table that a migration makes, then people and the queue: what a back-up is of."""
    texts = [migration.path.read_text() for migration in find_migrations(folder)]
    made = dict.fromkeys((str(schema), str(name)) for text in texts for schema, name in MADE.findall(text))
    return [USERS, IDENTITIES, *(table for table in made if table not in OF_PROCESSES), *QUEUE]


async def save_tables(
    connection: Connection, archive: zipfile.ZipFile, told: Told
) -> tuple[list[Table], list[Counter]]:
    """Write the rows of every table that is there; inside one transaction that sees one moment."""
    saved: list[Table] = []
    own = own_tables()
    found = [
        (table, kept_columns(table[1], columns) if table[0] == "auth" else columns)
        for table in own
        if (columns := await columns_of(connection, table))
    ]
    for number, ((schema, name), columns) in enumerate(found):
        told(f"{schema}.{name}", number, len(found))
        query = sql.SQL("copy ({}) to stdout").format(
            await people_query(connection, name, columns, own)
            if schema == "auth"
            else sql.SQL("select {} from {}").format(_names(columns), sql.Identifier(schema, name))
        )
        with writing(archive, f"tables/{schema}.{name}") as entry:
            async with connection.cursor() as cursor:
                async with cursor.copy(query) as rows:
                    async for block in rows:
                        entry.write(block)
                count = cursor.rowcount
        saved.append(Table(table_schema=schema, name=name, columns=columns, rows=count, **entry.entry().model_dump()))
    told("tables", len(found), len(found))
    return saved, await _counters(connection, {table for table, _ in found})


async def columns_of(connection: Connection, table: tuple[str, str]) -> list[str]:
    """The columns that are written, not computed; none where there is no such table."""
    cursor = await connection.execute(
        """select a.attname from pg_catalog.pg_attribute a
           where a.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and a.attnum > 0 and not a.attisdropped
             and a.attgenerated = '' order by a.attnum""",
        table,
    )
    return [str(row[0]) for row in await cursor.fetchall()]


async def _counters(connection: Connection, tables: set[tuple[str, str]]) -> list[Counter]:
    """The sequences of these tables that were used."""
    return [
        Counter(table_schema=schema, name=name, last=last)
        for (schema, name), last in (await _sequences(connection, tables)).items()
        if last is not None
    ]


async def _sequences(connection: Connection, tables: set[tuple[str, str]]) -> dict[tuple[str, str], int | None]:
    """The sequences that belong to columns of these tables, but of none that Supabase Auth keeps; their last number."""
    cursor = await connection.execute(
        """select n.nspname, c.relname, s.last_value, tn.nspname, t.relname
           from pg_catalog.pg_depend d
           join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           join pg_catalog.pg_class t on t.oid = d.refobjid
           join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
           join pg_catalog.pg_sequences s on s.schemaname = n.nspname and s.sequencename = c.relname
           where d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i') and tn.nspname <> 'auth'
           order by 1, 2"""
    )
    return {
        (str(row[0]), str(row[1])): None if row[2] is None else int(row[2])
        for row in await cursor.fetchall()
        if (str(row[3]), str(row[4])) in tables
    }


async def load_tables(connection: Connection, archive: zipfile.ZipFile, manifest: Manifest, told: Told) -> None:
    """Put exactly these rows into the tables, in the transaction that the caller has begun. Raises `StewardError`."""
    try:
        await connection.execute("set local session_replication_role = replica")  # rows as they were: no trigger acts
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            "This user of the database may not restore",
            detail=error.diag.message_primary,
            hint="Use the role postgres, or: grant set on parameter session_replication_role to <the role>.",
        ) from error
    own = own_tables()
    known = set(own)
    await begin_people(connection)
    await _empty(connection, [table for table in (*known, *OF_PROCESSES) if table[0] != "auth"])
    for number, table in enumerate(manifest.tables):
        key = (table.table_schema, table.name)
        told(f"{table.table_schema}.{table.name}", number, len(manifest.tables))
        there = await columns_of(connection, key)
        if key not in known or (key[0] != "auth" and not set(table.columns) <= set(there)):
            raise Invalid(f"The back-up has rows that have no place here: {key[0]}.{key[1]}")
        await _load(connection, archive, table, [column for column in table.columns if column in there])
    await end_people(connection, own)
    await _count_on(connection, manifest.counters, set(own))
    told("tables", len(manifest.tables), len(manifest.tables))


async def _count_on(connection: Connection, counters: list[Counter], tables: set[tuple[str, str]]) -> None:
    """Numbers are given on from these; a sequence that is not one of our tables' is nobody's to set here."""
    ours = await _sequences(connection, tables)
    for counter in counters:
        if (counter.table_schema, counter.name) not in ours:
            raise Invalid(f"The back-up has a counter that has no place here: {counter.table_schema}.{counter.name}")
        name = sql.Identifier(counter.table_schema, counter.name).as_string(connection)
        try:
            await connection.execute("select setval(%s::regclass, %s)", (name, counter.last))
        except psycopg.DataError as error:
            raise Invalid(
                f"The back-up is damaged: {counter.last} is no number of {counter.table_schema}.{counter.name}",
                detail=error.diag.message_primary,
            ) from error


async def _empty(connection: Connection, tables: list[tuple[str, str]]) -> None:
    there = [table for table in sorted(tables) if await columns_of(connection, table)]
    names = sql.SQL(", ").join(sql.Identifier(*table) for table in there)
    try:
        await connection.execute(sql.SQL("truncate {}").format(names))
    except psycopg.Error as error:
        raise StewardError(
            "What is there cannot be replaced", detail=error.diag.message_primary, hint=error.diag.message_hint
        ) from error


async def _load(connection: Connection, archive: zipfile.ZipFile, table: Table, columns: list[str]) -> None:
    """All rows of one table, by way of a passing table of text: the file may have columns that are not here."""
    target = sql.Identifier(table.table_schema, table.name)
    if not columns:
        return  # auth.identities, where there is none
    is_own = table.table_schema != "auth"
    into = target if is_own else sql.Identifier("pg_temp", "restored")
    if not is_own:
        fields = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(column)) for column in table.columns)
        await connection.execute(sql.SQL("create temporary table restored ({}) on commit drop").format(fields))
    try:
        async with connection.cursor() as cursor:
            async with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(into, _names(table.columns))) as rows:
                for block in blocks(archive, table.path):
                    await rows.write(block)
            if cursor.rowcount != table.rows:
                raise Invalid(
                    f"The back-up is damaged: {table.path} has {cursor.rowcount} rows instead of {table.rows}"
                )
        if not is_own:
            await join_people(connection, table, columns)
            await connection.execute("drop table pg_temp.restored")
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.BadCopyFileFormat) as error:
        raise Invalid(f"Rows of {table.path} cannot be kept here", detail=error.diag.message_primary) from error


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)
