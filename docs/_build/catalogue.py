"""The reference of the database: functions and tables that a Supabase client reaches, out of the catalogue and its comments."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from docs._build import scratch
from docs._build.markdown import cell, code, table

ROOT = Path(__file__).parents[2]
ROLES = ("anon", "authenticated", "service_role")
FUNCTIONS: LiteralString = """
select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'),
       array(select r from unnest(%s::text[]) r where has_function_privilege(r, p.oid, 'execute'))
from pg_catalog.pg_proc p where p.pronamespace = 'public'::regnamespace order by p.proname
"""
TABLES: LiteralString = """
select c.relname, obj_description(c.oid, 'pg_class'),
       array(select r from unnest(%s::text[]) r where has_any_column_privilege(r, c.oid, 'select')),
       array(select format('%%s: %%s', lower(case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                    when 'd' then 'delete' else 'all' end), pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid))
             from pg_catalog.pg_policy p where p.polrelid = c.oid and 'authenticated'::regrole = any (p.polroles) order by 1)
from pg_catalog.pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p') order by c.relname
"""
COLUMNS: LiteralString = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum),
       has_column_privilege('authenticated', c.oid, a.attnum, 'select')
from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p') and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
"""


def ask(query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    """The rows that a query of the catalogue gives."""
    with psycopg.connect(scratch.database_url()) as connection:
        return connection.execute(query, values).fetchall()


def pages() -> Iterator[tuple[str, str]]:
    """The page of functions, and that of tables."""
    yield "reference/functions.md", _functions()
    yield "reference/tables.md", _tables()


def _functions() -> str:
    rows = ask(FUNCTIONS, list(ROLES))
    of_people = [row for row in rows if "authenticated" in row[4] or "anon" in row[4]]
    of_service = [row for row in rows if row not in of_people and "service_role" in row[4]]
    head = (ROOT / "docs" / "_build" / "functions.md").read_text()
    parts = [
        head,
        "## For people",
        "Whoever is signed in may call these; what they see and change is their own.",
        _listed(of_people),
    ]
    parts += [
        "## For the worker",
        "These take the secret key (`service_role`), and name their organization.",
        _listed(of_service),
    ]
    return "\n\n".join(parts) + "\n"


def _listed(rows: list[tuple[Any, ...]]) -> str:
    made = [
        (f"`{name}({_short(arguments)})`", code(answer), cell(words or ""))
        for name, arguments, answer, words, _ in rows
    ]
    return table(["Function", "answers", ""], made)


def _short(arguments: str) -> str:
    """Parameters without the words that repeat their type."""
    for kind in (
        "integer",
        "text",
        "jsonb",
        "uuid",
        "boolean",
        "text[]",
        "timestamp with time zone",
        "bigint",
        "numeric",
        "double precision",
    ):
        arguments = arguments.replace(f"::{kind}", "")
    return (
        arguments.replace("timestamp with time zone", "timestamptz")
        .replace(" DEFAULT ", " default ")
        .replace("NULL", "null")
    )


def _tables() -> str:
    columns: dict[str, list[tuple[Any, ...]]] = {}
    for name, *row in ask(COLUMNS):
        columns.setdefault(name, []).append(tuple(row))
    parts = [(ROOT / "docs" / "_build" / "tables.md").read_text()]
    for name, words, readers, policies in ask(TABLES, list(ROLES)):
        parts += [
            f"## {name}",
            words or "",
            f"Read by: {', '.join(code(one) for one in readers) or 'nobody directly'}.",
        ]
        if policies:
            parts.append(
                "Rules for whoever is signed in: " + "; ".join(code(" ".join(one.split())) for one in policies) + "."
            )
        made = [
            (code(column), cell(kind), "" if needed else "may be null", cell(told or ""))
            for column, kind, needed, told, _ in columns[name]
        ]
        parts.append(table(["Column", "type", "", ""], made))
    return "\n\n".join(parts) + "\n"
