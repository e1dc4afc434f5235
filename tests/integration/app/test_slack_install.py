"""Installing the Slack app from the settings page: through the emulator's own sign-in, and the ways that fail."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.house import House
from app.main import create_app
from app.person_session import COOKIE
from core.database import Caller, Identity
from core.keys import Keys
from core.settings import Settings
from tasks import accounts
from tasks import slack as slack_rows
from tests.conftest import sign_up
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.slack import SEED, SlackServer, fresh_slack
from tests.emulators.slack_house import outside

__all__ = ["outside"]
CALLBACK = "/api/integrations/slack/callback"


@pytest.fixture
async def slack(outside: OutsideServers) -> SlackServer:
    app = {
        "client_id": "1.2",
        "client_secret": "hush",
        "name": "Steward",
        "redirect_uris": [f"http://127.0.0.1{CALLBACK}"],
        "bot_name": "steward",
    }
    return await fresh_slack(outside, oauth_apps=[app], strict_scopes=False, users=SEED["users"])


@pytest.fixture
def settings(settings: Settings, slack: SlackServer) -> Settings:
    given = Settings.model_validate(
        {"slack_client_id": "1.2", "slack_client_secret": "hush", "slack_api_url": slack.api_url}
    )
    names = {"slack_client_id", "slack_client_secret", "slack_api_url"}
    return settings.model_copy(update=given.model_dump(include=names))


@asynccontextmanager
async def browser(house: House, who: Identity | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    """A browser in which somebody (the owner) is signed in."""
    keys = Keys.load(house.settings.home)
    user_id = (who or house.owner).user_id
    assert user_id
    transport = httpx.ASGITransport(create_app(house, keys))
    cookies = {COOKIE: keys.session_token(user_id)}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as made:
        yield made


async def go_on(slack: SlackServer, address: str, user: str = "robin") -> dict[str, Any]:
    """What Slack sends back with, after somebody chose to install: {code, state}."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    base = slack.api_url.removesuffix("/api/")
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(address)).status_code == 200
        form = {**query, "user_id": slack.users[user]}
        answer = await client.post(f"{base}/oauth/v2/authorize/callback", data=form)
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in back.items()}


async def begun(client: httpx.AsyncClient) -> str:
    answer = await client.get("/api/integrations/slack/connect")
    assert answer.status_code == 303
    return answer.headers["location"]


async def linked(house: House, slack: SlackServer, user: str = "robin") -> slack_rows.SlackLink | None:
    return await slack_rows.resolve_slack_user(house.slack.service, slack.team, slack.users[user])


async def test_a_workspace_is_connected_and_its_installer_known(house: House, slack: SlackServer) -> None:
    async with browser(house) as client:
        address = await begun(client)
        assert "app_mentions%3Aread" in address
        back = await go_on(slack, address)
        answer = await client.get(CALLBACK, params=back)
        assert answer.headers["location"].startswith("/settings?connected=")
        page = await client.get(answer.headers["location"])
        assert "is connected." in page.text
        assert "xoxb-" not in page.text
        again = await client.get(CALLBACK, params=back)
        assert "slack_unknown" in again.headers["location"]
    (account,) = await accounts.list_accounts(house.caller, "slack")
    assert account.settings["team_id"] == slack.team
    link = await linked(house, slack)
    assert link is not None
    assert (link.user_id, link.account_id) == (house.owner.user_id, account.id)
    chat = await house.slack.workspaces.of_link(link)
    assert (await chat.whoami())["team_id"] == slack.team


async def test_another_session_or_person_finishes_nothing(house: House, slack: SlackServer) -> None:
    stranger = await sign_up(house.database, "mallory@example.net")
    async with browser(house) as client, browser(house, stranger) as other:
        back = await go_on(slack, await begun(client))
        answer = await other.get(CALLBACK, params=back)
        assert "slack_unknown" in answer.headers["location"]
    assert await accounts.list_accounts(house.database.acting_as(stranger)) == []
    assert await linked(house, slack) is None


@pytest.mark.parametrize(
    ("back", "problem"),
    [
        ({}, "slack_unknown"),
        ({"state": "made-up", "code": "x"}, "slack_unknown"),
        ({"error": "access_denied"}, "slack_denied"),
        ({"code": "wrong"}, "slack_refused"),
        ({"code": "ü" * 500}, "slack_refused"),
    ],
)
async def test_what_comes_back_wrong_connects_nothing(
    house: House, slack: SlackServer, back: dict[str, str], problem: str
) -> None:
    async with browser(house) as client:
        state = parse_qs(urlsplit(await begun(client)).query)["state"][0]
        given = back if "state" in back or not back else {"state": state, **back}
        answer = await client.get(CALLBACK, params=given)
        assert answer.headers["location"] == f"/settings?problem={problem}"
        assert (await client.get(answer.headers["location"])).status_code == 200
    assert await accounts.list_accounts(house.caller) == []


async def test_without_a_client_or_a_session_nothing_begins(house: House, slack: SlackServer) -> None:
    object.__setattr__(house, "settings", house.settings.model_copy(update={"slack_client_id": None}))
    async with browser(house) as client:
        answer = await client.get("/api/integrations/slack/connect")
        assert answer.headers["location"] == "/settings?problem=slack_not_set_up"
        client.cookies.clear()
        assert (await client.get("/api/integrations/slack/connect")).status_code in {303, 401}


async def test_a_slack_user_of_somebody_else_stays_theirs(house: House, slack: SlackServer) -> None:
    other = await sign_up(house.database, "alex@vega.example")
    async with browser(house, other) as client:
        await client.get(CALLBACK, params=await go_on(slack, await begun(client), "alex"))
    async with browser(house) as client:
        answer = await client.get(CALLBACK, params=await go_on(slack, await begun(client), "alex"))
        assert answer.headers["location"] == "/settings?problem=slack_taken"
    link = await linked(house, slack, "alex")
    assert link is not None
    assert link.user_id == other.user_id


async def test_the_settings_page_makes_a_code(house: House, slack: SlackServer) -> None:
    async with browser(house) as client:
        page = (await client.get("/settings")).text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        made = await client.post("/settings", data={"action": "slack_code", "csrf_token": token})
        assert made.status_code == 200
        assert "/steward link " in made.text
        assert "Connect a workspace" in made.text


async def test_an_expired_account_is_not_used(house: House, slack: SlackServer, ana: Caller) -> None:
    async with browser(house) as client:
        await client.get(CALLBACK, params=await go_on(slack, await begun(client)))
    (account,) = await accounts.list_accounts(house.caller)
    service = house.database.acting_as(Identity.service(account.organization_id))
    await accounts.expire_account(service, account.id, "gone")
    link = await linked(house, slack)
    assert link is not None
    from core.outside.errors import SignInExpired

    with pytest.raises(SignInExpired):
        await house.slack.workspaces.of_link(link)
