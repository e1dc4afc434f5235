"""Keys of an installation: one random secret, from which every other is derived by its purpose; and signed tokens.

The secret is a file of the data folder, or STEWARD_SECRET_KEY, which several web processes share; then nothing has to
be written.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt

from core.auth import AUDIENCE, of_another_project, refuse_other_roles
from core.data_folder import make_private_folder, unusable
from core.errors import Invalid, Unauthorized, Unavailable

if TYPE_CHECKING:
    from core.settings import Settings

ALGORITHM = "HS256"
LINK_SECONDS = 15 * 60
SESSION_SECONDS = 30 * 24 * 3600
KEY_BYTES = 32
NONCE_BYTES = 12
MOST_SEALED = 16_000  # characters; whatever is longer was never ours
SIGN_IN_AGAIN = "Sign in again: `steward link`."


@dataclass(frozen=True)
class Keys:
    """Signs and reads tokens. `jwt_secret` is Supabase's where a project is configured, else derived like the others.

    `issuer`: who Bearer tokens have to be from; another project may have the same secret.
    """

    root: bytes
    used_links: Path
    jwt_secret: bytes
    issuer: str | None = None

    @classmethod
    def from_settings(cls, settings: "Settings") -> "Keys":
        """The keys of the installation that the settings are of. Raises what `load` does."""
        secrets = [
            one.get_secret_value() if one else None for one in (settings.supabase_jwt_secret, settings.secret_key)
        ]
        keys = cls.load(settings.home, *secrets)
        is_of_project = settings.supabase_url and settings.supabase_jwt_secret
        return replace(keys, issuer=settings.supabase_issuer) if is_of_project else keys

    @classmethod
    def load(cls, home: Path, supabase_secret: str | None = None, secret_key: str | None = None) -> "Keys":
        """The keys of an installation, from `secret_key` or a file that is made the first time, its owner's alone.

        With `secret_key` nothing is written here. Raises `Unavailable`, and `Invalid` for a key of the wrong form.
        """
        home = home.expanduser().absolute()
        used = home / "used-links"
        if secret_key:
            root = read_secret_key(secret_key)
        else:
            root = _root_key(make_private_folder(home) / "secret.key")
            used.mkdir(mode=0o700, exist_ok=True)
        return cls(root, used, supabase_secret.encode() if supabase_secret else _derive(root, "jwt"))

    def secret(self, purpose: str) -> bytes:
        """A key for one purpose."""
        return _derive(self.root, purpose)

    def bearer_token(self, user_id: UUID, seconds: int = 3600) -> str:
        """A Bearer token for scripts, of the same form as Supabase's."""
        issued = {"iss": self.issuer} if self.issuer else {}
        return self._sign(self.jwt_secret, user_id, seconds, role=AUDIENCE, aud=AUDIENCE, **issued)

    def session_token(self, user_id: UUID) -> str:
        """The content of the session cookie."""
        return self._sign(self.secret("session"), user_id, SESSION_SECONDS, aud="session")

    def link_token(self, user_id: UUID) -> str:
        """The one-time token in a sign-in link."""
        return self._sign(self.secret("link"), user_id, LINK_SECONDS, aud="link", jti=secrets.token_urlsafe(16))

    def read_bearer(self, token: str) -> UUID:
        """Whose token this is. Raises Unauthorized, and Forbidden where its role is no person's."""
        user_id, claims = self._read(self.jwt_secret, token, AUDIENCE)
        if self.issuer and claims.get("iss") != self.issuer:
            raise of_another_project(self.issuer)
        refuse_other_roles(claims)
        return user_id

    def read_session(self, token: str) -> UUID:
        """Whose session this is. Raises Unauthorized."""
        user_id = self.signed_session(token)
        if self._mark_of(token).exists():
            raise Unauthorized("This session was signed out", hint=SIGN_IN_AGAIN)
        return user_id

    def signed_session(self, token: str) -> UUID:
        """Whose session this is, ended or not. Raises Unauthorized."""
        return self._read(self.secret("session"), token, "session")[0]

    def signed_link(self, token: str) -> tuple[UUID, str]:
        """Whose sign-in link this is, used or not, and what to remember it by. Raises Unauthorized."""
        user_id, claims = self._read(self.secret("link"), token, "link")
        return user_id, self.hash_of(str(claims.get("jti")))

    def use_link(self, token: str) -> UUID:
        """Whose sign-in link this is; it works once. Raises Unauthorized."""
        user_id, name = self.signed_link(token)
        mark = self.used_links / name
        try:
            make_private_folder(self.used_links.parent)
            self.used_links.mkdir(mode=0o700, exist_ok=True)
            self._forget_old_links()
            mark.touch(exist_ok=False)
        except FileExistsError as error:
            raise link_was_used() from error
        except OSError as error:  # where nothing can be kept, a link would work again and again
            raise unusable(self.used_links, error) from error
        return user_id

    def end_session(self, token: str) -> None:
        """The session of a link ends here: its cookie, copied, opens nothing any more. Raises `Unavailable`."""
        try:
            make_private_folder(self._ended.parent)
            self._ended.mkdir(mode=0o700, exist_ok=True)
            for mark in self._ended.iterdir():
                with suppress(FileNotFoundError):
                    if mark.stat().st_mtime < time.time() - SESSION_SECONDS:
                        mark.unlink()
            self._mark_of(token).touch()
        except OSError as error:
            raise unusable(self._ended, error) from error

    def seal(self, purpose: str, content: bytes) -> str:
        """The content, encrypted, as text for a cookie; it opens for the same purpose and installation alone."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only where somebody signs in so

        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self.secret(f"seal {purpose}")).encrypt(nonce, content, purpose.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def unseal(self, purpose: str, sealed: str) -> bytes:
        """What was sealed. Raises `Unauthorized`, which tells nothing of the content."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            if len(sealed) > MOST_SEALED:
                raise ValueError("too long")
            raw = base64.b64decode(sealed.encode() + b"=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            cipher = AESGCM(self.secret(f"seal {purpose}"))
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise Unauthorized("The cookie is not valid here", hint="Sign in again.") from error

    @property
    def _ended(self) -> Path:
        return self.used_links.with_name("ended-sessions")

    def _mark_of(self, token: str) -> Path:
        return self._ended / self.hash_of(token)

    @staticmethod
    def hash_of(token: str) -> str:
        """What a token is remembered by once it is used up: nobody makes it out of that again."""
        return hashlib.sha256(token.encode()).hexdigest()

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
            raise Unauthorized("The token is not valid here, or it has expired", hint=SIGN_IN_AGAIN) from error


def link_was_used() -> Unauthorized:
    """What whoever comes with a used sign-in link is told."""
    return Unauthorized("This sign-in link was used already", hint="Run `steward link` for a fresh one.")


def renew_root_key(home: Path) -> None:
    """Put a new random key in the place of the installation's: what the old one signed is valid no more. Raises `Unavailable`."""
    path = make_private_folder(home) / "secret.key"
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".secret-", delete=False) as new:  # mode 0600
            new.write(secrets.token_bytes(KEY_BYTES))
            new.flush()
            os.fsync(new.fileno())
        Path(new.name).replace(path)
    except OSError as error:
        raise unusable(path.parent, error) from error


def read_secret_key(text: str) -> bytes:
    """STEWARD_SECRET_KEY as bytes. Raises `Invalid` that says what is allowed."""
    try:
        key = base64.b64decode(text.strip().encode(), altchars=b"-_" if set(text) & set("-_") else None, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Invalid(
            "The setting STEWARD_SECRET_KEY has a wrong value (not shown)",
            detail=f"allowed are {KEY_BYTES} bytes in base64",
            hint="`openssl rand -base64 32` makes one.",
        )
    return key


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
