"""Every table and every function, asked for by the owner of a row, by a stranger and by nobody: out of the catalogue.

The rules are those of tests/safety/rls_rules.py; here they are tried from outside, through a client and PostgREST.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests.integration.supabase.clients import Answer, Case
from tests.safety.rls_calls import TEXTS, Function, anything, arguments, functions
from tests.safety.rls_rows import MARK, Connection, Owned, fill
from tests.safety.rls_rules import REFUSED, UUIDS, WRONG_ARGUMENTS

ACTS = ("select", "insert", "update")
NOT_FOUND = ("PGRST", "SUP", "none", "XX")  # no such function or parameter, or no answer at all
TAKES_AWAY = ("delete", "remove", "forget", "leave", "revoke", "retire", "cancel", "close", "discard", "disconnect")


@dataclass(frozen=True)
class Matrix:
    """What is asked, and what the catalogue grants to signed-in people."""

    owned: Owned
    granted: frozenset[tuple[str, str]]
    tables: dict[str, dict[str, list[str]]]
    functions: tuple[Function, ...]

    def cases(self, who: str) -> list[Case]:
        """Everything, asked by this person; what takes rows away comes last."""
        made = [case for name in self.tables for case in self._of_table(who, name)]
        made += [
            Case(who, "call", one.name.partition(".")[2], params=_params(one, self.owned, who))
            for one in self.functions
        ]
        return sorted(
            made, key=lambda case: (case.act == "delete", case.act == "call", case.name.startswith(TAKES_AWAY))
        )

    def _of_table(self, who: str, name: str) -> list[Case]:
        row, columns = self.owned.rows.get(f"public.{name}", {}), self.tables[name]
        match = {
            key: row[key] for key in ("id", "user_id", "organization_id") if key in row and key in columns["select"]
        }
        match = dict(list(match.items())[:1])
        first = columns["update"][0]
        cases = [Case(who, "select", name, ",".join(columns["select"]), match)]
        if row:  # a view has none
            cases += [
                Case(who, "insert", name, row={one: row[one] for one in columns["insert"] if one in row}),
                Case(who, "update", name, row={first: row.get(first)}, match=match),
                Case(who, "delete", name, match=match),
            ]
        return cases

    def leak(self, case: Case, answer: Answer) -> str | None:
        """What is wrong with an answer, if anything is."""
        is_granted = case.who != "anonymous" and (case.act, case.name) in self.granted
        holds = (
            answer.code == REFUSED
            if not is_granted
            else self._is_owners(case, answer)
            if case.who == "owner"
            else self._is_strangers(case, answer)
        )
        return None if holds else f"{case}: {answer.code or answer.count} {answer.text[:200]}"

    def _is_owners(self, case: Case, answer: Answer) -> bool:
        if case.act == "select":
            return answer.count > 0 or case.name not in self.owned.rows
        if case.act == "call":  # its work is reached; whether it is possible now is for its rules
            return not answer.code.startswith((*WRONG_ARGUMENTS, *NOT_FOUND, REFUSED))
        return not answer.code or answer.code.startswith(("PT", "23"))

    def _is_strangers(self, case: Case, answer: Answer) -> bool:
        told = {one for one in self.owned.ids() if one in answer.text} - set(UUIDS.findall(json.dumps(case.__dict__)))
        has_words = MARK in answer.text and MARK not in json.dumps(case.params)
        if answer.code.startswith(NOT_FOUND) or told or has_words:
            return False
        if case.act == "insert":
            return bool(answer.code)
        is_shared = self.owned.rows.get(f"public.{case.name}", {}).get("organization_id", 0) is None
        return case.act != "select" or (not answer.code and (answer.count == 0 or is_shared))


async def prepare(url: str) -> tuple[Matrix, UUID]:
    """Give an owner a row in every table, and let a stranger sign up, for good; the stranger's id."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        owner, home = await _sign_up(connection, "owner@example.org")
        stranger, _ = await _sign_up(connection, "stranger@example.net")
        owned = await fill(connection, owner, home)
        assert owned.problems == []
        tables = await _tables(connection)
        known = [one for one in await functions(connection) if one.name.startswith("public.") and not one.is_trigger]
    assert not any(one.takes_rows for one in known), "no client can hand in a row"
    granted = {(act, name) for name, columns in tables.items() for act in columns["granted"]}
    granted |= {("call", one.name.partition(".")[2]) for one in known if one.may["authenticated"]}
    return Matrix(owned, frozenset(granted), tables, tuple(known)), stranger


async def snapshot(url: str, ids: Collection[str]) -> dict[str, str]:
    """Table -> a hash of every row that names one of these ids."""
    one = sql.SQL("select {}, coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {} t where t::text ~ {}")
    named = sql.Literal("|".join(sorted(ids)))
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(
            """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where (n.nspname in ('public', 'private', 'jobs') or (n.nspname, c.relname) = ('auth', 'users')) and c.relkind = 'r'"""
        )
        parts = [
            one.format(f"{schema}.{name}", sql.Identifier(schema, name), named)
            for schema, name in await cursor.fetchall()
        ]
        return dict(await (await connection.execute(sql.SQL(" union all ").join(parts))).fetchall())


def _params(function: Function, owned: Owned, who: str) -> dict[str, Any]:
    """The owner's ids and keys for each parameter; a stranger says the rest in words of their own, which stay."""
    # What is not granted is refused before its arguments are looked at.
    values = arguments(function, owned) if function.may["authenticated"] else anything(function)
    params: dict[str, Any] = {}
    for parameter, value in zip(function.parameters, values, strict=True):
        is_json = parameter.type == "jsonb" and isinstance(value, str)
        text = value if is_json else json.dumps(value)
        if who != "owner" and parameter.name not in TEXTS:
            text = text.replace(MARK, "strangers-words")
        params[parameter.name] = json.loads(text)
    return params


async def _sign_up(connection: Connection, email: str) -> tuple[UUID, UUID]:
    cursor = await connection.execute(
        "with made as (insert into auth.users (email) values (%s) returning id) select id from made", (email,)
    )
    row = await cursor.fetchone()
    assert row
    cursor = await connection.execute("select organization_id from public.members where user_id = %s", row)
    home = await cursor.fetchone()
    assert home
    return row[0], home[0]


async def _tables(connection: Connection) -> dict[str, dict[str, list[str]]]:
    """Name -> act -> the columns that signed-in people may read, write or change, all where there are none; and what is granted."""
    cursor = await connection.execute(
        """select c.relname, a.attname, has_column_privilege('authenticated', c.oid, a.attnum, 'select'),
                  has_column_privilege('authenticated', c.oid, a.attnum, 'insert'), has_column_privilege('authenticated', c.oid, a.attnum, 'update'),
                  has_table_privilege('authenticated', c.oid, 'delete')
           from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped
             and a.attgenerated = '' and a.attidentity <> 'a' order by 1, a.attnum"""
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table, *column in await cursor.fetchall():
        found.setdefault(table, []).append(tuple(column))
    tables: dict[str, dict[str, list[str]]] = {}
    for table, columns in found.items():
        everything = [column[0] for column in columns]
        may = {act: [column[0] for column in columns if column[place]] for place, act in enumerate(ACTS, 1)}
        granted = [act for act in ACTS if may[act]] + (["delete"] if columns[0][4] else [])
        tables[table] = {act: may[act] or everything for act in ACTS} | {"granted": granted}
    return tables
