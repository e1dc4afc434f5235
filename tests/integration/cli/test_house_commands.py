"""run, worker, migrate, token, link, doctor, through the real program with its own database."""

from __future__ import annotations

import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

if TYPE_CHECKING:
    from tests.forked import Forked
    from tests.integration.cli.conftest import Steward

PATIENCE_SECONDS = 30


def postgres_of(steward: Steward) -> list[psutil.Process]:
    """The database servers of this house that run now."""
    pointer = steward.folder / "house" / "postgres.folder"
    folder = pointer.read_text().strip() if pointer.exists() else str(steward.folder / "house")
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue  # gone meanwhile
        if command and "postgres" in command[0] and any(folder in part for part in command):
            found.append(process)
    return found


def first_line(process: subprocess.Popen[str] | Forked) -> str:
    assert process.stdout
    assert process.stderr
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_told_to_stop_and_leaves_nothing_behind(
    embedded_steward: Steward, number: signal.Signals
) -> None:
    port = embedded_steward.environment["STEWARD_PORT"]
    running = embedded_steward.start("run", "--no-browser")
    line = first_line(running)
    assert line.startswith(f"Open http://127.0.0.1:{port}/?token=")
    assert postgres_of(embedded_steward)
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    assert embedded_steward("list").returncode == 0
    running.send_signal(number)
    rest, errors = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode in {0, 130}
    assert rest == ""
    assert errors.splitlines()[-1] == "Steward has stopped."
    assert "Traceback" not in errors
    assert postgres_of(embedded_steward) == []


def test_the_link_signs_in_once_and_a_fresh_one_again(embedded_steward: Steward) -> None:
    running = embedded_steward.leave_running("run", "--no-browser")
    try:
        link = first_line(running).removeprefix("Open ").strip()
        for address in (link, embedded_steward.json("link")["url"]):
            with httpx.Client() as browser:
                assert browser.get(address).status_code == 303
            with httpx.Client() as browser:
                assert browser.get(address).status_code == 401
        public = embedded_steward("link", STEWARD_PUBLIC_URL="https://steward.example.org/").stdout
        assert public.startswith("https://steward.example.org/?token=")  # where people open it, behind a proxy
        token = embedded_steward("token").stdout.strip()
        port = embedded_steward.environment["STEWARD_PORT"]
        answer = httpx.get(f"http://127.0.0.1:{port}/api/tasks", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        port_check = next(c for c in embedded_steward.json("doctor")["checks"] if c["name"] == "port")
        assert port_check["state"] == "ok"
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=PATIENCE_SECONDS)


def test_a_port_in_use_is_one_clear_error(embedded_steward: Steward) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = embedded_steward("run", "--no-browser", "--port", port)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"error: Port {port} of 127.0.0.1 cannot be used")
        report = embedded_steward.json("doctor", code=1, STEWARD_PORT=port)
    assert report["ok"] is False
    assert [c["name"] for c in report["checks"] if c["state"] == "broken"] == ["port"]


def test_a_worker_alone_works_and_stops(steward: Steward) -> None:
    running = steward.start("worker")
    assert first_line(running) == "The worker is ready.\n"
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode in {0, 130}
    assert "Traceback" not in errors


def test_migrate_twice_applies_once(embedded_steward: Steward) -> None:
    assert embedded_steward.json("migrate")["applied"]
    assert embedded_steward.json("migrate")["applied"] == []
    assert embedded_steward("migrate").stdout == "The database is up to date.\n"


def test_doctor_says_what_is_there_and_how_to_add_what_is_not(steward: Steward) -> None:
    report = steward.json("doctor")
    assert report["ok"] is True
    checks = {check["name"]: check for check in report["checks"]}
    assert "OPENAI_API_KEY" in checks["thinking"]["hint"]
    assert "STEWARD_SMTP_URL" in checks["sending"]["hint"]
    assert "Europe/Berlin" in checks["clock"]["said"]
    words = steward("doctor").stdout
    assert all(name in words for name in checks)


def test_doctor_finds_a_mail_server_that_does_not_answer(steward: Steward) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    report = steward.json("doctor", code=1, STEWARD_SMTP_URL=f"smtp://robin:hush@127.0.0.1:{port}")
    sending = next(check for check in report["checks"] if check["name"] == "sending")
    assert sending["state"] == "broken"
    assert "hush" not in str(report)


def test_doctor_finds_a_database_that_does_not_answer(steward: Steward) -> None:
    report = steward.json("doctor", code=1, STEWARD_DATABASE_URL="postgresql://u:hush@127.0.0.1:1/none")
    database = next(check for check in report["checks"] if check["name"] == "database")
    assert database["state"] == "broken"
    assert "hush" not in str(report)


def test_the_token_lives_as_long_as_asked(steward: Steward) -> None:
    assert steward.json("token", "--hours", "2")["expires_in_seconds"] == 7200
    assert steward("token", "--hours", "0").returncode == 2


def test_a_programs_token_is_made_listed_and_revoked(steward: Steward) -> None:
    made = steward.json("token", "create", "backup script", "--scope", "tasks:read", "--days", "7")
    assert made["token"].startswith(made["details"]["prefix"])
    assert made["details"]["scopes"] == ["tasks:read"]
    listed = steward("token", "list").stdout
    assert "backup script" in listed
    assert made["token"] not in listed
    assert steward("token", "revoke", made["details"]["id"][:8]).returncode == 0
    assert steward.json("token", "list")["items"][0]["state"] == "revoked"
    for wrong in (["create"], ["revoke"], ["revoke", "ffff"], ["revoke", "ff"]):
        assert steward("token", *wrong).returncode == 2
    assert "allowed are tasks:read" in steward("token", "create", "x", "--scope", "all").stderr


def test_a_worker_refuses_queues_that_there_are_not(steward: Steward) -> None:
    for given in ("nosuch", "", "tools,nosuch"):
        done = steward("worker", "--queues", given)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"--queues has no value {given!r}" in done.stderr
        assert "thinking, tools, housekeeping" in done.stderr
    done = steward("worker", STEWARD_WORKER_QUEUES="bogus")
    assert done.returncode == 1
    assert "STEWARD_WORKER_QUEUES" in done.stderr


def test_run_says_which_database_it_is_and_why(embedded_steward: Steward) -> None:
    project = {"SUPABASE_URL": "http://127.0.0.1:1"}
    neither = "STEWARD_DATABASE_URL and SUPABASE_URL are not set"
    for more, is_noted, why in (
        (project, True, "STEWARD_DATABASE_URL is not set"),
        ({}, False, neither),
        (
            {"STEWARD_DATABASE_URL": "", "SUPABASE_URL": ""},
            False,
            f"{neither}; empty, as STEWARD_DATABASE_URL and SUPABASE_URL are, counts as not set",
        ),
    ):
        running = embedded_steward.leave_running("run", "--no-browser", **more)
        first_line(running)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=PATIENCE_SECONDS)
        assert ("this is Steward's own database, not the project's" in errors) is is_noted, errors
        assert f"Database: embedded, in {embedded_steward.environment['STEWARD_HOME']} ({why})." in errors, errors
