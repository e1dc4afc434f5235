"""What a tool is that Steward offers over the Model Context Protocol, and the visit in which one is used.

Nothing here knows the protocol's SDK: that is only imported when the first request comes (`app._mcp.server`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.house import House
from core.database import Caller
from tasks.tokens import Scope


class Given(BaseModel):
    """What a tool is given; a name it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


In = TypeVar("In", bound=Given)
Out = TypeVar("Out", bound=BaseModel)


def _nothing(task_id: UUID) -> None:
    """Where workers live elsewhere, nothing is to be seen to."""


@dataclass(frozen=True)
class Visit:
    """Who uses tools, and how their work is done.

    `settled` returns when the run of a task has ended. `begun` is told of a task below which something may have been
    queued just now, so that it is worked on where no worker lives.
    """

    house: House
    caller: Caller
    settled: Callable[[UUID], Awaitable[None]]
    begun: Callable[[UUID], None] = _nothing

    def may(self, scope: Scope) -> bool:
        """Is this for whoever visits? A person's own session may do everything but the work of agents."""
        who = self.caller.identity
        if scope == "agents":
            return who.agent_id is not None
        return who.scopes is None or scope in who.scopes


@dataclass(frozen=True)
class Tool(Generic[In, Out]):
    """One tool: what it takes and gives, the scope it needs, and what a program may assume of it."""

    name: str
    title: str
    description: str
    scope: Scope
    takes: type[In]
    gives: type[Out]
    use: Callable[[Visit, In], Awaitable[Out]]
    is_read: bool = False
    is_destructive: bool = False
    is_idempotent: bool = False
    reaches_outside: bool = False


AnyTool = Tool[Any, Any]
