from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app._view.tree import needs_of, open_needs, paused_of, progress_of, states_of, titles_of, waits_of
from tests.unit.app._view.nodes import NOW, id_of, node


def test_progress_counts_leaves_and_leaves_out_what_was_left_out() -> None:
    tree = node(
        "root",
        node("a", state="completed"),
        node("group", node("x", state="completed"), node("y"), state="blocked", blocked_on="subtasks"),
        node("b", state="failed", waived_at=NOW),
        node("old", state="failed", superseded_at=NOW),
    )
    progress = progress_of(tree)
    assert (progress.done, progress.total) == (2, 3)
    assert [(share.word, share.count) for share in progress.shares] == [("done", 2), ("to do", 1), ("left out", 1)]
    assert sum(share.width for share in progress.shares) == pytest.approx(100)


def test_progress_of_a_task_alone_is_empty() -> None:
    alone = progress_of(node("root"))
    assert (alone.shares, alone.words("tasks")) == ([], "no tasks yet")


def test_what_was_cancelled_is_said_apart_and_still_counts_as_not_done() -> None:
    parts = [node("a", state="completed"), node("b", state="cancelled"), node("c", state="failed", waived_at=NOW)]
    assert progress_of(node("root", *parts)).words("tasks") == "1 of 2 tasks done, 1 cancelled, 1 left out"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"state": "failed", "escalated_at": NOW}, "failed"),
        ({"state": "failed", "on_failure": "escalate"}, "failed"),
        ({"state": "failed"}, None),  # the replanner is at it
        ({"state": "failed", "escalated_at": NOW, "waived_at": NOW}, None),
        ({"state": "failed", "escalated_at": NOW, "superseded_at": NOW}, None),
        ({"state": "blocked", "blocked_on": "approval"}, "decide"),
        ({"state": "blocked", "blocked_on": "review"}, "review"),
        ({"state": "blocked", "blocked_on": "person"}, "help"),
        ({"state": "blocked", "blocked_on": "model"}, "help"),
        ({"state": "blocked", "blocked_on": "bounds"}, "bound"),
        ({"state": "blocked", "blocked_on": "account"}, "help"),
        ({"state": "completed", "open_draft_id": id_of("draft")}, "review"),
        ({"state": "completed", "open_approval_id": id_of("result")}, "review"),
        ({"state": "cancelled"}, None),
        ({"state": "blocked", "blocked_on": "delay"}, None),
        ({"state": "blocked", "blocked_on": "subtasks"}, None),
        ({"execution_type": "manual"}, "do"),
        ({"execution_type": "manual", "after": "open"}, None),
        ({"execution_type": "manual", "after": "done"}, "do"),
        ({"state": "completed"}, None),
    ],
)
def test_what_a_part_needs_of_the_person(fields: dict[str, Any], kind: str | None) -> None:
    others = (node("open"), node("done", state="completed"))
    tree = node("root", *others, node("part", **fields), state="blocked", blocked_on="subtasks")
    assert [need.kind for need in needs_of(tree)] == ([kind] if kind else [])


def test_a_failed_part_of_what_has_ended_needs_nobody() -> None:
    tree = node("root", node("part", state="failed", escalated_at=NOW), state="cancelled")
    assert needs_of(tree) == []


def test_what_waits_the_soonest_comes_first_and_without_an_end_last() -> None:
    soon, late = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))
    tree = node(
        "root",
        node("endless", state="blocked", blocked_on="reply"),
        node("late", state="blocked", blocked_on="delay", blocked_until=late),
        node("again", state="queued", run_after=soon),
        node("due", state="queued", run_after=NOW - timedelta(days=365)),
    )
    assert [part.title for part in waits_of(tree)] == ["again", "late", "endless"]


def test_what_waits_far_below_is_found_from_the_root() -> None:
    deep = node("deep", node("gate", state="blocked", blocked_on="approval"), state="blocked", blocked_on="subtasks")
    mail = node("mail", state="completed", open_draft_id=id_of("draft"))
    tree = node("root", node("group", deep, mail, state="blocked", blocked_on="subtasks"), state="blocked")
    assert [(need.task.title, need.kind) for need in needs_of(tree)] == [("gate", "decide"), ("mail", "review")]


def test_a_cancelled_part_that_something_waits_for_needs_the_person() -> None:
    waits = [node("b", after="a"), node("c", after="a")]
    tree = node("root", node("a", state="cancelled"), *waits, state="blocked", blocked_on="subtasks")
    (need,) = needs_of(tree)
    assert (need.task.title, need.kind, need.holds) == ("a", "cancelled", ["b", "c"])
    assert open_needs(waits[0], titles_of(tree), states_of(tree)) == ["a (cancelled)"]
    over = node("root", node("a", state="cancelled"), node("b", after="a"), state="cancelled")
    gone_on = node("root", node("a", state="cancelled", waived_at=NOW), node("b", after="a"), state="blocked")
    free = node("root", node("a", state="cancelled"), node("b", after="a", state="completed"), state="blocked")
    assert [needs_of(one) for one in (over, gone_on, free)] == [[], [], []]


def test_a_pause_holds_for_everything_below() -> None:
    group = node("group", node("x"), node("done", state="completed"), paused_at=NOW)
    tree = node("root", group, node("b"))
    assert paused_of(tree) == {id_of("group"), id_of("x")}
    assert paused_of(tree, is_paused=True) == {id_of("root"), id_of("group"), id_of("x"), id_of("b")}
