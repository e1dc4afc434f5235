"""Row-level security, tried on everything that the catalogue has: no list of tables or functions is kept here.

Each table is selected from, inserted into, updated and deleted from, and each function is called: by the owner of its
rows, by a stranger of another organization, and by nobody. What is expected follows from rules:

- what is not granted is refused (42501), and nobody has been granted anything;
- a stranger finds, changes and removes no row of the owner, and makes none in the owner's name or organization;
- a function answers a stranger who has the owner's ids exactly as it answers one who made ids up, so that not even
  the existence of a row shows; and no text of the owner is in any answer;
- the owner's rows are compared before and after each call that went well.

A table in which no row of the owner can be made, and a function that its arguments do not lead to its work, are leaks too.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from tests.safety.rls_calls import Function, NoRecipe, anything, arguments, functions, made_up
from tests.safety.rls_rows import MARK, Connection, Owned, fill

Kind = Literal["owner", "stranger", "anonymous"]
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CHANGING = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.+-]+|\b[0-9a-f]{32,64}\b")  # times and digests of what is made anew
REFUSED = "42501"
NOT_CALLED = "0A000"  # a trigger's function, called by hand
WRONG_ARGUMENTS = ("22", "23502", "23503", "23514", "PT422", "42804", "42883", "42P18")
# Functions whose work is another row's, or a state that the owner's row is not in: the owner's call may miss it.
NOT_REACHED = {"private.renew_part"}  # a tree is never renewed below itself
# The caller chooses the id of the new row, so that a secret can be sealed to it: one that is taken is refused as taken.
CHOSEN_IDS = {"public.connect_account"}


@dataclass
class RlsReport:
    """How many checks were made, and what leaked: each a sentence."""

    checks: int = 0
    leaks: list[str] = field(default_factory=list[str])

    def expect(self, holds: bool, leak: str) -> None:
        """Count a check; note what leaked where it does not hold."""
        self.checks += 1
        if not holds:
            self.leaks.append(leak)


@dataclass(frozen=True)
class Person:
    """Who calls: a role, and the claims of a signed-in person."""

    kind: Kind
    user_id: UUID | None

    @property
    def role(self) -> str:
        """The database's role."""
        return "authenticated" if self.user_id else "anon"

    @property
    def claims(self) -> str:
        """What the sign-in says."""
        return f'{{"role": "{self.role}", "sub": "{self.user_id}"}}' if self.user_id else '{"role": "anon"}'


@dataclass(frozen=True)
class Outcome:
    """What a statement did: its rows as text and their number, or the SQLSTATE and message of its refusal."""

    state: str = ""
    text: str = ""
    count: int = 0
    changed: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[str, str]:
        """Without ids and times: the same for two calls that differ in nothing else."""
        return self.state, CHANGING.sub("<changing>", UUIDS.sub("<id>", self.text))


