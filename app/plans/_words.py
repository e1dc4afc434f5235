"""The product's words for plans."""

from collections.abc import Mapping

from tasks.plans import Level, PlanKind, PlanState, PlanSummary

STATE: Mapping[PlanState, tuple[str, str]] = {
    "planning": ("in_progress", "being planned"),
    "ready": ("blocked", "ready to start"),
    "running": ("in_progress", "running"),
    "waiting": ("blocked", "waiting"),
    "paused": ("paused", "paused"),
    "completed": ("completed", "done"),
    "failed": ("failed", "failed"),
    "cancelled": ("cancelled", "cancelled"),
}
KIND: Mapping[PlanKind, str] = {"objective": "objective", "document": "plan document"}
LEVEL: Mapping[Level, tuple[str, str]] = {
    "ping_llm": ("A few stages", "to see whether a model answers at all"),
    "fast_but_skip_details": ("Fast, without details", "every stage, few rounds"),
    "balanced_speed_and_detail": ("Balanced", "every stage, a few rounds each"),
    "all_details_but_slow": ("All details", "every stage for every item; slow"),
}
PLAYBOOK: Mapping[str, str] = {
    "feature_launch": "feature launch",
    "financial_close": "financial close",
    "incident_response": "incident response",
    "marketing_campaign": "marketing campaign",
    "event": "event",
}
GROUP: Mapping[str, str] = {
    "intake": "What was asked",
    "vetting": "Whether it should be done",
    "classification": "What sort of plan it is",
    "levers": "Choices",
    "scenarios": "Scenarios",
    "context": "Places, money and risks around it",
    "assumptions": "Assumptions",
    "project_plan": "The plan in short",
    "governance": "Governance",
    "resources": "Comparable projects",
    "team": "Team",
    "analysis": "Analysis",
    "documents": "Documents needed",
    "wbs": "Work breakdown",
    "pitch": "Pitch",
    "schedule": "Schedule",
    "review": "Review",
    "report": "Report",
}
RISK: Mapping[str, str] = {"low": "low risk", "medium": "medium risk", "high": "high risk"}
ON_FAILURE: Mapping[str, str] = {
    "replan": "another way is looked for",
    "skip": "the plan goes on without it",
    "escalate": "you are asked",
    "stop": "the plan ends",
}


def state_of(plan: PlanSummary) -> tuple[str, str]:
    """The class of a plan's badge and its word."""
    return STATE[plan.state]


def playbook(name: str | None) -> str:
    """A playbook by the name that people use."""
    return PLAYBOOK.get(name or "", (name or "").replace("_", " "))
