"""The bounds of a tree as rows: what it may use, what it has used."""

from collections.abc import Mapping
from dataclasses import dataclass

from app._view.sequence import parts_of, walk
from app._view.words import number, span
from core.errors import Invalid
from tasks.functions import TaskNode
from tasks.trees import TreeBounds

HOUR_SECONDS = 3600
LABELS = {
    "max_tasks": "Tasks",
    "max_depth": "Levels",
    "max_children": "Parts of one task",
    "max_model_calls": "Calls of a model",
    "max_cost_usd": "Cost, US dollars",
    "max_wall_seconds": "Time since the start",
    "max_replans": "Changes of plan for one task",
}


@dataclass(frozen=True)
class Bound:
    """One bound: used and allowed in words, how much of it is used in percent, and what the form shows."""

    name: str
    label: str
    used: str
    allowed: str
    percent: float
    field: str
    is_reached: bool


def bounds_of(found: TreeBounds, tree: TaskNode) -> list[Bound]:
    """The bounds of a tree whose root is `tree`."""
    used = {f"max_{name}": value for name, value in found.used.items()}
    everything = [tree, *walk(tree)]
    used["max_children"] = max(len(parts_of(task)) for task in everything)
    used["max_replans"] = max(task.replan_count for task in everything)
    return [_bound(name, label, used.get(name, 0), found.bounds[name]) for name, label in LABELS.items()]


def _bound(name: str, label: str, used: float, allowed: float) -> Bound:
    in_words = span if name == "max_wall_seconds" else number
    value = allowed / HOUR_SECONDS if name == "max_wall_seconds" else allowed
    percent = min(100.0, 100 * used / allowed) if allowed else 100.0
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return Bound(name, label, in_words(used), in_words(allowed), round(percent, 1), shown, used >= allowed)


def read_bounds(form: Mapping[str, str], found: TreeBounds) -> dict[str, float]:
    """The bounds that a form changes. Raises Invalid that names the field, its value and what is allowed."""
    changed: dict[str, float] = {}
    for name, label in LABELS.items():
        text = form.get(name, "").strip()
        if not text:
            continue
        try:
            value = float(text)
        except ValueError:
            value = -1
        if not 0 <= value <= 1_000_000_000:
            message = f"a number from 0 to 1,000,000,000, not {text[:40]!r}"
            raise Invalid(f"{label}: {message}", errors=[{"field": name, "message": message}])
        if name == "max_wall_seconds":
            value = round(value * HOUR_SECONDS)
        elif name != "max_cost_usd":
            value = int(value)
        if value != found.bounds[name]:
            changed[name] = value
    return changed
