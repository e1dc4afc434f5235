from datetime import timedelta
from uuid import UUID

from agents.estimates import estimate_tree
from app._view.sequence import parts_of, replaced_parts, sequence_of
from tests.unit.app._view.nodes import NOW, id_of, node


def names(ids: list[UUID], *known: str) -> set[str]:
    return {name for name in known if id_of(name) in ids}


def test_an_edge_between_groups_holds_between_their_leaves() -> None:
    tree = node("root", node("a", node("a1"), node("a2", after="a1")), node("b", node("b1"), node("b2"), after="a"))
    groups = [names(group, "a1", "a2", "b1", "b2") for group in sequence_of(tree).plan.parallel_groups]
    assert groups == [{"a1"}, {"a2"}, {"b1", "b2"}]


def test_an_edge_into_another_group_is_no_cycle_between_the_groups() -> None:
    tree = node("root", node("a", node("a1", after="b1"), node("a2")), node("b", node("b1"), node("b2", after="a2")))
    groups = [names(group, "a1", "a2", "b1", "b2") for group in sequence_of(tree).plan.parallel_groups]
    assert groups == [{"a2", "b1"}, {"a1", "b2"}]


def test_what_was_replaced_or_belongs_to_a_draft_does_not_count() -> None:
    tree = node(
        "root",
        node("old", superseded_at=NOW),
        node("send", tool="email_send", tool_input={"draft_id": "x"}),
        node("new", after="old send"),
    )
    assert sequence_of(tree).plan.order == [id_of("new")]


def test_parts_without_a_duration_count_as_the_median() -> None:
    tree = node(
        "root",
        node("a", estimated_duration_minutes=30),
        node("b", after="a"),
        node("c", estimated_duration_minutes=50),
    )
    found = sequence_of(tree)
    assert found.is_timed
    assert found.plan.minutes == 30 + 40


def test_a_gate_is_no_work_on_the_longest_chain_nor_in_the_estimate() -> None:
    tree = node(
        "root",
        node("a", estimated_duration_minutes=10),
        node("gate", after="a", tool="approval_gate", estimated_duration_minutes=2),
        node("b", after="gate", estimated_duration_minutes=10),
    )
    assert sequence_of(tree).plan.minutes == estimate_tree(tree, {}).minutes == 20


def test_a_task_alone_has_no_sequence() -> None:
    found = sequence_of(node("root"))
    assert (found.plan.order, found.is_timed) == ([], False)


def test_what_was_cancelled_before_others_came_in_its_place_counts_no_more() -> None:
    early, late = NOW, NOW + timedelta(minutes=1)
    old = node("old", state="cancelled", cancelled_at=early)
    tree = node(
        "root", old, node("new", created_at=late), node("dropped", state="cancelled", cancelled_at=late + timedelta(1))
    )
    assert [part.title for part in parts_of(tree)] == ["new", "dropped"]
    assert replaced_parts(tree) == [old]
    alone = node("root", old)
    assert (parts_of(alone), replaced_parts(alone)) == ([old], [])
