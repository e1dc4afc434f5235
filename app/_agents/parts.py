"""Parts that an agent makes of its task, as rows for the database: checked as a planner's would be."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from agents.sequencer import Part, sequence
from agents.templates import TEMPLATE, check_tree, reference_in, slug, strings
from agents.tools.control import DelayInput
from agents.tools.outside_agent import OUTSIDE_AGENT
from agents.tools.tool import AnyTool, problem_of_input
from app._agents.subtasks import Subtask, Who
from core.errors import Invalid
from tasks.agents import read_capabilities

INTERRUPT = "agent_interrupt"
FITTING: Mapping[Who, frozenset[str]] = {  # what may be said beside the task itself, by who does it
    "me": frozenset({"instructions", "input", "timeout_seconds"}),
    "agent": frozenset({"agent", "capabilities", "instructions", "input", "timeout_seconds"}),
    "person": frozenset({"interrupt"}),
    "steward": frozenset({"tool", "tool_input", "timeout_seconds"}),
}
SPECIAL = frozenset[str]().union(*FITTING.values())
Tools = Mapping[str, AnyTool]


def rows_of(
    subtasks: Sequence[Subtask], agent_id: UUID, tools: Tools, where: str, *, delay_hours: int
) -> list[dict[str, Any]]:
    """The parts {key, title, execution_type, tool, tool_input, depends_on: [positions], ...}. `where` is the list's field.

    Their delays after one another last at most `delay_hours`, as an obstacle may: work is not put off for ever by its parts.
    Raises Invalid that names the field, its value and what is allowed.
    """
    for at, one in enumerate(subtasks):
        _check_fitting(one, f"{where}.{at}")
    edges = _positions(subtasks, where)
    rows = [
        {**_plain(one), **_done_by(one, agent_id, tools, f"{where}.{at}"), "depends_on": edges[at]}
        for at, one in enumerate(subtasks)
    ]
    _check_delays(rows, 3600 * delay_hours, where)
    _check_templates(subtasks, rows, tools, where)
    return rows


def _plain(one: Subtask) -> dict[str, Any]:
    wanted = {
        "key",
        "title",
        "description",
        "priority",
        "acceptance_criteria",
        "estimated_duration_minutes",
        "timeout_seconds",
    }
    return one.model_dump(mode="json", include=wanted, exclude_none=True)


def _check_fitting(one: Subtask, where: str) -> None:
    """What is said about a part has a meaning for whoever does it; nothing is passed over in silence."""
    wrong = sorted(one.model_fields_set & (SPECIAL - FITTING[one.who]))
    if wrong:
        message = (
            f"it means nothing where who is {one.who}; allowed beside the task: {', '.join(sorted(FITTING[one.who]))}"
        )
        raise _invalid(f"{where}.{wrong[0]}", message, None)


def _done_by(one: Subtask, agent_id: UUID, tools: Tools, where: str) -> dict[str, Any]:
    match one.who:
        case "me":
            return _for_agent(one, str(agent_id), where)
        case "agent":
            return _for_agent(one, one.agent or "", where)
        case "person" if one.interrupt is not None:
            return _asked(one.interrupt, tools, where)
        case "person":
            return {"execution_type": "manual"}
        case "steward":
            return _by_steward(one, tools, where)


def _for_agent(one: Subtask, whom: str, where: str) -> dict[str, Any]:
    given: dict[str, Any] = {"whom": whom, "capabilities": read_capabilities(one.capabilities)}
    given |= {name: value for name, value in (("instructions", one.instructions), ("input", one.input)) if value}
    if problem := problem_of_input(OUTSIDE_AGENT, given):
        raise _invalid(where, problem, None)
    return {"execution_type": "fully_automated", "tool": OUTSIDE_AGENT.name, "tool_input": given}


def _asked(interrupt: Mapping[str, Any], tools: Tools, where: str) -> dict[str, Any]:
    tool = tools.get(INTERRUPT)
    if tool is None:
        raise _invalid(f"{where}.interrupt", "this house takes no interrupts", None)
    if problem := problem_of_input(tool, interrupt):
        raise _invalid(f"{where}.interrupt", problem, None)
    return {"execution_type": "fully_automated", "tool": INTERRUPT, "tool_input": dict(interrupt)}


def _by_steward(one: Subtask, tools: Tools, where: str) -> dict[str, Any]:
    if one.tool is None:
        if one.tool_input:
            raise _invalid(f"{where}.tool_input", "it needs a tool", None)
        return {"execution_type": "semi_automated"}  # a person reviews what was thought before it is handed out
    allowed = {name: tool for name, tool in tools.items() if tool.may_be_planned and name != INTERRUPT}
    tool = allowed.get(one.tool)
    if tool is None:
        what = "it is not for parts" if one.tool in tools else "there is no such tool"
        raise _invalid(f"{where}.tool", f"{what}; allowed: {', '.join(sorted(allowed))}", one.tool)
    if problem := problem_of_input(tool, one.tool_input):
        raise _invalid(f"{where}.tool_input", problem, None)
    return {"execution_type": "fully_automated", "tool": one.tool, "tool_input": one.tool_input}


def _check_delays(rows: Sequence[Mapping[str, Any]], most: int, where: str) -> None:
    """Delays after one another, in what is known to have no circle, are not longer than that."""
    wanted = [_seconds(row, f"{where}.{at}.tool_input") for at, row in enumerate(rows)]
    ends: dict[int, float] = {}
    while len(ends) < len(rows):
        for at, row in enumerate(rows):
            if at not in ends and all(need in ends for need in row["depends_on"]):
                ends[at] = wanted[at] + max((ends[need] for need in row["depends_on"]), default=0)
                if wanted[at] and ends[at] > most:
                    message = f"the delays of an agent's parts last at most {most} seconds after one another"
                    raise _invalid(f"{where}.{at}.tool_input", message, f"{ends[at]:.0f}")


def _seconds(row: Mapping[str, Any], where: str) -> float:
    """How long a part waits; 0 where it is no delay."""
    if row.get("tool") != "delay":
        return 0
    try:
        wanted = DelayInput.model_validate(row["tool_input"])
    except ValidationError:
        raise _invalid(where, "an agent says how long a delay lasts, without templates", None) from None
    if wanted.until is None:
        return wanted.seconds or 0
    until = wanted.until if wanted.until.tzinfo else wanted.until.replace(tzinfo=UTC)
    return max(0, (until - datetime.now(UTC)).total_seconds())


def _positions(subtasks: Sequence[Subtask], where: str) -> list[list[int]]:
    """What each part waits for, as positions. Raises Invalid for keys that are unknown or given twice, and for cycles."""
    places: dict[str, int] = {}
    for at, one in enumerate(subtasks):
        if one.key is None:
            continue
        if one.key in places:
            raise _invalid(f"{where}.{at}.key", f"{where}.{places[one.key]} has it already", one.key)
        places[one.key] = at
    edges = [sorted(set(_needs(one, at, places, len(subtasks), where))) for at, one in enumerate(subtasks)]
    names = [one.key or f"{at} ({one.title[:100]})" for at, one in enumerate(subtasks)]
    try:
        sequence(
            [
                Part(key=(at, names[at]), depends_on=frozenset((n, names[n]) for n in edges[at]))
                for at in range(len(edges))
            ]
        )
    except Invalid:
        raise _invalid(where, f"what they depend on goes in a circle: {_circle(edges, names)}", None) from None
    return edges


def _needs(one: Subtask, at: int, places: Mapping[str, int], count: int, where: str) -> Iterator[int]:
    for number, need in enumerate(one.depends_on):
        place = places.get(need) if isinstance(need, str) else need
        if place is None or place >= count:
            keys = ", ".join(sorted(places)) or "none"
            message = f"there is no such part; keys: {keys}; positions: 0 to {count - 1}"
            raise _invalid(f"{where}.{at}.depends_on.{number}", message, str(need))
        yield place


def _circle(edges: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """One of the circles, by name, each after what it waits for."""
    left = set(range(len(edges)))
    while free := [at for at in left if not left & set(edges[at])]:
        left -= set(free)
    at, way = min(left), list[int]()
    while at not in way:
        way.append(at)
        at = next(need for need in edges[at] if need in left)
    return " -> ".join(names[n] for n in [*reversed(way[way.index(at) :]), way[-1]])


def _check_templates(subtasks: Sequence[Subtask], rows: Sequence[Mapping[str, Any]], tools: Tools, where: str) -> None:
    """A template can be read, and a part of this list that it names is over before."""
    try:
        check_tree({"title": "", "children": rows}, tools)
        named = {name: at for at, one in enumerate(subtasks) for name in (slug(one.title), one.key) if name}
        for at, row in enumerate(rows):
            before = _all_before(at, [one["depends_on"] for one in rows])
            for place, text in strings(row.get("tool_input") or {}):
                for match in TEMPLATE.finditer(text):
                    if match[1] or match[2] is None:
                        continue
                    reference = reference_in(match[2])
                    if named.get(reference.name, -1) not in {-1, *before}:
                        message = f"{reference.said} is not over before it; put {reference.name} among its depends_on"
                        raise _invalid(f"{where}.{at}", f"{place}: {message}", None)
    except Invalid as error:
        if error.errors:
            raise
        raise _invalid(where, f"{error.message}: {error.detail}" if error.detail else error.message, None) from None


def _all_before(at: int, edges: Sequence[Sequence[int]]) -> set[int]:
    found, waiting = set[int](), [at]
    while waiting:
        new = set(edges[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def _invalid(field: str, message: str, value: str | None) -> Invalid:
    problem = {"field": field, "message": message} | ({} if value is None else {"value": value[:200]})
    return Invalid(f"{field}: {message}" + (f" (it is {value[:200]!r})" if value is not None else ""), errors=[problem])
