"""Tools that only move a task: do nothing, wait for a time, a decision, a reply, another agent."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from agents.equipment import Run
from agents.tools.tool import AnyInput, AnyTool, Done, Outcome, Settled, StrictInput, Tool, Waiting
from core.errors import Invalid
from tasks import review
from tasks.actions import Effect
from tasks.models import Evidence

DAY_SECONDS = 86_400
UNITS = ((DAY_SECONDS, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class DelayInput(StrictInput):
    """For how long, or until when; a time without an offset is by the person's clock."""

    seconds: float | None = Field(default=None, ge=0, le=366 * DAY_SECONDS)
    until: datetime | None = None


class GateInput(AnyInput):
    """What is asked, why, and by when it has to be decided."""

    question: str = ""
    why: str = ""
    expires_in_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)
    remind_after_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)


class WaitInput(AnyInput):
    """From whom something is awaited, and by when."""

    whom: str = ""
    deadline_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)
    remind_after_seconds: float | None = Field(default=None, gt=0, le=366 * DAY_SECONDS)


async def do_nothing(run: Run, given: BaseModel) -> Outcome:
    """Done at once: a milestone, or a place where several parts come together."""
    return Done(more={"message": "Nothing was to be done"})


async def delay(run: Run, wanted: DelayInput) -> Outcome:
    """Wait for a time; the database's clock wakes the task."""
    if (wanted.seconds is None) == (wanted.until is None):
        raise Invalid("A delay takes either seconds or until, one of them")
    if isinstance(run.task.result, dict) and "delayed" in run.task.result:
        return Done("The time is over", "verified", [Evidence(kind="clock", what="The database's clock woke it")])
    zone = run.equipment.clock.timezone
    until = wanted.until and (wanted.until if wanted.until.tzinfo else wanted.until.replace(tzinfo=zone))
    return Waiting(
        "delay",
        f"Waits until {moment_words(until.astimezone(zone))}" if until else f"Waits {span_words(wanted.seconds or 0)}",
        "Time",
        wait_seconds=wanted.seconds,
        until=until,
        remember={"delayed": True},
    )


def moment_words(moment: datetime) -> str:
    """A moment as it is said in its own zone: "Tue 1 Jan 2030, 09:00"."""
    return f"{moment:%a} {moment.day} {moment:%b} {moment.year}, {moment:%H:%M}"


def span_words(seconds: float) -> str:
    """A time span in its two largest units: "1 second", "2 hours 5 minutes"."""
    found: list[str] = []
    for size, word in UNITS:
        number, seconds = int(seconds // size), seconds % size
        if number:
            found.append(f"{number} {word}{'' if number == 1 else 's'}")
    return " ".join(found[:2]) or "under a second"


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


CONTROL_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "noop",
        "Does nothing: a milestone, or where parts come together",
        "control",
        do_nothing,
        AnyInput,
        effect=Effect.READ,
        stays_within=True,
    ),
    Tool(
        "delay",
        "Waits for some seconds, or until a time",
        "control",
        delay,
        DelayInput,
        effect=Effect.READ,
        stays_within=True,
    ),
    Tool(
        "approval_gate",
        "Waits for a person's yes or no to a question",
        "control",
        approval_gate,
        GateInput,
        effect=Effect.READ,
        stays_within=True,
    ),
    Tool(
        "wait_for_reply",
        "Waits for somebody's answer, until a deadline",
        "control",
        wait_for_reply,
        WaitInput,
        effect=Effect.READ,
        brings_untrusted=True,
    ),
)
