"""A page of somebody who signed in with Supabase is held to its organization, whatever another tab chooses meanwhile."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from app.house import House
from app.main import create_app
from core.database import Database, Identity
from core.postgres import pool_of
from tasks import organizations
from tests.emulators.supabase import SupabaseLite
from tests.integration.app.test_sign_in import ANA, browsing, csrf_of, lite, sign_up

__all__ = ["create_app", "lite"]  # with the first, it runs on both adapters


async def test_what_another_tab_chooses_between_moves_no_write(
    house: House, lite: SupabaseLite, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browsing(house, lite) as browser:
        await sign_up(browser)
        ana = database.acting_as(Identity(await id_of(database, ANA)))
        (home,) = await organizations.list_organizations(ana)
        vega = await organizations.create_organization(ana, "Vega")
        await organizations.choose_organization(ana, home.id)
        csrf = await csrf_of(browser)
        reached: Database = browser.app.state.house.database
        kind = type(reached)
        real = kind.call_json

        async def chosen_between(
            self: Database, function: str, identity: Identity, params: Mapping[str, object]
        ) -> bytes:
            if function == "create_tasks":
                await organizations.choose_organization(ana, vega.id)
            return await real(self, function, identity, params)

        monkeypatch.setattr(kind, "call_json", chosen_between)
        made = await browser.post(
            "/api/tasks", json={"title": "Private"}, headers={"X-CSRF-Token": csrf, "Accept": "application/json"}
        )
        assert (made.status_code, made.json()["organization_id"]) == (201, str(home.id))


async def id_of(database: Database, email: str) -> UUID:
    async with pool_of(database).connection() as connection:
        row = await (await connection.execute("select id from auth.users where email = %s", (email,))).fetchone()
    assert row
    return row[0]
