"""The keys of a house: in a back-up sealed by a passphrase, never in the open; and a new one for sessions."""

import base64
import secrets
from pathlib import Path

from core.backup.format import Entry, SealedKeys
from core.errors import Invalid
from core.keys import Keys, renew_root_key
from core.settings import Settings
from core.vault import read_keys
from core.vault_keys import also_keep, stored_keys

KEY_FILE = "secret.key"

SHORTEST_PASSPHRASE = 12
# OWASP's Password Storage Cheat Sheet: scrypt N=2^16, r=8, p=2; 64 MB, half a second.
COST, BLOCK_SIZE, LANES = 2**16, 8, 2
BOUND = b"keys of a back-up of Steward"


def keys_of(settings: Settings) -> str:
    """All that secrets of this house open with, as text, the newest first: what `Vault.from_settings` uses. Makes no `secret.key`.

    Raises `Invalid`, `Unavailable`: a keyring that does not open would leave its keys out.
    """
    given = settings.encryption_keys.get_secret_value() if settings.encryption_keys else ""
    keys = [*read_keys(given), *read_keys(stored_keys(settings.home, makes_first=not given))]
    if settings.secret_key:
        keys.append(Keys.load(settings.home, secret_key=settings.secret_key.get_secret_value()).secret("vault"))
    if (settings.home / KEY_FILE).exists():
        keys.append(Keys.load(settings.home).secret("vault"))
    return ",".join(dict.fromkeys(map(_as_text, keys)))


def end_sessions(home: Path) -> None:
    """A new `secret.key`: what the old one signed is worth nothing. Secrets may be sealed with it, so the vault keeps it."""
    also_keep(home, _as_text(Keys.load(home).secret("vault")))
    renew_root_key(home)


def seal_keys(text: str, passphrase: str) -> tuple[bytes, str, str]:
    """The sealed text, salt and nonce. Raises `Invalid` for a passphrase that is too short."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise Invalid(
            f"The passphrase has {len(passphrase)} characters",
            detail=f"allowed are {SHORTEST_PASSPHRASE} and more: whoever has the file can try as many as they like",
        )
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    return AESGCM(_key(passphrase, salt)).encrypt(nonce, text.encode(), BOUND), salt.hex(), nonce.hex()


def open_keys(sealed: bytes, how: SealedKeys, passphrase: str) -> str:
    """What was sealed. Raises `Invalid` where the passphrase is another one."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        key = _key(passphrase, bytes.fromhex(how.salt))
        return AESGCM(key).decrypt(bytes.fromhex(how.nonce), sealed, BOUND).decode()
    except InvalidTag as error:
        raise Invalid("The passphrase is not the one that the keys were sealed with") from error


def sealed_entry(entry: Entry, salt: str, nonce: str) -> SealedKeys:
    return SealedKeys(salt=salt, nonce=nonce, **entry.model_dump())


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=COST, r=BLOCK_SIZE, p=LANES).derive(passphrase.encode())


def _as_text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")
