"""Parts of a plan that name tools: what is refused before anything is made."""

from typing import Any

import pytest
from pydantic import Field

from agents.equipment import Run
from agents.planner import as_rows, problem_of
from agents.strategist import Decompose, PlannedSubtask
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool


class Stone(StrictInput):
    """Which stone."""

    stone: str = Field(min_length=1)
    weight: int = 1


async def put(run: Run, given: Stone) -> Outcome:
    return Done({})


TOOLS: dict[str, AnyTool] = {"heap": Tool("heap", "Puts a stone", "act", put, Stone)}


def part(title: str, tool: str | None = "heap", execution_type: Any = "fully_automated", **more: Any) -> PlannedSubtask:
    return PlannedSubtask(title=title, tool=tool, execution_type=execution_type, **more)


@pytest.mark.parametrize(
    "tool_input",
    [
        {"stone": "granite"},
        {"stone": "granite", "weight": 3},
        {"stone": "{{ find_it.said }}", "weight": "{{ find_it.weight }}"},
    ],
)
def test_an_input_that_fits_is_fine(tool_input: dict[str, Any]) -> None:
    parts = [part("Find it", None), part("Put it", tool_input=tool_input, depends_on=[0])]
    assert problem_of(parts, TOOLS) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (part("A", "teleport"), "There is no tool 'teleport' for parts: there are: heap"),
        (part("A", tool_input={}), "wrong: stone"),
        (part("A", tool_input={"stone": ""}), "wrong: stone"),
        (part("A", tool_input={"stone": "x", "colour": "{{ b.c }}"}), "wrong: colour"),
        (part("A", tool_input={"stone": "x", "weight": "heavy"}), "wrong: weight"),
        (part("A", tool_input={"stone": "{{ nobody.said }}"}), "uses {{ nobody }}: it comes after: none"),
        (part("A", tool_input={"stone": "{{ b.said"}), "not closed"),
        (part("A", tool_input={"stone": "{{ 1 + 1 }}"}), "cannot be read"),
        (part("A", execution_type="manual", tool_input={"stone": "x"}), "is manual"),
    ],
)
def test_a_part_that_cannot_be_done_is_said_why(wrong: PlannedSubtask, says: str) -> None:
    assert says in (problem_of([wrong, part("B", None)], TOOLS) or "")


def test_a_part_that_comes_later_feeds_nothing() -> None:
    parts = [part("Put it", tool_input={"stone": "{{ find_it.said }}"}), part("Find it", None)]
    assert "it comes after: none" in (problem_of(parts, TOOLS) or "")


def test_what_came_before_the_whole_task_may_be_used() -> None:
    parts = [part("Put it", tool_input={"stone": "{{ the_quarry.said }}"}), part("B", None)]
    assert problem_of(parts, TOOLS, outputs=["The quarry"]) is None


def test_a_part_several_steps_before_may_be_used() -> None:
    parts = [
        part("Find it", None),
        part("Wash it", None, depends_on=[0]),
        part("Put it", tool_input={"stone": "{{ find_it.said }}"}, depends_on=[1]),
    ]
    assert problem_of(parts, TOOLS) is None


def test_without_tools_none_is_planned() -> None:
    assert "there are: none" in (problem_of([part("A"), part("B", None)]) or "")


def test_rows_carry_tool_and_input_where_there_is_one() -> None:
    rows = as_rows([part("A", tool_input={"stone": "x"}), part("B", None)])
    assert (rows[0]["tool"], rows[0]["tool_input"]) == ("heap", {"stone": "x"})
    assert "tool" not in rows[1]


@pytest.mark.parametrize("tool", ["", "  ", None])
def test_an_empty_name_is_no_tool(tool: str | None) -> None:
    assert part("A", tool).tool is None


def test_a_plan_may_have_one_part() -> None:
    assert Decompose(subtasks=[part("A")], confidence=1).subtasks[0].tool == "heap"
