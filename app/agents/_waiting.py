"""Work that waits for an agent, and who could take it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from app.agents import _words
from app.agents._words import AgentRow
from core.database import Caller
from tasks.functions import TaskFilter, list_tasks
from tasks.models import Task

MOST = 200


@dataclass(frozen=True)
class WaitingWork:
    """A task that is offered. `fits`: those that may take it; `is_told`: a person heard that nobody does it."""

    task: Task
    wants: str
    fits: list[AgentRow]

    @property
    def is_told(self) -> bool:
        return self.task.reminded_at is not None


async def list_waiting(caller: Caller, agents: Sequence[AgentRow]) -> list[WaitingWork]:
    """What waits for an agent, the most urgent first."""
    names = {str(row.agent.id): row.agent.name for row in agents}
    page = await list_tasks(caller, TaskFilter(status=["blocked"]), limit=MOST)
    return [
        WaitingWork(task, _words.wants(task.tool_input, names), [one for one in agents if fits(task, one)])
        for task in page.items
        if task.blocked_on == "agent"
    ]


def fits(task: Task, row: AgentRow) -> bool:
    """May this agent take the task, once it has room? By name or id, else by all the capabilities; as the database says.

    One that went silent with it comes after the others that fit and live, and after 5 minutes in any case.
    """
    agent = row.agent
    if agent.is_internal or agent.paused_at is not None or agent.removed_at is not None or not agent.has_token:
        return False
    whom = str(task.tool_input.get("whom") or "").strip().lower()
    if whom:
        return whom in {agent.name.lower(), str(agent.id)}
    wanted = task.tool_input.get("capabilities")
    named = cast("list[object]", wanted) if isinstance(wanted, list) else []
    return {" ".join(str(one).split()).casefold() for one in named} <= set(agent.capabilities)
