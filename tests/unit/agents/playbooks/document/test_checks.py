"""What is said about thin lists and entries; words of other languages are no placeholders."""

import pytest

from agents.playbooks.document.checks import enough, entries_problem, list_problem, same
from agents.playbooks.document.stage import DEPTHS


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (["Todos los vecinos", "Insert new cables", "Náhradní díly", "全住民"], None),
        (["One entry alone"], "too few entries (at least 2): people"),
        (["A good entry", "TBD"], "a placeholder is no answer: people, entry 2"),
        (["A good entry", "............"], "a placeholder is no answer: people, entry 2"),
        (["   ", "A good entry"], "too short, say more (at least 5 characters): people, entry 1"),
        (["A good entry", "a GOOD\n entry"], "people says the same thing twice"),
    ],
)
def test_a_list_says_something_in_each_entry(entries: list[str], says: str | None) -> None:
    assert list_problem(2, 5, people=entries) == says


def test_a_problem_tells_its_place_and_depth_decides_how_much_is_enough() -> None:
    assert entries_problem("risks", ["a", ""], lambda it: None if it else "empty") == "risks, entry 2: empty"
    assert entries_problem("risks", list[str](), lambda it: it) is None
    assert enough(DEPTHS["fast_but_skip_details"], 3, roles=["one"]) is None
    assert enough(DEPTHS["all_details_but_slow"], 3, roles=["one"]) == "too few entries (at least 3): roles"
    assert same(" Steering  GROUP", "steering group")
