"""Who is asking: every wrong token is 401, every forged form 403."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.person_session import COOKIE
from core.auth import ProjectKeys
from core.keys import Keys

WHOAMI = "/api/probe/whoami"
CSRF = "X-CSRF-Token"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "sub": str(uuid4()),
        "role": "authenticated",
        "aud": "authenticated",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def by_hand(algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    """A token as an attacker builds it, whatever libraries warn of."""
    content = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(claims())}"
    return f"{content}.{base64.urlsafe_b64encode(sign(content.encode())).decode().rstrip('=')}"


def unsigned(algorithm: str) -> str:
    return by_hand(algorithm, lambda content: b"")


def signed(secret: bytes, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, "HS256", headers=headers)


def _public_key_as_secret(_: Keys) -> str:
    """The classic confusion: the public key of an RSA pair taken as the secret of an HMAC."""
    public = (
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return by_hand("HS256", lambda content: hmac.digest(public, content, "sha256"))


def _with_rsa(keys: Keys) -> str:
    return jwt.encode(claims(), rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": "ours"})


ATTACKS: dict[str, Callable[[Keys], str]] = {
    "nothing": lambda keys: "",
    "garbage": lambda keys: "garbage",
    "three dots": lambda keys: "...",
    "not base64": lambda keys: "é.é.é",
    "huge": lambda keys: "a" * 4000 + ".b.c",
    "alg none": lambda keys: unsigned("none"),
    "alg None": lambda keys: unsigned("None"),
    "alg HS256 without a signature": lambda keys: unsigned("HS256"),
    "public key as HMAC secret": _public_key_as_secret,
    "RS256 of a stranger": _with_rsa,
    "another secret": lambda keys: signed(b"x" * 32),
    "another algorithm": lambda keys: by_hand("HS512", lambda content: hmac.digest(keys.jwt_secret, content, "sha512")),
    "key in the header": lambda keys: signed(b"x" * 32, {"kid": "../../dev/null", "jku": "https://evil.example/jwks"}),
    "expired": lambda keys: signed(keys.jwt_secret, exp=int(time.time()) - 60),
    "without exp": lambda keys: signed(keys.jwt_secret, exp=None),
    "exp is no number": lambda keys: signed(keys.jwt_secret, exp="never"),
    "not yet": lambda keys: signed(keys.jwt_secret, nbf=int(time.time()) + 600),
    "wrong audience": lambda keys: signed(keys.jwt_secret, aud="anon"),
    "without audience": lambda keys: signed(keys.jwt_secret, aud=None),
    "without a person": lambda keys: signed(keys.jwt_secret, sub=None),
    "person is no id": lambda keys: signed(keys.jwt_secret, sub="owner"),
    "session as Bearer": lambda keys: keys.session_token(uuid4()),
    "link as Bearer": lambda keys: keys.link_token(uuid4()),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_wrong_token_is_401(browser: AsyncClient, keys: Keys, attack: Callable[[Keys], str]) -> None:
    header = f"Bearer {attack(keys)}".encode()
    answer = await browser.get(WHOAMI, headers=[(b"Authorization", header)])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:steward:problem:unauthorized"


@pytest.mark.parametrize("header", ["Basic b3duZXI6cHc=", "Bearer", "Token abc", "bearer"])
async def test_another_scheme_is_401_even_with_a_session(signed_in: AsyncClient, header: str) -> None:
    assert (await signed_in.get(WHOAMI, headers={"Authorization": header})).status_code == 401


async def test_a_bearer_token_signs_in_without_any_csrf_token(browser: AsyncClient, keys: Keys, me: UUID) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await browser.request(method, WHOAMI, headers=bearer(keys.bearer_token(me)))
        assert (answer.status_code, answer.json()) == (200, {"user_id": str(me)})


@pytest.mark.parametrize("cookie", ["", "garbage", "a.b.c"])
async def test_a_wrong_cookie_is_401(browser: AsyncClient, cookie: str) -> None:
    assert (await browser.get(WHOAMI, headers={"Cookie": f"{COOKIE}={cookie}"})).status_code == 401


async def test_a_bearer_token_or_a_link_is_no_session(browser: AsyncClient, keys: Keys, me: UUID) -> None:
    for token in (keys.bearer_token(me), keys.link_token(me)):
        assert (await browser.get(WHOAMI, headers={"Cookie": f"{COOKIE}={token}"})).status_code == 401


async def test_a_session_may_read(signed_in: AsyncClient, me: UUID) -> None:
    assert (await signed_in.get(WHOAMI)).json() == {"user_id": str(me)}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_session_changes_something_only_with_its_csrf_token(
    signed_in: AsyncClient, keys: Keys, me: UUID, method: str
) -> None:
    token = keys.csrf_token(signed_in.cookies[COOKIE])
    for headers, status in (
        ({}, 403),
        ({CSRF: "x"}, 403),
        ({CSRF: keys.csrf_token("another")}, 403),
        ({CSRF: token}, 200),
    ):
        assert (await signed_in.request(method, WHOAMI, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_changes_nothing_even_with_the_token(
    signed_in: AsyncClient, keys: Keys, headers: dict[str, str]
) -> None:
    token = keys.csrf_token(signed_in.cookies[COOKIE])
    assert (await signed_in.post(WHOAMI, headers={CSRF: token, **headers})).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://127.0.0.1:8765"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
async def test_our_own_pages_may(signed_in: AsyncClient, keys: Keys, headers: dict[str, str]) -> None:
    token = keys.csrf_token(signed_in.cookies[COOKIE])
    assert (await signed_in.post(WHOAMI, headers={CSRF: token, **headers})).status_code == 200


async def test_a_form_carries_the_token_in_a_field(signed_in: AsyncClient, keys: Keys, me: UUID) -> None:
    token = keys.csrf_token(signed_in.cookies[COOKIE])
    answer = await signed_in.post("/probe/form", data={"csrf_token": token, "word": "hé"})
    assert (answer.status_code, answer.text) == (200, f"<p>2 {me}")


async def test_a_form_with_a_file_carries_it_too(signed_in: AsyncClient, keys: Keys) -> None:
    token = keys.csrf_token(signed_in.cookies[COOKIE])
    files = {"upload": ("a.bin", b"\x00\xff")}
    answer = await signed_in.post("/probe/form", data={"csrf_token": token, "word": "a"}, files=files)
    assert answer.status_code == 200


@pytest.mark.parametrize("fields", [{"word": "a"}, {"word": "a", "csrf_token": ""}, {"word": "a", "csrf_token": "ü"}])
async def test_a_form_without_its_token_is_403(signed_in: AsyncClient, fields: dict[str, str]) -> None:
    assert (await signed_in.post("/probe/form", data=fields)).status_code == 403


async def test_an_old_session_is_401(browser: AsyncClient, keys: Keys, me: UUID) -> None:
    now = int(time.time())
    old = jwt.encode(
        {"sub": str(me), "aud": "session", "iat": now - 99, "exp": now - 9}, keys.secret("session"), "HS256"
    )
    assert (await browser.get(WHOAMI, headers={"Cookie": f"{COOKIE}={old}"})).status_code == 401


async def test_with_a_project_each_kind_of_signature_is_read_with_keys_of_its_kind(
    web: FastAPI, browser: AsyncClient, keys: Keys, me: UUID
) -> None:
    pair = ec.generate_private_key(ec.SECP256R1())
    jwks = {"keys": [{**json.loads(ECAlgorithm.to_jwk(pair.public_key())), "kid": "ours"}]}

    async def tell(_: Request) -> JSONResponse:
        return JSONResponse(jwks)

    project = Starlette(routes=[Route("/auth/v1/.well-known/jwks.json", tell)])
    mine = claims(sub=str(me), iss="https://project.example/auth/v1")
    async with AsyncClient(transport=ASGITransport(project)) as client:
        web.state.project_keys = ProjectKeys("https://project.example", client)
        statuses = [
            (await browser.get(WHOAMI, headers=bearer(token))).status_code
            for token in (
                jwt.encode(mine, pair, "ES256", headers={"kid": "ours"}),
                keys.bearer_token(me),
                jwt.encode(mine, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "ours"}),
                _public_key_as_secret(keys),
                unsigned("none"),
                "garbage",
            )
        ]
    assert statuses == [200, 200, 401, 401, 401, 401]
