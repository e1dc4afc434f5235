"""Processes of ours without their imports: one process has imported everything and forks for each (`tests/nursery.py`).

Most of a short command's time is importing. A forked one is a process of its own in everything that counts here: pid,
environment, folder, streams, terminal, signals, exit code. What is about a first start takes the program itself.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).parents[1]
STEWARD = "cli.main:main"
# Everything of ours, and what the work of a worker and of a model imports late.
IMPORTED = (
    *("core", "tasks", "integrations", "agents", "jobs", "app", "cli"),
    *(
        "pydantic_ai.models.openai",
        "anyio._backends._asyncio",
        "procrastinate.worker",
        "genai_prices.data",
        "rich.status",
    ),
)
_one_at_a_time = threading.Lock()
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


@cache
def _nursery() -> socket.socket:
    """The way to the process that forks: started once, ends with this process."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", str(theirs.fileno()), *IMPORTED],
            cwd=CHECKOUT,
            env={name: os.environ[name] for name in KEPT if name in os.environ},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    assert ours.recv(1) == b"r", "what forks did not start: its words are above"

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


@dataclass
class Forked:
    """A running process, with what `subprocess.Popen` offers of it."""

    words: Sequence[str]
    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    stderr: IO[str] | None
    _news: IO[bytes] = field(repr=False)
    returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """How it ended. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._news], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(list(self.words), timeout or 0)
            with self._news as news:
                self.returncode = int(news.readline())
        return self.returncode

    def poll(self) -> int | None:
        """How it ended; None while it lives."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """As of `Popen`: nobody else is hit where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Give it all of this, read all that it says, and see it end. Raises `subprocess.TimeoutExpired`."""
        until = None if timeout is None else time.monotonic() + timeout
        with ThreadPoolExecutor(3) as pool:
            if self.stdin:
                pool.submit(_give, self.stdin, given or "")
            reading = [pool.submit(_read, stream) for stream in (self.stdout, self.stderr)]
            try:
                out, err = (one.result(None if until is None else max(0, until - time.monotonic())) for one in reading)
            except TimeoutError:
                self.kill()
                raise subprocess.TimeoutExpired(list(self.words), timeout or 0) from None
        self.wait(None if until is None else max(0, until - time.monotonic()))
        return out, err


def _give(stream: IO[str], text: str) -> None:
    with suppress(BrokenPipeError), stream:
        stream.write(text)


def _read(stream: IO[str] | None) -> str:
    if stream is None or stream.closed:
        return ""
    with stream:
        return stream.read()


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    target: str = STEWARD,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    terminal: bool = False,
) -> Forked:
    """A process that calls `module:function` with these words after its name; streams as of `subprocess.Popen`.

    With `terminal` its stdin is a terminal, which becomes its own.
    """
    with ExitStack() as theirs:
        ours: list[IO[str] | None] = []
        files: list[int] = []
        for number, wanted in enumerate((stdin, stdout, stderr)):
            file, end = _stream(wanted, reads=number == 0)
            ours.append(end)
            files.append(file)
            if file != wanted:
                theirs.callback(os.close, file)
        news, told = os.pipe()
        theirs.callback(os.close, told)
        asked = {
            "target": target,
            "words": ["steward", *words],
            "environment": dict(environment),
            "folder": str(folder),
            "terminal": terminal,
        }
        body = json.dumps(asked).encode()
        with _one_at_a_time:
            socket.send_fds(_nursery(), [len(body).to_bytes(4)], [*files, told])
            _nursery().sendall(body)
    stream = open(news, "rb")  # noqa: SIM115 # closed with its last word
    pid = int(stream.readline())
    return Forked(words, pid, ours[0], ours[1], ours[2], stream)


def _stream(wanted: int, *, reads: bool) -> tuple[int, IO[str] | None]:
    """The file that the process gets, and our end of it where it is a pipe."""
    if wanted == subprocess.DEVNULL:
        return os.open(os.devnull, os.O_RDWR), None
    if wanted != subprocess.PIPE:
        return wanted, None
    out, into = os.pipe()
    if reads:
        return out, open(into, "w", encoding="utf-8")
    return into, open(out, encoding="utf-8", errors="replace")
