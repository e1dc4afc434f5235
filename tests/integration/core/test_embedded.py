"""The embedded server starts, is found again, survives what kills it, and says in one line why it cannot start."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from core.embedded import EmbeddedPostgres
from core.errors import Unavailable

Start = Callable[[], EmbeddedPostgres]
STARTER = """
import sys, time
from pathlib import Path
from core.embedded import EmbeddedPostgres
server = EmbeddedPostgres.start(Path(sys.argv[1]), durable=False)
print(server.url, flush=True)
sys.stdin.readline()
server.stop()
"""


def query(server: EmbeddedPostgres, sql: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def server_process(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # one that nobody has taken note of yet
    except psutil.NoSuchProcess:
        return False


def in_another_process(home: Path) -> subprocess.Popen[str]:
    """A process that uses the server until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert "dbname=steward" in process.stdout.readline()
    return process


def end(process: subprocess.Popen[str], number: signal.Signals | None = None) -> None:
    if number:
        process.send_signal(number)
    process.communicate("\n" if number is None else None)


def test_it_serves_postgres_18_to_its_owner_alone(start: Start) -> None:
    server = start()
    assert str(query(server, "show server_version")).startswith("18.")
    assert query(server, "show listen_addresses") == ""
    folder = Path(str(query(server, "show unix_socket_directories")).strip('"'))
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_it_knows_the_letters_of_all_scripts(start: Start) -> None:
    assert query(start(), "select 'ÄNDERUNG ЖУК' ilike 'änderung жук'") is True


def test_its_log_keeps_what_people_wrote_out(start: Start) -> None:
    server = start()
    query(server, "create table mail (body text primary key); insert into mail values ('hunter2')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        query(server, "insert into mail values ('hunter2')")
    assert "duplicate key" in server.log.read_text()
    assert "hunter2" not in server.log.read_text()


def test_settings_for_another_server_do_not_reach_it(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": "1",
        "PGOPTIONS": "-c work_mem=99MB",
        "PGDATA": "/x",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    server = start()
    assert query(server, "show work_mem") == "4MB"
    assert "OPENAI_API_KEY" not in server_process(server).environ()


def test_for_a_person_everything_is_forced_to_disk(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    try:
        settings = [query(server, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
        assert settings == ["on", "on", "on"]
    finally:
        server.remove()


def test_a_second_start_finds_the_running_one(start: Start) -> None:
    first, second = start(), start()
    assert first.url == second.url
    assert server_process(first) == server_process(second)


def test_what_was_stored_is_there_after_a_stop(start: Start) -> None:
    server = start()
    query(server, "create table kept as select 42 as n")
    process = server_process(server)
    server.stop()
    assert not is_alive(process)
    assert query(start(), "select n from kept") == 42


def test_stopping_twice_does_nothing(start: Start) -> None:
    server = start()
    server.stop()
    server.stop()
    with pytest.raises(Unavailable, match="does not run"):
        _ = server.url


def test_the_last_user_stops_it(start: Start, home: Path) -> None:
    server = start()
    other = in_another_process(home)
    process = server_process(server)
    server.stop()
    assert is_alive(process)
    end(other)
    assert not is_alive(process)


def test_a_killed_user_does_not_keep_it_running(start: Start, home: Path) -> None:
    other = in_another_process(home)
    end(other, signal.SIGKILL)
    server = start()
    process = server_process(server)
    server.stop()
    assert not is_alive(process)


def test_it_outlives_the_process_that_started_it(start: Start, home: Path) -> None:
    end(in_another_process(home), signal.SIGKILL)
    server = start()
    running = server_process(server)
    query(server, "create table kept as select 42 as n")
    end(in_another_process(home), signal.SIGKILL)
    assert server_process(start()) == running
    assert query(server, "select n from kept") == 42


def test_a_ctrl_c_in_the_terminal_does_not_reach_it(start: Start) -> None:
    assert os.getsid(server_process(start()).pid) != os.getsid(0)


def test_nothing_stored_is_lost_when_its_server_is_killed(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    try:
        query(server, "create table kept as select 42 as n")
        with psycopg.connect(server.url) as busy:  # a connection that outlives the server for a moment
            server_process(server).kill()
            again = EmbeddedPostgres.start(home)
            assert query(again, "select n from kept") == 42
            with pytest.raises(psycopg.OperationalError):
                busy.execute("select 1")
            again.stop()
    finally:
        server.remove()


def test_a_pid_file_that_names_another_process_is_left_over(start: Start) -> None:
    server = start()
    lines = (server.data / "postmaster.pid").read_text().splitlines()
    server.stop()
    # After a restart of the machine the number may be anybody's: here, this test's own.
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert query(start(), "select 1") == 1


@pytest.mark.parametrize("content", ["", "garbage\n", "99999999999999999999\n", "\0\0"])
def test_a_broken_pid_file_is_left_over(start: Start, content: str) -> None:
    server = start()
    server.stop()
    (server.data / "postmaster.pid").write_text(content)
    assert query(start(), "select 1") == 1


def test_many_starts_at_once_end_with_one_server(home: Path, start: Start) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    urls = {user.stdout.readline() for user in users if user.stdout}
    server = start()
    assert {url.strip() for url in urls} == {server.url}
    process = server_process(server)
    for user in users:
        end(user)
    assert is_alive(process)


def test_a_first_start_that_was_cut_off_is_done_again(start: Start, home: Path) -> None:
    server = start()
    server.stop()
    server.data.rename(server.data.with_name("data.new"))
    (server.data.with_name("data.new") / "PG_VERSION").unlink()
    assert query(start(), "select 1") == 1


def test_many_connections_are_no_reason_to_start_another(start: Start) -> None:
    server = start()
    connections = [psycopg.connect(server.url) for _ in range(200 - 3)]
    try:
        assert server_process(start()) == server_process(server)
    finally:
        for connection in connections:
            connection.close()
