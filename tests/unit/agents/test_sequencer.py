"""Which parts bring others together: seen from the edges alone."""

from hypothesis import given
from hypothesis import strategies as st

from agents.sequencer import Part, integration_steps, sequence


def steps(**needs: str) -> dict[str, list[str]]:
    """Of parts by their needs: `c="a b"` waits for a and b."""
    return integration_steps(sequence([Part(key, frozenset(words.split())) for key, words in needs.items()]))


def test_a_part_that_waits_for_several_side_by_side_brings_them_together() -> None:
    assert steps(a="", b="", c="a b", d="c") == {"c": ["a", "b"]}


def test_a_chain_brings_nothing_together_however_its_edges_are_written() -> None:
    assert steps(a="", b="a", c="a b") == {}


def test_only_the_ends_of_the_branches_are_brought_together() -> None:
    assert steps(a="", b="a", c="a", d="a b c") == {"d": ["b", "c"]}


@given(st.lists(st.sets(st.integers(0, 7)), max_size=8))
def test_what_is_brought_together_may_run_side_by_side(needs: list[set[int]]) -> None:
    plan = sequence([Part(key, frozenset(one for one in need if one < key)) for key, need in enumerate(needs)])
    before: dict[int, set[int]] = {}
    for key in plan.order:
        before[key] = set(plan.edges[key]).union(*(before[need] for need in plan.edges[key]))
    for key, parts in integration_steps(plan).items():
        assert len(parts) > 1
        assert set(parts) <= plan.edges[key]
        assert not any(one in before[other] for one in parts for other in parts)
