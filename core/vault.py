"""Secrets at rest: AES-256-GCM, sealed to the tenant and the account that they belong to.

Sealed text is base64 of `version (1) | key id (4) | nonce (12) | ciphertext and tag`. The associated data are the ids of
organization and account, so that a row moved to another tenant or account does not open. The first key seals, every
key opens: put a new key first to rotate, and drop the old one when everything was sealed anew (`steward keys rotate`).
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import orjson

from core.errors import Invalid, StewardError
from core.keys import Keys
from core.settings import Settings
from core.vault_keys import stored_keys

VERSION = b"\x01"
KEY_BYTES = 32
ID_BYTES = 4
NONCE_BYTES = 12
HOW_TO_MAKE = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'


class CannotOpen(StewardError):
    """A secret cannot be opened: its key is not among ours, it was changed, or it is another tenant's."""

    title = "A secret cannot be opened"
    type = "cannot-open"


class Vault:
    """Seals and opens the secrets of connected accounts."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are 32 bytes each, the newest first."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise Invalid(f"A vault needs keys of {KEY_BYTES} bytes")
        self._sealing = keys[0]
        self._keys = {_key_id(key): key for key in reversed(keys)}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Vault":
        """The keys of STEWARD_ENCRYPTION_KEYS, of the keyring or its file, and the installation's own: the first seals.

        Raises Invalid, Unavailable.
        """
        given = settings.encryption_keys.get_secret_value() if settings.encryption_keys else ""
        stored = stored_keys(settings.home, makes_first=not given)
        return cls([*read_keys(given), *read_keys(stored), *_of_the_installation(settings)])

    def seal(self, secret: Mapping[str, Any], organization_id: UUID, account_id: UUID) -> str:
        """The secret as text that only opens for the same organization and account."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only where there are accounts

        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._sealing).encrypt(nonce, orjson.dumps(dict(secret)), _bound(organization_id, account_id))
        return base64.urlsafe_b64encode(VERSION + _key_id(self._sealing) + nonce + sealed).decode()

    def is_newest(self, sealed: str) -> bool:
        """Was this sealed with the newest key?"""
        try:
            raw = base64.b64decode(sealed.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        return raw[len(VERSION) : len(VERSION) + ID_BYTES] == _key_id(self._sealing)

    def open(self, sealed: str, organization_id: UUID, account_id: UUID) -> dict[str, Any]:
        """What was sealed. Raises CannotOpen, which tells nothing of the content."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.b64decode(sealed.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise CannotOpen("The sealed secret is not of the form that this version writes") from error
        start = len(VERSION)
        key = self._keys.get(raw[start : start + ID_BYTES])
        if raw[:start] != VERSION or len(raw) < start + ID_BYTES + NONCE_BYTES:
            raise CannotOpen("The sealed secret is not of the form that this version writes")
        if key is None:
            raise CannotOpen(
                "The secret was sealed with a key that this installation does not have",
                hint="Add the old key at the end of STEWARD_ENCRYPTION_KEYS, or connect the account again.",
            )
        start += ID_BYTES
        nonce, body = raw[start : start + NONCE_BYTES], raw[start + NONCE_BYTES :]
        try:
            return cast(
                "dict[str, Any]", orjson.loads(AESGCM(key).decrypt(nonce, body, _bound(organization_id, account_id)))
            )
        except InvalidTag as error:
            raise CannotOpen("The sealed secret was changed, or it belongs to somebody else") from error


def read_keys(text: str) -> list[bytes]:
    """Keys out of comma-separated base64 (either alphabet) or hexadecimal text. Raises Invalid without showing them."""
    keys: list[bytes] = []
    for number, part in enumerate((part.strip() for part in text.split(",")), 1):
        if not part:
            continue
        key = _decoded(part)
        if key is None or len(key) != KEY_BYTES:
            raise Invalid(
                f"Key {number} of STEWARD_ENCRYPTION_KEYS is not {KEY_BYTES} bytes in base64 or hexadecimal",
                hint=HOW_TO_MAKE,
            )
        keys.append(key)
    return keys


def _decoded(text: str) -> bytes | None:
    if len(text) == 2 * KEY_BYTES:
        try:
            return bytes.fromhex(text)
        except ValueError:
            return None
    try:
        plain = text.rstrip("=").replace("+", "-").replace("/", "_")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"steward vault key" + key).digest()[:ID_BYTES]


def _of_the_installation(settings: Settings) -> list[bytes]:
    """The key that STEWARD_SECRET_KEY gives, and the one of the file where there is one: what it sealed still opens."""
    shared = settings.secret_key.get_secret_value() if settings.secret_key else None
    keys = [Keys.load(settings.home, secret_key=shared).secret("vault")]
    if shared and (settings.home / "secret.key").exists():
        keys.append(Keys.load(settings.home).secret("vault"))
    return keys


def _bound(organization_id: UUID, account_id: UUID) -> bytes:
    return organization_id.bytes + account_id.bytes
