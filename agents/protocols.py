"""What agents need from the outside world; the doors wire in integrations that fulfil it."""

from collections.abc import Collection
from typing import Any, Protocol, TypeVar

from core.database import Caller
from tasks.models import Task

Service = TypeVar("Service")


class Outside(Protocol):
    """The outside world of an installation: which services there are, by the Protocol that they fulfil."""

    async def reach(self, need: type[Service], caller: Caller, task: Task) -> Service:
        """The service for the tenant and the person of a task.

        Raises NotConnected with what would connect it, SignInExpired, or Temporary.
        """
        ...

    def lacks(self, need: type[Any], providers: Collection[str] = ()) -> str | None:
        """What would connect such a service here, in a sentence; None when it is there.

        `providers` are those at which the tenant can sign in.
        """
        ...

    async def providers(self, caller: Caller) -> frozenset[str]:
        """At which services the tenant of a caller can sign in: by accounts connected there, and by what the settings lend it."""
        ...
