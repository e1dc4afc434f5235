import pytest

from app._view.graph import LINE, Drawing, draw
from app._view.sequence import sequence_of
from tasks.functions import TaskNode
from tests.unit.app._view.nodes import NOW, node


def drawn(*children: TaskNode) -> Drawing | None:
    tree = node("root", *children)
    return draw(tree, sequence_of(tree))


def test_nothing_is_drawn_where_nothing_waits() -> None:
    assert drawn() is None
    assert drawn(node("a"), node("b")) is None


def test_columns_are_what_may_run_side_by_side() -> None:
    drawing = drawn(node("a"), node("b", after="a"), node("c", after="a"), node("d", after="b c"))
    assert drawing
    assert [column.words for column in drawing.columns] == ["1", "2, 2 side by side", "3"]
    places = [(box.x, box.y) for box in drawing.boxes]
    assert len(set(places)) == 4
    assert all(0 <= x < drawing.width and 0 <= y < drawing.height for x, y in places)


def test_the_longest_chain_is_marked_with_its_edges() -> None:
    drawing = drawn(
        node("a"),
        node("b", after="a", estimated_duration_minutes=90),
        node("c", after="a", estimated_duration_minutes=5),
        node("d", after="b c a", estimated_duration_minutes=5),
    )
    assert drawing
    assert {box.title for box in drawing.boxes if box.is_critical} == {"a", "b", "d"}
    assert sum(line.is_critical for line in drawing.lines) == 2  # not the short cut from a to d


def test_a_group_is_on_the_longest_chain_where_one_of_its_parts_is() -> None:
    drawing = drawn(node("a"), node("group", node("x"), node("y", after="x", state="completed"), after="a"))
    assert drawing
    group = next(box for box in drawing.boxes if box.title == "group")
    assert (group.is_critical, group.word) == (True, "to do, 1 of 2 parts")


@pytest.mark.parametrize(
    "title", ["", "x" * 500, "word " * 100, "Donaudampfschifffahrtsgesellschaft Kapitän", "日本" * 250]
)
def test_titles_are_cut_to_two_lines(title: str) -> None:
    drawing = drawn(node("a", title=title or "x"), node("b", after="a"))
    assert drawing
    for box in drawing.boxes:
        assert 1 <= len(box.lines) <= 2
        assert all(0 < len(line) <= LINE for line in box.lines)


def test_an_edge_to_what_was_replaced_is_not_drawn() -> None:
    assert drawn(node("old", superseded_at=NOW), node("b", after="old")) is None


def test_where_parts_do_not_wait_for_one_another_their_tasks_are_drawn() -> None:
    tree = node("root", node("one", node("a"), node("b", after="a")), node("two", node("c", after="b")))
    found = sequence_of(tree)
    assert draw(tree, found) is None
    drawing = draw(tree, found, is_deep=True)
    assert drawing
    assert [(box.title, box.is_critical) for box in drawing.boxes] == [("a", True), ("b", True), ("c", True)]


def test_a_gate_has_its_own_shape_and_each_state_its_sign() -> None:
    drawing = drawn(node("a", state="completed"), node("gate", after="a", tool="approval_gate"))
    assert drawing
    assert [bool(box.outline) for box in drawing.boxes] == [False, True]
    assert len({box.mark for box in drawing.boxes}) == 2
