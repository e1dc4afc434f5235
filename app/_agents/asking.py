"""What agents ask people: the body of a request, and waiting for an answer without a database connection."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from pydantic import Discriminator, Field, Tag, ValidationError, WrapValidator

from app._agents.places import at_place
from app.live import EventHub
from core.database import Caller
from tasks.events import get_last_event_id
from tasks.interrupts import Interrupt, NewInterrupt, get_interrupt

MOST_AT_ONCE = 50


def _form(given: object) -> str:
    return "many" if isinstance(given, list) else "one"


def _in_plain_places(given: object, check: Callable[[object], object]) -> object:
    """Errors name fields as the sender wrote them: without the tag of the form that was read."""
    try:
        return check(given)
    except ValidationError as error:
        told = [at_place(one["type"], one["msg"], one["loc"][1:], one["input"]) for one in error.errors()]
        raise ValidationError.from_exception_data("interrupts", told) from None


Asked = Annotated[
    Annotated[NewInterrupt, Tag("one")]
    | Annotated[list[NewInterrupt], Field(min_length=1, max_length=MOST_AT_ONCE), Tag("many")],
    Discriminator(_form),
    WrapValidator(_in_plain_places),
]


async def wait_for_answer(
    hub: EventHub,
    caller: Caller,
    agent_id: UUID,
    interrupt_id: UUID,
    wait_seconds: float,
    still_valid: Callable[[], Awaitable[object]],
) -> Interrupt:
    """The interrupt as soon as it does not wait any more, or as it is after so long.

    `still_valid` is asked before an answer that came later is told, and raises Unauthorized once the token works no more.
    """
    newest = await get_last_event_id(caller)
    found = await get_interrupt(caller, agent_id, interrupt_id)
    if found.status != "waiting":
        return found
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_seconds):
            async for _ in hub.follow(caller, interrupt_id, newest):
                if (await get_interrupt(caller, agent_id, interrupt_id)).status != "waiting":
                    break
    await still_valid()
    return await get_interrupt(caller, agent_id, interrupt_id)
