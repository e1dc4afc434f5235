"""The product's words for agents and their work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from core.settings_agents import AgentSettings
from tasks.agent_work import LeaseOutcome
from tasks.agents import Agent, AgentStatus, status_of

STATUS: Mapping[AgentStatus, tuple[str, str, str]] = {  # the class of its dot, the word, and what that means
    "online": ("completed", "online", "it looks for work"),
    "late": ("late-word", "late", "it should have asked for work by now"),
    "gone": ("failed", "gone", "silent for so long that it loses its work"),
    "new": ("cancelled", "new", "it has not said a word yet"),
    "paused": ("paused", "paused", "it gets no new work; what it has goes on"),
    "removed": ("superseded", "removed", "it works here no more"),
}
OUTCOME: Mapping[LeaseOutcome, tuple[str, str]] = {
    "completed": ("completed", "done"),
    "decomposed": ("completed", "broken into parts"),
    "failed": ("failed", "failed"),
    "blocked": ("blocked", "could not go on"),
    "silent": ("failed", "went silent"),
    "timeout": ("failed", "took too long"),
    "cancelled": ("cancelled", "cancelled"),
    "taken_back": ("cancelled", "taken back"),
}
ANY = "any agent"
FEW = 8  # so many places are drawn one by one


@dataclass(frozen=True)
class AgentRow:
    """An agent as it is listed. The status is by the real clock, as the database's times are."""

    agent: Agent
    status: AgentStatus
    badge: str
    word: str
    meaning: str
    held: int
    places: list[bool]

    @property
    def success_percent(self) -> int | None:
        """Attempts of 30 days that came to a good end; None before the first."""
        share = self.agent.done.success
        return None if share is None else round(100 * share)

    @property
    def attempts(self) -> int:
        """How many attempts of 30 days have ended well or badly."""
        done = self.agent.done
        return done.completed + done.decomposed + done.failed + done.lost

    @property
    def counts(self) -> str:
        """How the attempts of 30 days went, without what there was none of: "12 done, 1 failed"."""
        done = self.agent.done
        told = [
            (done.completed, "done"),
            (done.decomposed, "broken into parts"),
            (done.failed, "failed"),
            (done.lost, "lost"),
        ]
        return ", ".join(f"{count} {word}" for count, word in told if count)


def row_of(agent: Agent, settings: AgentSettings, now: datetime | None = None) -> AgentRow:
    """An agent with its status, load and success."""
    status = status_of(agent, now or datetime.now(UTC), settings.agent_poll_seconds, settings.agent_silent_seconds)
    badge, word, meaning = STATUS[status]
    held = len(agent.working_on)
    places = [at < held for at in range(agent.max_concurrent)] if agent.max_concurrent <= FEW else []
    return AgentRow(agent, status, badge, word, meaning, held, places)


def outcome(name: LeaseOutcome | None) -> tuple[str, str]:
    """The class of an attempt's badge and its word."""
    return OUTCOME[name] if name else ("in_progress", "at it")


def wants(tool_input: Mapping[str, object], names: Mapping[str, str] | None = None) -> str:
    """What work asks for, in words: "the agent Larry", "prospecting, email", "any agent". `names` of agents by their ids."""
    whom = str(tool_input.get("whom") or "").strip()
    if whom:
        return f"the agent {(names or {}).get(whom.casefold(), whom)}"
    found = tool_input.get("capabilities")
    named = [str(one) for one in cast("list[object]", found)] if isinstance(found, list) else []
    return ", ".join(named) or ANY
