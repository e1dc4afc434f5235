"""The plan that is measured: its stages, and the critical path of their model calls."""

from graphlib import CycleError

import pytest

from benchmarks.makespan import Stage, critical_path, floor, read_stages


def stage(name: str, *needs: str, llm: bool = True) -> Stage:
    return {"id": name, "llm": llm, "depends_on": list(needs)}


def test_the_plan_has_61_stages_whose_needs_exist() -> None:
    stages = read_stages()
    names = {one["id"] for one in stages}
    assert len(stages) == len(names) == 61
    assert all(set(one["depends_on"]) <= names for one in stages)


def test_the_longest_chain_counts_model_calls_alone() -> None:
    stages = [stage("a"), stage("b", "a", llm=False), stage("c", "b"), stage("d"), stage("e", "c", "d", llm=False)]
    assert critical_path(stages, 0.2) == pytest.approx(0.4)


def test_a_plan_of_nothing_takes_no_time() -> None:
    assert critical_path([]) == 0
    assert critical_path([stage("a", llm=False)]) == 0


def test_a_circle_is_refused() -> None:
    with pytest.raises(CycleError):
        critical_path([stage("a", "b"), stage("b", "a")])


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(KeyError):
        critical_path([stage("a", "nowhere")])


async def test_the_floor_runs_every_stage() -> None:
    assert await floor([stage("a", llm=False), stage("b", "a", llm=False)]) >= 0
