"""The planner: a task that is too big becomes parts with edges, put in order by the sequencer.

It is scoped to the one task; a part that turns out too big is planned in its turn, when it runs, so plans grow as deep
as they need and the bounds of the tree allow.
"""

from collections.abc import Sequence
from typing import Any

from agents.sequencer import Part, Plan, sequence
from agents.strategist import PlannedSubtask
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


def problem_of(parts: Sequence[PlannedSubtask]) -> str | None:
    """What is wrong with the edges, in words for who made them; None when they form an order."""
    try:
        arrange(parts)
    except Invalid as error:
        return f"{error.message}: {error.detail}" if error.detail else error.message
    return None


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
