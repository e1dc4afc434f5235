"""PostgREST asked by hand, past what the clients offer: rows written over others, rows moved, columns that are closed, colleagues."""

from collections.abc import AsyncGenerator
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.emulators.supabase import SupabaseLite, supabase_lite
from tests.integration.supabase.clients import token
from tests.integration.supabase.matrix import Matrix, prepare, snapshot
from tests.integration.supabase.test_push import fetch
from tests.safety.rls_rows import MARK
from tests.safety.rls_rules import REFUSED

MERGE = {"Prefer": "resolution=merge-duplicates,return=representation"}
WHOSE = ("organization_id", "user_id", "created_by", "invited_by")
# Columns that people may not read, of tables that they may.
CLOSED = """
select c.relname, a.attname from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped
  and not has_column_privilege('authenticated', c.oid, a.attnum, 'select') and has_any_column_privilege('authenticated', c.oid, 'select')"""
# What the owner read came through their accounts.
OWN_MAIL = """
set session_replication_role = replica;
update public.mail_messages m set account = a.address from public.accounts a where a.organization_id = m.organization_id;
update public.mail_cursors m set account = a.provider || ':' || a.id from public.accounts a where a.organization_id = m.organization_id;
update public.calendar_events e set calendar = a.provider || ':' || a.id from public.accounts a where a.organization_id = e.organization_id;
update public.accounts set mail_name = address"""
# Of everything that people may read, what stays a person's own, or its owners' and admins'.
OWN = {
    "accounts",
    "api_tokens",
    "attention",
    "calendar_events",
    "calendar_feeds",
    "conversation_messages",
    "conversations",
    "digests",
    "ended_organizations",
    "forgotten_preferences",
    "idempotency_keys",
    "invitations",
    "mail_cursors",
    "mail_messages",
    "nudge_mutes",
    "nudges",
    "own_hours",
    "preference_sources",
    "preferences",
    "slack_links",
}
# What plain members leave to owners and admins.
LED = {
    "change_role",
    "create_invitation",
    "delete_organization",
    "delete_policy",
    "list_invitations",
    "register_agent",
    "remove_agent",
    "remove_member",
    "rename_organization",
    "revoke_agent_token",
    "revoke_invitation",
    "rotate_agent_token",
    "save_policy",
    "stop_permissions",
    "update_agent",
}


@pytest.fixture
async def prepared(database_url: str) -> tuple[Matrix, UUID]:
    """What the owner has, and a stranger."""
    return await prepare(database_url)


@pytest.fixture
async def lite(database_url: str, prepared: tuple[Matrix, UUID]) -> AsyncGenerator[SupabaseLite]:
    """The project."""
    async with supabase_lite(database_url, auth=False) as project:
        yield project


def asking(project: SupabaseLite, user_id: object, **headers: str) -> httpx.AsyncClient:
    """The REST API as somebody who is signed in asks it."""
    signed = {"apikey": project.publishable_key, "Authorization": f"Bearer {token(project, user_id)}", **headers}
    return httpx.AsyncClient(base_url=f"{project.url}/rest/v1/", headers=signed, timeout=60)


async def test_nobody_writes_over_a_row_by_its_key(
    database_url: str, prepared: tuple[Matrix, UUID], lite: SupabaseLite
) -> None:
    matrix, stranger = prepared
    home = await home_of(database_url, stranger)
    before = await snapshot(database_url, matrix.owned.ids())
    written: list[str] = []
    async with asking(lite, stranger) as http:
        for table in sorted(name for act, name in matrix.granted if act == "insert"):
            row = matrix.owned.rows[f"public.{table}"]
            own = {"organization_id": home, "user_id": str(stranger), "created_by": str(stranger)}
            body = {name: own.get(name, row[name]) for name in matrix.tables[table]["insert"] if name in row}
            answer = await http.post(table, json=body, headers=MERGE)
            written += [f"{table}: {answer.status_code} {answer.text[:200]}"] if answer.is_success else []
        assert written, "nothing was written at all"
    assert [line for line in written if str(matrix.owned.organization_id) in line] == []
    after = await snapshot(database_url, matrix.owned.ids())
    assert [table for table in after if after[table] != before[table]] == [], written
    async with asking(lite, matrix.owned.user_id) as http:  # whose row it is may
        columns, row = matrix.tables["nudge_mutes"]["insert"], matrix.owned.rows["public.nudge_mutes"]
        body = {name: row[name] for name in columns if name in row}
        assert (await http.post("nudge_mutes", json=body)).json()["code"] == "23505"
        assert (await http.post("nudge_mutes", json=body, headers=MERGE)).is_success


