"""What counts as written: whatever may have been, but not what only reads, what was refused, and what is paid for on the way."""

import asyncio
from contextlib import suppress

import pytest

from core.errors import Conflict, OutcomeUnknown, StewardError, Unavailable
from core.written import ALSO_READ, ON_THE_WAY, Written, noted, noting_writes

WRITES = "create_tasks"


@pytest.mark.parametrize("function", ["get_task", "list_drafts", *sorted(ALSO_READ | ON_THE_WAY)])
def test_reading_and_what_is_paid_for_on_the_way_do_not_count(function: str) -> None:
    with noting_writes(written := Written()), noted(function):
        pass
    assert not written.perhaps


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (None, True),
        (OutcomeUnknown("?"), True),
        (asyncio.CancelledError(), True),
        (Conflict("no"), False),
        (Unavailable("away"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_write_counts_unless_it_was_refused_plainly(error: BaseException | None, counts: bool) -> None:
    written = Written()
    with suppress(StewardError, asyncio.CancelledError), noting_writes(written), noted(WRITES):
        if error:
            raise error
    assert written.perhaps == counts


def test_what_was_refused_takes_nothing_back() -> None:
    with noting_writes(written := Written()):
        with noted(WRITES):
            pass
        with pytest.raises(Conflict), noted(WRITES):
            raise Conflict("no")
    assert written.perhaps


async def test_tasks_of_a_request_count_and_other_requests_do_not() -> None:
    async def call() -> None:
        with noted(WRITES):
            await asyncio.sleep(0)

    async def request(*, writes: bool) -> Written:
        with noting_writes(written := Written()):
            await asyncio.gather(*([call()] if writes else []), asyncio.sleep(0.01))
        return written

    one, other = await asyncio.gather(request(writes=True), request(writes=False))
    assert (one.perhaps, other.perhaps) == (True, False)
