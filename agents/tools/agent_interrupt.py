"""A tool that asks a person on behalf of an outside agent; the answer is the task's output, and the agent's to act on."""

from pydantic import Field

from agents.equipment import Run
from agents.tools.control import DAY_SECONDS
from agents.tools.tool import Outcome, Settled, Tool
from tasks.actions import Effect
from tasks.interrupts import HumanInterrupt, request_interrupt


class AgentInterruptInput(HumanInterrupt):
    """An interrupt in the form of the Agent Inbox, and how long it may wait."""

    expires_in_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)
    remind_after_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)


async def ask_person(run: Run, wanted: AgentInterruptInput) -> Outcome:
    """Ask; the task waits for accept, edit, response or ignore."""
    await request_interrupt(
        run.caller,
        run.task.id,
        wanted,
        expires_in_seconds=wanted.expires_in_seconds,
        remind_after_seconds=wanted.remind_after_seconds,
    )
    return Settled()


AGENT_INTERRUPT = Tool(
    "agent_interrupt",
    "Puts the question of somebody else's agent to a person, who may accept, edit, respond or ignore",
    "control",
    ask_person,
    AgentInterruptInput,
    effect=Effect.READ,
    brings_untrusted=True,
    is_read_later=True,  # asking marks it, with the agent's name
    is_plannable=False,
    stays_within=True,
)
