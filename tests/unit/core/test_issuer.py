"""Whose tokens a house takes: those of its project, under the address that the project gives itself."""

import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from httpx import ASGITransport, AsyncClient
from jwt.algorithms import ECAlgorithm
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from core.auth import ProjectKeys
from core.database import Identity
from core.errors import Unauthorized
from core.keys import Keys
from core.settings import Settings
from core.signing import Signer
from integrations.supabase.auth import SupabaseAuth

INSIDE, OUTSIDE = "http://kong:8000", "https://supabase.example.com"
SECRET = "a-secret-of-thirty-two-characters"
PAIR = ec.generate_private_key(ec.SECP256R1())
ME = uuid4()
GIVEN: dict[str, dict[str, str]] = {
    "the project's URL": {},
    "its public URL": {"SUPABASE_PUBLIC_URL": f"{OUTSIDE}/"},
    "its own word": {"SUPABASE_PUBLIC_URL": OUTSIDE, "SUPABASE_JWT_ISSUER": OUTSIDE},
}
ISSUERS = {
    "the project's URL": f"{INSIDE}/auth/v1",
    "its public URL": f"{OUTSIDE}/auth/v1",
    "its own word": OUTSIDE,
}


def house(home: Path, name: str) -> Settings:
    """Settings beside a self-hosted project, with what says who its tokens are from."""
    given = {"home": home, "SUPABASE_URL": INSIDE, "SUPABASE_JWT_SECRET": SECRET, **GIVEN[name]}
    return Settings.model_validate(given)


def token(issuer: str | None, key: Any = SECRET, algorithm: str = "HS256") -> str:
    claims = {"sub": str(ME), "aud": "authenticated", "role": "authenticated", "exp": int(time.time()) + 60}
    return jwt.encode(claims | ({"iss": issuer} if issuer else {}), key, algorithm, headers={"kid": "ours"})


@pytest.fixture
async def client() -> AsyncGenerator[AsyncClient]:
    """The project, which tells its public keys under its inner address."""

    async def tell(request: Request) -> JSONResponse:
        assert str(request.url).startswith(INSIDE)
        return JSONResponse({"keys": [{**json.loads(ECAlgorithm.to_jwk(PAIR.public_key())), "kid": "ours"}]})

    app = Starlette(routes=[Route("/auth/v1/.well-known/jwks.json", tell)])
    async with AsyncClient(transport=ASGITransport(app)) as made:
        yield made


@pytest.mark.parametrize("name", GIVEN)
async def test_the_issuer_that_is_named_is_taken_and_no_other_and_not_none(
    name: str, tmp_path: Path, client: AsyncClient
) -> None:
    settings = house(tmp_path, name)
    keys = Keys.from_settings(settings)
    pairs = ProjectKeys(INSIDE, client, settings.supabase_issuer)
    assert keys.read_bearer(token(ISSUERS[name])) == ME
    assert await pairs.read_bearer(token(ISSUERS[name], PAIR, "ES256")) == ME
    for wrong in {*ISSUERS.values(), f"{ISSUERS[name]}/", "supabase", None} - {ISSUERS[name]}:
        with pytest.raises(Unauthorized) as caught:
            keys.read_bearer(token(wrong))
        assert "SUPABASE_JWT_ISSUER" in str(caught.value.hint)
        with pytest.raises(Unauthorized):
            await pairs.read_bearer(token(wrong, PAIR, "ES256"))


@pytest.mark.parametrize("name", GIVEN)
def test_what_steward_signs_is_from_there_too(name: str, tmp_path: Path) -> None:
    signer = Signer.from_settings(house(tmp_path, name))
    assert signer
    claims = jwt.decode(signer.token(Identity.service()), SECRET, ["HS256"], audience="authenticated")
    assert claims["iss"] == ISSUERS[name]
    own = Keys.from_settings(house(tmp_path, name))
    assert own.read_bearer(own.bearer_token(ME)) == ME


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("SUPABASE_PUBLIC_URL", "supabase.example.com", "https://host"),
        ("SUPABASE_PUBLIC_URL", f"{OUTSIDE}/auth/v1", "leave the path out"),
        ("SUPABASE_JWT_ISSUER", "two words", "pattern"),
    ],
)
def test_a_value_that_cannot_be_is_said(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(ValidationError, match=allowed):
        Settings.model_validate({"SUPABASE_URL": INSIDE, variable: value})


async def test_browsers_are_sent_to_the_public_url() -> None:
    for public, where in ((None, INSIDE), (f"{OUTSIDE}/", OUTSIDE)):
        auth = SupabaseAuth(INSIDE, "k", AsyncClient(), public_url=public)
        url, verifier = await auth.google_url("https://steward.example.com/sign-in/callback")
        assert url.startswith(f"{where}/auth/v1/authorize?")
        assert verifier
        await auth.close()
