import pytest

from app._view.bounds import LABELS, bounds_of, read_bounds
from core.errors import Invalid
from tasks.trees import TreeBounds
from tests.unit.app._view.nodes import id_of, node

ALLOWED = {
    "max_depth": 8,
    "max_children": 100,
    "max_tasks": 2,
    "max_model_calls": 0,
    "max_cost_usd": 2.5,
    "max_wall_seconds": 5400,
    "max_replans": 3,
}
USED = {"tasks": 3, "depth": 1, "model_calls": 0, "cost_usd": 1.25, "wall_seconds": 2700}
FOUND = TreeBounds(root_task_id=id_of("root"), bounds=ALLOWED, used=USED)


def test_each_bound_says_what_is_used_and_allowed() -> None:
    rows = {row.name: row for row in bounds_of(FOUND, node("root", node("a"), node("b"), replan_count=2))}
    assert set(rows) == set(LABELS)
    assert (rows["max_tasks"].percent, rows["max_tasks"].is_reached) == (100, True)
    assert (rows["max_model_calls"].percent, rows["max_model_calls"].is_reached) == (100, True)
    assert (rows["max_cost_usd"].used, rows["max_cost_usd"].allowed, rows["max_cost_usd"].percent) == (
        "1.25",
        "2.50",
        50,
    )
    assert (rows["max_wall_seconds"].used, rows["max_wall_seconds"].field) == ("45 min", "1.5")
    assert (rows["max_children"].used, rows["max_replans"].used) == ("2", "2")


def test_only_what_changed_is_written() -> None:
    shown = {row.name: row.field for row in bounds_of(FOUND, node("root"))}
    assert read_bounds(shown, FOUND) == {}
    assert read_bounds({**shown, "max_tasks": "7", "max_wall_seconds": "2", "max_cost_usd": "0.5"}, FOUND) == {
        "max_tasks": 7,
        "max_wall_seconds": 7200,
        "max_cost_usd": 0.5,
    }


@pytest.mark.parametrize("text", ["many", "-1", "nan", "inf", "1e99", "1,000", "\N{ARABIC-INDIC DIGIT TWO}x"])
def test_a_bound_that_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match="Tasks: a number from 0") as caught:
        read_bounds({"max_tasks": text}, FOUND)
    assert text[:5] in caught.value.message
