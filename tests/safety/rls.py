"""Row-level security, tried on everything that the catalogue has: no list of tables or functions is kept here.

Each table is selected from, inserted into, updated and deleted from, and each function is called: by the owner of its
rows, by a stranger of another organization, and by nobody. What is expected follows from rules:

- what is not granted is refused (42501), and nobody has been granted anything;
- a stranger finds, changes and removes no row of the owner, and makes none in the owner's name or organization;
- a function answers a stranger who has the owner's ids exactly as it answers one who made ids up, so that not even
  the existence of a row shows; and no text of the owner is in any answer;
- the owner's rows are compared before and after each call that went well;
- the worker of another organization, and an outside agent of it, whom row-level security does not hold, are told and may change as little.

A table in which no row of the owner can be made, and a function that its arguments do not lead to its work, are leaks too.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from tests.safety.rls_calls import Function, NoRecipe, anything, arguments, functions, made_up
from tests.safety.rls_rows import MARK, Connection, Owned, fill
from tests.safety.rls_rules import (
    CHOSEN_IDS,
    NOT_CALLED,
    NOT_REACHED,
    OF_EVERYBODY,
    REFUSED,
    UUIDS,
    WRONG_ARGUMENTS,
    Outcome,
    Person,
    RlsReport,
    call_of,
    is_as_expected,
    statements,
)


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
        people = [Person("owner", owner), Person("stranger", stranger), Person("anonymous")]
        worker = Person("foreign worker", worker_of=elsewhere)
        agent = Person("foreign agent", worker_of=elsewhere, agent_id=await self._register(elsewhere))
        for table, kind in await self._tables():
            for person in people if only in table else ():
                await self._try_table(person, table, is_view=kind in "vm")
        for function in await functions(self._connection):
            if only in function.name:
                await self._try_function(people, function)
                await self._try_worker(worker, function)
                await self._try_worker(agent, function)
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

    async def _register(self, organization_id: UUID) -> UUID:
        cursor = await self._connection.execute(
            "insert into public.agents (organization_id, name, token_hash) values (%s, 'Stranger', %s) returning id",
            (organization_id, "12" * 32),
        )
        row = await cursor.fetchone()
        assert row
        return row[0]

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
        begin = sql.SQL(
            "savepoint tried; {}; select set_config('role', {}, true), set_config('request.jwt.claims', {}, true)"
        )
        triggers = "set local session_replication_role = replica" if without_triggers else "select 1"
        execute = self._connection.execute
        await execute(begin.format(sql.SQL(triggers), person.role, person.claims))
        try:
            cursor = await execute(statement, list(values))
            rows = await cursor.fetchall() if cursor.description else []
            await execute("set constraints all immediate; reset role")
            changed: tuple[str, ...] = ()
            if person.kind != "owner":
                after = await self._snapshot()
                changed = tuple(table for table in after if after[table] != self._before.get(table))
            return Outcome(text=str(rows), count=cursor.rowcount, changed=changed)
        except psycopg.Error as error:
            diag = error.diag
            return Outcome(diag.sqlstate or "?", f"{diag.message_primary} {diag.message_detail or ''}")
        finally:
            await execute("rollback to savepoint tried; release savepoint tried")

    # Tables

    async def _try_table(self, person: Person, table: str, *, is_view: bool) -> None:
        name = sql.Identifier(*table.split("."))
        row = self._owned.rows.get(table, {})
        for act, statement, values in statements(name, row, await self._columns(table)):
            if is_view and act != "select":
                continue
            # A trigger may refuse a stranger's row first; the policy has to refuse it alone.
            outcome = await self._do(person, statement, values, without_triggers=person.kind != "owner")
            is_granted = person.user_id is not None and await self._may(table, act)
            what = f"{person.kind} {act} {table}"
            if person.kind == "stranger" and act == "insert" and is_granted:
                await self._try_attaching(person, table, statement, row)
            self._report.expect(
                is_as_expected(person, act, outcome, is_granted, is_shared=row.get("organization_id", 0) is None),
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
                outcome = await self._do(person, call_of(function), anything(function))
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
        reached = await self._do(owner, call_of(function), values)
        self._report.expect(
            function.name in NOT_REACHED or not reached.state.startswith((*WRONG_ARGUMENTS, REFUSED)),
            f"owner calls {function.name}: {reached.state} {reached.text[:200]}: its arguments do not lead it to its work; "
            "add what it needs to tests/safety/rls_calls.py",
        )
        await self._try_stranger(stranger, function, values)

    async def _try_worker(self, worker: Person, function: Function) -> None:
        """Row-level security does not hold the worker: each function has to ask for whom it works."""
        is_seam = function.name.startswith("public.")  # what is private is called by functions that have asked
        if not is_seam or not function.may[worker.role] or function.name in OF_EVERYBODY:
            return
        try:
            await self._try_stranger(worker, function, arguments(function, self._owned))
        except NoRecipe as missing:
            self._report.expect(False, f"{missing} (tests/safety/rls_calls.py)")

    async def _try_stranger(self, stranger: Person, function: Function, values: list[Any]) -> None:
        statement = call_of(function)
        known = await self._do(stranger, statement, values)
        unknown = await self._do(stranger, statement, made_up(values, self._owned))
        given = str(values)
        told = {one for one in self._owned.ids() if one in known.text} - set(UUIDS.findall(given))
        if not function.takes_rows and MARK not in given and MARK in known.text:
            told.add("the owner's words")
        has_no_shape = function.takes_rows or function.name in CHOSEN_IDS
        self._report.expect(
            not known.changed and not told and (has_no_shape or known.shape == unknown.shape),
            f"{stranger.kind} calls {function.name}: changed {known.changed}, told {told}; with the owner's ids it answers "
            f"{known.state} {known.text[:200]}, with made-up ones {unknown.state} {unknown.text[:200]}",
        )
