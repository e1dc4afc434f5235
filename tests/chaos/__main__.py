"""`make chaos`, as `python -m tests.chaos`: one run, its report, and 1 as the exit code where something is not as it should be."""

import argparse
import asyncio
import logging
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cli.testing import NotReady, ensure_node_packages
from core.embedded import EmbeddedPostgres
from core.embedded_place import place_of
from tests.chaos.storm import Report, Sizes, run_storm
from tests.chaos.workers import end_leftovers

FOLDER = Path(__file__).parents[2] / "build" / "chaos"
MOST_LINES = 20


def read_sizes(words: Sequence[str]) -> Sizes:
    """The sizes that the command line asks for."""
    usual = Sizes()
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--trees", type=int, default=usual.trees, help="trees of six tasks (%(default)s)")
    parser.add_argument("--workers", type=int, default=usual.workers, help="worker processes (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=usual.every_seconds, help="about how long between two kills (%(default)s)"
    )
    parser.add_argument("--crashes", type=int, default=usual.crashes, help="crash-restarts of Postgres (%(default)s)")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of all that is random (%(default)s)")
    parser.add_argument(
        "--limit", type=float, default=usual.limit_seconds, help="seconds after which it is over (%(default)s)"
    )
    given = parser.parse_args(words)
    for name, least in (("trees", 1), ("workers", 1), ("seconds", 0.1), ("crashes", 0), ("limit", 1)):
        if getattr(given, name) < least:
            parser.error(f"--{name} is {getattr(given, name)}; allowed is {least} or more")
    return Sizes(
        trees=given.trees,
        workers=given.workers,
        every_seconds=given.seconds,
        crashes=given.crashes,
        seed=given.seed,
        limit_seconds=given.limit,
    )


def tell(report: Report) -> None:
    """What happened and what is wrong on stderr, the one line on stdout."""
    faults = ", ".join(f"{count} {name}" for name, count in sorted(report.faults.items()))
    print(f"{report.tasks} tasks, {report.mails} mails taken ({report.refusals} refusals)", file=sys.stderr)
    print(f"{sum(report.faults.values())} requests to the model: {faults}", file=sys.stderr)
    print(f"{report.takeovers} tasks taken over, Postgres crashed {report.crashes} times", file=sys.stderr)
    uncertain = ", ".join(f"{count} {what}" for what, count in sorted(Counter(report.findings.uncertain).items()))
    print(f"Uncertain mails, as the mail server knows them: {uncertain or 'none'}", file=sys.stderr)
    lines = report.findings.lines()
    for line in lines[:MOST_LINES]:
        print(line, file=sys.stderr)
    if lines:
        print(f"{len(lines)} cases in all; the logs of workers and servers are in {FOLDER}", file=sys.stderr)
    print(report.as_json())


def clear(folder: Path) -> None:
    """An empty folder; workers and server that a run left behind when it was killed are ended first."""
    end_leftovers(folder)
    home = folder / "database"
    if home.exists():
        EmbeddedPostgres(home, place_of(home)).remove()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def main() -> int:
    """The exit code."""
    sizes = read_sizes(sys.argv[1:])
    try:
        ensure_node_packages()  # the model server
    except NotReady as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    clear(FOLDER)
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # its database is gone now and then: that is the point
    try:
        report = asyncio.run(run_storm(sizes, FOLDER))
    except KeyboardInterrupt:
        print("\nStopped; workers and servers have ended.", file=sys.stderr)
        return 130
    tell(report)
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
