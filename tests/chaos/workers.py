"""Worker processes that are killed, frozen and replaced; by their pids, and only those started here."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FROZEN_SECONDS = 15.0


@dataclass
class Crew:
    """Keeps `size` workers running; `strike` hits one of them."""

    size: int
    environment: Mapping[str, str]
    chance: random.Random
    log: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    frozen: list[tuple[float, subprocess.Popen[bytes]]] = field(default_factory=list[tuple[float, subprocess.Popen[bytes]]])
    kills: int = 0
    freezes: int = 0

    def fill(self) -> None:
        """Start as many workers as are missing; wake or kill those that were frozen long enough."""
        for until, process in [entry for entry in self.frozen if entry[0] < time.monotonic()]:
            self.frozen.remove((until, process))
            if self.chance.random() < 0.5:
                process.kill()
                process.wait()
            else:
                process.send_signal(signal.SIGCONT)
                self.running.append(process)  # one too many for a while: the next strike may hit it
        self.running = [process for process in self.running if process.poll() is None]
        while len(self.running) < self.size:
            self.running.append(self._start())

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", "from cli.main import main; main()", "worker", "--concurrency", "8"],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=subprocess.DEVNULL,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def strike(self) -> None:
        """Kill or freeze one worker at random."""
        if not self.running:
            return
        victim = self.running.pop(self.chance.randrange(len(self.running)))
        if self.chance.random() < 0.25:
            victim.send_signal(signal.SIGSTOP)
            self.frozen.append((time.monotonic() + FROZEN_SECONDS, victim))
            self.freezes += 1
        else:
            victim.kill()
            victim.wait()
            self.kills += 1

    def dismiss(self) -> None:
        """End every worker that was started here."""
        for process in [*self.running, *(process for _, process in self.frozen)]:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.running, self.frozen = [], []
