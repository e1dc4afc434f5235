from hypothesis import given
from hypothesis import strategies as st

from app._view.layers import lay_out, reduced
from tests.unit.app._view.nodes import id_of

A, B, C, D = (id_of(name) for name in "abcd")


def test_an_edge_that_follows_from_others_is_left_out() -> None:
    assert reduced({A: [], B: [A], C: [B, A], D: [C, A]}) == {A: [], B: [A], C: [B], D: [C]}


def test_an_edge_past_a_column_has_a_lane() -> None:
    columns = lay_out({A: [], B: [A], C: [B], D: [A, C]})
    assert [(place.of, place.is_lane) for place in columns[0]] == [(A, False)]
    assert {(place.of, place.is_lane) for place in columns[1]} == {(B, False), (A, True)}
    assert {(place.of, place.is_lane) for place in columns[2]} == {(C, False), (A, True)}
    assert [place.of for place in columns[3]] == [D]


@given(st.lists(st.sets(st.integers(0, 14), max_size=4), max_size=15))
def test_each_node_stands_once_after_all_it_waits_for(edges: list[set[int]]) -> None:
    ids = [id_of(str(number)) for number in range(len(edges))]
    needs = {ids[n]: [ids[m] for m in sorted(before) if m < n] for n, before in enumerate(edges)}
    columns = lay_out(reduced(needs))
    at = {place.of: number for number, column in enumerate(columns) for place in column if not place.is_lane}
    assert at.keys() == needs.keys()
    assert sum(not place.is_lane for column in columns for place in column) == len(needs)
    assert all(at[need] < at[node] for node, own in needs.items() for need in own)


def test_a_cycle_is_drawn_all_the_same() -> None:
    assert sum(len(column) for column in lay_out(reduced({A: [B], B: [A]}))) >= 2