async def run_rls(database_url: str, only: str = "") -> RlsReport:
    """Try everything whose name has `only` in it, in one transaction that is undone. The URL's user is a superuser."""
    async with (
        await psycopg.AsyncConnection.connect(database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        return await _Trial(connection).run(only)


class _Trial:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._report = RlsReport()
        self._snapshot_of: sql.Composed = sql.Composed([])
        self._owned: Owned
        self._before: dict[str, str] = {}
        self._stranger_ids: list[str] = []

    async def run(self, only: str) -> RlsReport:
        owner, home = await self._sign_up("owner@example.org")
        stranger, elsewhere = await self._sign_up("stranger@example.net")
        self._owned = await fill(self._connection, owner, home)
        self._report.leaks += self._owned.problems
        self._stranger_ids = [str(stranger), str(elsewhere)]
        await self._prepare_snapshot()
        people = [Person("owner", owner), Person("stranger", stranger), Person("anonymous", None)]
        for table, kind in await self._tables():
            for person in people if only in table else ():
                await self._try_table(person, table, is_view=kind in "vm")
        for function in await functions(self._connection):
            if only in function.name:
                await self._try_function(people, function)
        return self._report

    async def _sign_up(self, email: str) -> tuple[UUID, UUID]:
        cursor = await self._connection.execute(
            """with made as (insert into auth.users (email) values (%s) returning id) select id from made""", (email,)
        )
        row = await cursor.fetchone()
        assert row
        cursor = await self._connection.execute("select organization_id from public.members where user_id = %s", row)
        home = await cursor.fetchone()
        assert home
        return row[0], home[0]

    async def _tables(self) -> list[tuple[str, str]]:
        cursor = await self._connection.execute(
            """select n.nspname || '.' || c.relname, c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname in ('public', 'private') and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition order by 1"""
        )
        return await cursor.fetchall()

    # What the owner has: the hash of every row that names one of the owner's ids, and of every row that mixes tenants.

    async def _prepare_snapshot(self) -> None:
        cursor = await self._connection.execute(
            """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where (n.nspname in ('public', 'private', 'jobs') or (n.nspname, c.relname) = ('auth', 'users')) and c.relkind = 'r'"""
        )
        ids = "|".join(sorted(self._owned.ids()))
        one = sql.SQL(
            "select {}, coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {} t where t::text ~ {}"
        )
        parts = [
            one.format(sql.Literal(f"{schema}.{name}"), sql.Identifier(schema, name), sql.Literal(ids))
            for schema, name in await cursor.fetchall()
        ]
        self._snapshot_of = sql.SQL(" union all ").join(parts)
        self._before = await self._snapshot()

    async def _snapshot(self) -> dict[str, str]:
        cursor = await self._connection.execute(self._snapshot_of)
        return dict(await cursor.fetchall())

    async def _do(
        self, person: Person, statement: sql.Composed, values: Sequence[Any] = (), *, without_triggers: bool = False
    ) -> Outcome:
        """Run a statement as somebody, look at what it did to the owner's rows, and undo it."""
        async with self._connection.transaction(force_rollback=True):
            try:
                async with self._connection.transaction():
                    if without_triggers:
                        await self._connection.execute("set local session_replication_role = replica")
                    await self._connection.execute(
                        "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                        (person.role, person.claims),
                    )
                    cursor = await self._connection.execute(statement, list(values))
                    rows = await cursor.fetchall() if cursor.description else []
                    count = cursor.rowcount
                    await self._connection.execute("set constraints all immediate")
                    await self._connection.execute("reset role")
                    if person.kind == "owner":
                        return Outcome(text=str(rows), count=count)
                    after = await self._snapshot()
                    changed = tuple(table for table in after if after[table] != self._before.get(table))
                    return Outcome(text=str(rows), count=count, changed=changed)
            except psycopg.Error as error:
                diag = error.diag
                return Outcome(diag.sqlstate or "?", f"{diag.message_primary} {diag.message_detail or ''}")

    # Tables

    async def _try_table(self, person: Person, table: str, *, is_view: bool) -> None:
        name = sql.Identifier(*table.split("."))
        row = self._owned.rows.get(table, {})
        for act, statement, values in _statements(name, row, await self._columns(table)):
            if is_view and act != "select":
                continue
            # A trigger may refuse a stranger's row first; the policy has to refuse it alone.
            outcome = await self._do(person, statement, values, without_triggers=person.kind != "owner")
            is_granted = person.user_id is not None and await self._may(table, act)
            what = f"{person.kind} {act} {table}"
            if person.kind == "stranger" and act == "insert" and is_granted:
                await self._try_attaching(person, table, statement, row)
            self._report.expect(
                _is_as_expected(person, act, outcome, is_granted, is_shared=row.get("organization_id", 0) is None),
                f"{what}: {outcome.state or outcome.count} {outcome.text[:200]} {outcome.changed or ''}",
            )

    async def _try_attaching(self, stranger: Person, table: str, insert: sql.Composed, row: dict[str, Any]) -> None:
        """A row of the stranger's own that refers to the owner's: foreign keys alone would let it in."""
        text = json.dumps({**row, "id": str(uuid4())} if "id" in row else row)
        for owners, strangers in zip(
            (self._owned.user_id, self._owned.organization_id), self._stranger_ids, strict=True
        ):
            text = text.replace(str(owners), strangers)
        outcome = await self._do(stranger, insert, [text])
        self._report.expect(not outcome.changed, f"stranger attaches a row of {table} to the owner's {outcome.changed}")

    async def _columns(self, table: str) -> dict[str, list[str]]:
        """The columns that signed-in people may read, write and change; all of them where there are none."""
        cursor = await self._connection.execute(
            """select a.attname, has_column_privilege('authenticated', a.attrelid, a.attnum, 'select'),
                      has_column_privilege('authenticated', a.attrelid, a.attnum, 'insert'),
                      has_column_privilege('authenticated', a.attrelid, a.attnum, 'update')
               from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'
               order by a.attnum""",
            (table,),
        )
        rows = await cursor.fetchall()
        everything = [row[0] for row in rows]
        acts = ("select", "insert", "update")
        return {act: [row[0] for row in rows if row[place]] or everything for place, act in enumerate(acts, 1)}

    async def _may(self, table: str, act: str) -> bool:
        how = "has_table_privilege" if act == "delete" else "has_any_column_privilege"
        cursor = await self._connection.execute(
            f"select {how}('authenticated', %s::regclass, %s) and has_schema_privilege('authenticated', %s, 'usage')".encode(),
            (table, act, table.partition(".")[0]),
        )
        return (await cursor.fetchone()) == (True,)

    # Functions

    async def _try_function(self, people: list[Person], function: Function) -> None:
        owner, stranger, _ = people
        for person in people:
            if person.user_id is None or function.is_trigger or not function.may[person.role]:
                outcome = await self._do(person, _call(function), anything(function))
                refused = outcome.state == REFUSED or (function.is_trigger and outcome.state == NOT_CALLED)
                self._report.expect(
                    refused,
                    f"{person.kind} calls {function.name}: {outcome.state or 'it answers'} {outcome.text[:200]}",
                )
        if function.is_trigger or not function.may[owner.role]:
            return
        try:
            values = arguments(function, self._owned)
        except NoRecipe as missing:
            self._report.expect(False, f"{missing} (tests/safety/rls_calls.py)")
            return
        reached = await self._do(owner, _call(function), values)
        self._report.expect(
            function.name in NOT_REACHED or not reached.state.startswith((*WRONG_ARGUMENTS, REFUSED)),
            f"owner calls {function.name}: {reached.state} {reached.text[:200]}: its arguments do not lead it to its work; "
            "add what it needs to tests/safety/rls_calls.py",
        )
        await self._try_stranger(stranger, function, values)

    async def _try_stranger(self, stranger: Person, function: Function, values: list[Any]) -> None:
        statement = _call(function)
        known = await self._do(stranger, statement, values)
        unknown = await self._do(stranger, statement, made_up(values, self._owned))
        given = str(values)
        told = {one for one in self._owned.ids() if one in known.text} - set(UUIDS.findall(given))
        if not function.takes_rows and MARK not in given and MARK in known.text:
            told.add("the owner's words")
        has_no_shape = function.takes_rows or function.name in CHOSEN_IDS
        self._report.expect(
            not known.changed and not told and (has_no_shape or known.shape == unknown.shape),
            f"stranger calls {function.name}: changed {known.changed}, told {told}; with the owner's ids it answers "
            f"{known.state} {known.text[:200]}, with made-up ones {unknown.state} {unknown.text[:200]}",
        )


def _is_as_expected(person: Person, act: str, outcome: Outcome, is_granted: bool, *, is_shared: bool) -> bool:
    if not is_granted:
        return outcome.state == REFUSED
    if person.kind == "owner":
        # PT4xx is a trigger's word: the state machine was reached. An insert repeats a row, which its key refuses.
        return outcome.count > 0 or outcome.state.startswith(("PT", "23"))
    if outcome.changed or MARK in outcome.text:
        return False
    if act == "insert":
        return outcome.state == REFUSED
    return (outcome.count == 0 or is_shared) and not outcome.state


def _statements(
    name: sql.Identifier, row: dict[str, Any], columns: dict[str, list[str]]
) -> list[tuple[str, sql.Composed, list[Any]]]:
    """Look for, repeat, touch and remove the owner's row."""
    keys = [key for key in ("id", "user_id", "organization_id") if key in row and key in columns["select"]][:1]
    mine = sql.SQL(" where {} = {}").format(sql.Identifier(keys[0]), sql.Literal(row[keys[0]])) if keys else sql.SQL("")
    seen, made = (sql.SQL(", ").join(map(sql.Identifier, columns[act])) for act in ("select", "insert"))
    first = sql.Identifier(columns["update"][0])
    repeated = sql.SQL("insert into {} ({}) select {} from jsonb_populate_record(null::{}, %s::jsonb)")
    return [
        ("select", sql.SQL("select {} from {}").format(seen, name) + mine, []),
        ("insert", repeated.format(name, made, made, name), [json.dumps(row)]),
        ("update", sql.SQL("update {} set {} = {}").format(name, first, first) + mine, []),
        ("delete", sql.SQL("delete from {}").format(name) + mine, []),
    ]


def _call(function: Function) -> sql.Composed:
    given = [
        sql.SQL("jsonb_populate_record(null::{}, %s::jsonb)").format(sql.SQL(parameter.type))  # pyright: ignore[reportArgumentType]
        if parameter.is_row
        else sql.SQL("%s::{}").format(sql.SQL(parameter.type))  # pyright: ignore[reportArgumentType]
        for parameter in function.parameters
    ]
    text = "select {}({})" if function.is_trigger else "select to_jsonb(f) from {}({}) f"
    return sql.SQL(text).format(sql.Identifier(*function.name.split(".")), sql.SQL(", ").join(given))
