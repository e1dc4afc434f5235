"""Keys of an installation: one random file, from which every secret is derived by its purpose; and signed tokens."""

import hashlib
import hmac
import os
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt

from core.data_folder import make_private_folder, unusable
from core.errors import Unauthorized, Unavailable

ALGORITHM = "HS256"
AUDIENCE = "authenticated"
LINK_SECONDS = 15 * 60
SESSION_SECONDS = 30 * 24 * 3600
KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """Signs and reads tokens. `jwt_secret` is Supabase's where a project is configured, else derived like the others."""

    root: bytes
    used_links: Path
    jwt_secret: bytes

    @classmethod
    def load(cls, home: Path, supabase_secret: str | None = None) -> "Keys":
        """The keys of an installation; made the first time, readable by its owner alone. Raises `Unavailable`."""
        home = make_private_folder(home)
        root = _root_key(home / "secret.key")
        used = home / "used-links"
        used.mkdir(mode=0o700, exist_ok=True)
        return cls(root, used, supabase_secret.encode() if supabase_secret else _derive(root, "jwt"))

    def secret(self, purpose: str) -> bytes:
        """A key for one purpose."""
        return _derive(self.root, purpose)

    def bearer_token(self, user_id: UUID, seconds: int = 3600) -> str:
        """A Bearer token for scripts, of the same form as Supabase's."""
        return self._sign(self.jwt_secret, user_id, seconds, role="authenticated", aud=AUDIENCE)

    def session_token(self, user_id: UUID) -> str:
        """The content of the session cookie."""
        return self._sign(self.secret("session"), user_id, SESSION_SECONDS, aud="session")

    def link_token(self, user_id: UUID) -> str:
        """The one-time token in a sign-in link."""
        return self._sign(self.secret("link"), user_id, LINK_SECONDS, aud="link", jti=secrets.token_urlsafe(16))

    def read_bearer(self, token: str) -> UUID:
        """Whose token this is. Raises Unauthorized."""
        return self._read(self.jwt_secret, token, AUDIENCE)[0]

    def read_session(self, token: str) -> UUID:
        """Whose session this is. Raises Unauthorized."""
        return self._read(self.secret("session"), token, "session")[0]

    def use_link(self, token: str) -> UUID:
        """Whose sign-in link this is; it works once. Raises Unauthorized."""
        user_id, claims = self._read(self.secret("link"), token, "link")
        mark = self.used_links / hashlib.sha256(str(claims.get("jti")).encode()).hexdigest()
        self._forget_old_links()
        try:
            mark.touch(exist_ok=False)
        except FileExistsError as error:
            raise Unauthorized(
                "This sign-in link was used already", hint="Run `steward link` for a fresh one."
            ) from error
        return user_id

    def csrf_token(self, session: str) -> str:
        """The token that forms of a session carry."""
        return hmac.new(self.secret("csrf"), session.encode(), hashlib.sha256).hexdigest()

    def is_csrf_token(self, session: str, token: str) -> bool:
        """Was this token given to that session?"""
        return hmac.compare_digest(self.csrf_token(session).encode(), token.encode())

    def _forget_old_links(self) -> None:
        for mark in self.used_links.iterdir():
            with suppress(FileNotFoundError):  # another visitor forgets the same one
                if mark.stat().st_mtime < time.time() - 2 * LINK_SECONDS:
                    mark.unlink()

    @staticmethod
    def _sign(key: bytes, user_id: UUID, seconds: int, **claims: Any) -> str:
        now = int(time.time())
        return jwt.encode({"sub": str(user_id), "iat": now, "exp": now + seconds, **claims}, key, ALGORITHM)

    @staticmethod
    def _read(key: bytes, token: str, audience: str) -> tuple[UUID, dict[str, Any]]:
        try:
            claims = jwt.decode(token, key, [ALGORITHM], audience=audience, options={"require": ["exp", "sub", "aud"]})
            return UUID(str(claims["sub"])), claims
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Unauthorized(
                "The token is not valid here, or it has expired", hint="Sign in again: `steward link`."
            ) from error


def _root_key(path: Path) -> bytes:
    """The random key of an installation. A new one is written beside its place and linked there whole.

    So nobody ever reads a part of it: an empty key would sign like any other, and everybody could guess it.
    """
    try:
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".secret-") as new:  # mode 0600
                new.write(secrets.token_bytes(KEY_BYTES))
                new.flush()
                os.fsync(new.fileno())
                with suppress(FileExistsError):  # somebody else was first: theirs stands
                    os.link(new.name, path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        root = path.read_bytes()
    except OSError as error:
        raise unusable(path.parent, error) from error
    if len(root) != KEY_BYTES:
        raise Unavailable(
            f"The key file {path} is broken: it has {len(root)} bytes instead of {KEY_BYTES}",
            hint="Remove it and start again; everybody then signs in anew.",
        )
    return root


def _derive(root: bytes, purpose: str) -> bytes:
    return hmac.new(root, f"steward {purpose}".encode(), hashlib.sha256).digest()
