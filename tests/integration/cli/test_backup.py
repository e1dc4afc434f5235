"""backup and restore of the embedded database, through the real program; killed in the middle, twice, into the wrong house."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from core.backup.sealing import keys_of
from core.embedded import EmbeddedPostgres
from core.errors import Unauthorized
from core.keys import Keys
from core.settings import Settings
from core.vault import Vault
from core.vault_keys import also_keep
from tests import forked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Steward

LATER = "insert into public.tasks (organization_id, title, created_by) select organization_id, 'Later', user_id from public.members"
PASSPHRASE = "a phrase that is long enough\n"


def restore_killed_half_way() -> None:
    """`steward restore` in a process that ends as if the power had gone, when all rows are in and nothing counts yet."""
    from cli.main import main
    from core.backup import restoring

    loading = restoring.load_tables

    async def load(*given: object) -> None:
        await loading(*given)  # pyright: ignore[reportArgumentType]
        os.kill(os.getpid(), signal.SIGKILL)

    restoring.load_tables = load
    main()


def titles(home: Path) -> list[str]:
    server = EmbeddedPostgres.start(home, durable=False)
    try:
        with psycopg.connect(server.url) as connection:
            return [str(row[0]) for row in connection.execute("select title from public.tasks order by title")]
    finally:
        server.stop()


def test_a_house_is_backed_up_while_it_runs_and_made_anew(embedded_steward: Steward) -> None:
    steward, folder = embedded_steward, embedded_steward.folder
    home, file = folder / "house", str(folder / "a.zip")
    (folder / "phrase").write_text(PASSPHRASE)
    (folder / "wrong").write_text(PASSPHRASE.upper())
    running = EmbeddedPostgres.start(home, durable=False)
    steward.json("add", "Grüße an Ana 🌍")
    sent = home / "outbox" / ".sent" / "one"
    sent.parent.mkdir(parents=True)
    sent.write_text("Subject: one")
    settings, at = Settings.model_validate({"home": home}), (uuid4(), uuid4())
    sealed = Vault.from_settings(settings).seal({"password": "hush"}, *at)
    made = steward.json("backup", file, "--passphrase-file", str(folder / "phrase"))
    assert (made["has_keys"], made["files"]) == (True, 1)
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute(LATER)
    refused = steward("restore", file, "--replace")
    assert refused.stderr.startswith(f"error: Steward runs in {home}")
    running.stop()

    killed = forked.start(
        ["restore", file, "--replace"], steward.environment, folder, target=f"{__name__}:restore_killed_half_way"
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert titles(home) == ["Grüße an Ana 🌍", "Later"]
    for key in ("secret.key", "vault.keys"):  # another machine has none of these
        (home / key).unlink(missing_ok=True)
    sent.unlink()
    wrong = steward("restore", file, "--replace", "--passphrase-file", str(folder / "wrong"))
    assert "is not the one" in wrong.stderr
    done = steward.json("restore", file, "--replace", "--passphrase-file", str(folder / "phrase"))
    assert (done["paused"], done["applied"], done["has_keys"]) == ([], [], True)
    assert titles(home) == ["Grüße an Ana 🌍"]
    assert (sent.read_text(), sent.stat().st_mode & 0o777) == ("Subject: one", 0o600)
    assert Vault.from_settings(settings).open(sealed, *at) == {"password": "hush"}
    assert (home / "vault.keys").stat().st_mode & 0o077 == 0


def test_what_is_wrong_is_said_before_anything_is_done(steward: Steward, tmp_path: Path) -> None:
    steward.json("list")
    backups = tmp_path / "backups"
    backups.mkdir()
    for day in range(1, 4):
        (backups / f"steward-2026030{day}T013000Z.zip").touch()
    parts = [
        backups / f".{name}.7.part"
        for name in ("steward-20260301T013000Z.zip", "mine.zip", "steward-20260302T013000Z.zip")
    ]
    for part in parts:
        part.touch()
    for part in parts[:2]:
        os.utime(part, (0, 0))
    made = steward.json("backup", str(backups), "--keep", "2")
    assert [part.exists() for part in parts] == [False, True, True]  # killed long ago; not ours; at work, maybe
    assert [path.rsplit("/", 1)[1] for path in made["removed"]] == [
        "steward-20260301T013000Z.zip",
        "steward-20260302T013000Z.zip",
    ]
    assert len(list(backups.glob("*.zip"))) == 2
    file = made["file"]
    home, user_id = steward.folder / "house", uuid4()
    session = Keys.load(home).session_token(user_id)
    kept = steward("restore", file, "--replace", "--keep-tokens")
    assert "are as they were then" in kept.stdout
    assert Keys.load(home).read_session(session) == user_id
    words = steward("restore", file, "--replace").stdout.splitlines()
    with pytest.raises(Unauthorized):
        Keys.load(home).read_session(session)
    assert words[0].startswith("Restored: ")
    assert words[-1] == "Everybody signs in anew: steward link"
    assert words[-2].startswith("Its owner is ")
    shared = steward("restore", file, "--replace", STEWARD_SECRET_KEY="A" * 43 + "=")
    assert "put another one there" in shared.stdout
    (tmp_path / "short").write_text("short\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "long").write_text(PASSPHRASE)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe" * 20)
    new = str(tmp_path / "new.zip")
    for arguments, said in (
        (("backup", str(tmp_path / "none" / "a.zip")), "There is no folder"),
        (("backup", new, "--keep", "2"), "--keep needs a folder"),
        (("backup", new, "--passphrase-file", str(tmp_path / "short")), "The passphrase has 5 characters"),
        (("backup", new, "--passphrase-file", str(tmp_path / "empty")), "is empty"),
        (("backup", new, "--passphrase-file", str(tmp_path / "bytes")), "is not UTF-8"),
        (("backup", new, "--passphrase-file", str(tmp_path / "none")), "cannot be read"),
        (("backup", file), "There is a file"),
        (("restore", new), "There is no file"),
        (("restore", str(tmp_path)), "is a folder"),
        (("restore", str(tmp_path / "long")), "is no back-up"),
        (("restore", file, "--replace", "--passphrase-file", str(tmp_path / "long")), "This back-up has no keys"),
        (("restore", file), "lived in already"),
    ):
        done = steward(*arguments)
        assert (done.returncode, done.stdout) in {(1, ""), (2, "")}, arguments
        assert said in done.stderr, arguments
        assert "Traceback" not in done.stderr
    over_http = {
        "STEWARD_DATABASE_URL": "",
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
    }
    assert "STEWARD_DATABASE_URL" in steward("backup", new, **over_http).stderr
    nobody = steward("backup", new, STEWARD_DATABASE_URL="", STEWARD_HOME=str(tmp_path / "nowhere"))
    assert nobody.stderr.startswith("error: There is nothing to back up")
    assert not (tmp_path / "nowhere").exists()
    assert not os.path.exists(new)


def test_the_keys_in_a_back_up_are_those_of_the_vault(tmp_path: Path) -> None:
    at, secret_key = (uuid4(), uuid4()), "A" * 43 + "="
    for number, given in enumerate(({"secret_key": secret_key}, {"encryption_keys": "ab" * 32}, {})):
        home, elsewhere = tmp_path / f"{number}", tmp_path / f"{number}-elsewhere"
        settings = Settings.model_validate({"home": home, **given})
        assert keys_of(Settings.model_validate({"home": home})) == ""  # nothing is sealed yet, nothing is made
        assert not (home / "secret.key").exists()
        sealed = Vault.from_settings(settings).seal({"password": "hush"}, *at)
        also_keep(elsewhere, keys_of(settings))
        there = Settings.model_validate({"home": elsewhere})
        assert Vault.from_settings(there).open(sealed, *at) == {"password": "hush"}
