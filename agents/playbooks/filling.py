"""A playbook filled in for one objective: pure, and nothing in it is invented. What is not given is said to be missing."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from agents.objective import GATE, MOST_CRITERIA, REPORT, PlanContext, PlannedTask
from agents.playbooks.german import WORDS as GERMAN
from agents.playbooks.playbook import Playbook, Step, Use, label_of
from agents.rules.workflows.wording import is_german
from agents.templates import slug
from agents.tools.tool import AnyTool, problem_of_input
from core.errors import StewardError
from core.outside.addresses import wire_address
from tasks.models import ExecutionType, OnFailure, Priority

VALUE = re.compile(r"\$([a-z_]+(?:\.[a-z_]+)?)")
LONGEST_SUBJECT = 150  # with the name of a team it is still the summary of a ticket
MOST_EACH = 20  # more of a kind is one task for a person
NUMBERS = ("two three four five six seven eight nine ten", "zwei drei vier fünf sechs sieben acht neun zehn")
NUMBER_WORDS = {word: place + 2 for words in NUMBERS for place, word in enumerate(words.split())}
TEAMS = re.compile(rf"\b(\d{{1,3}}|{'|'.join(NUMBER_WORDS)})\s+(?:\w+\s+)?teams?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Situation:
    """What a playbook is filled in with. `tools` are those whose services are connected; `lacks` says of another tool what would connect it."""

    objective: str
    context: PlanContext
    tools: Mapping[str, AnyTool] = field(default_factory=dict[str, AnyTool])
    lacks: Callable[[str], str | None] = lambda tool: None
    has_model: bool = False

    @cached_property
    def is_german(self) -> bool:
        return is_german(self.objective)

    def worded(self, words: str) -> str:
        """Words of a playbook in the language of the objective."""
        return GERMAN.get(words, words) if self.is_german else words

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What `$name` may stand for: resources, and what follows from the rest of the context."""
        given = {name: harmless(value) for name, value in self.context.resources.items()}
        subject = harmless(" ".join(self.objective.split()))
        found: dict[str, Any] = {
            "environment_staging": "staging",
            "environment_production": "production",
            **{f"environment_{name}": given[name] for name in ("staging", "production") if name in given},
            **given,
            "objective": harmless(self.objective),
            "subject": subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 1]}…",
            "stakeholders": addresses_of(self.context.stakeholders),
            "teams": self._teams(),
            "smoke_urls": _entries_of(given.get("smoke_url"), r"[\s,;]+"),
            "details": harmless(self._details()),
            "deadline": self.context.deadline.isoformat() if self.context.deadline else None,
            "deadline_day": self.context.deadline.date().isoformat() if self.context.deadline else None,
        }
        if (minutes := _number(found.get("monitor_minutes"))) is not None:
            found["monitor_seconds"] = minutes * 60
        if isinstance(number := found.get("pull_request"), str) and number.lstrip("#").isdecimal():
            found["pull_request"] = int(number.lstrip("#"))
        return {name: value for name, value in found.items() if value not in (None, "", [], ())}

    def _details(self) -> str:
        """The objective with what limits it, for people who read it elsewhere."""
        limits = [f"- {one}" for one in self.context.constraints]
        due = [f"To be done by {self.context.deadline.isoformat()}"] if self.context.deadline else []
        return "\n".join([self.objective, *due, *(["What must hold:", *limits] if limits else [])])[:20_000]

    def _teams(self) -> list[str]:
        """The teams by name; those that the objective only counts, by number."""
        named = _entries_of(self.context.resources.get("teams"), r"\s*[,;\n]\s*")
        if len(named) > 1 or (named and not str(named[0]).isdecimal()):
            return [harmless(" ".join(str(one).split()))[:100] for one in named]
        said = TEAMS.search(self.objective)
        if said is None:
            return []
        count = int(said[1]) if said[1].isdecimal() else NUMBER_WORDS[said[1].casefold()]
        return [f"Team {number + 1}" for number in range(count)]


def addresses_of(stakeholders: Sequence[str]) -> list[str]:
    """Those of the stakeholders that are mail addresses."""
    return [one for one in stakeholders if is_address(one)]


