"""What a run works with, and the run itself as agents and tools see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from agents.journal import Journal
from agents.protocols import MailSender
from agents.thinking import Thinking
from core.clock import Clock
from core.database import Caller
from tasks.models import Task

if TYPE_CHECKING:
    from agents.tools.tool import Tool

DEFAULT_TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Equipment:
    """Who thinks, what sends mail, what time it is, in whose name mail is written, and which tools there are."""

    thinking: Thinking
    sender: MailSender
    clock: Clock
    from_address: str
    from_name: str
    tools: Mapping[str, "Tool"] = field(default_factory=dict[str, "Tool"])
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS

    @cached_property
    def journaled_tools(self) -> dict[str, str]:
        """Names of the tools that read or act, and which of the two."""
        return {name: tool.kind for name, tool in self.tools.items() if tool.kind != "control"}


@dataclass(frozen=True)
class Run:
    """One attempt at a task. `caller` speaks for this run alone: it is refused once another run took the task over."""

    caller: Caller
    task: Task
    equipment: Equipment
    journal: Journal
    go_on: Mapping[str, object] | None = None
