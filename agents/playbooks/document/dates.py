"""When the tasks of a work breakdown happen: days from day zero, what waits for what, and the critical path.

Pure. Days are calendar days; a task takes at least one. What the estimates and edges do not give is assumed and said.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.sequencer import Part, Plan, sequence
from core.errors import Invalid

ASSUMED_DAYS = 1
WEEK_WORKED = 5  # days of seven


@dataclass(frozen=True)
class Node:
    """A task of the breakdown with its parts: a phase, a task, or a step."""

    id: str
    name: str
    children: "tuple[Node, ...]" = ()


@dataclass(frozen=True)
class Timed:
    """A task in time. `start` is days after day zero, `days` whole calendar days; `slack` days it may move by."""

    id: str
    name: str
    parent_id: str | None
    depth: int
    start: int
    days: int
    slack: int
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """An edge that was left out, and why."""

    task_id: str
    depends_on: str
    why: str


@dataclass(frozen=True)
class Dates:
    """All tasks, each before its parts; the length of the whole; what was assumed or left out."""

    tasks: list[Timed]
    days: int
    critical_path: list[str]
    assumed: list[str] = field(default_factory=list[str])
    dropped: list[Dropped] = field(default_factory=list[Dropped])


def dates_of(roots: Sequence[Node], needs: Mapping[str, Iterable[str]], days: Mapping[str, float]) -> Dates:
    """The dates of phases, their tasks and the steps of these.

    Tasks of level 2 (and phases without any) are what takes time: phases last from their first to their last task, steps
    share the time of their task one after the other. `needs`: id to the ids it waits for; one on a phase is on all of it.
    Raises Invalid for an id that two tasks have.
    """
    check_unique(roots)
    units = {unit.id: unit for root in roots for unit in (root.children or (root,))}
    edges, dropped = edges_between(roots, needs)
    lengths = {unit_id: whole_days(days.get(unit_id)) for unit_id in units}
    plan = sequence([Part(unit_id, edges[unit_id], lengths[unit_id]) for unit_id in units])
    slack = _slack(plan, lengths)
    found: list[Timed] = []
    for root in roots:
        tasks = [_unit(unit, root, plan, lengths, slack) for unit in root.children]
        found.append(_phase(root, tasks) if tasks else _unit(root, None, plan, lengths, slack))
        for unit, timed in zip(root.children, tasks, strict=True):
            found += [timed, *_steps(unit, timed)]
    assumed = [unit_id for unit_id in units if unit_id not in days]
    return Dates(found, round(plan.minutes), plan.critical_path, assumed, dropped)


def whole_days(days: float | None) -> int:
    """Days as they are laid out: whole ones, and one at least."""
    return max(ASSUMED_DAYS, math.ceil(days)) if days is not None and math.isfinite(days) else ASSUMED_DAYS


def working_days(days: float) -> float:
    """How many of so many calendar days are worked: all of a few, five of seven of more."""
    return days if days <= WEEK_WORKED else max(WEEK_WORKED, days * WEEK_WORKED / 7)


def edges_between(
    roots: Sequence[Node], needs: Mapping[str, Iterable[str]]
) -> tuple[dict[str, frozenset[str]], list[Dropped]]:
    """Edges between tasks of level 2, in the order given; one that leads nowhere or closes a cycle is left out."""
    members = {root.id: [child.id for child in root.children] or [root.id] for root in roots}
    for root in roots:
        members |= {child.id: [child.id] for child in root.children}
    kept: dict[str, set[str]] = {unit: set() for units in members.values() for unit in units}
    dropped: list[Dropped] = []
    for task_id, wanted in needs.items():
        for need in dict.fromkeys(wanted):
            why = _add(members, kept, task_id, need)
            if why:
                dropped.append(Dropped(task_id, need, why))
    return {unit: frozenset(found) for unit, found in kept.items()}, dropped


def _add(members: Mapping[str, Sequence[str]], kept: dict[str, set[str]], task_id: str, need: str) -> str | None:
    for one in (task_id, need):
        if one not in members:
            return f"there is no task {one} at this level"
    if set(members[task_id]) & set(members[need]):
        return "a task does not wait for itself, or for what it is part of"
    before = _all_before(kept, members[need])
    if before & set(members[task_id]):
        return "it would close a cycle"
    for unit in members[task_id]:
        kept[unit] |= set(members[need])
    return None


def _all_before(kept: Mapping[str, set[str]], units: Sequence[str]) -> set[str]:
    found, waiting = set(units), list(units)
    while waiting:
        new = kept[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _slack(plan: Plan[str], lengths: Mapping[str, int]) -> dict[str, int]:
    """By how many days each may be late without the whole being late."""
    latest: dict[str, float] = {unit: plan.minutes - lengths[unit] for unit in plan.order}
    for unit in reversed(plan.order):
        for need in plan.edges[unit]:
            latest[need] = min(latest[need], latest[unit] - lengths[need])
    return {unit: round(latest[unit] - plan.starts[unit]) for unit in plan.order}


def _unit(
    unit: Node, root: Node | None, plan: Plan[str], lengths: Mapping[str, int], slack: Mapping[str, int]
) -> Timed:
    needs = tuple(need for need in plan.order if need in plan.edges[unit.id])
    depth, parent_id = (2, root.id) if root else (1, None)
    start = round(plan.starts[unit.id])
    return Timed(unit.id, unit.name, parent_id, depth, start, lengths[unit.id], slack[unit.id], needs)


def _phase(root: Node, tasks: Sequence[Timed]) -> Timed:
    start = min(task.start for task in tasks)
    end = max(task.start + task.days for task in tasks)
    return Timed(root.id, root.name, None, 1, start, end - start, min(task.slack for task in tasks))


def _steps(parent: Node, time: Timed) -> list[Timed]:
    """Its parts, one after the other in equal shares of its days; where there are more of them, several on a day."""
    found: list[Timed] = []
    count = len(parent.children)
    for number, child in enumerate(parent.children):
        start = number * time.days // count
        days = max(1, (number + 1) * time.days // count - start)
        step = Timed(child.id, child.name, parent.id, time.depth + 1, time.start + start, days, time.slack)
        found += [step, *_steps(child, step)]
    return found


def check_unique(roots: Sequence[Node]) -> None:
    """Raises Invalid for an id that two tasks have."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop(0)
        if node.id in seen:
            raise Invalid(f"Two tasks of the work breakdown have the id {node.id}")
        seen.add(node.id)
        waiting += node.children