async def test_nobody_hands_a_row_to_somebody_else(
    database_url: str, prepared: tuple[Matrix, UUID], lite: SupabaseLite
) -> None:
    matrix, stranger = prepared
    strangers = {str(stranger), await home_of(database_url, stranger)}
    before = await snapshot(database_url, strangers)
    accepted: list[str] = []
    asked = 0
    async with asking(lite, matrix.owned.user_id) as http:
        for table in sorted(name for act, name in matrix.granted if act == "update"):
            row = matrix.owned.rows[f"public.{table}"]
            key = next(name for name in ("id", "user_id", "task_id", "organization_id") if name in row)
            for column in (name for name in WHOSE if name in matrix.tables[table]["update"] and name in row):
                value = await home_of(database_url, stranger) if column == "organization_id" else str(stranger)
                answer = await http.patch(table, params={key: f"eq.{row[key]}"}, json={column: value})
                asked += 1
                accepted += [f"{table}.{column}: {answer.status_code} {answer.text[:90]}"] if answer.is_success else []
    assert asked > 10
    after = await snapshot(database_url, strangers)
    assert [table for table in after if after[table] != before[table]] == [], accepted


async def test_a_closed_column_is_neither_told_nor_guessed(
    database_url: str, prepared: tuple[Matrix, UUID], lite: SupabaseLite
) -> None:
    matrix, _ = prepared
    closed = [(str(table), str(column)) for table, column in await fetch(database_url, CLOSED)]
    assert ("api_tokens", "token_hash") in closed
    told: list[str] = []
    async with asking(lite, matrix.owned.user_id) as http:
        for table, column in closed:
            some = matrix.tables[table]["select"][0]
            questions: list[dict[str, str]] = [
                {"select": column},
                {"select": some, column: "not.is.null"},
                {"select": some, "order": f"{column}.asc"},
                {"select": f"id,{table}({column})"},
            ]
            for params in questions:
                place = "organizations" if "(" in params["select"] else table
                answer = await http.get(place, params=params)
                if answer.is_success or answer.json().get("code") != REFUSED:
                    told.append(f"{place} {params}: {answer.status_code} {answer.text[:120]}")
    assert "\n".join(told) == ""


async def test_a_colleague_sees_the_work_and_nothing_that_is_a_persons_own(
    database_url: str, prepared: tuple[Matrix, UUID], lite: SupabaseLite
) -> None:
    matrix, colleague = prepared
    home = matrix.owned.organization_id
    await fetch(database_url, OWN_MAIL)
    await fetch(
        database_url,
        f"insert into public.members (organization_id, user_id, role, chosen_at) values ('{home}', '{colleague}', 'member', now())",
    )
    async with asking(lite, colleague) as http:
        assert {name for act, name in matrix.granted if act == "select"} - await visible(http, matrix) == OWN
        before = await snapshot(database_url, matrix.owned.ids())
        leading = {case.name: case.params for case in matrix.cases("owner") if case.name in LED}
        leading["stop_permissions"] = {"stopped": False}  # anybody stops them
        asked = {name: await http.post(f"rpc/{name}", json=params) for name, params in leading.items()}
        assert {name: answer.json().get("code") for name, answer in asked.items()} == dict.fromkeys(LED, "PT403")
        assert await snapshot(database_url, matrix.owned.ids()) == before
    await fetch(database_url, f"delete from public.members where user_id = '{colleague}' and role = 'member'")
    async with asking(lite, colleague, **{"x-steward-organization": str(home)}) as http:  # with the token of before
        assert await visible(http, matrix) == set()


async def visible(http: httpx.AsyncClient, matrix: Matrix) -> set[str]:
    """The tables in which somebody sees the owner's row, or any other that names the owner's organization."""
    found: set[str] = set()
    for table, columns in matrix.tables.items():
        if "select" in columns["granted"]:
            answer = await http.get(table, params={"select": ",".join(columns["select"])})
            assert answer.is_success, f"{table}: {answer.text}"
            if any(str(one) in answer.text for one in (matrix.owned.organization_id, matrix.owned.user_id, MARK)):
                found.add(table)
    return found


async def home_of(database_url: str, user_id: UUID) -> str:
    """The personal organization of somebody."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute("select organization_id from public.members where user_id = %s", (user_id,))
        row = await cursor.fetchone()
    assert row
    return str(row[0])
