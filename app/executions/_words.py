"""The product's words for executions."""

from collections.abc import Mapping

from tasks.executions import Blocker, ExecutionState, RiskKind, RiskLevel, WaitsFor

STATE: Mapping[ExecutionState, tuple[str, str]] = {
    "created": ("blocked", "not started"),
    "queued": ("queued", "queued"),
    "running": ("in_progress", "running"),
    "blocked": ("blocked", "waiting"),
    "paused": ("paused", "paused"),
    "completed": ("completed", "done"),
    "failed": ("failed", "failed"),
    "cancelled": ("cancelled", "cancelled"),
}
WAITS: Mapping[WaitsFor, str] = {
    "person": "you",
    "agent": "an agent",
    "outside": "something outside",
    "time": "its time",
    "start": "your start",
}
RISK: Mapping[RiskKind, str] = {
    "known": "the plan calls it a risk",
    "deadline": "its time",
    "idle": "nobody takes it",
    "silent": "its agent is silent",
    "late": "its agent takes long",
    "retries": "it went wrong before",
}
LEVEL: Mapping[RiskLevel, str] = {"high": "failed", "medium": "blocked", "low": "cancelled"}


def waits_for(blocker: Blocker, names: Mapping[str, str], person: str = "you") -> str:
    """Whom or what a task waits for: "you", "the agent Larry", "an agent that can prospecting". `person`: whose the execution is."""
    if blocker.waits_for == "agent" and blocker.whom:
        return names.get(blocker.whom, blocker.whom)
    if blocker.waits_for == "agent" and blocker.capabilities:
        return f"an agent for {', '.join(blocker.capabilities)}"
    if person != "you" and blocker.waits_for in {"person", "start"}:
        return person if blocker.waits_for == "person" else f"{person}'s start"
    return WAITS[blocker.waits_for]
