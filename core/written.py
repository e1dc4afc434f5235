"""Whether anything was written meanwhile: a request that failed after it wrote is not simply done again.

A call is one transaction, a request may be several. Which calls write is told by their names; the catalogue's test holds
these to the schema.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from core.errors import OutcomeUnknown, StewardError

READS = ("list_", "get_", "find_", "search_", "read_", "is_")
ALSO_READ = frozenset(
    {
        "count_snoozed_tasks",
        "count_tasks",
        "count_triaged_mail",
        "open_account",
        "open_calendar_feed",
        "preferences_for",
        "prepare_account",
        "resolve_slack_user",
        "serves_owner",
    }
)
# Paid for on the way, whatever comes of it: what a model may cost and did cost, an account's sign-in that was renewed.
ON_THE_WAY = frozenset({"reserve_model_call", "record_llm_interaction", "begin_renewal", "finish_renewal"})


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
    """Around a call: it wrote, unless it only reads, is paid for on the way, or was refused plainly."""
    written = _NOTED.get()
    if written is None or function.startswith(READS) or function in ALSO_READ | ON_THE_WAY:
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
