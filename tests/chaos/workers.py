"""Worker processes that are killed, frozen and replaced; by their pids, and only those started here."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests import forked
from tests.forked import Forked

FROZEN_SECONDS = (15.0, 20.0)  # longer than the silence after which another takes over
FREEZE_CHANCE = 0.25
WAKE_CHANCE = 0.5
PATIENCE_SECONDS = 60
READY = "The worker is ready."
PIDS = "worker-pids"


@dataclass
class WorkerProcess:
    """One `steward worker`, with a log of its own."""

    process: Forked
    log: Path
    _was_ready: bool = False

    @property
    def is_ready(self) -> bool:
        """Did it get as far as working?"""
        self._was_ready = self._was_ready or READY in self.log.read_text(errors="replace")
        return self._was_ready

    def end(self, number: int) -> None:
        """Send a last signal, and see it gone."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait()


@dataclass
class Crew:
    """Keeps `size` workers running; `strike` hits one of them. `died` names those that ended by themselves while at work."""

    size: int
    environment: Mapping[str, str]
    chance: random.Random
    logs: Path
    running: list[WorkerProcess] = field(default_factory=list[WorkerProcess])
    frozen: list[tuple[float, WorkerProcess]] = field(default_factory=list[tuple[float, WorkerProcess]])
    died: list[str] = field(default_factory=list[str])
    started: int = 0
    kills: int = 0
    freezes: int = 0

    def fill(self) -> None:
        """Start as many workers as are missing; wake or kill those that were frozen long enough."""
        for until, worker in [entry for entry in self.frozen if entry[0] < time.monotonic()]:
            self.frozen.remove((until, worker))
            if self.chance.random() < WAKE_CHANCE:
                worker.process.send_signal(signal.SIGCONT)
                self.running.append(worker)  # one too many for a while: the next strike may hit it
            else:
                worker.end(signal.SIGKILL)
                self.kills += 1
        for worker in [worker for worker in self.running if worker.process.poll() is not None]:
            self.running.remove(worker)
            if worker.is_ready:  # one that finds no database at its start may give up
                self.died.append(f"{worker.log.name} ended with {worker.process.returncode}")
        while len(self.running) < self.size:
            self.running.append(self._start())

    def _start(self) -> WorkerProcess:
        self.started += 1
        path = self.logs / f"worker-{self.started}.log"
        with path.open("wb") as log:
            environment = {**os.environ, **self.environment}
            process = forked.start(["worker"], environment, self.logs, stdout=log.fileno(), stderr=log.fileno())
        # One that gave up at once, since there was no database, has left nothing behind.
        with (self.logs / PIDS).open("a") as pids, suppress(psutil.NoSuchProcess):
            pids.write(f"{process.pid} {psutil.Process(process.pid).create_time()}\n")
        return WorkerProcess(process, path)

    def strike(self) -> None:
        """Kill or freeze one at random of the workers that are at work, unless it is the only one.

        On a machine so slow that workers take longer to start than they are left alone, nothing would ever be done.
        """
        at_work = [worker for worker in self.running if worker.is_ready]
        if len(at_work) < 2:
            return
        victim = self.chance.choice(at_work)
        self.running.remove(victim)
        if self.chance.random() < FREEZE_CHANCE:
            victim.process.send_signal(signal.SIGSTOP)
            self.frozen.append((time.monotonic() + self.chance.uniform(*FROZEN_SECONDS), victim))
            self.freezes += 1
        else:
            victim.end(signal.SIGKILL)
            self.kills += 1

    def dismiss(self) -> None:
        """Ask every worker to end in order; what does not in time is killed, and said so."""
        for _, worker in self.frozen:
            worker.end(signal.SIGKILL)
        for worker in self.running:
            worker.process.terminate()
        until = time.monotonic() + PATIENCE_SECONDS
        for worker in self.running:
            try:
                worker.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.end(signal.SIGKILL)
                self.died.append(f"{worker.log.name} did not end within {PATIENCE_SECONDS} seconds of SIGTERM")
        self.running, self.frozen = [], []


def end_leftovers(logs: Path) -> None:
    """End the workers of an earlier run that was itself killed; a later process with the same number is left alone."""
    pids = logs / PIDS
    for line in pids.read_text().splitlines() if pids.exists() else []:
        pid, created = line.split()
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if process.create_time() == float(created):
                process.kill()
