"""What the embedded server cannot start with is told in one line, and nothing is half done."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from core import embedded
from core.data_folder import require_space
from core.embedded import EmbeddedPostgres
from core.errors import Unavailable

Start = Callable[[], EmbeddedPostgres]


def query(server: EmbeddedPostgres, sql: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_data_of_another_version_is_refused(start: Start) -> None:
    server = start()
    server.stop()
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(Unavailable, match=r"was made by Postgres 16$") as caught:
        start()
    assert caught.value.detail == "this Steward has Postgres 18"


@pytest.mark.parametrize("content", [None, "", "garbage"])
def test_data_without_a_version_is_refused(start: Start, content: str | None) -> None:
    server = start()
    server.stop()
    (server.data / "PG_VERSION").unlink()
    if content is not None:
        (server.data / "PG_VERSION").write_text(content)
    with pytest.raises(Unavailable, match=r"is broken$") as caught:
        start()
    assert "back-up" in str(caught.value.hint)


@pytest.mark.parametrize("missing", ["global/pg_control", "postgresql.conf", "base", "pg_wal"])
def test_data_with_parts_missing_says_which(start: Start, missing: str) -> None:
    server = start()
    server.stop()
    path = server.data / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(Unavailable) as caught:
        start()
    assert missing.split("/", maxsplit=1)[0] in str(caught.value.detail)
    assert "\n" not in f"{caught.value.message} {caught.value.detail} {caught.value.hint}"
    assert str(server.log) in str(caught.value.hint)


def test_a_reason_from_an_earlier_start_is_not_told(start: Start) -> None:
    server = start()
    server.stop()
    with server.log.open("a") as log:
        log.write("2026-01-01 00:00:00.000 UTC [1] FATAL:  an old reason\n")
    (server.data / "postgresql.conf").write_text("work_mem = 'nonsense'\n")
    with pytest.raises(Unavailable, match="did not start") as caught:
        start()
    assert "an old reason" not in str(caught.value.detail)
    assert "errors" in str(caught.value.detail)


def test_data_that_is_a_file_is_refused(start: Start) -> None:
    server = start()
    server.stop()
    shutil.rmtree(server.data)
    server.data.write_text("")
    with pytest.raises(Unavailable, match="is broken"):
        start()
    server.data.unlink()


def test_a_full_disk_is_told_before_anything_is_made(start: Start, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_small_disk(folder: Path, needed_bytes: int) -> None:
        require_space(folder, needed_bytes * 10**9)

    monkeypatch.setattr(embedded, "require_space", on_a_small_disk)
    with pytest.raises(Unavailable, match="is full"):
        start()
    monkeypatch.undo()
    assert query(start(), "select 1") == 1


def test_data_that_another_container_serves_is_left_alone(
    start: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    query(server, "create table kept as select 42 as n")
    # As seen from another container: the folder is the same, the server's process is not to be seen.
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(embedded, "this_machine", lambda: "another")
        elsewhere.setattr(EmbeddedPostgres, "_server_process", lambda self: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        with pytest.raises(Unavailable, match="Another machine or container uses the database") as caught:
            EmbeddedPostgres.start(home, durable=False)
    assert "STEWARD_DATABASE_URL" in str(caught.value.hint)
    assert query(server, "select n from kept") == 42


def test_data_that_another_container_left_behind_is_taken_over(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start()
    server.stop()
    (server.data / "postmaster.pid").write_text("1\nleft\nbehind\n")
    monkeypatch.setattr(embedded, "this_machine", lambda: "another")
    assert query(start(), "select 1") == 1
