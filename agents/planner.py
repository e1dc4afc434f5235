"""The planner: a task that is too big becomes parts with edges, put in order by the sequencer.

It is scoped to the one task; a part that turns out too big is planned in its turn, when it runs, so plans grow as deep
as they need and the bounds of the tree allow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.sequencer import Part, Plan, sequence
from agents.strategist import PlannedSubtask
from agents.templates import TEMPLATE, check_tree, reference_in, slug, strings
from agents.tools.tool import AnyTool, problem_of_input
from core.errors import Invalid


def arrange(parts: Sequence[PlannedSubtask]) -> Plan[int]:
    """The parts, by position from 0, in order. Raises Invalid that names the cycle or the wrong edge."""
    return sequence(
        [
            Part(
                key=position,
                depends_on=frozenset(part.depends_on),
                minutes=part.estimated_duration_minutes or 1,
                group=part.group,
                integrates=part.integrates,
            )
            for position, part in enumerate(parts)
        ]
    )


def problem_of(
    parts: Sequence[PlannedSubtask], tools: Mapping[str, AnyTool] | None = None, outputs: Sequence[str] = ()
) -> str | None:
    """What is wrong with the edges and the tools, in words for who made them; None when they can be done in an order.

    `tools` are those that a part may name, None where there are none; `outputs` the titles of tasks that are over before.
    """
    try:
        edges = arrange(parts).edges
        for position, part in enumerate(parts):
            if part.tool is not None:
                before = [*(name for need in _all_before(position, edges) for name in _names(parts[need])), *outputs]
                _check_tool(part, tools or {}, before)
        check_tree({"title": "", "children": [part.model_dump() for part in parts]}, tools or {})
    except Invalid as error:
        return f"{error.message}: {error.detail}" if error.detail else error.message
    return None


def _names(part: PlannedSubtask) -> list[str]:
    """How templates may name a part: by its key, where it has one, or its title."""
    key = str(getattr(part, "key", ""))
    return [part.title, key] if key else [part.title]


def _check_tool(part: PlannedSubtask, tools: Mapping[str, AnyTool], before: Sequence[str]) -> None:
    """Raises Invalid for a tool that is not there, an input that it cannot take, or a template that names no earlier part."""
    tool = tools.get(part.tool or "")
    if tool is None:
        raise Invalid(
            f"There is no tool {part.tool!r} for parts", detail=f"there are: {', '.join(sorted(tools)) or 'none'}"
        )
    if part.execution_type == "manual":
        raise Invalid(f"The part {part.title!r} has a tool and is manual: a tool is used by the assistant")
    if problem := problem_of_input(tool, part.tool_input):
        raise Invalid(problem)
    for _, text in strings(part.tool_input):
        for match in TEMPLATE.finditer(text):
            if match[1] or match[2] is None:
                continue
            name = reference_in(match[2]).name
            if name not in {slug(title) for title in before}:
                known = ", ".join(slug(title) for title in before) or "none"
                raise Invalid(f"The part {part.title!r} uses {{{{ {name} }}}}", detail=f"it comes after: {known}")


def _all_before(position: int, edges: Mapping[int, frozenset[int]]) -> set[int]:
    """Every part that is over before this one starts."""
    found, waiting = set[int](), [position]
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def as_rows(parts: Sequence[PlannedSubtask]) -> list[dict[str, Any]]:
    """The parts as JSON rows, with every edge written out as positions: integration parts wait for all of their group."""
    if not parts:
        return []
    edges = arrange(parts).edges
    return [
        {
            **part.model_dump(mode="json", exclude_none=True, exclude={"group", "integrates"}),
            "depends_on": sorted(edges[position]),
        }
        for position, part in enumerate(parts)
    ]
