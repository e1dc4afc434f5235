"""What is wrong with a plan beyond its edges and inputs: missing gates, forgotten constraints, tasks named after nothing."""

import re
from collections.abc import Mapping, Sequence

from agents.objective import GATE, PlannedObjective, PlannedTask
from agents.planner import arrange, problem_of
from agents.tools.tool import AnyTool
from tasks.actions import Effect

NOTHING = re.compile(
    r"\W*(?:(?:task|step|part|phase|todo|tbd|misc(?:ellaneous)?|other|something|placeholder|aufgabe|schritt|teil|sonstiges)\W*\d*)?\W*",
    re.IGNORECASE,
)
NOT_UNDONE = re.compile(
    r"\b(?:production|prod|live|publish\w*|pay(?:ing|ment)?s?|purchas\w*|delet\w*|drop(?:ping)?|produktion\w*|produktiv\w*|veröffentlich\w*|bezahl\w*|überweis\w*|lösch\w*)\b",
    re.IGNORECASE,
)
ACTS = {Effect.PUBLISH, Effect.EXECUTE, Effect.MONEY, Effect.DELETE, Effect.GRANT}
WORD = re.compile(r"\w{3,}")
SAME = 0.6  # of the words of a constraint, for it to stand somewhere


def problem_of_plan(plan: PlannedObjective, constraints: Sequence[str], tools: Mapping[str, AnyTool]) -> str | None:
    """What is wrong with a plan, in words for who made it; None when it can be carried out as it stands."""
    return (
        problem_of(plan.tasks, tools)
        or _named_after_nothing(plan.tasks)
        or _without_gate(plan.tasks, tools)
        or _forgotten(plan, constraints)
    )


def _named_after_nothing(tasks: Sequence[PlannedTask]) -> str | None:
    titles: set[str] = set()
    keys: set[str] = set()
    for task in tasks:
        title = " ".join(task.title.casefold().split())
        if NOTHING.fullmatch(task.title):
            return f"the title {task.title!r} says nothing: name what is to be done"
        if title in titles:
            return f"two tasks are called {task.title!r}: say what makes them different"
        if task.key and task.key in keys:
            return f"two tasks have the key {task.key!r}"
        titles.add(title)
        keys.add(task.key)
    return None


def _without_gate(tasks: Sequence[PlannedTask], tools: Mapping[str, AnyTool]) -> str | None:
    """The first task that cannot be undone and that no person is asked about before."""
    edges = arrange(tasks).edges
    before: dict[int, bool] = {}

    def is_gated(position: int) -> bool:
        if position not in before:
            before[position] = any(tasks[need].tool == GATE or is_gated(need) for need in edges[position])
        return before[position]

    for position, task in enumerate(tasks):
        if is_irreversible(task, tools) and not is_gated(position):
            return f"{task.title!r} cannot be undone: a task with the tool {GATE} has to come before it"
    return None


def is_irreversible(task: PlannedTask, tools: Mapping[str, AnyTool]) -> bool:
    """Is it a step of high risk, or an act on production, money, the public, or what is there?"""
    if task.tool == GATE:
        return False
    tool = tools.get(task.tool or "")
    acts = tool is not None and (tool.effect in ACTS or (tool.effect is Effect.WRITE and tool.risk == "high"))
    return task.risk == "high" or (acts and NOT_UNDONE.search(f"{task.title} {task.tool_input}") is not None)


def _forgotten(plan: PlannedObjective, constraints: Sequence[str]) -> str | None:
    said = [criterion for task in plan.tasks for criterion in task.acceptance_criteria] + plan.impossible
    for constraint in constraints:
        if not any(stands_in(constraint, one) for one in said):
            return f"no acceptance criterion keeps the constraint {constraint!r}, nor is it named in impossible"
    return None


def stands_in(constraint: str, text: str) -> bool:
    """Does a text say this constraint, most of its words at least? Its numbers all have to be there."""
    wanted = {word.casefold() for word in WORD.findall(constraint)} or {constraint.casefold().strip()}
    numbers = set(re.findall(r"\d+", constraint))
    there = text.casefold()
    found = {word for word in wanted if word in there}
    return numbers <= set(re.findall(r"\d+", text)) and len(found) >= SAME * len(wanted)
