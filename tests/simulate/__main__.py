"""`make simulate`, as `python -m tests.simulate [--seed 1] [--days 30]`: a month lived through; ends with one line of JSON."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import structlog

from tests.simulate.life import Outcome, live_through

LOG = Path(__file__).parents[2] / "build" / "simulate.log"


def main() -> int:
    """The exit code."""
    words = argparse.ArgumentParser(prog="make simulate", description="A month of mail and meetings, lived through.")
    words.add_argument("--seed", type=int, default=1, help="another month (1)")
    words.add_argument(
        "--days", type=int, default=30, choices=range(1, 31), metavar="1-30", help="only so many days of it (30)"
    )
    given = words.parse_args()
    LOG.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    with LOG.open("w") as log, tempfile.TemporaryDirectory() as folder:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
        outcome = asyncio.run(live_through(given.seed, given.days, Path(folder)))
    tell(outcome)
    print(json.dumps({**asdict(outcome.figures), "seconds": round(time.monotonic() - began, 1)}))
    return 0


def tell(outcome: Outcome) -> None:
    """By kind what was told and of what use it was, and what was missed, on stderr."""
    for line in outcome.lines:
        print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
