"""Plans of parts with edges: which are in order, what integrates what, and what is said about the others."""

import pytest

from agents.planner import arrange, as_rows, problem_of
from agents.strategist import PlannedSubtask


def parts(*edges: list[int]) -> list[PlannedSubtask]:
    return [PlannedSubtask(title=f"part {n}", execution_type="manual", depends_on=e) for n, e in enumerate(edges)]


def test_a_plan_in_order_has_no_problem() -> None:
    assert problem_of(parts([], [0], [0, 1])) is None


def test_a_cycle_is_named() -> None:
    problem = problem_of(parts([1], [2], [0])) or ""
    assert problem.startswith("Dependencies must not form a cycle: ")
    assert {"0", "1", "2"} <= set(problem.partition(": ")[2].split(" -> "))


@pytest.mark.parametrize("edges", [([0], []), ([5], []), ([-1], [])])
def test_an_edge_to_itself_or_to_nothing_is_a_problem(edges: tuple[list[int], ...]) -> None:
    assert problem_of(parts(*edges))


def test_an_integration_part_waits_for_all_of_its_group() -> None:
    plan = parts([], [], [0], [])
    grouped = [part.model_copy(update={"group": "texts"}) for part in plan[:3]]
    rows = as_rows([*grouped, plan[3].model_copy(update={"integrates": "texts"})])
    assert rows[3]["depends_on"] == [0, 1, 2]
    assert all(key not in row for row in rows for key in ("group", "integrates"))


def test_parts_that_wait_for_nothing_run_side_by_side() -> None:
    assert arrange(parts([], [], [0, 1])).parallel_groups == [[0, 1], [2]]


def test_no_parts_are_no_rows() -> None:
    assert as_rows([]) == []
