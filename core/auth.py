"""Bearer tokens that a Supabase project signed with a key pair: read with the public keys it publishes (JWKS).

Tokens signed with a shared secret are read by `core.keys`; each kind of signature is only ever tried with keys of its
kind, so a public key never serves as a secret (RFC 8725, 3.1).
"""

import asyncio
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import structlog

from core.errors import Forbidden, Unauthorized, Unavailable
from core.urls import auth_url_of

if TYPE_CHECKING:
    from httpx import AsyncClient

log = structlog.get_logger()
ALGORITHMS = {"ES256", "RS256", "EdDSA"}
AUDIENCE = PERSON = "authenticated"
OURS = ("organization_id", "token_scopes", "agent_id", "run_task_id", "run_id")
KEEP_SECONDS = 600.0  # Supabase asks for no longer, so that a revoked key is gone soon
ASK_AGAIN_SECONDS = 30.0  # at most so often for a key id that was never seen: anybody can make one up
TIMEOUT_SECONDS = 5.0
REST_SECONDS = 5.0  # after a question that failed, so that requests do not queue behind one timeout each
MOST_KEYS = 50


def is_signed_by_key_pair(token: str) -> bool:
    """Does the token say that its signature is asymmetric? Nothing is checked yet. Raises `Unauthorized` for garbage."""
    try:
        return jwt.get_unverified_header(token).get("alg") in ALGORITHMS
    except jwt.InvalidTokenError as error:
        raise _refused() from error


def unverified_claims(token: str) -> dict[str, Any]:
    """What a token says, for one whose signature was looked at before, or will be. Raises `Unauthorized` for garbage."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise _refused() from error


def foreign_words(token: str) -> list[str]:
    """The claims of a person's token that row-level security would take for ours, by name. Raises `Unauthorized` for garbage."""
    claims = unverified_claims(token)
    return [name for name in OURS if name in claims] + (["role"] if claims.get("role") != PERSON else [])


def refuse_other_roles(claims: dict[str, Any]) -> None:
    """Raises `Forbidden` for a token that is no person's, whoever signed it."""
    if claims.get("role", PERSON) != PERSON:
        raise Forbidden(
            "This token is not a person's",
            detail=f"its role is not {PERSON}",
            hint="Sign in, or make a token in the settings.",
        )


class ProjectKeys:
    """The public keys of a Supabase project, asked for when they are first needed and kept for ten minutes.

    `issuer`: who its tokens are from, where that is not its Auth at this URL.
    """

    def __init__(self, supabase_url: str, client: "AsyncClient | None" = None, issuer: str | None = None) -> None:
        self._url = auth_url_of(supabase_url)
        self._issuer = issuer or self._url
        self._client = client
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = -inf
        self._failed_at = -inf
        self._asking = asyncio.Lock()

    async def read_bearer(self, token: str) -> UUID:
        """Whose token this is. Raises `Unauthorized`, or `Unavailable` when the project does not tell its keys."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid")))
            if header.get("alg") not in ALGORITHMS or header["alg"] != key.algorithm_name:
                raise _refused()
            claims = jwt.decode(
                token,
                key,
                [key.algorithm_name],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": ["exp", "sub", "aud", "iss"]},
            )
            refuse_other_roles(claims)
            return UUID(str(claims["sub"]))
        except jwt.InvalidIssuerError as error:
            raise of_another_project(self._issuer) from error
        except (jwt.InvalidTokenError, ValueError) as error:
            raise _refused() from error

    async def _key(self, key_id: str) -> jwt.PyJWK:
        """A known key waits for nobody: anybody can make the project be asked for one that is made up."""
        if key_id in self._keys and monotonic() - self._asked_at < KEEP_SECONDS:
            return self._keys[key_id]
        async with self._asking:
            age = monotonic() - self._asked_at
            if age >= KEEP_SECONDS or (key_id not in self._keys and age >= ASK_AGAIN_SECONDS):
                self._keys = await self._ask()
                self._asked_at = monotonic()
        if key_id not in self._keys:
            raise _refused()
        return self._keys[key_id]

    async def _ask(self) -> dict[str, jwt.PyJWK]:
        import httpx  # only where a project is configured

        if monotonic() - self._failed_at < REST_SECONDS:
            raise Unavailable("The Supabase project does not tell its signing keys")
        url = f"{self._url}/.well-known/jwks.json"
        try:
            if self._client:
                answer = await self._client.get(url, timeout=TIMEOUT_SECONDS)
            else:
                async with httpx.AsyncClient() as client:
                    answer = await client.get(url, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            told = answer.json()["keys"][:MOST_KEYS]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self._failed_at = monotonic()
            raise Unavailable("The Supabase project does not tell its signing keys", detail=str(error)) from error
        keys: dict[str, jwt.PyJWK] = {}
        for data in told:
            try:
                key = jwt.PyJWK.from_dict(data)
            except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
                await log.awarning("signing_key_not_understood", error=str(error))
                continue
            if key.key_id and key.algorithm_name in ALGORITHMS:
                keys[key.key_id] = key
        return keys


def of_another_project(issuer: str) -> Unauthorized:
    """What whoever comes with a token that is signed well, and from somebody else, is told."""
    return Unauthorized(
        "The token is of another Supabase project",
        detail=f"its issuer is not {issuer}",
        hint="Sign in again. Whose tokens this house takes, SUPABASE_PUBLIC_URL or SUPABASE_JWT_ISSUER say.",
    )


def _refused() -> Unauthorized:
    return Unauthorized("The token is not valid here, or it has expired", hint="Sign in again.")
