"""The settings page and /api/integrations/{provider}: one's own accounts, never a secret, never somebody else's."""

from uuid import uuid4

import httpx
import pytest
from aiosmtpd.smtp import AuthResult

from app.house import House
from app.main import create_app
from app.person_session import COOKIE
from app.settings._mailbox import Kind, server_url
from core.database import Identity
from core.errors import Invalid
from core.keys import Keys
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts
from tasks.accounts import Account
from tests.emulators.imap_server import USER, ImapServer, running_imap_server
from tests.emulators.smtp_server import Handler, serving

BASE = "http://127.0.0.1"
READ = "https://www.googleapis.com/auth/gmail.readonly"


async def connect(house: House, provider: str = "google", address: str = "robin@vega.example") -> Account:
    vault = Vault.from_settings(house.settings)
    secret = {"access_token": "secret words", "refresh_token": "more secret words"}
    return await accounts.connect_account(house.caller, vault, provider, address, secret, [READ])


def pages_of(house: House, keys: Keys, identity: Identity | None = None) -> httpx.AsyncClient:
    user_id = (identity or house.owner).user_id
    assert user_id
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    cookies = {COOKIE: keys.session_token(user_id)}
    return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies, headers={"Accept": "text/html"})


async def press(pages: httpx.AsyncClient, keys: Keys, **form: str) -> httpx.Response:
    return await pages.post("/settings", data={"csrf_token": keys.csrf_token(pages.cookies[COOKIE]), **form})


async def test_the_page_lists_ones_accounts_and_what_each_may_do(house: House, keys: Keys) -> None:
    await connect(house)
    await connect(house, "imap", "robin@mail.example")
    async with pages_of(house, keys) as pages:
        page = (await pages.get("/settings")).text
    assert "robin@vega.example" in page
    assert "robin@mail.example" in page
    assert "secret words" not in page
    assert 'href="/settings" aria-current="page"' in page


async def test_an_expired_account_says_why_and_how_to_go_on(house: House, keys: Keys) -> None:
    account = await connect(house)
    service = accounts.service_of(house.caller, account.organization_id)
    await accounts.expire_account(service, account.id, "Google <b>withdrew</b> it")
    configured = house.settings.model_validate(
        {**house.settings.model_dump(), "google_client_id": "x", "google_client_secret": "y"}
    )
    from app.house import furnish

    async with pages_of(furnish(configured, house.clock, house.database, house.owner), keys) as pages:
        page = (await pages.get("/settings")).text
    assert "Google &lt;b&gt;withdrew&lt;/b&gt; it." in page
    assert "Connect again" in page
    assert "address=robin%40vega.example" in page


async def test_a_stranger_sees_and_disconnects_nothing(house: House, keys: Keys) -> None:
    from tests.conftest import sign_up

    account = await connect(house)
    mallory = await sign_up(house.database, "mallory@example.net")
    async with pages_of(house, keys, mallory) as pages:
        assert "robin@vega.example" not in (await pages.get("/settings")).text
        answer = await press(pages, keys, action="disconnect", account_id=str(account.id))
    assert answer.status_code == 404
    assert [one.state for one in await accounts.list_accounts(house.caller)] == ["connected"]


async def test_nobody_sees_the_page(house: House, keys: Keys) -> None:
    transport = httpx.ASGITransport(create_app(house, keys))
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Accept": "text/html"}) as pages:
        assert (await pages.get("/settings")).status_code == 401


async def test_a_forged_form_disconnects_nothing(house: House, keys: Keys) -> None:
    account = await connect(house)
    async with pages_of(house, keys) as pages:
        form = {"action": "disconnect", "account_id": str(account.id)}
        assert (await pages.post("/settings", data=form)).status_code == 403
        elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        token = {"csrf_token": keys.csrf_token(pages.cookies[COOKIE])}
        assert (await pages.post("/settings", data=form | token, headers=elsewhere)).status_code == 403
    assert [one.state for one in await accounts.list_accounts(house.caller)] == ["connected"]


@pytest.mark.parametrize(
    "form", [{}, {"action": "explode"}, {"action": "disconnect"}, {"action": "disconnect", "account_id": "x' or 1=1"}]
)
async def test_a_form_of_something_else_is_refused(house: House, keys: Keys, form: dict[str, str]) -> None:
    async with pages_of(house, keys) as pages:
        assert (await press(pages, keys, **form)).status_code == 422


async def test_a_secret_that_cannot_be_opened_is_still_forgotten_and_the_person_told(house: House, keys: Keys) -> None:
    account = await connect(house)
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update private.account_secrets set sealed = 'AAAA'")
    async with pages_of(house, keys) as pages:
        answer = await press(pages, keys, action="disconnect", account_id=str(account.id))
        assert answer.headers["location"] == "/settings?not_ended=google"
        assert "myaccount.google.com" in (await pages.get(answer.headers["location"])).text
    assert [one.state for one in await accounts.list_accounts(house.caller)] == ["revoked"]


