"""A Steward of its own: the real program with a database in a folder that nobody else uses, started, killed, started again."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.embedded import EmbeddedPostgres
from core.embedded_place import place_of

PROGRAM = Path(sys.executable).parent / "steward"
START_SECONDS = 90.0
END_SECONDS = 20.0
LINK = re.compile(r"^Open (http\S+)$", re.MULTILINE)
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME")


class NotStarted(Exception):
    """Steward did not come up; the message holds the end of what it said."""


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class StewardProcess:
    """`steward run` with these settings and no others of the person who walks. `log` is everything that it says."""

    home: Path
    settings: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own = {"STEWARD_HOME": str(self.home), "STEWARD_PORT": str(self.port), "STEWARD_LOG_FORMAT": "json"}
        return {**kept, **own, **self.settings}

    async def start(self) -> str:
        """Run it; the link that signs in, as soon as it stands. Raises NotStarted."""
        began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), "run", "--no-browser"],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self.process.poll() is None:
                    if link := _link_in(self.log.read_bytes()[began:]):
                        return link
                    await asyncio.sleep(0.05)
        raise NotStarted(self.log.read_bytes()[began:].decode(errors="replace")[-2000:])

    def kill(self) -> int:
        """End it with SIGKILL, as it stands; its process id."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return self.process.pid

    async def token(self) -> str:
        """A Bearer token for the API, as a person makes one for a script."""
        made = await asyncio.to_thread(
            subprocess.run,
            [str(PROGRAM), "token", "--json"],
            env=self.environment,
            capture_output=True,
            timeout=START_SECONDS,
            check=False,
        )
        if made.returncode != 0:
            raise NotStarted(made.stderr.decode(errors="replace"))
        return str(json.loads(made.stdout)["token"])

    def stop(self) -> None:
        """Stop it in order, where it still runs; its database stays."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def end(self) -> None:
        """Stop it in order, where it still runs, and remove its database."""
        self.stop()
        if self.home.exists():
            EmbeddedPostgres(self.home, place_of(self.home)).remove()


def _link_in(said: bytes) -> str | None:
    """The link in what `steward run` says when it is ready."""
    found = LINK.search(said.decode(errors="replace"))
    return found[1] if found else None
