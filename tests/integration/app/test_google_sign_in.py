"""Connecting a Google account from the pages, over the emulator's own sign-in; and every way that can go wrong."""

from collections.abc import AsyncGenerator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.house import House, furnish
from app.main import create_app
from app.person_session import COOKIE
from core.clock import Clock
from core.database import Identity
from core.keys import Keys
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts
from tasks.accounts import Account
from tests.emulators.google_sign_in import allow_at_google
from tests.emulators.outside_servers import ALEX, GOOGLE_CLIENT, ROBIN, OutsideServers, outside

__all__ = ["outside"]
BASE = "http://127.0.0.1"
CONNECT = "/api/integrations/google/connect?permission=mail_read&permission=mail_send"


@pytest.fixture
def google_house(house: House, outside: OutsideServers) -> House:
    """A house that is set up for Google, at the emulator."""
    outside.reset()
    changes = {
        "google_client_id": GOOGLE_CLIENT[0],
        "google_client_secret": GOOGLE_CLIENT[1],
        "google_base_url": outside.google,
    }
    settings = type(house.settings).model_validate({**house.settings.model_dump(), **changes})
    return furnish(settings, Clock.from_settings(settings), house.database, house.owner)


def browser_of(house: House, keys: Keys, identity: Identity) -> httpx.AsyncClient:
    """A browser with a session."""
    assert identity.user_id
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport,
        base_url=BASE,
        cookies={COOKIE: keys.session_token(identity.user_id)},
        headers={"Accept": "text/html"},
        timeout=60,
    )


@pytest.fixture
async def browser(google_house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    async with browser_of(google_house, keys, google_house.owner) as made:
        yield made


async def sign_in(browser: httpx.AsyncClient, outside: OutsideServers, email: str, connect: str = CONNECT) -> str:
    """Where the browser ends up after a whole sign-in."""
    begun = await browser.get(connect)
    assert begun.status_code == 303
    back = await allow_at_google(outside.google, begun.headers["location"], email)
    return await come_back(browser, back)


async def come_back(browser: httpx.AsyncClient, url: str) -> str:
    answer = await browser.get(url.removeprefix(BASE))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def own(house: House) -> list[Account]:
    return await accounts.list_accounts(house.caller)


async def test_a_whole_sign_in_connects_the_account(
    browser: httpx.AsyncClient, google_house: House, outside: OutsideServers
) -> None:
    assert await sign_in(browser, outside, ROBIN) == f"/settings?connected={ROBIN.replace('@', '%40')}"
    [account] = await own(google_house)
    assert (account.provider, account.address, account.state) == ("google", ROBIN, "connected")
    assert "https://www.googleapis.com/auth/gmail.readonly" in account.scopes
    service = google_house.database.acting_as(Identity.service(account.organization_id))
    vault = Vault.from_settings(google_house.settings)
    _, secret = await accounts.open_account(service, vault, account.organization_id, "google")
    assert secret["refresh_token"].startswith("google_refresh_")
    page = await browser.get(f"/settings?connected={ROBIN}")
    assert f"{ROBIN} is connected" in page.text
    assert secret["refresh_token"] not in page.text


async def test_what_is_asked_for_has_a_challenge_and_names_only_what_was_chosen(browser: httpx.AsyncClient) -> None:
    begun = await browser.get("/api/integrations/google/connect?permission=calendar")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["access_type"] == ["offline"]
    assert query["redirect_uri"] == ["http://127.0.0.1/api/integrations/google/callback"]
    assert not any("gmail" in scope for scope in query["scope"][0].split())
    assert len(query["state"][0]) >= 40


async def test_several_accounts_stand_beside_each_other(
    browser: httpx.AsyncClient, google_house: House, outside: OutsideServers
) -> None:
    await sign_in(browser, outside, ROBIN)
    await sign_in(browser, outside, ALEX)
    assert [account.address for account in await own(google_house)] == [ALEX, ROBIN]


async def test_allowing_more_keeps_what_was_allowed(
    browser: httpx.AsyncClient, google_house: House, outside: OutsideServers
) -> None:
    await sign_in(browser, outside, ROBIN)
    more = f"/api/integrations/google/connect?permission=calendar&address={ROBIN}"
    await sign_in(browser, outside, ROBIN, more)
    [account] = await own(google_house)
    assert {scope.rpartition("/")[2] for scope in account.scopes} >= {
        "gmail.readonly",
        "gmail.compose",
        "calendar.events",
        "calendar.readonly",
    }


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("error=access_denied", "denied"),
        ("error=server_error", "google_error"),
        ("", "missing"),
    ],
)
async def test_a_no_at_google_is_said_plainly(
    browser: httpx.AsyncClient, google_house: House, query: str, problem: str
) -> None:
    begun = await browser.get(CONNECT)
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    assert await come_back(browser, f"/api/integrations/google/callback?state={state}&{query}") == (
        f"/settings?problem={problem}"
    )
    page = await browser.get(f"/settings?problem={problem}")
    assert 'role="alert"' in page.text
    assert await own(google_house) == []


