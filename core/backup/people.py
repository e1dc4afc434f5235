"""People in a back-up: those of Steward alone, with nothing that opens a door before they sign in, and never with more rights.

A Supabase project may serve other applications too. Their people stay out of a back-up; and a back-up that somebody else made
changes no person of the project, and gives nobody a right in it.
"""

from typing import Any

import psycopg
from psycopg import sql

from core.backup.format import Table
from core.errors import Conflict, Invalid

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
USERS, IDENTITIES = ("auth", "users"), ("auth", "identities")
NEEDED = {"users": {"id", "email"}, "identities": {"user_id"}}
# What Supabase Auth wants filled of a person who comes from an embedded database.
WANTED_BY_AUTH = {"instance_id": "00000000-0000-0000-0000-000000000000"} | dict.fromkeys(
    ("confirmation_token", "recovery_token", "email_change_token_new", "email_change"), ""
)
FORCED = {"role": "authenticated", "aud": "authenticated"}
NOT_KEPT = {"is_super_admin", "email_change", "phone_change"}
MARKS = """(select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(r.raw_app_meta_data::jsonb) e
            where e.key in ('steward_owner', 'provider', 'providers'))"""
OWNER = "u.raw_app_meta_data ->> 'steward_owner' = 'true'"
MEMBER = f"(exists (select from public.members m where m.user_id = u.id) or {OWNER})"  # nosec B608 # words of this file


def kept_columns(name: str, columns: list[str]) -> list[str]:
    """Those of a person that go along: no token of a mail that was sent, no right over the project."""
    if name != "users":
        return columns
    return [column for column in columns if column not in NOT_KEPT and "token" not in column]


async def people_query(
    connection: Connection, name: str, columns: list[str], own: list[tuple[str, str]]
) -> sql.Composed:
    """Rows of members and owner; of others whom our rows name (who wrote, and left) without a password."""
    fields = [sql.Identifier("u", column) for column in columns]
    if name == "identities":
        where = sql.SQL("exists (select from auth.users u where u.id = i.user_id and {})").format(sql.SQL(MEMBER))
        fields = [sql.Identifier("i", column) for column in columns]
        return sql.SQL("select {} from auth.identities i where {}").format(sql.SQL(", ").join(fields), where)
    whole = [
        sql.SQL("case when {} then {} end").format(sql.SQL(MEMBER), field) if column == "encrypted_password" else field
        for column, field in zip(columns, fields, strict=True)
    ]
    return sql.SQL("select {} from auth.users u where u.id in ({}) or {}").format(
        sql.SQL(", ").join(whole), await _named(connection, own), sql.SQL(OWNER)
    )


async def _named(connection: Connection, own: list[tuple[str, str]]) -> sql.Composed:
    """The ids of people whom rows of our tables name."""
    cursor = await connection.execute(
        """select n.nspname, c.relname, a.attname
           from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
           where k.contype = 'f' and k.confrelid = to_regclass('auth.users') and n.nspname <> 'auth' order by 1, 2, 3"""
    )
    found = [(str(row[0]), str(row[1]), str(row[2])) for row in await cursor.fetchall()]
    parts = [
        sql.SQL("select {0} from {1} where {0} is not null").format(
            sql.Identifier(column), sql.Identifier(schema, table)
        )
        for schema, table, column in found
        if (schema, table) in own
    ]
    return sql.SQL(" union ").join(parts)


async def begin_people(connection: Connection) -> None:
    """Before any row: whom this restore makes is remembered."""
    await connection.execute("create temporary table made_people (id uuid primary key) on commit drop")


async def end_people(connection: Connection, own: list[tuple[str, str]]) -> None:
    """After all rows: of those whom this restore has made, the ones whom no row of ours names go again."""
    named = await _named(connection, own)
    strangers = sql.SQL(
        "select u.id from auth.users u join pg_temp.made_people p on p.id = u.id where not {} and u.id not in ({})"
    ).format(sql.SQL(f"coalesce({OWNER}, false)"), named)  # pyright: ignore[reportArgumentType] # our own words
    cursor = await connection.execute("select to_regclass('auth.identities') is not null")
    row = await cursor.fetchone()
    if row and row[0]:
        await connection.execute(sql.SQL("delete from auth.identities i where i.user_id in ({})").format(strangers))
    await connection.execute(sql.SQL("delete from auth.users g where g.id in ({})").format(strangers))


