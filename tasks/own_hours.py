"""A person's own time zone and working hours; what they did not choose is the installation's setting."""

import re
from contextlib import suppress
from time import monotonic
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.clock import Clock
from core.database import Caller, Identity
from core.errors import Invalid
from core.outside.calendar import hours_from, zone_named
from tasks.models import Record

KEPT_SECONDS = 30.0
MOST_KNOWN = 10_000
HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
PART = rf"[a-z]{{3}}(?:-[a-z]{{3}})?(?: {HOUR}-{HOUR})+"
READABLE = re.compile(rf"{PART}(?:; {PART})*")
ALLOWED_ZONE = "a time zone like Europe/Berlin"
ALLOWED_HOURS = "hours like mon-fri 09:00-12:30 13:30-17:00; sat 10:00-12:00"


class OwnHours(Record):
    """What a person chose; None is the installation's setting."""

    timezone: str | None = None
    working_hours: str | None = None


def _zone(name: str) -> str:
    try:
        return zone_named(name.strip()).key
    except Invalid as error:
        raise ValueError(f"{error.message}; allowed is {ALLOWED_ZONE}") from error


def _hours(text: str) -> str:
    plain = "; ".join(" ".join(part.split()) for part in text.casefold().split(";") if part.strip())
    try:
        hours_from(plain, "UTC")
    except Invalid as error:
        raise ValueError(error.detail or error.message) from error
    if not READABLE.fullmatch(plain):
        raise ValueError(f"allowed are {ALLOWED_HOURS}")
    return plain


class HoursChange(BaseModel):
    """What a person wants otherwise. What is left out stays; null goes back to the installation's setting."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"timezone": "America/New_York", "working_hours": "mon-fri 09:00-17:00"}]},
    )

    timezone: Annotated[str, Field(max_length=100), AfterValidator(_zone)] | None = Field(
        None, description="An IANA time zone", examples=["America/New_York"]
    )
    working_hours: Annotated[str, Field(max_length=300), AfterValidator(_hours)] | None = Field(
        None, description="By the person's clock", examples=["mon-fri 09:00-12:30 13:30-17:00; sat 10:00-12:00"]
    )

    def as_changes(self) -> dict[str, Any]:
        """As `save_own_hours` takes it."""
        return self.model_dump(exclude_unset=True)


async def get_own_hours(caller: Caller) -> OwnHours:
    """What the person chose."""
    return OwnHours.model_validate(await caller.call("get_own_hours"))


async def save_own_hours(caller: Caller, change: HoursChange) -> OwnHours:
    """Choose. Raises Invalid that names the field, Forbidden for programs."""
    return OwnHours.model_validate(await caller.call("save_own_hours", changes=change.as_changes()))


async def begin_own_hours(caller: Caller, timezone: str) -> None:
    """Live by this zone from now on, where they never chose anything and there is such a zone."""
    if (await get_own_hours(caller)).model_fields_set:
        return  # null is a choice too: the installation's
    with suppress(ValidationError, Invalid):
        await save_own_hours(caller, HoursChange.model_validate({"timezone": timezone}))


async def clock_of(caller: Caller, clock: Clock) -> Clock:
    """The person's clock: the installation's (that of `clock`), with what they chose. The worker's own is the installation's."""
    if caller.identity.user_id is None:
        return clock.of()
    own = await get_own_hours(caller)
    return clock.of(own.timezone, own.working_hours)


class Clocks:
    """The clocks of people, each remembered for half a minute by this process, so that a request asks for none twice."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._known: dict[object, tuple[Clock, float]] = {}

    async def of(self, caller: Caller) -> Clock:
        """The clock of whoever calls."""
        key = caller.identity.user_id
        known, at = self._known.get(key, (None, 0.0))
        if known is None or monotonic() - at > KEPT_SECONDS:
            known = await clock_of(caller, self.clock)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = known, monotonic()
        return known

    def forget(self, identity: Identity) -> None:
        """They chose otherwise: it holds from now on."""
        self._known.pop(identity.user_id, None)
