"""Settings of other people's agents: when they count as silent, how long work may take, who is told."""

from pydantic import Field
from pydantic_settings import BaseSettings


class AgentSettings(BaseSettings):
    """How the work of outside agents is watched."""

    agent_poll_seconds: int = Field(
        default=300, ge=1, le=86400, description="How often an outside agent is asked to look for work"
    )
    agent_silent_seconds: int = Field(
        default=1800,
        ge=10,
        le=86400,
        description="Without a word for so long, an outside agent loses its work: it is offered to another",
    )
    agent_timeout_seconds: int = Field(
        default=86400, ge=1, le=604800, description="How long one attempt of an outside agent may take"
    )
    agent_attempts: int = Field(
        default=3, ge=1, le=20, description="So many attempts of outside agents may take too long, then the task fails"
    )
    agent_recheck_seconds: int = Field(
        default=300,
        ge=1,
        le=86400,
        description="First pause before an outside agent looks again at what blocks it; each is twice the one before",
    )
    agent_obstacle_hours: int = Field(
        default=48, ge=1, le=8760, description="How long something outside may block an agent before a person is told"
    )
    agent_tell_hours: int = Field(
        default=24, ge=1, le=8760, description="How long work for agents may lie unclaimed before a person is told"
    )
    execution_timeout_hours: int = Field(
        default=168, ge=1, le=87600, description="How long an execution may take, where it says nothing else"
    )
    keep_agent_reports_days: int = Field(
        default=90, ge=1, le=36500, description="How long the reports of outside agents are kept"
    )
