"""The log of a task says what happened, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from app._view.log import log_of
from tasks.events import TaskEvent
from tests.unit.app._view.nodes import NOW, id_of, node

TREE = node("root")


def event(kind: str, message: str, **data: Any) -> TaskEvent:
    return TaskEvent.model_validate(
        {"id": 1, "task_id": id_of("root"), "kind": kind, "message": message, "data": data, "created_at": NOW}
    )


def told(*events: TaskEvent, entries: tuple[dict[str, Any], ...] = ()) -> list[str]:
    log = [{"timestamp": NOW, "actor_type": "agent", **entry} for entry in entries]
    task = node("root", execution_log=log)
    return [f"{entry.head}: {entry.text}" for entry in log_of(task, events)]


@pytest.mark.parametrize(
    ("kind", "message", "line"),
    [
        ("approval", "open", "question: you were asked to decide"),
        ("approval", "approved", "answer: yes"),
        ("approval", "rejected", "answer: no"),
        ("approval", "expired", "answer: nobody decided in time"),
        ("plan", "escalate", "plan: it stays as it is, and you are asked what to do: No ladder"),
        ("plan", "another_approach", "plan: another way is tried: No ladder"),
        ("plan", "skip", "plan: it goes on without a part: No ladder"),
        ("draft", "draft", "draft: version 2 is there for your review"),
        ("draft", "uncertain", "draft: version 2 was perhaps sent: nobody knows"),
    ],
)
def test_a_line_reads_as_a_sentence(kind: str, message: str, line: str) -> None:
    assert told(event(kind, message, reason="No ladder", version=2)) == [line]


def test_waiting_is_told_by_its_reason() -> None:
    assert told(entries=({"event": "blocked", "reason": "Waits until Tue 1 Jan 2030, 09:00"},)) == [
        "waits: until Tue 1 Jan 2030, 09:00"
    ]
    assert told(entries=({"event": "blocked", "reason": "Waiting for your review"},)) == ["waits: for your review"]
    assert told(entries=({"event": "blocked", "reason": "Its parts are under way"},)) == ["waits: for its parts"]
    assert told(entries=({"event": "blocked"},)) == ["waits: by Steward"]


def test_a_plan_that_was_not_changed_is_not_said_to_be() -> None:
    look = {"event": "blocked", "reason": "The plan was changed"}
    (_, line) = sorted(told(event("plan", "escalate", reason="x"), entries=(look,)))
    assert line == "waits: for its parts; the plan stays as it is"
    assert "waits: The plan was changed" in told(event("plan", "skip", reason="x"), entries=(look,))
    later = {**look, "timestamp": NOW + timedelta(hours=1)}
    assert "waits: for its parts; the plan stays as it is" in told(event("plan", "skip"), entries=(later,))
