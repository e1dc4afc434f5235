"""A tool that hands its task to somebody else's agent: it offers the work, and waits for the report."""

from typing import Any

from pydantic import Field

from agents.equipment import Run
from agents.tools.control import DAY_SECONDS
from agents.tools.tool import AnyInput, Outcome, Settled, Tool
from tasks.actions import Effect
from tasks.agent_work import offer_task


class OutsideAgentInput(AnyInput):
    """Who may have the work, and what it gets: an agent by name or id, or any that has all the capabilities."""

    whom: str = Field(default="", max_length=200)
    capabilities: list[str] = Field(default_factory=list[str], max_length=50)
    instructions: str = Field(default="", max_length=20_000)
    input: dict[str, Any] = Field(default_factory=dict[str, Any])
    deadline_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)
    timeout_seconds: int | None = Field(default=None, ge=1, le=7 * DAY_SECONDS)
    remind_after_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)


async def hand_to_agent(run: Run, wanted: OutsideAgentInput) -> Outcome:
    """Offer the task to outside agents; it waits, blocked, and no worker is held."""
    await offer_task(
        run.caller,
        run.task.id,
        capabilities=wanted.capabilities,
        whom=wanted.whom.strip(),
        instructions=wanted.instructions,
        input=wanted.input,
        deadline_seconds=wanted.deadline_seconds,
        timeout_seconds=wanted.timeout_seconds,
        remind_after_seconds=wanted.remind_after_seconds,
    )
    return Settled()


OUTSIDE_AGENT = Tool(
    "outside_agent",
    "Hands the task to somebody else's agent: the one named, or any with all the capabilities; waits for its report",
    "control",
    hand_to_agent,
    OutsideAgentInput,
    effect=Effect.READ,
    brings_untrusted=True,
    stays_within=True,
    is_read_later=True,  # a report marks it; what nobody has worked on is as it was
)
