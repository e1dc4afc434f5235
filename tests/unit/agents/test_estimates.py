"""What a plan will take: the longest chain, waits apart, what is not known said."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agents.estimates import EstimatedPart, estimate, estimate_tree, work_words
from agents.tools.built_in import BUILT_IN_TOOLS
from core.errors import Invalid
from tasks.functions import TaskNode
from tests.unit.agents.making import make_task


def part(key: str, *needs: str, **more: Any) -> EstimatedPart:
    by_hand: dict[str, Any] = {"execution_type": "manual", "minutes": 10, "needs": frozenset(needs)}
    return EstimatedPart(key=key, title=key, **(by_hand | more))


def node(number: int, *needs: int, children: list[TaskNode] | None = None, **columns: Any) -> TaskNode:
    task = make_task(
        f"task {number}",
        "errand",
        columns.pop("execution_type", "manual"),
        execution_status=columns.pop("state", "pending"),
    )
    more = {
        "id": UUID(int=number),
        "depends_on": [UUID(int=need) for need in needs],
        "children": children or [],
        **columns,
    }
    return TaskNode.model_validate({**task.model_dump(), **more})


def test_the_longest_chain_counts_and_waits_stand_apart() -> None:
    found = estimate(
        [
            part("a"),
            part("b", "a", minutes=30),
            part("c", "a"),
            part("gate", "b", "c", execution_type="fully_automated", tool="approval_gate"),
            part("wait", "gate", execution_type="fully_automated", tool="delay", delay_seconds=600),
            part("find", "wait", execution_type="fully_automated", tool="web_search", minutes=None),
        ],
        BUILT_IN_TOOLS,
    )
    assert (found.minutes, found.people_minutes, found.waiting_minutes, found.waits) == (55, 50, 10, 2)
    assert (found.people_minutes_in_chain, found.minutes_in_all) == (40, 65)
    assert found.in_words == {
        "Work along the longest chain": "55 min, 40 min of it by people",
        "Work in all": "1 h 5 min, 50 min of it by people",
    }
    assert found.critical_path == ["a", "b", "gate", "wait", "find"]
    assert {one.key: one.starts_after_minutes for one in found.tasks}["find"] == 40
    assert found.cost_usd == 0.008
    assert any("one of the tasks waits" in one for one in found.unknown)
    assert "For one task nobody said how long it takes; it is counted as 15 minutes." in found.unknown


def test_models_cost_by_what_is_asked_of_them() -> None:
    parts = [
        part("think", execution_type="semi_automated", has_criteria=True),
        part("report", tool="plan_report", execution_type="fully_automated"),
        part("hand"),
    ]
    without = estimate(parts, BUILT_IN_TOOLS)
    assert (without.model_calls, without.cost_usd) == (0, 0)
    priced = estimate(parts, BUILT_IN_TOOLS, has_model=True, usd_per_call=0.01)
    assert (priced.model_calls, priced.cost_usd) == (3, 0.03)
    unpriced = estimate(parts, BUILT_IN_TOOLS, has_model=True)
    assert any("not known" in one for one in unpriced.unknown)


def test_a_tree_is_estimated_by_what_is_left_of_its_leaves() -> None:
    inner = node(2, 1, children=[node(3), node(4, 3)], estimated_duration_minutes=999)
    tree = node(
        9,
        children=[
            node(1, state="completed"),
            inner,
            node(5, 2, estimated_duration_minutes=5),
            node(6, superseded_at=make_task("x").created_at),
        ],
    )
    found = estimate_tree(tree, BUILT_IN_TOOLS)
    assert [one.title for one in found.tasks] == ["task 3", "task 4", "task 5"]
    assert found.minutes == 35
    assert estimate_tree(node(9), BUILT_IN_TOOLS).tasks == []


def test_nothing_takes_nothing_and_a_circle_is_refused() -> None:
    empty = estimate([], {})
    assert (empty.minutes, empty.unknown, empty.critical_path) == (0, [], [])
    with pytest.raises(Invalid, match="cycle"):
        estimate([part("a", "b"), part("b", "a")], {})


def test_hours_of_work_are_no_days_of_a_calendar_and_a_schedule_says_the_end() -> None:
    assert [work_words(one) for one in (0, 0.2, 45, 480, 1800)] == [
        "none",
        "1 min",
        "45 min",
        "8 h",
        "30 h (3.8 working days of 8 h)",
    ]
    due = datetime(2027, 5, 19, 23, 59, tzinfo=UTC)
    scheduled = node(1, estimated_duration_minutes=1440, due_at=due, source_ref={"stages": ["create_schedule"]})
    found = estimate_tree(node(9, children=[scheduled, node(2, due_at=due.replace(year=2030))]), BUILT_IN_TOOLS)
    assert found.ends_at == due
    assert found.in_words["Ends, by the document's schedule"] == "19 May 2027"
    assert any("working days of 8 hours" in one for one in found.unknown)