async def join_people(connection: Connection, table: Table, columns: list[str]) -> None:
    """People that the project knows stay as they are; others are added out of the passing table `restored`.

    Raises `Conflict` for one with another id, `Invalid`.
    """
    if not NEEDED[table.name] <= set(columns):
        raise Invalid(f"The back-up is damaged: {table.path} has not the columns that it needs")
    if table.name == "users":
        # The owner that a first start has made owns nothing here any more. Where Supabase Auth keeps the people, that may be
        # an account of somebody: only one with the address of another goes. Else whom the back-up has comes out of it.
        await connection.execute(
            """with house as (select u.id, coalesce(u.raw_app_meta_data ->> 'steward_owner' = 'true', false) as is_owner,
                 exists (select from pg_temp.restored r where r.email = u.email and r.id <> u.id::text) as is_another,
                 exists (select from pg_temp.restored r where r.id = u.id::text) as is_in_it,
                 to_regclass('auth.identities') is null as is_ours from auth.users u)
               delete from auth.users u using house h
               where h.id = u.id and (h.is_owner and h.is_another or h.is_ours and (h.is_owner or h.is_in_it))"""
        )
    known = await _types(connection, table)
    values = _values(table.name, kept_columns(table.name, columns), set(known))
    fields = [
        # Types and defaults are the database's own words for its columns.
        sql.SQL("coalesce({}::{}, {})").format(value, *(sql.SQL(word) for word in known[column]))  # pyright: ignore[reportArgumentType]
        for column, value in values.items()
    ]
    rows = sql.SQL("insert into {} ({}) select {} from pg_temp.restored r").format(
        sql.Identifier(table.table_schema, table.name),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(fields),
    )
    if table.name == "identities":  # a way to sign in comes along only with its person
        of_made = sql.SQL("{} where r.user_id::uuid in (select p.id from pg_temp.made_people p) on conflict do nothing")
        await connection.execute(of_made.format(rows))
        return
    await connection.execute(
        sql.SQL(
            "with new as ({} on conflict do nothing returning id) insert into pg_temp.made_people select id from new"
        ).format(rows)
    )
    await _refuse_others(connection)


async def _types(connection: Connection, table: Table) -> dict[str, tuple[str, str]]:
    cursor = await connection.execute(
        """select a.attname, format_type(a.atttypid, a.atttypmod),
             case when a.attnotnull then coalesce(pg_get_expr(d.adbin, d.adrelid), 'null') else 'null' end
           from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
           where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped""",
        (f"{table.table_schema}.{table.name}",),
    )
    return {str(row[0]): (str(row[1]), str(row[2])) for row in await cursor.fetchall()}


def _values(name: str, columns: list[str], known: set[str]) -> dict[str, sql.Composable]:
    values: dict[str, sql.Composable] = {column: sql.Identifier("r", column) for column in columns}
    if name != "users":
        return values
    if "raw_app_meta_data" in values:
        values["raw_app_meta_data"] = sql.SQL(MARKS)
    wanted = {column: value for column, value in WANTED_BY_AUTH.items() if column not in values}
    return values | {column: sql.Literal(value) for column, value in (wanted | FORCED).items() if column in known}


async def _refuse_others(connection: Connection) -> None:
    cursor = await connection.execute(
        "select r.email from pg_temp.restored r where not exists (select from auth.users u where u.id::text = r.id) limit 1"
    )
    row = await cursor.fetchone()
    if row:
        raise Conflict(
            f"The database knows {row[0]} as somebody else",
            detail="the address belongs to an account with another id",
            hint="Remove that account there, then restore again.",
        )
