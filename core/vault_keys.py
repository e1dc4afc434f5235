"""Where the keys of the vault lie: in the system keyring where there is one, else in a file of the data folder.

Both hold text of the form of STEWARD_ENCRYPTION_KEYS, the newest key first. A machine without a keyring (a server, a
container) has no text at first: there the key is derived from the installation's `secret.key`, until it is rotated.
A file beside them, `vault.stamp`, is touched with every change, so that running processes read the new keys.
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Literal

from core.data_folder import make_private_folder, unusable
from core.errors import Unavailable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "steward"
FILE, STAMP, LOCK = "vault.keys", "vault.stamp", "vault.lock"
KEY_BYTES = 32
REAL_KEYRING = 1.0  # the priority from which on a backend keeps things safe; below are those that fail or keep nothing

_known: dict[tuple[Path, str, int], str] = {}  # (data folder, backend, stamp) -> text: a keyring is slow to ask


def stored_keys(home: Path, *, makes_first: bool = True) -> str:
    """The keys as text, the newest first; empty where only the installation's own is there. Raises `Unavailable`.

    The first time, a machine with a keyring gets a key there, unless other keys are given (`makes_first` False): then a
    keyring that does not open is none, and what it sealed says so when it is opened.
    """
    home = make_private_folder(home)
    if (home / FILE).exists():
        return _read_file(home)
    backend = system_keyring()
    if backend is None:
        return ""
    if (home, backend.name, _stamp(home)) not in _known:
        try:
            text = _ask(backend, home) or (_first_key(backend, home) if makes_first else "")
        except Unavailable:
            if makes_first:
                raise
            return ""
        _known[home, backend.name, _stamp(home)] = text
    return _known[home, backend.name, _stamp(home)]


def place_of_keys(home: Path) -> Literal["keyring", "file", "installation"]:
    """Where the newest key lies now: the system keyring, `vault.keys`, or derived from `secret.key`."""
    if (home / FILE).exists():
        return "file"
    return "keyring" if system_keyring() else "installation"


def add_key(home: Path) -> None:
    """Put a new key first; the others stay, so that whatever they sealed still opens."""
    with _alone(home):
        _keep(home, ",".join(filter(None, [_new_key(), *_texts(home)])))


def also_keep(home: Path, text: str) -> None:
    """Keep these keys after those that are there, each once: what they sealed opens here from now on."""
    with _alone(home):
        known = [key for key in _texts(home) if key]
        more = [key for key in text.split(",") if key and key not in known]
        if more:
            _keep(home, ",".join([*(known or [_new_key()]), *more]))


def drop_old_keys(home: Path, kept: int) -> None:
    """Forget all but the newest `kept` keys."""
    with _alone(home):
        _keep(home, ",".join(_texts(home)[:kept]))


def system_keyring() -> "KeyringBackend | None":
    """The keyring of this machine; None where there is none that keeps things safe."""
    import keyring  # late: it looks for its backends
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
        return backend if float(backend.priority) >= REAL_KEYRING else None
    except (KeyringError, RuntimeError):  # a backend that cannot run here says so by RuntimeError
        return None


def _texts(home: Path) -> list[str]:
    home = make_private_folder(home)
    if (home / FILE).exists():
        return _read_file(home).split(",")
    backend = system_keyring()
    return (_ask(backend, home) or "").split(",") if backend else []


def _first_key(backend: "KeyringBackend", home: Path) -> str:
    with _alone(home):
        text = _ask(backend, home)  # another process may have been first
        if not text:
            text = _new_key()
            _tell(backend, home, text)
            (home / STAMP).touch(mode=0o600)
        return text


def _keep(home: Path, text: str) -> None:
    home = make_private_folder(home)
    backend = None if (home / FILE).exists() else system_keyring()
    if backend:
        _tell(backend, home, text)
    else:
        try:
            with NamedTemporaryFile("w", dir=home, prefix=".vault-", delete=False) as new:  # mode 0600
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            Path(new.name).replace(home / FILE)
        except OSError as error:
            raise unusable(home, error) from error
    stamp = home / STAMP
    before = _stamp(home)
    stamp.touch(mode=0o600)
    if _stamp(home) == before:  # a clock that stands still
        os.utime(stamp, ns=(before + 1, before + 1))


def _ask(backend: "KeyringBackend", home: Path) -> str | None:
    from keyring.errors import KeyringError

    try:
        return backend.get_password(SERVICE, str(home))
    except KeyringError as error:
        raise _closed(backend) from error


def _tell(backend: "KeyringBackend", home: Path, text: str) -> None:
    from keyring.errors import KeyringError

    try:
        backend.set_password(SERVICE, str(home), text)
    except KeyringError as error:
        raise _closed(backend) from error
    if backend.get_password(SERVICE, str(home)) != text:
        raise Unavailable(f"The system keyring ({backend.name}) does not keep what it is given")


def _closed(backend: "KeyringBackend") -> Unavailable:
    return Unavailable(
        f"The system keyring ({backend.name}) does not open",
        hint="Unlock it, or set STEWARD_ENCRYPTION_KEYS and PYTHON_KEYRING_BACKEND=keyring.backends.fail.Keyring.",
    )


def _read_file(home: Path) -> str:
    path = home / FILE
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return path.read_text().strip()
    except OSError as error:
        raise unusable(home, error) from error


def _stamp(home: Path) -> int:
    with suppress(FileNotFoundError):
        return (home / STAMP).stat().st_mtime_ns
    return 0


@contextmanager
def _alone(home: Path) -> Generator[None]:
    """One process at a time makes or drops keys."""
    home = make_private_folder(home)
    try:
        with (home / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise unusable(home, error) from error


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")
