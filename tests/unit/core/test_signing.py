"""Tokens that Steward signs itself."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from core.database import Identity
from core.errors import Invalid
from core.settings import Settings
from core.signing import Signer

SECRET = "not-a-secret-but-long-enough-for-hs256"
URL = "https://project.supabase.example"


def signer(**names: object) -> Signer:
    made = Signer.from_settings(Settings.model_validate({"SUPABASE_URL": URL, **names}))
    assert made
    return made


def ec_key() -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True), "alg": "ES256"}


def rsa_key() -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True), "alg": "RS256"}


def ed_key() -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True), "alg": "EdDSA"}


def test_a_secret_signs_who_somebody_is_for_a_few_minutes() -> None:
    agent = Identity.agent(uuid4(), uuid4())
    token = signer(SUPABASE_JWT_SECRET=SECRET).token(agent)
    claims = jwt.decode(token, SECRET, ["HS256"], audience="authenticated", issuer=f"{URL}/auth/v1")
    assert agent.claims().items() <= claims.items()
    assert 60 < claims["exp"] - time.time() <= 300


@pytest.mark.parametrize("make", [ec_key, rsa_key, ed_key])
def test_a_key_of_the_project_signs_with_its_name(make: Callable[[], dict[str, Any]]) -> None:
    data = {**make(), "kid": "ours"}
    person = Identity(uuid4())
    token = signer(SUPABASE_SIGNING_KEY=json.dumps(data), SUPABASE_JWT_SECRET=SECRET).token(person)
    assert jwt.get_unverified_header(token) == {"alg": data["alg"], "typ": "JWT", "kid": "ours"}
    public = {name: value for name, value in data.items() if name not in {"d", "p", "q", "dp", "dq", "qi", "key_ops"}}
    claims = jwt.decode(token, jwt.PyJWK.from_dict(public), [data["alg"]], audience="authenticated")
    assert claims["sub"] == str(person.user_id)


def test_a_token_is_used_again_while_it_is_fresh_and_by_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    one, now = signer(SUPABASE_JWT_SECRET=SECRET), time.time()
    ana, bo = Identity(uuid4()), Identity(uuid4())
    first = one.token(ana)
    assert one.token(ana) == first
    assert one.token(bo) != first
    assert one.token(Identity(ana.user_id, organization_id=uuid4())) != first
    monkeypatch.setattr("core.signing.time", lambda: now + 250)
    later = one.token(ana)
    assert later != first
    for _ in range(1100):  # it keeps no more than it needs
        one.token(Identity(uuid4()))
    assert len(one._kept) <= 1000  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUPABASE_JWT_SECRET", "short"),
        ("SUPABASE_SIGNING_KEY", "not JSON: secret-word"),
        ("SUPABASE_SIGNING_KEY", "[]"),
        ("SUPABASE_SIGNING_KEY", '{"kty": "oct", "k": "c2VjcmV0LXdvcmQ", "d": "x"}'),
        ("SUPABASE_SIGNING_KEY", '{"kty": "EC", "crv": "P-256", "x": "secret-word", "y": "b"}'),
        ("SUPABASE_SIGNING_KEY", '{"kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "secret-word"}'),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name) as caught:
        signer(**{name: value})
    assert "secret-word" not in f"{caught.value.message} {caught.value.detail} {caught.value.__cause__}"
    assert caught.value.detail


def test_without_a_key_there_is_no_signer_and_none_shows_its_key() -> None:
    assert Signer.from_settings(Settings.model_validate({"SUPABASE_URL": URL})) is None
    assert SECRET not in repr(signer(SUPABASE_JWT_SECRET=SECRET))
