"""Tools that only move a task: do nothing, wait for a time, a decision, a reply, another agent."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.equipment import Run
from agents.tools.tool import AnyInput, AnyTool, Done, Outcome, Settled, Tool, Waiting
from core.errors import Invalid
from tasks import review
from tasks.models import Evidence

DAY_SECONDS = 86_400


class DelayInput(BaseModel):
    """For how long, or until when."""

    model_config = ConfigDict(extra="forbid")

    seconds: float | None = Field(default=None, ge=0, le=366 * DAY_SECONDS)
    until: datetime | None = None


class GateInput(BaseModel):
    """What is asked, why, and by when it has to be decided."""

    model_config = ConfigDict(extra="allow")

    question: str = ""
    why: str = ""
    expires_in_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)
    remind_after_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)


class WaitInput(BaseModel):
    """From whom something is awaited, and by when."""

    model_config = ConfigDict(extra="allow")

    whom: str = ""
    deadline_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)
    remind_after_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)


async def do_nothing(run: Run, given: BaseModel) -> Outcome:
    """Done at once: a milestone, or a place where several parts come together."""
    return Done(more={"message": "Nothing was to be done"})


async def delay(run: Run, wanted: DelayInput) -> Outcome:
    """Wait for a time; the database's clock wakes the task."""
    if (wanted.seconds is None) == (wanted.until is None):
        raise Invalid("A delay takes either seconds or until", detail=f"tool_input {run.task.tool_input}")
    if isinstance(run.task.result, dict) and "delayed" in run.task.result:
        return Done("The time is over", "verified", [Evidence(kind="clock", what="The database's clock woke it")])
    return Waiting(
        "delay",
        f"Waits until {wanted.until.isoformat()}" if wanted.until else f"Waits {wanted.seconds:g} seconds",
        "Time",
        wait_seconds=wanted.seconds,
        until=wanted.until,
        remember={"delayed": True},
    )


async def approval_gate(run: Run, wanted: GateInput) -> Outcome:
    """Ask a person; the task is their yes or no."""
    payload: dict[str, Any] = {"task": run.task.title, **run.task.tool_input}
    await review.request_approval(
        run.caller,
        run.task.id,
        wanted.question or run.task.title,
        payload,
        why=wanted.why or run.task.description,
        expires_in_seconds=wanted.expires_in_seconds,
        remind_after_seconds=wanted.remind_after_seconds,
    )
    return Settled()


async def wait_for_reply(run: Run, wanted: WaitInput) -> Outcome:
    """Wait until an answer has come in."""
    return Waiting(
        "reply",
        f"Waits for an answer from {wanted.whom}" if wanted.whom else "Waits for an answer",
        "The answer; you can also enter it here",
        wait_seconds=wanted.deadline_seconds,
        remind_after_seconds=wanted.remind_after_seconds,
    )


async def outside_agent(run: Run, wanted: WaitInput) -> Outcome:
    """Wait until somebody else's agent has reported."""
    return Waiting(
        "agent",
        f"Waits for the agent {wanted.whom}" if wanted.whom else "Waits for an agent",
        "The agent's report",
        wait_seconds=wanted.deadline_seconds,
        remind_after_seconds=wanted.remind_after_seconds,
    )


CONTROL_TOOLS: tuple[AnyTool, ...] = (
    Tool("noop", "Does nothing: a milestone, or where parts come together", "control", do_nothing, AnyInput),
    Tool("delay", "Waits for some seconds, or until a time", "control", delay, DelayInput),
    Tool("approval_gate", "Waits for a person's yes or no to a question", "control", approval_gate, GateInput),
    Tool("wait_for_reply", "Waits for somebody's answer, until a deadline", "control", wait_for_reply, WaitInput),
    Tool("outside_agent", "Waits for the report of somebody else's agent", "control", outside_agent, WaitInput),
)
