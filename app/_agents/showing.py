"""An agent as people and it itself see it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from core.settings import Settings
from tasks.agents import Agent, AgentStatus, DoneWork, HeldWork, status_of


class Load(BaseModel):
    """How many tasks an agent holds, of how many at most."""

    held: int
    most: int


class AgentView(BaseModel):
    """An agent. `success`: share of the attempts of the last 30 days that came to a good end; none before the first."""

    id: UUID
    name: str
    description: str
    capabilities: list[str]
    tools: list[dict[str, Any]]
    instructions: str
    status: AgentStatus
    load: Load
    success: float | None
    is_internal: bool
    max_concurrent: int
    lease_seconds: int | None
    timeout_seconds: int | None
    token_prefix: str | None
    token_made_at: datetime | None
    has_token: bool
    last_seen_at: datetime | None
    paused_at: datetime | None
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    working_on: list[HeldWork]
    done: DoneWork


class AgentItself(AgentView):
    """An agent as it sees itself: how often it is asked to look for work, and how long it may be silent."""

    poll_seconds: int
    silent_seconds: int


class AgentWithToken(BaseModel):
    """An agent, and the token that it was just given: shown this once."""

    token: str
    details: AgentView


def shown(agent: Agent, settings: Settings) -> AgentView:
    """The agent as it is now."""
    return AgentView.model_validate(_fields(agent, settings))


def shown_to_itself(agent: Agent, settings: Settings) -> AgentItself:
    """The agent, with what its loop needs to know."""
    more = {
        "poll_seconds": settings.agent_poll_seconds,
        "silent_seconds": agent.lease_seconds or settings.agent_silent_seconds,
    }
    return AgentItself.model_validate({**_fields(agent, settings), **more})


def _fields(agent: Agent, settings: Settings) -> dict[str, Any]:
    now = datetime.now(UTC)  # as the database's clock, which wrote its last word, and not the house's
    status = status_of(agent, now, settings.agent_poll_seconds, settings.agent_silent_seconds)
    return {
        **dict(agent),
        "working_on": [dict(work) for work in agent.working_on],
        "done": dict(agent.done),
        "instructions": agent.system_instructions,
        "status": status,
        "load": {"held": len(agent.working_on), "most": agent.max_concurrent},
        "success": agent.done.success,
    }
