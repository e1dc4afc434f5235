"""`make bench`: the measurements, each a table, then one line of JSON with all of them.

make bench                                every one
make bench ARGS="makespan live"           these
make bench ARGS="growth --rows 100000"    up to that many tasks in the table
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module

from benchmarks.harness.bench import Bench, Options, open_bench
from benchmarks.harness.processes import Ended
from benchmarks.harness.report import Report
from cli.testing import NotReady, ensure_node_packages
from core.logging import set_up_logging
from core.settings import load_settings

NAMES = ("tasks", "makespan", "documents", "agents", "first_line", "live", "growth", "lists", "adapters", "cold_start")
WITH_EMULATORS = {"documents", "adapters", "cold_start"}  # they need the Node packages


def read_options(arguments: list[str]) -> tuple[list[str], Options]:
    """Which measurements, and how; ends with status 2 on anything unknown."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rows", type=_count, default=Options.rows, help="the largest table of `growth`")
    parser.add_argument("--rounds", type=_count, default=Options.rounds)
    parser.add_argument("--concurrency", type=_count, default=Options.concurrency, help="jobs at a time in a worker")
    found = parser.parse_args(arguments)
    for name in found.names:
        if name not in NAMES:
            parser.error(f"there is no benchmark {name!r}; there are: {', '.join(NAMES)}")
    return found.names or list(NAMES), Options(found.rows, found.rounds, found.concurrency)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


async def main(names: list[str], options: Options) -> None:
    """Run them one after another; a table each, JSON last."""
    found: dict[str, object] = {}
    set_up_logging(load_settings().model_copy(update={"log_level": "error"}))
    began = time.perf_counter()
    async with open_bench(options) as bench:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            measure: Callable[[Bench], Awaitable[Report]] = import_module(f"benchmarks.{name}").measure
            start = time.perf_counter()
            report = await measure(bench)
            print(report.text(), flush=True)
            found[name] = {**report.as_json(), "seconds": round(time.perf_counter() - start)}
    print()
    print(json.dumps({**found, "seconds": round(time.perf_counter() - began)}))


if __name__ == "__main__":
    try:
        wanted, chosen = read_options(sys.argv[1:])
        if not WITH_EMULATORS.isdisjoint(wanted):
            ensure_node_packages()
        asyncio.run(main(wanted, chosen))
    except (Ended, KeyboardInterrupt, NotReady) as end:
        sys.exit(f"error: {end or 'stopped'}")