async def test_reading_now_asks_for_ones_own_accounts(house: House, keys: Keys) -> None:
    await connect(house)
    async with pages_of(house, keys) as pages:
        assert (await press(pages, keys, action="read", address="robin@vega.example")).status_code == 303
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select args from jobs.procrastinate_jobs where task_name = 'read_account'")
        [row] = await cursor.fetchall()
    assert set(row[0]) == {"account_id", "organization_id"}


@pytest.mark.parametrize("query", ["problem=<script>", "problem=nothing", "connected=eve@example.net", "problem=%00"])
async def test_the_address_cannot_put_words_on_the_page(house: House, keys: Keys, query: str) -> None:
    async with pages_of(house, keys) as pages:
        page = await pages.get(f"/settings?{query}")
    assert 'role="alert"' not in page.text or page.status_code == 422
    assert "eve@example.net" not in page.text
    assert "<script>" not in page.text


# Mail without Google


@pytest.fixture
def near(house: House) -> House:
    """The house, allowed to reach mail servers on this machine."""
    from app.house import furnish

    settings = house.settings.model_copy(update={"private_hosts": "127.0.0.1"})
    return furnish(settings, house.clock, house.database, house.owner)


TYPED = {
    "action": "connect_mailbox",
    "address": "Robin@vega.example",
    "name": "Robin Vega",
    "imap_server": "imap://127.0.0.1:1",
    "smtp_server": "smtp://127.0.0.1:1",
    "user": "robin",
    "password": "not-a-password",
}


def let_in(*_: object) -> AuthResult:
    return AuthResult(success=True)


def keep_out(*_: object) -> AuthResult:
    return AuthResult(success=False, handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_a_mailbox_is_connected_by_a_form_listed_and_disconnected(near: House, keys: Keys) -> None:
    server = ImapServer()
    async with (
        running_imap_server(server),
        serving(Handler(), authenticator=let_in, auth_require_tls=False) as place,
        pages_of(near, keys) as pages,
    ):
        typed = {
            **TYPED,
            "imap_server": f"imap://127.0.0.1:{server.port}",
            "smtp_server": f"smtp://{place}",
        }
        answer = await press(pages, keys, **{**typed, "user": USER})
        assert answer.headers["location"] == "/settings?connected=robin%40vega.example", answer.text
        page = (await pages.get(answer.headers["location"])).text
        assert "robin@vega.example is connected" in page
        assert "not-a-password" not in page
        (account,) = await accounts.list_accounts(near.caller, "imap")
        assert account.settings == {"name": "Robin Vega", "signature": ""}
        assert (await press(pages, keys, action="disconnect", account_id=str(account.id))).status_code == 303
        assert str(account.id) not in (await pages.get("/settings")).text


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
@pytest.mark.parametrize(
    ("is_wrong_at", "said"),
    [("imap", "server for reading (IMAP) the name"), ("smtp", "server for sending (SMTP) the name")],
)
async def test_a_wrong_password_is_told_beside_the_password(
    near: House, keys: Keys, is_wrong_at: str, said: str
) -> None:
    server = ImapServer()
    password = "hunter2" if is_wrong_at == "imap" else "not-a-password"
    async with (
        running_imap_server(server),
        serving(Handler(), authenticator=keep_out, auth_require_tls=False) as place,
        pages_of(near, keys) as pages,
    ):
        typed = {
            **TYPED,
            "imap_server": f"imap://127.0.0.1:{server.port}",
            "smtp_server": f"smtp://{place}",
        }
        answer = await press(pages, keys, **{**typed, "user": USER, "password": password})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'id="mailbox-password-wrong"' in answer.text
    assert password not in answer.text
    assert 'value="Robin@vega.example"' in answer.text
    assert await accounts.list_accounts(near.caller, "imap") == []


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"address": ""}, "address", "It is empty."),
        ({"address": "robin@vega.example, eve@example.net"}, "address", "not one bare address"),
        ({"address": "x" * 400}, "address", "longer than 320"),
        ({"name": "Robin\r\nX: y"}, "name", "line break"),
        ({"password": ""}, "password", "It is empty."),
        ({"password": "a\r\nb"}, "password", "line break"),
        ({"user": "a\nb"}, "user", "line break"),
        ({"imap_server": ""}, "imap_server", "It is empty."),
        ({"imap_server": "http://imap.example.org"}, "imap_server", "It is no server"),
        ({"imap_server": "smtp://imap.example.org"}, "imap_server", "It is no server"),
        ({"imap_server": "a b"}, "imap_server", "It is no server"),
        ({"imap_server": "imap.example.org:0"}, "imap_server", "It is no server"),
        ({"imap_server": "imap.example.org:99999"}, "imap_server", "It is no server"),
        ({"imap_server": "eve@imap.example.org"}, "imap_server", "It is no server"),
        ({"imap_server": "imap..example"}, "imap_server", ""),
        ({"imap_server": "<script>alert(1)</script>"}, "imap_server", "It is no server"),
        ({"imap_server": "169.254.169.254"}, "imap_server", "open internet"),
        ({"imap_server": "[::1]"}, "imap_server", "open internet"),
        ({"smtp_server": "10.0.0.1:587"}, "smtp_server", "open internet"),
        ({}, "imap_server", "cannot be reached"),
    ],
)  # fmt: skip
async def test_what_is_wrong_stands_beside_its_field(
    near: House, keys: Keys, change: dict[str, str], field: str, said: str
) -> None:
    async with pages_of(near, keys) as pages:
        answer = await press(pages, keys, **{**TYPED, **change})
    assert answer.status_code == 422
    beside = answer.text.partition(f'id="mailbox-{field}-wrong">')[2].partition("</small>")[0]
    assert beside
    assert said in beside
    assert "<script>alert" not in answer.text
    assert 'value="not-a-password"' not in answer.text
    assert "not-a-password" not in answer.text
    assert await accounts.list_accounts(near.caller) == []


