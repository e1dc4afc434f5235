"""The first sign-in of somebody who had an account before Steward came; and somebody whom Auth removes."""

import asyncio

import pytest

from core.database import Caller, Database, Identity
from core.errors import Forbidden
from core.postgres import pool_of
from tasks.first_sign_in import ensure_my_organization
from tests.conftest import sign_up


async def organizations_of(database: Database, identity: Identity) -> list[tuple[str, bool, str]]:
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            """select o.name, o.is_personal, m.role from public.members m
               join public.organizations o on o.id = m.organization_id where m.user_id = %s""",
            (identity.user_id,),
        )
        return [(str(name), bool(personal), str(role)) for name, personal, role in await cursor.fetchall()]


async def test_who_was_here_before_gets_one_organization_however_often_they_come(database: Database) -> None:
    early = await sign_up(database, "early@example.com")
    async with pool_of(database).connection() as connection:  # as if there had been no trigger yet
        await connection.execute(
            "delete from public.organizations o using public.members m where m.organization_id = o.id"
        )
        await connection.execute(
            "update auth.users set raw_user_meta_data = jsonb_build_object('full_name', repeat('ä', 300))"
        )
    made = await asyncio.gather(*(ensure_my_organization(database.acting_as(early)) for _ in range(8)))
    assert sorted(made) == [False] * 7 + [True]
    assert await organizations_of(database, early) == [("ä" * 200, True, "owner")]
    assert not await ensure_my_organization(database.acting_as(early))
    profile = await database.acting_as(early).call("get_profile")
    assert profile["organization"]["name"] == "ä" * 200


async def test_a_long_name_signs_up_and_programs_make_no_organization(database: Database, ana: Caller) -> None:
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(
            "insert into auth.users (email, raw_user_meta_data) values ('x@example.com', %s::jsonb) returning id",
            ('{"full_name": "' + "n" * 300 + '"}',),
        )
        row = await cursor.fetchone()
    assert row
    assert await organizations_of(database, Identity(row[0])) == [("n" * 200, True, "owner")]
    user_id = ana.identity.user_id
    for identity in (Identity(user_id, scopes=("read",)), Identity.nobody(), Identity.service(), Identity(None)):
        with pytest.raises(Forbidden):
            await ensure_my_organization(database.acting_as(identity))


async def test_a_person_whom_auth_removes_takes_nothing_of_others_along(
    database: Database, ana: Caller, mallory: Caller
) -> None:
    organization = (await ana.call("get_profile"))["organization"]["id"]
    async with pool_of(database).connection() as connection:
        await connection.execute(
            "insert into public.members (organization_id, user_id, role) values (%s, %s, 'member')",
            (organization, mallory.identity.user_id),
        )
        await connection.execute(
            "insert into public.tasks (organization_id, title, created_by) values (%s, 'Call Ana', %s)",
            (organization, mallory.identity.user_id),
        )
        await connection.execute("delete from auth.users where id = %s", (mallory.identity.user_id,))
        cursor = await connection.execute(
            "select t.title, t.created_by from public.tasks t where t.organization_id = %s", (organization,)
        )
        assert await cursor.fetchall() == [("Call Ana", None)]
    assert len(await organizations_of(database, ana.identity)) == 1
