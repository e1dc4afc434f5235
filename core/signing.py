"""Short-lived tokens that Steward signs for its own callers: programs, agents, workers, and people it knows otherwise.

A project verifies them with its JWT secret or with a signing key of its own (`SUPABASE_SIGNING_KEY`); to PostgREST they
are like the tokens of Supabase Auth (https://docs.postgrest.org/en/stable/references/auth.html).
"""

import json
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Any

import jwt

from core.database import Identity
from core.errors import Invalid

if TYPE_CHECKING:
    from core.settings import Settings

ALGORITHMS = {"ES256", "RS256", "EdDSA"}
AUDIENCE = "authenticated"
SECONDS = 300
FRESH_SECONDS = 60  # what a kept token still has to last
MOST_KEPT = 1000
SHORTEST_SECRET = 32  # bytes: RFC 7518, 3.2
SIGNING_KEY, SECRET = "SUPABASE_SIGNING_KEY", "SUPABASE_JWT_SECRET"
ALLOWED = "a private JSON Web Key of the project: ES256, RS256 or EdDSA, with its kid"


@dataclass
class Signer:
    """Signs the claims of an identity. A token is used again while it is fresh."""

    issuer: str
    _key: Any = field(repr=False)
    _algorithm: str = "HS256"
    _key_id: str | None = None
    _kept: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]], repr=False)

    @classmethod
    def from_settings(cls, settings: "Settings") -> "Signer | None":
        """With the signing key, else the JWT secret of the settings; None without. Raises `Invalid` for a wrong one."""
        issuer = settings.supabase_issuer
        if settings.supabase_signing_key:
            return _with_key(issuer, settings.supabase_signing_key.get_secret_value())
        if settings.supabase_jwt_secret:
            secret = settings.supabase_jwt_secret.get_secret_value().encode()
            if len(secret) < SHORTEST_SECRET:
                raise _wrong(SECRET, f"it needs {SHORTEST_SECRET} characters at least")
            return cls(issuer, secret)
        return None

    def token(self, identity: Identity) -> str:
        """A token with the identity's claims, good for a minute at least and five at most."""
        claims, now = identity.claims_setting(), time()
        kept = self._kept.get(claims)
        if kept and kept[1] - now > FRESH_SECONDS:
            return kept[0]
        if len(self._kept) >= MOST_KEPT:
            self._forget(now)
        until = int(now) + SECONDS
        more = {"aud": AUDIENCE, "iss": self.issuer, "iat": int(now), "exp": until}
        headers = {"kid": self._key_id} if self._key_id else None
        made = jwt.encode({**identity.claims(), **more}, self._key, self._algorithm, headers=headers)
        self._kept[claims] = (made, until)
        return made

    def _forget(self, now: float) -> None:
        self._kept = {claims: one for claims, one in self._kept.items() if one[1] - now > FRESH_SECONDS}
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]  # the oldest


def _with_key(issuer: str, text: str) -> Signer:
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or "d" not in data:
            raise _wrong(SIGNING_KEY, f"allowed is {ALLOWED}; this one is not private")
        key = jwt.PyJWK.from_dict(data)  # pyright: ignore[reportUnknownArgumentType]
    except (ValueError, TypeError, jwt.PyJWTError):  # what it says could hold parts of the key
        raise _wrong(SIGNING_KEY, f"allowed is {ALLOWED}") from None
    if key.algorithm_name not in ALGORITHMS:
        raise _wrong(SIGNING_KEY, f"allowed is {ALLOWED}; this one is for {key.algorithm_name}")
    return Signer(issuer, key.key, key.algorithm_name, key.key_id)


def _wrong(setting: str, allowed: str) -> Invalid:
    return Invalid(f"The setting {setting} has a wrong value (not shown)", detail=allowed)