async def test_a_state_is_used_once(browser: httpx.AsyncClient, google_house: House, outside: OutsideServers) -> None:
    begun = await browser.get(CONNECT)
    back = await allow_at_google(outside.google, begun.headers["location"], ROBIN)
    assert "connected=" in await come_back(browser, back)
    assert await come_back(browser, back) == "/settings?problem=used"


@pytest.mark.parametrize(("query", "problem"), [("", "missing"), ("code=x", "missing"), ("state=no&code=x", "unknown")])
async def test_a_state_that_is_missing_or_unknown_is_refused(
    browser: httpx.AsyncClient, query: str, problem: str
) -> None:
    assert await come_back(browser, f"/api/integrations/google/callback?{query}") == f"/settings?problem={problem}"


async def test_somebody_elses_sign_in_is_not_finished_here(
    browser: httpx.AsyncClient, google_house: House, keys: Keys, outside: OutsideServers
) -> None:
    from tests.conftest import sign_up

    begun = await browser.get(CONNECT)
    back = await allow_at_google(outside.google, begun.headers["location"], ROBIN)
    mallory = await sign_up(google_house.database, "mallory@example.net")
    async with browser_of(google_house, keys, mallory) as other:
        assert await come_back(other, back) == "/settings?problem=foreign"
    assert await own(google_house) == []


