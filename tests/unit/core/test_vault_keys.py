"""The keys of the vault: in the keyring where there is one, else in a file; rotated without a secret ever closing."""

import base64
import stat
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from cli.doctor import check_keys
from core.errors import Unavailable
from core.keys import Keys
from core.settings import Settings
from core.vault import CannotOpen, Vault
from core.vault_keys import add_key, drop_old_keys, place_of_keys, stored_keys

ORGANIZATION, ACCOUNT = uuid4(), uuid4()


class MemoryKeyring(KeyringBackend):
    """A keyring that needs no desktop: `keyring`'s own interface over a dictionary. It forgets with the test."""

    priority = 5.0  # pyright: ignore[reportAssignmentType] - a class property there

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise KeyringLocked("locked")
        self.kept[service, username] = password


@pytest.fixture
def memory() -> Generator[MemoryKeyring]:
    before = keyring.get_keyring()
    keyring.set_keyring(made := MemoryKeyring())
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def headless() -> Generator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


def _settings(home: Path, keys: str | None = None) -> Settings:
    return Settings.model_validate({"home": home, "encryption_keys": keys})


def test_a_keyring_keeps_the_key_and_no_file_does(memory: MemoryKeyring, tmp_path: Path) -> None:
    sealed = Vault.from_settings(_settings(tmp_path)).seal({"a": 1}, ORGANIZATION, ACCOUNT)

    [key] = memory.kept.values()
    assert Vault.from_settings(_settings(tmp_path)).open(sealed, ORGANIZATION, ACCOUNT) == {"a": 1}
    assert place_of_keys(tmp_path) == "keyring"
    assert check_keys(_settings(tmp_path)).said == f"in the system keyring ({memory.name})"
    assert not any(key in file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())
    with pytest.raises(CannotOpen):  # the folder alone opens nothing
        Vault([Keys.load(tmp_path).secret("vault")]).open(sealed, ORGANIZATION, ACCOUNT)


def test_a_keyring_that_is_locked_is_named_and_no_second_key_is_made(memory: MemoryKeyring, tmp_path: Path) -> None:
    memory.is_locked = True

    with pytest.raises(Unavailable, match="MemoryKeyring"):
        Vault.from_settings(_settings(tmp_path))
    assert check_keys(_settings(tmp_path)).state == "broken"
    given = base64.urlsafe_b64encode(b"k" * 32).decode()
    sealed = Vault.from_settings(_settings(tmp_path, given)).seal({"a": 1}, ORGANIZATION, ACCOUNT)  # a given key does

    memory.is_locked = False
    assert Vault([b"k" * 32]).open(sealed, ORGANIZATION, ACCOUNT) == {"a": 1}


def test_without_a_keyring_the_installation_s_key_seals_and_a_rotation_makes_a_file(
    headless: None, tmp_path: Path
) -> None:
    old = Vault.from_settings(_settings(tmp_path)).seal({"a": 1}, ORGANIZATION, ACCOUNT)
    assert stored_keys(tmp_path) == ""
    assert place_of_keys(tmp_path) == "installation"
    assert "secret.key" in check_keys(_settings(tmp_path)).said

    add_key(tmp_path)

    rotated = Vault.from_settings(_settings(tmp_path))
    assert rotated.open(old, ORGANIZATION, ACCOUNT) == {"a": 1}
    assert not rotated.is_newest(old)
    assert rotated.is_newest(rotated.seal({}, ORGANIZATION, ACCOUNT))
    assert stat.S_IMODE((tmp_path / "vault.keys").stat().st_mode) == 0o600
    assert "vault.keys" in check_keys(_settings(tmp_path)).said


@pytest.mark.parametrize("place", ["memory", "headless"])
def test_running_processes_see_a_rotation_and_dropped_keys_open_nothing(
    place: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    request.getfixturevalue(place)
    add_key(tmp_path)
    first = Vault.from_settings(_settings(tmp_path)).seal({"a": 1}, ORGANIZATION, ACCOUNT)

    add_key(tmp_path)
    assert Vault.from_settings(_settings(tmp_path)).open(first, ORGANIZATION, ACCOUNT) == {"a": 1}
    drop_old_keys(tmp_path, 1)

    with pytest.raises(CannotOpen):
        Vault.from_settings(_settings(tmp_path)).open(first, ORGANIZATION, ACCOUNT)
    assert len(stored_keys(tmp_path).split(",")) == 1
