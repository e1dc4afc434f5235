"""`make demo`, as `python -m tests.demo`: a walk, told as it goes; 1 as the exit code where something does not hold.

Without a word the walk from a mail to its answer; `plans` is the walk through plans, `agents` that of other people's agents, `agenda` that of an agenda.
"""

import asyncio
import sys
from pathlib import Path

from cli.testing import NotReady, ensure_node_packages
from tests.demo.agenda import walk_agenda
from tests.demo.agents import walk_agents
from tests.demo.house import NotStarted
from tests.demo.plans import walk_plans
from tests.demo.report import Report, WalkFailed
from tests.demo.walk import walk

BUILD = Path(__file__).parents[2] / "build"
LOG, LOGS = BUILD / "demo.log", BUILD / "demo"


def main() -> int:
    """The exit code."""
    words = sys.argv[1:]
    if words not in ([], ["plans"], ["agents"], ["agenda"]):
        print(
            f"error: make demo takes no word but plans, agents or agenda, and there is {' '.join(words)!r}",
            file=sys.stderr,
        )
        return 2
    try:
        ensure_node_packages()  # the emulators
    except NotReady as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in (LOG, *LOGS.glob("*.*")):
        old.unlink(missing_ok=True)
    report = Report(LOG)
    try:
        walked = {"plans": walk_plans, "agents": walk_agents, "agenda": walk_agenda}[words[0]] if words else walk
        outcome = asyncio.run(walked(report, LOGS))
    except (WalkFailed, NotStarted) as error:
        report.write(f"error: {error}\nWhat Steward said is in {LOGS / 'steward.log'}")
        return 1
    except KeyboardInterrupt:
        print("\nStopped; everything has ended.", file=sys.stderr)
        return 130
    with LOG.open("a") as file:
        file.write(f"{outcome.as_json()}\n")
    print(outcome.as_json(), flush=True)
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
