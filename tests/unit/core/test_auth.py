"""Tokens signed with a project's key pair, against a server of public keys (a real one, in this process)."""

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx import ASGITransport, AsyncClient
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import auth
from core.auth import ProjectKeys, is_signed_by_key_pair
from core.errors import Unauthorized, Unavailable

URL = "https://project.example"
OLD, NEW, STRANGER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
RSA = rsa.generate_private_key(65537, 2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()
ME = uuid4()


class Project:
    """A server of public keys; it counts the questions, and can be made to answer badly."""

    def __init__(self) -> None:
        self.questions = 0
        self.answer: Response | None = None
        self.opened = asyncio.Event()
        self.opened.set()
        self.keys: list[dict[str, Any]] = [
            {**json.loads(ECAlgorithm.to_jwk(OLD.public_key())), "kid": "old", "alg": "ES256"},
            {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "rsa", "alg": "RS256"},
            {**json.loads(OKPAlgorithm.to_jwk(EDWARDS.public_key())), "kid": "edwards"},
        ]
        self.app = Starlette(routes=[Route("/auth/v1/.well-known/jwks.json", self._tell)])

    async def _tell(self, _: Request) -> Response:
        self.questions += 1
        await self.opened.wait()
        return self.answer or JSONResponse({"keys": self.keys})


@pytest.fixture
def project() -> Project:
    return Project()


@pytest.fixture
async def keys(project: Project) -> AsyncGenerator[ProjectKeys]:
    async with AsyncClient(transport=ASGITransport(project.app)) as client:
        yield ProjectKeys(f"{URL}/", client)


def token(key: Any = OLD, kid: str | None = "old", algorithm: str = "ES256", **changes: Any) -> str:
    now = int(time.time())
    whole = {"sub": str(ME), "aud": "authenticated", "iss": f"{URL}/auth/v1", "iat": now, "exp": now + 60, **changes}
    claims = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


def public_key_as_secret() -> str:
    """The classic confusion: HS256, its secret the public key that everybody knows."""
    public = OLD.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "kid": "old", "typ": "JWT"}
    body = jwt.decode(token(), options={"verify_signature": False})
    content = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body))
    signature = hmac.digest(public, content.encode(), "sha256")
    return f"{content}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(OLD, "old", "ES256"), (RSA, "rsa", "RS256"), (EDWARDS, "edwards", "EdDSA")]
)
async def test_a_token_of_the_project_tells_whose_it_is(keys: ProjectKeys, key: Any, kid: str, algorithm: str) -> None:
    signed = token(key, kid, algorithm)
    assert is_signed_by_key_pair(signed)
    assert await keys.read_bearer(signed) == ME


async def test_keys_are_asked_for_once(keys: ProjectKeys, project: Project) -> None:
    assert project.questions == 0
    for _ in range(3):
        await keys.read_bearer(token())
    assert project.questions == 1


ATTACKS: dict[str, Callable[[], str]] = {
    "garbage": lambda: "garbage",
    "nothing": lambda: "",
    "signed by a stranger": lambda: token(STRANGER),
    "foreign kid": lambda: token(STRANGER, "stranger"),
    "without kid": lambda: token(kid=None),
    "kid of another key": lambda: token(OLD, "rsa"),
    "another algorithm of the key": lambda: token(RSA, "rsa", "RS512"),
    "public key as HMAC secret": public_key_as_secret,
    "expired": lambda: token(exp=int(time.time()) - 60),
    "without exp": lambda: token(exp=None),
    "wrong audience": lambda: token(aud="anon"),
    "without audience": lambda: token(aud=None),
    "wrong issuer": lambda: token(iss="https://evil.example/auth/v1"),
    "without issuer": lambda: token(iss=None),
    "without a person": lambda: token(sub=None),
    "person is no id": lambda: token(sub="admin"),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_any_other_token_is_refused(keys: ProjectKeys, attack: Callable[[], str]) -> None:
    with pytest.raises(Unauthorized):
        await keys.read_bearer(attack())


async def test_a_shared_secret_among_the_keys_is_not_used(keys: ProjectKeys, project: Project) -> None:
    secret = urlsafe_b64encode(b"s" * 32).decode().rstrip("=")
    project.keys.append({"kty": "oct", "k": secret, "kid": "shared", "alg": "HS256"})
    with pytest.raises(Unauthorized):
        await keys.read_bearer(token(b"s" * 32, "shared", "HS256"))


async def test_made_up_key_ids_do_not_make_us_ask_each_time(keys: ProjectKeys, project: Project) -> None:
    for number in range(20):
        with pytest.raises(Unauthorized):
            await keys.read_bearer(token(STRANGER, f"made-up-{number}"))
    assert project.questions == 1


async def test_a_known_key_waits_for_no_question_about_a_made_up_one(
    keys: ProjectKeys, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.read_bearer(token())
    monkeypatch.setattr(auth, "ASK_AGAIN_SECONDS", 0.0)
    project.opened.clear()  # the project takes its time
    made_up = asyncio.create_task(keys.read_bearer(token(STRANGER, "made-up")))
    while project.questions < 2:
        await asyncio.sleep(0)
    try:
        async with asyncio.timeout(10):
            assert await keys.read_bearer(token()) == ME
    finally:
        project.opened.set()
        with pytest.raises(Unauthorized):
            await made_up


async def test_a_new_key_is_found_and_an_old_one_goes(
    keys: ProjectKeys, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.read_bearer(token())
    project.keys = [{**json.loads(ECAlgorithm.to_jwk(NEW.public_key())), "kid": "new"}]
    monkeypatch.setattr(auth, "ASK_AGAIN_SECONDS", 0.0)
    assert await keys.read_bearer(token(NEW, "new")) == ME
    with pytest.raises(Unauthorized):
        await keys.read_bearer(token())


async def test_a_key_that_is_not_understood_does_not_hide_the_others(keys: ProjectKeys, project: Project) -> None:
    project.keys = [{"kty": "strange"}, {"kty": "EC", "crv": "P-256", "x": "!", "y": "!"}, *project.keys]
    assert await keys.read_bearer(token()) == ME


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("down", status_code=503),
        PlainTextResponse("<html>"),
        JSONResponse({}),
        JSONResponse([1]),
        JSONResponse({"keys": None}),
        Response(status_code=302, headers={"Location": "https://evil.example/jwks.json"}),
    ],
)
async def test_a_project_that_does_not_answer_is_unavailable_and_left_alone_a_while(
    keys: ProjectKeys, project: Project, answer: Response
) -> None:
    project.answer = answer
    for _ in range(3):
        with pytest.raises(Unavailable):
            await keys.read_bearer(token())
    assert project.questions == 1


async def test_after_the_rest_it_is_asked_again(
    keys: ProjectKeys, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.answer = PlainTextResponse("down", status_code=503)
    with pytest.raises(Unavailable):
        await keys.read_bearer(token())
    project.answer = None
    monkeypatch.setattr(auth, "REST_SECONDS", 0.0)
    assert await keys.read_bearer(token()) == ME


def test_what_a_shared_secret_signed_is_told_from_what_a_key_pair_did() -> None:
    assert is_signed_by_key_pair(token())
    assert not is_signed_by_key_pair(jwt.encode({"sub": "1"}, b"s" * 32, "HS256"))
    with pytest.raises(Unauthorized):
        is_signed_by_key_pair("garbage")
