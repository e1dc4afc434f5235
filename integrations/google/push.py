"""What Pub/Sub pushes to us: who it is from, and which mailbox has news.

Source: "Authentication for push subscriptions" of Pub/Sub, and "Push notifications" of Gmail.
"""

import asyncio
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any

import jwt
import orjson

from core.errors import Invalid, StewardError, Unauthorized, Unavailable
from integrations.google.answers import mapping, mappings
from integrations.google.gmail_messages import decode_base64url
from integrations.google.places import GooglePlaces

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
KEEP_SECONDS = 3600.0
ASK_AGAIN_SECONDS = 30.0
TIMEOUT_SECONDS = 10.0


@dataclass
class GoogleKeys:
    """The public keys that Google signs identities with, kept for an hour."""

    places: GooglePlaces = field(default_factory=GooglePlaces)
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict[str, jwt.PyJWK])
    _asked_at: float = -inf
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self, token: str, audience: str, service_account: str) -> None:
        """Is this an identity that Google gave to that service account, for us? Raises Unauthorized, Unavailable."""
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid")))
            claims: dict[str, Any] = jwt.decode(
                token, key, ["RS256"], audience=audience, options={"require": ["exp", "iat", "aud", "iss"]}
            )
        except jwt.InvalidTokenError as error:
            raise _refused() from error
        is_theirs = claims.get("email") == service_account and claims.get("email_verified") is True
        if claims.get("iss") not in ISSUERS or not is_theirs:
            raise _refused()

    async def _key(self, key_id: str) -> jwt.PyJWK:
        async with self._asking:
            age = monotonic() - self._asked_at
            if age >= KEEP_SECONDS or (key_id not in self._keys and age >= ASK_AGAIN_SECONDS):
                self._keys = await self._ask()
                self._asked_at = monotonic()
        if key_id not in self._keys:
            raise _refused()
        return self._keys[key_id]

    async def _ask(self) -> dict[str, jwt.PyJWK]:
        import httpx  # only where something is pushed

        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.get(self.places.certificates)
            answer.raise_for_status()
            told = mappings(mapping(orjson.loads(answer.content)).get("keys"))
            return {
                str(one["kid"]): jwt.PyJWK.from_dict(one) for one in told if one.get("kty") == "RSA" and "kid" in one
            }
        except (httpx.HTTPError, orjson.JSONDecodeError, jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unavailable("Google's signing keys cannot be had") from error


def pushed_address(body: object) -> str:
    """The address of the mailbox that has news, out of what Pub/Sub posted. Raises Invalid."""
    try:
        told: object = orjson.loads(decode_base64url(mapping(mapping(body).get("message")).get("data", "")))
    except (orjson.JSONDecodeError, StewardError) as error:
        raise Invalid("This is no notification of Gmail", detail="message.data is JSON in base64") from error
    address = mapping(told).get("emailAddress")
    if not isinstance(address, str) or not 3 <= len(address) <= 320 or "@" not in address:
        raise Invalid("This is no notification of Gmail", detail="message.data names the mailbox in emailAddress")
    return address.casefold()


def _refused() -> Unauthorized:
    return Unauthorized("This is not pushed by the subscription of this installation")
