"""What holds for every table and function, read off the catalogue: a new one that breaks it fails here."""

import re

import pytest

from core.database import Database
from core.postgres import pool_of
from core.written import ALSO_READ, ON_THE_WAY, READS

QUERIES = {
    "tables without row-level security": """
        select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relrowsecurity""",
    "tables without a policy": """
        select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        and not exists (select 1 from pg_policy p where p.polrelid = c.oid)""",
    "tables without a comment": """
        select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        and obj_description(c.oid, 'pg_class') is null""",
    "tables that anonymous callers may touch": """
        select g.table_name from information_schema.role_table_grants g where g.table_schema = 'public' and g.grantee in ('anon', 'PUBLIC')""",
    "functions without a fixed search_path": """
        select p.proname from pg_proc p where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        and not exists (select 1 from unnest(p.proconfig) c where c like 'search_path=%')""",
    "functions without a comment": """
        select p.proname from pg_proc p where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        and obj_description(p.oid, 'pg_proc') is null and p.proname not in ('expose_function', 'guard_table')""",
    "functions that anonymous callers may execute": """
        select p.proname from pg_proc p where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        and has_function_privilege('anon', p.oid, 'execute')""",
    "overloaded functions": """
        select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace group by 1 having count(*) > 1""",
    "foreign keys without an index": """
        select c.conrelid::regclass::text || '.' || c.conname from pg_constraint c
        where c.contype = 'f' and c.connamespace = 'public'::regnamespace and not exists (
          select 1 from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])""",
    "policies that read the rows of every tenant": """
        select p.tablename || '.' || p.policyname from pg_policies p
        where p.schemaname = 'public' and strpos(concat(p.qual, p.with_check), 'my_organizations') > 0""",
    "policies that ask who is signed in for each row": r"""
        select p.tablename || '.' || p.policyname from pg_policies p
        where p.schemaname = 'public' and regexp_replace(concat(p.qual, p.with_check), 'SELECT (auth|private)\.\w+\(\)', '', 'g') ~ '(auth|private)\.\w+\('""",
    "functions that answer people with a row that has a secret": """
        select p.proname from pg_proc p join pg_type t on t.oid = p.prorettype
        where has_function_privilege('authenticated', p.oid, 'execute') and ('token_hash' = any (p.proargnames[p.pronargs + 1:])
          or exists (select 1 from pg_attribute a where a.attrelid = t.typrelid and a.attname = 'token_hash'))""",
    "columns of secrets that people may read": """
        select g.table_name || '.' || g.column_name from information_schema.column_privileges g
        where g.table_schema = 'public' and g.grantee in ('authenticated', 'anon')
        and (g.table_name, g.column_name) in (('agents', 'token_hash'), ('api_tokens', 'token_hash'), ('invitations', 'token_hash'))""",
}


@pytest.mark.parametrize("kind", QUERIES)
async def test_there_are_no(database: Database, kind: str) -> None:
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(QUERIES[kind].encode())
        assert [row[0] for row in await cursor.fetchall()] == []


# Doing these twice leaves what doing them once leaves: when it was read or heard of, figures that are summed up.
NOTES = {"get_installation_metrics", "get_work", "read_browser_note", "read_digest"}
UNDECLARED = {"get_task", "list_invitations", "list_members"}  # write nothing; the latter two lock what they check


async def test_what_is_named_as_reading_only_reads(database: Database) -> None:
    """An `Idempotency-Key` is free again after a failed request that called nothing else (`core.written`)."""
    names = " or ".join(f"starts_with(p.proname, '{name}')" for name in READS)
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            f"select p.proname, p.provolatile = 'v', {names} from pg_proc p where p.pronamespace = 'public'::regnamespace".encode()
        )
        known = await cursor.fetchall()
    assert {name for name, writes, reads in known if reads and writes} == NOTES | UNDECLARED
    assert {name for name, writes, reads in known if not reads and not writes} == ALSO_READ
    assert {name for name, *_ in known} >= ON_THE_WAY


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_strangers_see_no_row_of_any_table(database: Database, role: str) -> None:
    from tests.conftest import sign_up

    await sign_up(database, "somebody@example.com")
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
        )
        tables = [str(row[0]) for row in await cursor.fetchall()]
        claims = '{"role": "authenticated", "sub": "00000000-0000-4000-8000-00000000dead"}'
        for table in tables:
            async with connection.transaction(force_rollback=True):
                await connection.execute(
                    "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)", (role, claims)
                )
                allowed = await connection.execute(
                    "select has_any_column_privilege(%s::regclass, 'select')", (f"public.{table}",)
                )
                if (await allowed.fetchone()) != (True,):
                    continue
                shared = " where organization_id is not null" if table in {"workflows", "agents"} else ""
                counted = await connection.execute(f"select count(*) from public.{table}{shared}".encode())
                assert await counted.fetchone() == (0,), table


async def test_an_index_finds_the_rows_of_ones_organization_in_every_table(database: Database) -> None:
    from tests.conftest import sign_up

    person = await sign_up(database, "somebody@example.com")
    claims = f'{{"role": "authenticated", "sub": "{person.user_id}"}}'
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            """select a.attrelid::regclass::text from pg_attribute a join pg_class c on c.oid = a.attrelid
               where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'organization_id'
               and has_column_privilege('authenticated', c.oid, a.attnum, 'select')"""
        )
        tables = {str(row[0]) for row in await cursor.fetchall()}
        assert "tasks" in tables
        found: set[str] = set()
        async with connection.transaction(force_rollback=True):
            await connection.execute(
                """select set_config('enable_seqscan', 'off', true), set_config('role', 'authenticated', true),
                          set_config('request.jwt.claims', %s, true)""",
                (claims,),
            )
            for table in tables:
                cursor = await connection.execute(f"explain select organization_id from public.{table}".encode())
                plan = "\n".join(str(row[0]) for row in await cursor.fetchall())
                if (
                    re.search(r"Index Cond: .*(organization_id|user_id) = \(InitPlan", plan)
                    and f"Seq Scan on {table}" not in plan
                ):
                    found.add(table)
    # Agents that belong to everybody lie among them: few rows, read as they are.
    assert tables - found == {"agents"}
