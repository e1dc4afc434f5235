"""A house of its own for each test, entered through the real program."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.embedded import EmbeddedPostgres

PROGRAM = [sys.executable, "-W", "error", "-c", "from cli.main import main; main()"]
CHECKOUT = Path(__file__).parents[3]
SECONDS = 120


@dataclass
class Steward:
    """The program `steward` with a HOME and a STEWARD_HOME that nobody else uses."""

    environment: dict[str, str]
    folder: Path
    program: list[str] = field(default_factory=lambda: list(PROGRAM))

    def __call__(self, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, not on a terminal; `more` is added to the environment."""
        return subprocess.run(
            [*self.program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**self.environment, **more},
            cwd=self.folder,
            timeout=SECONDS,
            check=False,
        )

    def json(self, *arguments: str, stdin: str = "", code: int = 0, **more: str) -> Any:
        """The decoded answer of a command with --json; its exit code must be `code`."""
        done = self(*arguments, "--json", stdin=stdin, **more)
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [*self.program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self.environment,
            cwd=self.folder,
            **more,
        )


@pytest.fixture(scope="session")
def make_steward(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Steward]:
    """Makes programs, each with a home of its own."""

    def make() -> Steward:
        folder = tmp_path_factory.mktemp("cli")
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        environment = {
            **kept,
            "HOME": str(folder),
            "STEWARD_HOME": str(folder / "house"),
            "STEWARD_TIMEZONE": "Europe/Berlin",
            "STEWARD_NOW": "2026-03-04T09:30:00+01:00",
            "PYTHONPATH": str(CHECKOUT),
        }
        return Steward(environment, folder)

    return make
