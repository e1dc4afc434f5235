"""Events in their forms: one or several; what is wrong with one is said at the place where its sender wrote it."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app._agents.events import Batch, CompleteEvent, Report
from app.problems import explain

REPORT: TypeAdapter[Any] = TypeAdapter(Report)
TASK = "8f14e45f-ceea-467f-a83c-9e2c1a5d7b11"


def event(kind: object = "task_complete", **more: Any) -> dict[str, Any]:
    return {"event_id": "e1", "type": kind, "task_id": TASK, "data": {"output": None}, **more}


def test_one_event_and_several_are_told_apart() -> None:
    one = REPORT.validate_python(event(at="2026-03-04T09:30:00+01:00"))
    both = REPORT.validate_python(
        {"events": [event("heartbeat", data={}), event("subtask_error", data={"error": "no"})]}
    )
    assert isinstance(one, CompleteEvent)
    assert isinstance(both, Batch)
    assert [type(each).__name__ for each in both.events] == ["AliveEvent", "ErrorEvent"]


WRONG: dict[str, tuple[object, str, str]] = {
    "a field": (event("task_progress", data={"percent": 101}), "data.percent", "less than or equal to 100"),
    "a field of a batch": (
        {"events": [event(), event("task_progress", data={"percent": "x"})]},
        "events.1.data.percent",
        "valid number",
    ),
    "an unknown type": ({"events": [event("task_done")]}, "events.0.type", "it is one of heartbeat, task_started"),
    "no type": ({"events": [{"event_id": "e"}]}, "events.0.type", "it is one of"),
    "a type that is no word": (event(3), "type", "it is one of"),
    "no offset": (event(at="2026-03-04T09:30:00"), "at", "timezone"),
    "an empty id": (event(event_id=""), "event_id", "at least 1 character"),
    "no output": (event(data={}), "data.output", "Field required"),
    "a number that is none": (
        event(data={"output": {"total": float("inf")}}),
        "data.output",
        "NaN and infinity are no JSON",
    ),
    "a pause of weeks": (
        event("task_error", data={"error": "no", "retry_after_seconds": 604_801}),
        "data.retry_after_seconds",
        "less than or equal to 604800",
    ),
    "such a number in a part": (
        event("subtask_created", data={"confidence": 1, "subtasks": [{"title": "a", "input": {"n": float("nan")}}]}),
        "data.subtasks.0.input",
        "NaN and infinity are no JSON",
    ),
    "something else": (event(data={"output": 1, "result": 2}), "data.result", "Extra inputs"),
    "too many words": (event(data={"output": 1, "message": "x" * 2001}), "data.message", "at most 2000"),
    "an empty reason": (event("task_blocked", data={"reason": "  "}), "data.reason", "at least 1 character"),
    "a part of a batch": (
        {"events": [event("subtask_created", data={"confidence": 1, "subtasks": [{"title": ""}]})]},
        "events.0.data.subtasks.0.title",
        "at least 1 character",
    ),
    "a truth for a position": (
        event("subtask_created", data={"confidence": 1, "subtasks": [{"title": "A", "depends_on": [True]}]}),
        "data.subtasks.0.depends_on.0",
        "a key (1 to 100 characters) or a position (0 to 99) is allowed",
    ),
    "none at all": ({"events": []}, "events", "at least 1 item"),
    "a list": ([event()], "body", "valid dictionary"),
    "nothing": (None, "body", "valid dictionary"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_where_it_stands(name: str) -> None:
    given, field, said = WRONG[name]
    with pytest.raises(ValidationError) as refused:
        REPORT.validate_python(given)
    [problem, *_] = explain([{**dict(one), "loc": ("body", *one["loc"])} for one in refused.value.errors()])
    assert (problem["field"], said in problem["message"]) == (field, True), problem
