"""What a run works with, and the run itself as agents and tools see it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from agents.journal import Journal
from agents.protocols import Outside
from agents.thinking import Thinking
from core.clock import Clock
from core.database import Caller
from core.outside.errors import NotConnected
from tasks.models import Task

if TYPE_CHECKING:
    from agents.tools.tool import AnyTool

Service = TypeVar("Service")
DEFAULT_TIMEOUT_SECONDS = 900


class NothingOutside:
    """An outside world in which nothing is connected."""

    async def reach(self, need: type[Service], caller: Caller, task: Task) -> Service:
        raise NotConnected(f"No {need.__name__} is connected", hint="See `steward doctor`.")

    def lacks(self, need: type[Any], providers: Collection[str] = ()) -> str | None:
        return "See `steward doctor`."

    async def providers(self, caller: Caller) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True)
class Equipment:
    """Who thinks, what time it is, in whose name mail is written, and which tools there are."""

    thinking: Thinking
    clock: Clock
    from_address: str
    from_name: str
    tools: Mapping[str, "AnyTool"] = field(default_factory=dict[str, "AnyTool"])
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    outside: Outside = field(default_factory=NothingOutside)
    private_hosts: frozenset[str] = frozenset()  # of one's own network, which may be opened

    @cached_property
    def journaled_tools(self) -> dict[str, str]:
        """Names of the tools whose step begins with the run: those that only look. What else there is, is judged first."""
        return {name: tool.kind for name, tool in self.tools.items() if tool.only_looks}


@dataclass(frozen=True)
class Run:
    """One attempt at a task. `caller` speaks for this run alone: it is refused once another run took the task over."""

    caller: Caller
    task: Task
    equipment: Equipment
    journal: Journal
    go_on: Mapping[str, object] | None = None

    async def reach(self, need: type[Service]) -> Service:
        """The service of the outside world that fulfils a Protocol of `agents.protocols`, for the tenant of this task.

        Raises NotConnected with what would connect it, SignInExpired, or Temporary.
        """
        return await self.equipment.outside.reach(need, self.caller, self.task)
