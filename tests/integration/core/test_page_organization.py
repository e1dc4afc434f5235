"""Which organization a person is held to, and what a project may put in their token: the same by both adapters."""

from dataclasses import replace
from time import time
from uuid import uuid4

import jwt
import pytest

from core.database import Identity
from core.errors import Forbidden, StewardError, Unauthorized
from core.postgres import pool_of
from core.postgrest import open_postgrest
from tasks import organizations
from tests.conftest import sign_up
from tests.integration.core.test_adapters import Both, both, settings_of

__all__ = ["both"]


async def test_a_page_holds_its_person_to_its_organization_and_gives_nothing(both: Both) -> None:
    ana = await sign_up(both.postgres, "ana@example.com")
    foreign = (
        await organizations.list_organizations(both.postgres.acting_as(await sign_up(both.postgres, "b@e.org")))
    )[0]
    (home,) = await organizations.list_organizations(both.postgres.acting_as(ana))
    vega = await organizations.create_organization(both.postgres.acting_as(ana), "Vega")
    claims = {**ana.claims(), "aud": "authenticated", "exp": int(time()) + 60}
    own = replace(ana, access_token=jwt.encode(claims, both.lite.jwt_secret, "HS256"))
    async with open_postgrest(settings_of(both.settings, both.lite, SUPABASE_JWT_SECRET=None)) as keyless:
        for database in (both.postgres, both.postgrest, keyless):
            for held, seen in ((None, vega), (home, home), (vega, vega), (foreign, None)):
                page = database.acting_as(replace(own, organization_id=held.id if held else None))
                listed = await organizations.list_organizations(page)
                assert [one.id for one in listed if one.is_chosen] == ([seen.id] if seen else [])
                assert {one.id for one in listed} == {home.id, vega.id}
            (made,) = await database.call(
                "create_tasks", replace(own, organization_id=home.id), {"items": [{"title": "x"}]}
            )
            assert made["organization_id"] == str(home.id)
            with pytest.raises(StewardError):
                await database.call(
                    "create_tasks", replace(own, organization_id=foreign.id), {"items": [{"title": "x"}]}
                )


async def test_what_a_project_puts_in_a_token_says_nothing_here(both: Both) -> None:
    ana = await sign_up(both.postgres, "ana@example.com")
    base = {**ana.claims(), "aud": "authenticated", "exp": int(time()) + 60}
    async with open_postgrest(settings_of(both.settings, both.lite, SUPABASE_JWT_SECRET=None)) as keyless:
        kinds: list[dict[str, object]] = [
            {"organization_id": str(uuid4())},
            {"token_scopes": []},
            {"agent_id": "x"},
            {"role": "service_role"},
        ]
        for more in kinds:
            own = replace(ana, access_token=jwt.encode({**base, **more}, both.lite.jwt_secret, "HS256"))
            by_postgres, by_postgrest = await both.outcomes("probe_who", own, {})
            assert by_postgres == by_postgrest
            with pytest.raises(Forbidden, match="says more than who somebody is"):
                await keyless.call("probe_who", own, {})
        with pytest.raises(Unauthorized):
            await keyless.call("probe_who", replace(ana, access_token="garbage"), {})


async def test_an_address_that_only_looks_alike_is_another_and_a_token_renames_nothing(both: Both) -> None:
    ana = both.postgres.acting_as(await sign_up(both.postgres, "ana@example.com"))
    vega = await organizations.create_organization(ana, "Vega")
    invited = [
        await organizations.create_invitation(ana, vega.id, address)
        for address in ("kim@example.org", "LEE@example.org")
    ]
    kelvin, lee = [await sign_up(both.postgres, address) for address in ("\u212aim@example.org", "Lee@Example.org")]
    async with pool_of(both.postgres).connection() as connection:
        await connection.execute(
            "update auth.users set email_confirmed_at = now(), raw_user_meta_data = jsonb_build_object('name', repeat('A', 9000))"
        )
    with pytest.raises(Forbidden, match="another address"):
        await organizations.accept_invitation(both.postgres.acting_as(kelvin), invited[0].path.rpartition("/")[2])
    await organizations.accept_invitation(both.postgres.acting_as(lee), invited[1].path.rpartition("/")[2])
    assert {len(one.name or "") for one in await organizations.list_members(ana, vega.id)} == {200}
    held = replace(ana.identity, organization_id=vega.id)
    for identity, changed in ((replace(held, token_id=uuid4(), scopes=("tasks:write",)), 0), (held, 1)):
        assert await renamed(both, identity) == changed


async def renamed(both: Both, identity: Identity) -> int:
    """How many organizations the caller renames by a plain update, as over Supabase's API."""
    async with pool_of(both.postgres).connection() as connection, connection.transaction(force_rollback=True):
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (identity.claims_setting(),),
        )
        return (await connection.execute("update public.organizations set name = 'Mine' where name = 'Vega'")).rowcount
