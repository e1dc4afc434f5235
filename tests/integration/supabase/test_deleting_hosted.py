"""Deleting as a hosted project lets: its `postgres`, which owns the functions, is no superuser, and auth.users is not its own."""

import psycopg
import pytest

from core.migrate import migrate
from tests.integration.supabase.hosted import HostedServer

BOTH = pytest.mark.parametrize("hosted", [18, 15], indirect=True, ids=["postgres18", "postgres15"])


@BOTH
async def test_a_person_and_their_organizations_are_gone(hosted: HostedServer, empty: str) -> None:
    await migrate(empty, embedded=False)
    async with await psycopg.AsyncConnection.connect(empty) as connection:
        cursor = await connection.execute(
            "insert into auth.users (id, email) values (gen_random_uuid(), 'ana@example.com') returning id"
        )
        row = await cursor.fetchone()
        assert row
        claims = f'{{"role": "authenticated", "sub": "{row[0]}"}}'
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)", (claims,)
        )
        for statement in (
            'select public.create_tasks(\'[{"title": "At home"}]\'::jsonb)',
            "select public.create_organization('Vega')",
            'select public.create_tasks(\'[{"title": "At work"}]\'::jsonb)',
            "select public.delete_organization((select id from public.organizations), 'Vega')",
            "select public.create_organization('Vela')",
            "select public.delete_person('ana@example.com')",
        ):
            await connection.execute(statement.encode())
        await connection.execute("reset role")
        cursor = await connection.execute(
            "select (select count(*) from auth.users), (select count(*) from public.organizations), (select count(*) from public.tasks)"
        )
        assert await cursor.fetchone() == (0, 0, 0)
        cursor = await connection.execute(
            "select data ->> 'name' from public.audit_events where action = 'organization.deleted' order by 1"
        )
        assert [row[0] for row in await cursor.fetchall()] == ["Vega", "Vela", "ana"]
