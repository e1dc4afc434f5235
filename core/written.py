"""Whether anything was written meanwhile: a request that failed after it wrote is not simply done again.

A call is one transaction, a request may be several. Which calls write is told by their names: the catalogue's test
holds that a function with a name of `READS` leaves nothing behind that counts twice.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from core.errors import OutcomeUnknown, StewardError

READS = ("list_", "get_", "find_", "search_", "read_", "is_")


@dataclass
class Written:
    """What is known so far of the calls of a block."""

    perhaps: bool = False  # one that may write came to its end, or broke off so that nobody knows


_NOTED: ContextVar[Written | None] = ContextVar("written", default=None)


@contextmanager
def noting_writes(written: Written) -> Generator[None]:
    """Note whether a call wrote while the block runs, by whomever it was made in there."""
    before = _NOTED.set(written)
    try:
        yield
    finally:
        _NOTED.reset(before)


@contextmanager
def noted(function: str) -> Generator[None]:
    """Around a call: it wrote, unless it only reads or was refused plainly."""
    written = _NOTED.get()
    if written is None or function.startswith(READS):
        yield
        return
    is_refused = False
    try:
        yield
    except StewardError as error:
        is_refused = not isinstance(error, OutcomeUnknown)
        raise
    finally:  # one that was cancelled may have written, too
        written.perhaps |= not is_refused