def is_address(text: str) -> bool:
    """Is this exactly one bare mail address?"""
    try:
        wire_address("recipient", text)
    except StewardError:
        return False
    return True


def harmless(value: Any) -> Any:
    """What a person gave, so that no template stands in it: two braces of theirs stay two braces."""
    match value:
        case str():
            return re.sub(r"\\?\{\{", r"\\{{", value)
        case list() | tuple():
            return [harmless(one) for one in cast("Sequence[Any]", value)]
        case dict():
            return {str(name): harmless(one) for name, one in cast("dict[Any, Any]", value).items()}
        case _:
            return value


def _entries_of(value: Any, between: str) -> list[Any]:
    """The entries of a list, or of a text that lists them; of equal ones the first."""
    listed = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else re.split(between, str(value or ""))
    found = {str(one).strip().casefold(): one for one in reversed(listed) if str(one).strip()}
    return list(reversed(found.values()))


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        return None
    return number if 0 < number <= 366 * 1440 else None


def fill(playbook: Playbook, situation: Situation) -> list[PlannedTask]:
    """The tasks of a playbook, in its order, without a report."""
    made: dict[str, list[int]] = {}
    earlier: dict[str, list[PlannedTask]] = {}
    tasks: list[PlannedTask] = []
    for step in playbook.steps:
        needs = sorted({position for key in step.after for position in made[key]})
        if not all(name in situation.values for name in step.only_with):
            made[step.key] = needs  # what waits for a step that is left out, waits for what that waited for
            continue
        entries = _entries(step, situation)
        made[step.key] = list(range(len(tasks), len(tasks) + len(entries)))
        earlier[step.key] = [_task(step, one, needs, situation, earlier) for one in entries]
        tasks += earlier[step.key]
    return _with_own_keys(tasks)


def _with_own_keys(tasks: Sequence[PlannedTask]) -> list[PlannedTask]:
    """The tasks, none with the key of another. Those of a kind are not named in templates where their keys would be one."""
    seen: dict[str, int] = {}
    found: list[PlannedTask] = []
    for task in tasks:
        seen[task.key] = number = seen.get(task.key, 0) + 1
        found.append(task if number == 1 else task.model_copy(update={"key": f"{task.key[:55]}_{number}"}))
    return found


def _entries(step: Step, situation: Situation) -> list[Any]:
    found: list[Any] = situation.values.get(step.each) or [] if step.each else []
    return found if 0 < len(found) <= MOST_EACH else [None]


def _task(
    step: Step, one: Any, needs: Sequence[int], situation: Situation, earlier: Mapping[str, Sequence[PlannedTask]]
) -> PlannedTask:
    values = _values_for(one, situation)
    title = str(_filled(step.german if situation.is_german else step.title, values, {}) or step.title)
    key = step.key if one is None else f"{step.key}_{slug(str(one))}"[:60]
    use, missing = _use_of(step, values, situation, earlier)
    description = str(_filled(situation.worded(step.description), values, earlier) or "")
    if use is None and missing:
        description = f"{description}\n\n{situation.worded(_lead(step))}{'; '.join(missing)}.".strip()
    return PlannedTask(
        key=key,
        title=title[:300],
        description=description,
        kind=step.kind,
        execution_type=_execution_type(step, use, situation),
        priority=_priority(step, situation.context.priority),
        depends_on=list(needs),
        estimated_duration_minutes=step.minutes,
        tool=use.tool if use else None,
        tool_input=dict(use.given) if use else {},
        assignee_role=situation.worded(step.role),
        acceptance_criteria=_criteria(step, situation, values),
        risk=step.risk,
        on_failure=_on_failure(step, situation),
    )


def _values_for(one: Any, situation: Situation) -> Mapping[str, Any]:
    """The values for one entry of `each`; those that are given by entry ({team: project}) as that entry's."""
    if one is None:
        return situation.values
    own = {
        name: cast("dict[str, Any]", value)[str(one)]
        for name, value in situation.values.items()
        if isinstance(value, dict) and str(one) in value
    }
    return {**situation.values, **own, "each": one, "of_each": f": {one}"}


