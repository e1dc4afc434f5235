import base64
import secrets
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import Invalid
from core.settings import Settings
from core.vault import CannotOpen, Vault, read_keys

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
ORGANIZATION, ACCOUNT = uuid4(), uuid4()
SECRET = {"refresh_token": "r", "password": "пароль \U0001f512", "expires_at": 1, "scopes": ["a"]}


def test_what_was_sealed_opens_again() -> None:
    vault = Vault([NEW])
    assert vault.open(vault.seal(SECRET, ORGANIZATION, ACCOUNT), ORGANIZATION, ACCOUNT) == SECRET


def test_the_same_secret_is_never_sealed_to_the_same_text() -> None:
    vault = Vault([NEW])
    assert vault.seal(SECRET, ORGANIZATION, ACCOUNT) != vault.seal(SECRET, ORGANIZATION, ACCOUNT)


def test_sealed_text_shows_nothing_of_the_secret() -> None:
    sealed = base64.urlsafe_b64decode(Vault([NEW]).seal(SECRET, ORGANIZATION, ACCOUNT))
    assert b"refresh_token" not in sealed


@pytest.mark.parametrize("ids", [(uuid4(), ACCOUNT), (ORGANIZATION, uuid4()), (ACCOUNT, ORGANIZATION)])
def test_a_row_that_was_moved_does_not_open(ids: tuple[object, object]) -> None:
    vault = Vault([NEW])
    sealed = vault.seal(SECRET, ORGANIZATION, ACCOUNT)
    with pytest.raises(CannotOpen, match="belongs to somebody else"):
        vault.open(sealed, *ids)  # pyright: ignore[reportArgumentType]


def test_an_old_key_still_opens_and_the_first_one_seals() -> None:
    sealed = Vault([OLD]).seal(SECRET, ORGANIZATION, ACCOUNT)
    both = Vault([NEW, OLD])
    assert both.open(sealed, ORGANIZATION, ACCOUNT) == SECRET
    again = both.seal(SECRET, ORGANIZATION, ACCOUNT)
    assert Vault([NEW]).open(again, ORGANIZATION, ACCOUNT) == SECRET


def test_a_key_that_is_gone_is_named_as_what_is_missing() -> None:
    sealed = Vault([OLD]).seal(SECRET, ORGANIZATION, ACCOUNT)
    with pytest.raises(CannotOpen, match="a key that this installation does not have") as caught:
        Vault([NEW]).open(sealed, ORGANIZATION, ACCOUNT)
    assert "STEWARD_ENCRYPTION_KEYS" in (caught.value.hint or "")


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_one_changed_bit_is_seen(place: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(Vault([NEW]).seal(SECRET, ORGANIZATION, ACCOUNT)))
    raw[place] ^= 1
    with pytest.raises(CannotOpen):
        Vault([NEW]).open(base64.urlsafe_b64encode(bytes(raw)).decode(), ORGANIZATION, ACCOUNT)


@pytest.mark.parametrize("text", ["", "x", "not base64!", "AAAA", "é", "A" * 400])
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(CannotOpen):
        Vault([NEW]).open(text, ORGANIZATION, ACCOUNT)


def test_keys_are_read_in_base64_of_either_alphabet_and_in_hexadecimal() -> None:
    forms = [base64.b64encode(NEW).decode(), base64.urlsafe_b64encode(OLD).decode().rstrip("="), NEW.hex()]
    assert read_keys(f" {forms[0]} , {forms[1]},{forms[2]}, ") == [NEW, OLD, NEW]


@pytest.mark.parametrize("text", ["short", base64.b64encode(b"x" * 31).decode(), "zz" * 32, "päss"])
def test_a_wrong_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Invalid, match="Key 2 of STEWARD_ENCRYPTION_KEYS") as caught:
        read_keys(f"{NEW.hex()},{text}")
    assert text not in str(caught.value.problem())


def test_without_a_setting_the_key_of_the_installation_seals(tmp_path: Path) -> None:
    plain = Settings.model_validate({"home": tmp_path})
    sealed = Vault.from_settings(plain).seal(SECRET, ORGANIZATION, ACCOUNT)
    assert Vault.from_settings(plain).open(sealed, ORGANIZATION, ACCOUNT) == SECRET
    rotated = Settings.model_validate({"home": tmp_path, "encryption_keys": NEW.hex()})
    assert Vault.from_settings(rotated).open(sealed, ORGANIZATION, ACCOUNT) == SECRET
    newer = Vault.from_settings(rotated).seal(SECRET, ORGANIZATION, ACCOUNT)
    assert Vault([NEW]).open(newer, ORGANIZATION, ACCOUNT) == SECRET


def test_a_vault_without_keys_is_none() -> None:
    with pytest.raises(Invalid):
        Vault([])
