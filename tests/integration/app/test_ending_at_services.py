"""Disconnecting and deleting end the permission at Google and Slack, and say so where that failed.

Google is the emulator. Slack's emulator has no auth.revoke: its answers are written by hand here, after docs.slack.dev
("auth.revoke": {"ok": true, "revoked": true}; errors as {"ok": false, "error": ...}), in front of the emulator.
"""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.house import House
from core.database import Identity
from core.keys import Keys
from core.vault import Vault
from tasks import accounts, organizations
from tests.emulators.outside_servers import GOOGLE_CLIENT, OutsideServers, outside
from tests.emulators.slack import FaultySlack, faulty_slack
from tests.integration.app.test_google_sign_in import ROBIN, browser, google_house, sign_in
from tests.integration.app.test_organizations import csrf_of
from tests.integration.app.test_settings_page import pages_of, press

__all__ = ["browser", "google_house", "outside"]  # fixtures
REVOKED = (200, {"Content-Type": "application/json"}, json.dumps({"ok": True, "revoked": True}))
OVER = (200, {"Content-Type": "application/json"}, json.dumps({"ok": False, "error": "token_revoked"}))
REFUSED = (200, {"Content-Type": "application/json"}, json.dumps({"ok": False, "error": "not_allowed_token_type"}))
DOWN = (503, {"Content-Type": "text/plain"}, "unavailable")


@pytest.fixture
async def slack(outside: OutsideServers, house: House) -> AsyncGenerator[FaultySlack]:
    async with faulty_slack(outside) as faulty:
        object.__setattr__(house, "settings", house.settings.model_copy(update={"slack_api_url": faulty.api_url}))
        yield faulty


async def refresh_token(house: House) -> str:
    (account,) = await accounts.list_accounts(house.caller, "google")
    service = house.database.acting_as(Identity.service(account.organization_id))
    vault = Vault.from_settings(house.settings)
    _, secret = await accounts.open_account(service, vault, account.organization_id, "google")
    return secret["refresh_token"]


async def answer_to(outside: OutsideServers, token: str) -> dict[str, Any]:
    """What Google says to this sign-in now."""
    given = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": GOOGLE_CLIENT[0],
        "client_secret": GOOGLE_CLIENT[1],
    }
    async with httpx.AsyncClient() as client:
        return (await client.post(f"{outside.google}/oauth2/token", data=given)).json()


async def workspace(house: House, who: Identity | None = None, token: str = "xoxb-vega") -> str:  # nosec B107 # of the tests
    """A connected workspace; its id."""
    caller = house.database.acting_as(who) if who else house.caller
    vault = Vault.from_settings(house.settings)
    made = await accounts.connect_account(caller, vault, "slack", "Vega (T1)", {"bot_token": token})
    return str(made.id)


async def test_deleting_everything_ends_the_permission_at_google(
    browser: httpx.AsyncClient, google_house: House, keys: Keys, outside: OutsideServers
) -> None:
    await sign_in(browser, outside, ROBIN)
    token = await refresh_token(google_house)
    async with pages_of(google_house, keys) as pages:
        form = {"csrf_token": (await csrf(pages)), "address": "nobody@example.org"}
        assert (await pages.post("/settings/delete", data=form)).status_code == 409
        assert "access_token" in await answer_to(outside, token), "nothing was deleted, so nothing was ended"
        gone = await pages.post("/settings/delete", data=form | {"address": google_house.settings.owner_email or ""})
        assert gone.headers["location"] == "/?gone=everything"
    assert (await answer_to(outside, token))["error"] == "invalid_grant"


async def test_deleting_an_organization_ends_the_permissions_of_its_members(
    browser: httpx.AsyncClient, google_house: House, keys: Keys, outside: OutsideServers
) -> None:
    vega = await organizations.create_organization(google_house.caller, "Vega")
    await sign_in(browser, outside, ROBIN)
    token = await refresh_token(google_house)
    async with pages_of(google_house, keys) as pages:
        form = {"csrf_token": await csrf(pages), "organization_id": str(vega.id), "name": "Vega"}
        left = await pages.post("/settings/organization/delete", data=form)
    assert left.headers["location"] == "/?gone=organization"
    assert (await answer_to(outside, token))["error"] == "invalid_grant"


@pytest.mark.parametrize(("answer", "is_told"), [(REVOKED, True), (OVER, True), (REFUSED, False), (DOWN, False), ("cut", False)])  # fmt: skip
async def test_disconnecting_a_workspace_ends_its_token(
    house: House, keys: Keys, slack: FaultySlack, answer: Any, is_told: bool
) -> None:
    slack.faults["auth.revoke"] = [answer]
    account_id = await workspace(house)
    async with pages_of(house, keys) as pages:
        gone = await press(pages, keys, action="disconnect", account_id=account_id)
        assert gone.headers["location"] == "/settings" + ("" if is_told else "?not_ended=slack")
        page = (await pages.get(gone.headers["location"])).text
    assert ("Slack could not be told" in page) is not is_told
    assert ("slack.com/apps/manage" in page) is not is_told
    assert slack.calls == ["auth.revoke"]
    assert [one.state for one in await accounts.list_accounts(house.caller)] == ["revoked"]


async def test_a_token_that_serves_on_is_not_ended(house: House, keys: Keys, slack: FaultySlack) -> None:
    """The workspace is connected elsewhere, or it is that of the installation."""
    await organizations.create_organization(house.caller, "Vega")
    await workspace(house)
    await organizations.create_organization(house.caller, "Sky")
    second = await workspace(house)
    async with pages_of(house, keys) as pages:
        assert (await press_in(pages, account_id=second)).headers["location"] == "/settings"
    assert slack.calls == []
    given = house.settings.model_copy(update={"slack_bot_token": SecretStr("xoxb-vega")})
    object.__setattr__(house, "settings", given)
    await organizations.create_organization(house.caller, "Deep")
    async with pages_of(house, keys) as pages:
        assert (await press_in(pages, account_id=await workspace(house))).headers["location"] == "/settings"
    assert slack.calls == []


async def csrf(pages: httpx.AsyncClient) -> str:
    return csrf_of(await pages.get("/settings"))


async def press_in(pages: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await pages.post("/settings", data={"csrf_token": await csrf(pages), "action": "disconnect", **form})


async def test_what_is_deleted_without_an_answer_is_told_of(
    house: House, client: httpx.AsyncClient, slack: FaultySlack
) -> None:
    slack.faults["auth.revoke"] = ["cut"]
    await workspace(house)
    gone = await client.post("/api/person/delete", json={"address": house.settings.owner_email})
    assert (gone.status_code, gone.json()["not_revoked"]) == (200, ["slack"])


async def test_an_organization_that_is_gone_over_the_api_names_who_was_not_told(
    house: House, client: httpx.AsyncClient, slack: FaultySlack
) -> None:
    slack.faults["auth.revoke"] = [DOWN]
    vega = await organizations.create_organization(house.caller, "Vega")
    await workspace(house)
    left = await client.post(f"/api/organizations/{vega.id}/delete", json={"name": "Vega"})
    assert (left.status_code, left.json()["not_revoked"]) == (200, ["slack"])
