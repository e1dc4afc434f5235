"""Work for one tenant, account or mail that must not take the others along when it fails."""

import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.errors import StewardError

log = structlog.get_logger()
HERE = Path(__file__).resolve().parents[1]


@dataclass
class Outcome:
    """How it went: why it failed, in a sentence without anybody's contents; None while it has not."""

    problem: str | None = None


@asynccontextmanager
async def apart(event: str, **about: str) -> AsyncGenerator[Outcome]:
    """Whatever goes wrong in this block is logged as `event`, kept in the outcome, and ends here; being stopped does not."""
    outcome = Outcome()
    try:
        yield outcome
    except Exception as error:  # every kind: one entry of others' making must not stop what comes after it
        outcome.problem = problem_of(error)
        await log.awarning(event, error=outcome.problem, **about)


def problem_of(error: Exception) -> str:
    """What to tell and log of an error: its own sentence where it is one of ours, else its type and place, no contents."""
    if isinstance(error, StewardError):
        return error.message
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if Path(one.filename).is_relative_to(HERE) and "site-packages" not in one.filename]
    last = (ours or frames or [None])[-1]
    place = f" in {Path(last.filename).name}, line {last.lineno}" if last else ""
    return f"Something went wrong that nobody expected: {type(error).__name__}{place}"
