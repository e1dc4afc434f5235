"""Outside agents: who they are, what they can, and the token each signs in with. One thin typed call per SQL function.

What each refuses stands in its comment in SQL. A token is `sta_` and 256 random bits, kept as its SHA-256 alone.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core.database import Caller
from core.errors import Invalid
from tasks.models import Record
from tasks.tokens import hash_of

AgentStatus = Literal["online", "late", "gone", "new", "paused", "removed"]
PREFIX = "sta_"
SHOWN = len(PREFIX) + 6
FORM = re.compile(r"sta_[A-Za-z0-9_-]{43}")


class HeldWork(Record):
    """What an agent is at now."""

    lease_id: UUID
    task_id: UUID
    root_task_id: UUID
    title: str
    claimed_at: datetime
    heard_at: datetime
    expires_at: datetime
    percent: float | None = None
    message: str = ""


class DoneWork(Record):
    """How the last 30 days of an agent went; `seconds` is what a completed task took on average."""

    completed: int = 0
    decomposed: int = 0
    failed: int = 0
    lost: int = 0
    seconds: float = 0

    @property
    def success(self) -> float | None:
        """Share of attempts that came to a good end; None before the first."""
        good, bad = self.completed + self.decomposed, self.failed + self.lost
        return good / (good + bad) if good + bad else None


class Agent(Record):
    """Whoever does tasks besides people: ours (is_internal), or somebody else's."""

    id: UUID
    name: str
    description: str = ""
    capabilities: list[str] = Field(default_factory=list[str])
    tools: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    system_instructions: str = ""
    is_internal: bool = False
    max_concurrent: int = 1
    lease_seconds: int | None = None
    timeout_seconds: int | None = None
    token_prefix: str | None = None
    token_made_at: datetime | None = None
    has_token: bool = False
    last_seen_at: datetime | None = None
    paused_at: datetime | None = None
    removed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    working_on: list[HeldWork] = Field(default_factory=list[HeldWork])
    done: DoneWork = Field(default_factory=DoneWork)
    lost_at: datetime | None = Field(default=None, description="When it last lost work by its silence")


class NewAgent(BaseModel):
    """An agent, and the token that it was just given: shown this once."""

    token: str
    details: Agent


class ResolvedAgent(Record):
    """Whose token came to the door."""

    id: UUID
    organization_id: UUID
    name: str


def status_of(agent: Agent, now: datetime, poll_seconds: int, silent_seconds: int) -> AgentStatus:
    """From its last word: online within two polls, then late, and gone once it was silent for so long that it lost its work, or would."""
    if agent.removed_at is not None:
        return "removed"
    if agent.paused_at is not None:
        return "paused"
    if agent.is_internal:
        return "online"
    if agent.last_seen_at is None:
        return "new"
    silence = now - agent.last_seen_at
    silent = agent.lease_seconds or silent_seconds
    is_lost = agent.lost_at is not None and agent.lost_at >= agent.last_seen_at
    if is_lost or silence >= timedelta(seconds=max(silent, 2 * poll_seconds)):
        return "gone"
    return "online" if silence <= timedelta(seconds=max(2 * poll_seconds, 60)) else "late"


def read_capabilities(given: Sequence[str]) -> list[str]:
    """Capabilities, each once, in lower case. Raises Invalid that names the wrong one."""
    found: list[str] = []
    for one in given:
        name = " ".join(one.split()).casefold()
        if not 1 <= len(name) <= 100:
            message = "a capability has 1 to 100 characters"
            raise Invalid(
                f"capabilities: {message}",
                errors=[{"field": "capabilities", "value": one[:120], "message": message}],
            )
        if name not in found:
            found.append(name)
    if len(found) > 50:
        raise Invalid("capabilities: 50 are allowed at most", detail=f"{len(found)} were given")
    return found


def new_token() -> str:
    """A token for an agent."""
    return PREFIX + secrets.token_urlsafe(32)


async def register_agent(caller: Caller, agent: Mapping[str, Any]) -> NewAgent:
    """A new agent and its token: {name, description, capabilities, tools, system_instructions, max_concurrent, lease_seconds, timeout_seconds}."""
    token = new_token()
    given = {**agent, "capabilities": read_capabilities(agent.get("capabilities") or [])}
    row = await caller.call("register_agent", agent=given, token_hash=hash_of(token), token_prefix=token[:SHOWN])
    return NewAgent(token=token, details=Agent.model_validate(row))


async def update_agent(caller: Caller, agent_id: UUID, changes: Mapping[str, Any]) -> Agent:
    """Change what an agent can, its limits, or (is_paused) whether it takes new work; only the fields given."""
    given = dict(changes)
    if given.get("capabilities") is not None:
        given["capabilities"] = read_capabilities(given["capabilities"])
    return Agent.model_validate(await caller.call("update_agent", agent_id=agent_id, changes=given))


async def rotate_agent_token(caller: Caller, agent_id: UUID) -> NewAgent:
    """A new token; the old one works no more."""
    token = new_token()
    row = await caller.call(
        "rotate_agent_token", agent_id=agent_id, token_hash=hash_of(token), token_prefix=token[:SHOWN]
    )
    return NewAgent(token=token, details=Agent.model_validate(row))


async def revoke_agent_token(caller: Caller, agent_id: UUID) -> Agent:
    """The agent may not speak any more; what it held is offered to others."""
    return Agent.model_validate(await caller.call("revoke_agent_token", agent_id=agent_id))


async def remove_agent(caller: Caller, agent_id: UUID) -> Agent:
    """The agent works here no more; its record stays."""
    return Agent.model_validate(await caller.call("remove_agent", agent_id=agent_id))


async def list_agents(caller: Caller, *, with_removed: bool = False) -> list[Agent]:
    """The organization's agents by name, then ours."""
    return [Agent.model_validate(row) for row in await caller.call("list_agents", with_removed=with_removed)]


async def get_agent(caller: Caller, agent_id: UUID) -> Agent:
    """One agent."""
    return Agent.model_validate(await caller.call("get_agent", agent_id=agent_id))


async def resolve_agent_token(service: Caller, token: str) -> ResolvedAgent | None:
    """Whose live token this is; None for any other text (service only)."""
    if not FORM.fullmatch(token):
        return None
    row = await service.call("resolve_agent_token", token_hash=hash_of(token))
    return None if row is None else ResolvedAgent.model_validate(row)
