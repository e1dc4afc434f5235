"""`make simulate`, as `python -m tests.simulate [--seed 1] [--days 30] [--no-control]`: a month lived through.

It ends with one line of JSON. Beside the month runs the same one in which nothing that was learned is switched on: what is
edited in its second half shows that the month did not get easier.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context

from tests.simulate.apart import LOG, live_apart


def main(words: Sequence[str] | None = None) -> int:
    """The exit code."""
    given = read_words(words)
    LOG.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        lives = [
            pool.submit(live_apart, given.seed, given.days, learns)
            for learns in (True, False)[: 1 if given.no_control else 2]
        ]
        outcome, *control = [one.result() for one in lives]
    for line in outcome.lines:
        print(line, file=sys.stderr)
    more = {"edited_without_learning": control[0].figures.edited_second_half} if control else {}
    print(json.dumps({**asdict(outcome.figures), **more, "seconds": round(time.monotonic() - began, 1)}))
    return 0


def read_words(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says; wrong words end with 2 and what is allowed."""
    parser = argparse.ArgumentParser(prog="make simulate", description="A month of mail and meetings, lived through.")
    parser.add_argument("--seed", type=int, default=1, help="another month (1)")
    parser.add_argument(
        "--days", type=int, default=30, choices=range(1, 31), metavar="1-30", help="only so many days of it (30)"
    )
    parser.add_argument("--no-control", action="store_true", help="without the same month in which nothing is learned")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
