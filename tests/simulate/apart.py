"""A life in a process of its own."""

import asyncio
import tempfile
from pathlib import Path

import structlog

from tests.simulate.figures import Outcome
from tests.simulate.life import live_through

LOG = Path(__file__).parents[2] / "build" / "simulate.log"


def live_apart(seed: int, days: int, learns: bool) -> Outcome:
    """What a life came to; its events are in a file of `build`."""
    path = LOG if learns else LOG.with_name("simulate-control.log")
    with path.open("w") as log, tempfile.TemporaryDirectory() as folder:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
        return asyncio.run(live_through(seed, days, Path(folder), learns=learns))
