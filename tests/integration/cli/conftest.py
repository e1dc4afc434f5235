"""A house of its own for each test, entered through the commands of the program."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import forked
from tests.in_memory import passing_folder, remove_database

PROGRAM = [sys.executable, "-c", "from cli.main import main; main()"]
CHECKOUT = Path(__file__).parents[3]
SECONDS = 120
Done = subprocess.CompletedProcess[str]


@dataclass
class Steward:
    """The program `steward` with a HOME and a STEWARD_HOME that nobody else uses.

    Most commands are forked from a process that has imported everything; `start` and `afresh` start the program itself.
    """

    environment: dict[str, str]
    folder: Path
    program: list[str] = field(default_factory=lambda: list(PROGRAM))

    def __call__(self, *arguments: str, stdin: str = "", **more: str) -> Done:
        """Run a command to its end, not on a terminal; `more` is added to the environment."""
        process = forked.start(arguments, {**self.environment, **more}, self.folder, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, SECONDS)
        return Done(arguments, process.wait(), out, err)

    def json(self, *arguments: str, stdin: str = "", code: int = 0, **more: str) -> Any:
        """The decoded answer of a command with --json; its exit code must be `code`."""
        done = self(*arguments, "--json", stdin=stdin, **more)
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    def afresh(self, *arguments: str, stdin: str = "", **more: str) -> Done:
        """The same in a new interpreter, for what is about the program's own start and end."""
        process = self.start(*arguments, stdin=subprocess.PIPE, env={**self.environment, **more})
        out, err = process.communicate(stdin, SECONDS)
        return Done(arguments, process.wait(), out, err)

    def leave_running(self, *arguments: str, **more: str) -> forked.Forked:
        """Begin a command that goes on until it is told to stop; `more` is added to the environment."""
        return forked.start(arguments, {**self.environment, **more}, self.folder)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """The same in a new interpreter."""
        usual: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "stdin": subprocess.DEVNULL,
            "encoding": "utf-8",
            "env": self.environment,
            "cwd": self.folder,
        }
        return subprocess.Popen([*self.program, *arguments], **{**usual, **more})


def a_steward(folder: Path, **more: str) -> Steward:
    """The program in an empty folder."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    environment = {
        **kept,
        "HOME": str(folder),
        "STEWARD_HOME": str(folder / "house"),
        "STEWARD_TIMEZONE": "Europe/Berlin",
        "STEWARD_NOW": "2026-03-04T09:30:00+01:00",
        "PYTHONPATH": str(CHECKOUT),
    }
    return Steward({**environment, **more}, folder)


@pytest.fixture
def steward(tmp_path: Path, database_url: str) -> Steward:
    """The program on a database of its own."""
    return a_steward(tmp_path, STEWARD_DATABASE_URL=database_url)


@pytest.fixture
def embedded_steward() -> Generator[Steward]:
    """The program with nothing configured: it brings its own database, which is gone afterwards."""
    with passing_folder() as folder:
        yield a_steward(folder, STEWARD_PORT=str(free_port()))
        remove_database(folder / "house")


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def twins(steward: Steward, database_url: str) -> tuple[str, str]:
    """Two tasks of the owner whose ids begin alike."""
    steward.json("list")  # makes the owner
    ids = ("abcdef00-0000-4000-8000-000000000001", "abcdef00-0001-4000-8000-000000000002")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for task_id in ids:
            connection.execute(
                """insert into public.tasks (id, organization_id, created_by, title, execution_type)
                   select %s, m.organization_id, m.user_id, 'twin', 'manual' from public.members m""",
                (task_id,),
            )
    return ids