@pytest.mark.parametrize(
    ("typed", "kind", "url"),
    [
        ("imap.example.org", "imap", "imaps://u%40x:p%2F%23@imap.example.org:993"),
        (" imap.example.org:143", "imap", None),
        ("imap.example.org:143", "imap", "imap://u%40x:p%2F%23@imap.example.org:143"),
        ("imap.example.org:1993/", "imap", "imaps://u%40x:p%2F%23@imap.example.org:1993"),
        ("IMAP://imap.example.org", "imap", "imap://u%40x:p%2F%23@imap.example.org:143"),
        ("smtp.example.org", "smtp", "smtps://u%40x:p%2F%23@smtp.example.org:465"),
        ("smtp.example.org:587", "smtp", "smtp://u%40x:p%2F%23@smtp.example.org:587"),
        ("smtp://smtp.example.org", "smtp", "smtp://u%40x:p%2F%23@smtp.example.org:587"),
        ("[2001:db8::1]:465", "smtp", "smtps://u%40x:p%2F%23@[2001:db8::1]:465"),
        ("smtp.example.org:", "smtp", None),
    ],
)  # fmt: skip
def test_a_server_has_the_usual_port_and_encryption(typed: str, kind: Kind, url: str | None) -> None:
    if url is None:
        with pytest.raises(Invalid, match="no server"):
            server_url(typed, kind, "u@x", "p/#")
        return
    assert server_url(typed, kind, "u@x", "p/#") == url


# The API


async def test_the_api_tells_what_is_connected(client: httpx.AsyncClient, house: House) -> None:
    account = await connect(house)
    told = (await client.get("/api/integrations/google")).json()
    assert told["provider"] == "google"
    assert "STEWARD_GOOGLE_CLIENT_ID" in told["lacks"]
    [one] = told["accounts"]
    assert (one["id"], one["address"], one["state"], one["scopes"]) == (
        str(account.id),
        "robin@vega.example",
        "connected",
        [READ],
    )
    assert "secret words" not in str(told)


async def test_the_api_knows_services_without_accounts(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/integrations/nothing")).json() == {
        "provider": "nothing",
        "lacks": None,
        "accounts": [],
    }


async def test_the_api_disconnects_one(client: httpx.AsyncClient, house: House) -> None:
    await connect(house, "imap", "robin@mail.example")
    told = (await client.delete("/api/integrations/imap")).json()
    assert [one["state"] for one in told["accounts"]] == ["revoked"]
    assert (await client.delete("/api/integrations/imap")).status_code == 404


async def test_of_several_the_api_asks_which(client: httpx.AsyncClient, house: House) -> None:
    first = await connect(house, "imap", "a@mail.example")
    await connect(house, "imap", "b@mail.example")
    refused = await client.delete("/api/integrations/imap")
    assert refused.status_code == 422
    assert str(first.id) in refused.text
    assert (await client.delete(f"/api/integrations/imap?account_id={first.id}")).status_code == 200
    assert (await client.delete(f"/api/integrations/imap?account_id={uuid4()}")).status_code == 404


async def test_a_stranger_disconnects_nothing_by_the_api(
    stranger: httpx.AsyncClient, client: httpx.AsyncClient, house: House
) -> None:
    account = await connect(house, "imap", "a@mail.example")
    assert (await stranger.get("/api/integrations/imap")).json()["accounts"] == []
    assert (await stranger.delete(f"/api/integrations/imap?account_id={account.id}")).status_code == 404
    assert (await client.get("/api/integrations/imap")).json()["accounts"][0]["state"] == "connected"
