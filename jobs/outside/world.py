"""The services of an installation, found by the Protocol that they fulfil."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from core.clock import Clock
from core.database import Caller, Database
from core.outside.errors import NotConnected
from core.settings import Settings
from tasks.accounts import connected_providers
from tasks.models import Task
from tasks.own_hours import clock_of

NOT_LENT = "Connect an account of your own (`/api/integrations`); that of the settings is its owner's, unless STEWARD_SHARED_TOOLS names it."
Needed = TypeVar("Needed")


@dataclass(frozen=True)
class Given:
    """What wiring works with."""

    settings: Settings
    database: Database
    clock: Clock

    async def of(self, person: Caller) -> "Given":
        """The same by the clock and the working hours of that person."""
        return replace(self, clock=await clock_of(person, self.clock))


def lacks_nothing() -> str | None:
    """For services that need no account, key or server."""
    return None


@dataclass(frozen=True)
class Service:
    """How a service is opened for the tenant of a task, and what would connect it (None when nothing is missing).

    `lacks` is about the settings, which serve whom they are lent to; a connected account at one of `providers` serves as well. `open` raises NotConnected with the same sentence as its hint, SignInExpired, or Temporary.
    """

    open: Callable[[Caller, Task], Awaitable[Any]]
    lacks: Callable[[], str | None] = lacks_nothing
    providers: tuple[str, ...] = ()


async def lends_nothing(caller: Caller, what: str) -> bool:
    """Of settings that serve nobody."""
    return False


@dataclass(frozen=True)
class World:
    """Fulfils `agents.protocols.Outside`. `is_lent` says whether what the settings say of a provider serves a caller."""

    services: Mapping[type[Any], Service]
    is_lent: Callable[[Caller, str], Awaitable[bool]] = lends_nothing

    async def reach(self, need: type[Needed], caller: Caller, task: Task) -> Needed:
        service = self.services.get(need)
        if service is None:
            raise NotConnected(f"There is no {need.__name__} in this installation", hint="See `steward doctor`.")
        return cast(Needed, await service.open(caller, task))

    def lacks(self, need: type[Any], providers: Collection[str] = ()) -> str | None:
        service = self.services.get(need)
        if service is None:
            return "This installation has none."
        if any(one in providers for one in service.providers):
            return None
        missing = service.lacks()
        return NOT_LENT if missing is None and service.providers else missing

    async def providers(self, caller: Caller) -> frozenset[str]:
        there = {one for service in self.services.values() if service.lacks() is None for one in service.providers}
        lent = {one for one in sorted(there) if await self.is_lent(caller, one)}
        return await connected_providers(caller) | lent
