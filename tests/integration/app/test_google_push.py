"""News of a mailbox, pushed: taken from our own subscription alone, and read soon."""

import base64
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from app.house import House, furnish
from app.main import create_app
from core.keys import Keys
from core.postgres import pool_of
from core.vault import Vault
from tasks import accounts
from tests.emulators.google_faults import google_line, ok

PUSH = "/api/integrations/google/push"
PUBLIC = "https://steward.example.org"
ACCOUNT = "pusher@project.iam.gserviceaccount.com"
SIGNER = rsa.generate_private_key(65537, 2048)
ANOTHER = rsa.generate_private_key(65537, 2048)


def pushed(address: str = "robin@vega.example") -> dict[str, Any]:
    data = base64.b64encode(json.dumps({"emailAddress": address, "historyId": 9}).encode()).decode()
    return {"message": {"data": data, "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}


def identity(key: rsa.RSAPrivateKey = SIGNER, kid: str = "k1", **change: Any) -> dict[str, str]:
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": PUBLIC + PUSH,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 600,
    }
    token = jwt.encode({**claims, **change}, key, "RS256", headers={"kid": kid})
    return {"Authorization": f"Bearer {token}"}


async def waiting(house: House) -> int:
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute(
            "select count(*) from jobs.procrastinate_jobs where task_name = 'read_account'"
        )
        row = await cursor.fetchone()
    assert row
    return int(row[0])


@pytest.fixture
async def pushing(house: House, keys: Keys) -> AsyncGenerator[Any]:
    """A client of a house with these settings; Google's signing key is ours."""
    jwk = {**json.loads(RSAAlgorithm.to_jwk(SIGNER.public_key())), "kid": "k1", "alg": "RS256", "use": "sig"}
    await accounts.connect_account(
        house.caller, Vault.from_settings(house.settings), "google", "robin@vega.example", {"access_token": "x"}
    )
    made: list[httpx.AsyncClient] = []
    with google_line("http://127.0.0.1:9") as line:
        line.on("/oauth2/v3/certs", answer=ok({"keys": [jwk, {"kty": "EC", "kid": "odd"}, 7]}), times=None)

        def client(**changes: Any) -> httpx.AsyncClient:
            told = {**house.settings.model_dump(), "google_base_url": line.url, **changes}
            settings = house.settings.model_validate(told)
            app = create_app(furnish(settings, house.clock, house.database, house.owner), keys)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            made.append(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"))
            return made[-1]

        yield client
    for one in made:
        await one.aclose()


async def test_a_signed_push_of_our_subscription_is_taken(pushing: Any, house: House) -> None:
    client = pushing(public_url=PUBLIC, google_push_account=ACCOUNT)
    answer = await client.post(PUSH, json=pushed("Robin@Vega.example"), headers=identity())
    assert (answer.status_code, answer.json()) == (200, {"accounts": 1})
    assert (await client.post(PUSH, json=pushed(), headers=identity())).json() == {"accounts": 0}
    assert await waiting(house) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic eDp5"},
        identity(ANOTHER),
        identity(kid="unknown"),
        identity(aud="https://elsewhere.example"),
        identity(iss="https://evil.example"),
        identity(email="eve@evil.example"),
        identity(email_verified=False),
        identity(exp=1),
        {"Authorization": "Bearer " + jwt.encode({"email": ACCOUNT}, "s" * 32, "HS256", headers={"kid": "k1"})},
    ],
)
async def test_anything_else_is_refused(pushing: Any, house: House, headers: dict[str, str]) -> None:
    client = pushing(public_url=PUBLIC, google_push_account=ACCOUNT)
    assert (await client.post(PUSH, json=pushed(), headers=headers)).status_code == 401
    assert await waiting(house) == 0


async def test_a_shared_token_does_too_where_one_is_set(pushing: Any) -> None:
    client = pushing(google_push_token="a shared token")
    assert (await client.post(f"{PUSH}?token=a shared token", json=pushed())).status_code == 200
    assert (await client.post(f"{PUSH}?token=another", json=pushed())).status_code == 401
    assert (await client.post(PUSH, json=pushed())).status_code == 401


async def test_nothing_is_taken_where_it_is_not_set_up(pushing: Any) -> None:
    assert (await pushing().post(PUSH, json=pushed(), headers=identity())).status_code == 403


async def test_a_mailbox_that_nobody_here_has_is_none(pushing: Any, house: House) -> None:
    client = pushing(google_push_token="t")
    assert (await client.post(f"{PUSH}?token=t", json=pushed("eve@example.net"))).json() == {"accounts": 0}
    assert await waiting(house) == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": {}},
        {"message": {"data": "!"}},
        {"message": {"data": "e30="}},
        {"message": {"data": base64.b64encode(b'{"emailAddress": 7}').decode()}},
        {"message": {"data": base64.b64encode(b"[1]").decode()}},
        {"message": {"data": 7}},
        {"message": "x"},
    ],
)
async def test_what_is_no_notification_is_refused(pushing: Any, body: dict[str, Any]) -> None:
    client = pushing(google_push_token="t")
    assert (await client.post(f"{PUSH}?token=t", json=body)).status_code == 422
