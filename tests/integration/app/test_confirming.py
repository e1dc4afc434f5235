"""Who joins by an address: only where the Supabase project sees to it that an address is its person's."""

import pytest

from app.house import House
from cli.doctor_supabase import check_project
from core.database import Database
from core.postgres import pool_of
from tasks import organizations
from tests.conftest import sign_up
from tests.emulators.supabase import supabase_lite
from tests.integration.app.test_sign_in import browsing


@pytest.mark.parametrize("confirms", [False, True])
async def test_an_invitation_is_accepted_where_addresses_are_confirmed(
    house: House, database: Database, database_url: str, confirms: bool
) -> None:
    vega = await organizations.create_organization(house.caller, "Vega")
    made = await organizations.create_invitation(house.caller, vega.id, "ben@example.org")
    ben = await sign_up(database, "ben@example.org")
    async with pool_of(database).connection() as connection:  # as Auth writes it of itself, where it confirms none
        await connection.execute("update auth.users set email_confirmed_at = now() where id = %s", (ben.user_id,))
    assert ben.user_id
    async with (
        supabase_lite(database_url, auth={"email": {"enable_confirmations": confirms}}) as lite,
        browsing(house, lite, host="0.0.0.0") as browser,  # nothing is bound
    ):
        browser.headers["Authorization"] = f"Bearer {browser.app.state.keys.bearer_token(ben.user_id)}"
        body = {"token": made.path.rpartition("/")[2]}
        for path in ("/api/invitations/accept", made.path):
            is_api = path.startswith("/api")
            answer = await browser.post(path, json=body if is_api else None, headers={"Accept": "application/json"})
            assert answer.is_success or answer.status_code == 303 if confirms else answer.status_code == 403, (
                answer.text
            )
            assert confirms or "confirms no addresses" in answer.text
        found = [
            check.said for check in await check_project(browser.app.state.house.settings) if check.state == "broken"
        ]
        assert any("is not told its own" in said for said in found)
        assert any("confirms no addresses" in said for said in found) is not confirms