def _use_of(
    step: Step, values: Mapping[str, Any], situation: Situation, earlier: Mapping[str, Sequence[PlannedTask]]
) -> tuple[Use | None, list[str]]:
    """The first way that is open, filled in; else what each way lacks."""
    missing: list[str] = []
    for way in step.ways:
        if any("." in name and _value(name, values, earlier) is None for name in way.needs):
            continue
        lacking = [label_of(name) for name in way.needs if "." not in name and name not in values]
        tool = situation.tools.get(way.tool)
        if tool is None:
            how = situation.lacks(way.tool) or "it is not set up here"
            lacking.insert(0, f"{way.tool}, which is not connected (for whoever runs this Steward: {how.rstrip('.')})")
        if not lacking and tool is not None:
            worded = {**way.given, **(way.german if situation.is_german else {})}
            given = _filled(worded, values, earlier)
            problem = problem_of_input(tool, given)
            if problem is None:
                return replace(way, given=given), []
            lacking = [problem]
        missing += [one for one in lacking if one not in missing]
    return None, missing


def _lead(step: Step) -> str:
    if step.thinks:
        return "What would be looked up by itself needs: "
    return "This is a person's to do here. For it to be done by itself, the plan would need: "


def _filled(value: Any, values: Mapping[str, Any], earlier: Mapping[str, Sequence[PlannedTask]]) -> Any:
    """The value with every `$name` filled in; None for one that is nothing but an unknown name."""
    match value:
        case str():
            whole = VALUE.fullmatch(value)
            if whole:
                return _value(whole[1], values, earlier)
            return VALUE.sub(lambda match: _text(_value(match[1], values, earlier)), value)
        case dict():
            entries = cast("dict[str, Any]", value).items()
            filled = {name: _filled(inner, values, earlier) for name, inner in entries}
            return {name: inner for name, inner in filled.items() if inner is not None}
        case list():
            return [inner for one in cast("list[Any]", value) if (inner := _filled(one, values, earlier)) is not None]
        case _:
            return value


def _value(name: str, values: Mapping[str, Any], earlier: Mapping[str, Sequence[PlannedTask]]) -> Any:
    step, dot, path = name.partition(".")
    if not dot:
        return values.get(name)
    by_tools = [task for task in earlier.get(step, ()) if task.tool is not None]
    return ", ".join(f"{{{{ {task.key}.{path} }}}}" for task in by_tools) or None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[Any]", value))
    return "" if value is None else str(value)


def _execution_type(step: Step, use: Use | None, situation: Situation) -> ExecutionType:
    if use is not None:
        tool = situation.tools[use.tool]
        return "fully_automated" if use.tool == GATE or tool.kind == "read" or use.tool == "delay" else "semi_automated"
    if step.thinks == "rules" or (step.thinks == "model" and situation.has_model):
        return "semi_automated"
    return "manual"


def _priority(step: Step, of_plan: Priority) -> Priority:
    """A critical plan is not made of critical steps alone: those that are say so themselves."""
    if step.priority is not None:
        return step.priority
    return "high" if of_plan == "critical" else of_plan


def _on_failure(step: Step, situation: Situation) -> OnFailure:
    """A gate's no ends the plan where no model could plan anew; it is never gone on without."""
    if step.is_gate:
        return "replan" if situation.has_model else "stop"
    return step.on_failure


def _criteria(step: Step, situation: Situation, values: Mapping[str, Any]) -> list[str]:
    found = [str(_filled(situation.worded(one), values, {}) or one) for one in step.criteria]
    if step.is_gate:
        found += [situation.worded("Kept: ") + constraint for constraint in situation.context.constraints]
    return found[:MOST_CRITERIA]


def with_report(tasks: Sequence[PlannedTask], *, german: bool) -> list[PlannedTask]:
    """The tasks with the report at the end, which waits for all of them."""

    def worded(words: str) -> str:
        return GERMAN.get(words, words) if german else words

    report = PlannedTask(
        key="report",
        title="Bericht über den Plan" if german else "Report on the plan",
        description=worded(
            "What was done, how long it took, what was decided by whom, what failed and why, what it cost."
        ),
        kind="report",
        execution_type="fully_automated",
        depends_on=list(range(len(tasks))),
        estimated_duration_minutes=1,
        tool=REPORT,
        acceptance_criteria=[worded("It names every task, decision and failure of the plan")],
        on_failure="escalate",
    )
    return [*tasks, report]
