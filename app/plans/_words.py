"""The product's words for plans."""

from collections.abc import Mapping, Sequence, Sized
from typing import cast

from core.errors import Conflict
from tasks.models import Task
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


NO: Mapping[str, str] = {
    "replan": "After a no another way is looked for, by the reason you give, and you are asked again.",
    "skip": "After a no the plan goes on without it.",
    "escalate": "After a no you say what becomes of it.",
}


def no_means(gate: Task | None, others: int, kind: PlanKind) -> str:
    """What a no at a gate leads to; `others` are the open tasks that end with the plan."""
    if gate is not None and gate.on_failure in NO:
        return NO[gate.on_failure]
    what = "stage" if kind == "document" else "task"
    open_ones = f"the {what} that is open is" if others == 1 else f"the {others} {what}s that are open are"
    return f"A no ends the plan: {open_ones} cancelled." if others > 0 else "A no ends the plan."


def told(counted: Sequence[tuple[str, str, Sized]], what: str = "task", whats: str = "tasks") -> str:
    """How many do what, without those that are none: "3 tasks are changed, 1 is new."; each (of one, of many, them)."""
    found = [(len(them), one, many) for one, many, them in counted if len(them)]
    if not found:
        return f"No {what} of it is touched."
    (first, one, many), *rest = found
    said = [f"{first} {what if first == 1 else whats} {one if first == 1 else many}"]
    said += [f"{count} {one if count == 1 else many}" for count, one, many in rest]
    return f"{', '.join(said)}."


CHANGED: Mapping[str, str] = {
    "title": "title",
    "description": "what there is to know",
    "estimated_duration_minutes": "minutes of work",
    "due_at": "due",
    "depends_on": "waits for",
    "acceptance_criteria": "done when",
    "assignee_role": "who does it",
    "execution_type": "who does it",
    "priority": "priority",
    "tool_input": "what its tool is given",
}
LONGEST_VALUE = 80


def change(name: str, before: object, after: object) -> str:
    """A field that becomes something else, with both values where they are short."""
    what = CHANGED.get(name, name.replace("_", " "))
    old, new = _value(name, before), _value(name, after)
    if max(len(old), len(new)) > LONGEST_VALUE:
        return f"{what}: written anew"
    return f"{what}: {old or 'none'} → {new or 'none'}"


def _value(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[object]", value))
    if name == "due_at" and isinstance(value, str):
        return value[:10]
    return "" if value is None else str(value)


FINAL: Mapping[PlanState, str] = {
    "cancelled": "What is cancelled stays so: make a new plan.",
    "completed": "It is done, and stays so.",
    "failed": "Try it again first.",
}


def in_a_plans_words(error: Conflict, state: PlanState) -> Conflict:
    """A refusal of the state machine, said of the plan; any other as it is."""
    if " cannot become " not in error.message:
        return error
    return Conflict(f"The plan is {STATE[state][1]}: that cannot be done now", hint=FINAL.get(state))
