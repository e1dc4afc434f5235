"""keys sessions, through the real program: what the old key signed is worth nothing, what it sealed still opens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from core.errors import Unauthorized
from core.keys import Keys
from core.settings import Settings
from core.vault import Vault

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_a_new_key_of_sessions_ends_them_and_loses_no_secret(steward: Steward) -> None:
    home = steward.folder / "house"
    settings, at, user_id = Settings.model_validate({"home": home}), (uuid4(), uuid4()), uuid4()
    session = Keys.load(home).session_token(user_id)
    sealed = Vault.from_settings(settings).seal({"password": "hush"}, *at)  # with a key derived from secret.key
    for _ in range(2):
        assert steward.json("keys", "sessions") == {"renewed": True}
        with pytest.raises(Unauthorized):
            Keys.load(home).read_session(session)
        assert Vault.from_settings(settings).open(sealed, *at) == {"password": "hush"}
    assert Keys.load(home).read_session(Keys.load(home).session_token(user_id)) == user_id
    assert {path.name: path.stat().st_mode & 0o777 for path in home.glob("*.key*")} == {
        "secret.key": 0o600,
        "vault.keys": 0o600,
    }
    assert steward("keys", "rotate").returncode == 0
    given = steward("keys", "sessions", STEWARD_SECRET_KEY="A" * 43 + "=")
    assert given.returncode == 1
    assert given.stderr.startswith("error: The key of sessions is STEWARD_SECRET_KEY")
    (home / "secret.key").write_bytes(b"short")
    assert "is broken" in steward("keys", "sessions").stderr