async def test_another_session_of_the_same_person_does_not_finish_it(
    browser: httpx.AsyncClient,
    google_house: House,
    keys: Keys,
    outside: OutsideServers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = await browser.get(CONNECT)
    back = await allow_at_google(outside.google, begun.headers["location"], ROBIN)
    monkeypatch.setattr("core.keys.SESSION_SECONDS", 7200)  # another cookie, made at the same second
    async with browser_of(google_house, keys, google_house.owner) as other:
        assert await come_back(other, back) == "/settings?problem=foreign"


async def test_an_old_sign_in_has_ended(
    browser: httpx.AsyncClient, google_house: House, outside: OutsideServers
) -> None:
    begun = await browser.get(CONNECT)
    back = await allow_at_google(outside.google, begun.headers["location"], ROBIN)
    async with pool_of(google_house.database).connection() as connection:
        await connection.execute("update private.sign_ins set expires_at = now() - interval '1 second'")
    assert await come_back(browser, back) == "/settings?problem=expired"


async def test_a_code_that_google_does_not_know_is_refused(browser: httpx.AsyncClient, google_house: House) -> None:
    begun = await browser.get(CONNECT)
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    back = f"/api/integrations/google/callback?state={state}&code=made-up"
    assert await come_back(browser, back) == "/settings?problem=refused"
    assert await own(google_house) == []


async def test_a_wrong_client_secret_names_the_settings(
    browser: httpx.AsyncClient, google_house: House, keys: Keys, outside: OutsideServers
) -> None:
    wrong = google_house.settings.model_validate(
        {**google_house.settings.model_dump(), "google_client_secret": "another"}
    )
    house = furnish(wrong, google_house.clock, google_house.database, google_house.owner)
    async with browser_of(house, keys, house.owner) as made:
        assert await sign_in(made, outside, ROBIN) == "/settings?problem=wrong_client"
        assert "STEWARD_GOOGLE_CLIENT_SECRET" in (await made.get("/settings?problem=wrong_client")).text


async def test_google_out_of_reach_is_said_so(google_house: House, keys: Keys, outside: OutsideServers) -> None:
    async with browser_of(google_house, keys, google_house.owner) as made:
        begun = await made.get(CONNECT)
        back = await allow_at_google(outside.google, begun.headers["location"], ROBIN)
        gone = google_house.settings.model_validate(
            {**google_house.settings.model_dump(), "google_base_url": "http://127.0.0.1:9"}
        )
    house = furnish(gone, google_house.clock, google_house.database, google_house.owner)
    async with browser_of(house, keys, house.owner) as made:
        made.cookies = {COOKIE: begun.request.headers["cookie"].partition("=")[2]}  # pyright: ignore[reportAttributeAccessIssue]
        assert await come_back(made, back) == "/settings?problem=out_of_reach"


async def test_without_client_settings_the_page_says_what_to_set(house: House, keys: Keys) -> None:
    async with browser_of(house, keys, house.owner) as made:
        answer = await made.get(CONNECT)
        assert answer.headers["location"] == "/settings?problem=not_set_up"
        page = await made.get("/settings")
    assert "STEWARD_GOOGLE_CLIENT_ID" in page.text
    assert "/api/integrations/google/connect" not in page.text


@pytest.mark.parametrize("query", ["", "?permission=everything", "?permission=mail_read&permission=root"])
async def test_only_known_permissions_are_asked_for(browser: httpx.AsyncClient, query: str) -> None:
    answer = await browser.get(f"/api/integrations/google/connect{query}")
    assert answer.headers["location"] == "/settings?problem=no_permission"


async def test_nobody_connects_without_a_session(google_house: House, keys: Keys) -> None:
    transport = httpx.ASGITransport(create_app(google_house, keys), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as made:
        assert (await made.get(CONNECT)).status_code == 401
        back = await made.get("/api/integrations/google/callback?state=x&code=y")
        assert (back.status_code, back.headers["location"]) == (303, "/settings")
        assert google_house.owner.user_id
        bearer = {"Authorization": f"Bearer {keys.bearer_token(google_house.owner.user_id)}"}
        assert (await made.get(CONNECT, headers=bearer)).status_code == 401


async def test_disconnecting_ends_the_permission_at_google(
    browser: httpx.AsyncClient, google_house: House, keys: Keys, outside: OutsideServers
) -> None:
    await sign_in(browser, outside, ROBIN)
    [account] = await own(google_house)
    service = google_house.database.acting_as(Identity.service(account.organization_id))
    vault = Vault.from_settings(google_house.settings)
    _, secret = await accounts.open_account(service, vault, account.organization_id, "google")
    form = {
        "action": "disconnect",
        "account_id": str(account.id),
        "csrf_token": keys.csrf_token(browser.cookies[COOKIE]),
    }
    answer = await browser.post("/settings", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings")
    assert [one.state for one in await own(google_house)] == ["revoked"]
    async with httpx.AsyncClient() as client:
        given = {
            "grant_type": "refresh_token",
            "refresh_token": secret["refresh_token"],
            "client_id": GOOGLE_CLIENT[0],
            "client_secret": GOOGLE_CLIENT[1],
        }
        told = await client.post(f"{outside.google}/oauth2/token", data=given)
    assert told.json()["error"] == "invalid_grant"
    assert f'aria-label="{ROBIN}"' not in (await browser.get("/settings")).text
