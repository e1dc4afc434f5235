from datetime import timedelta
from typing import Any

from app.plans._log import TAIL, lines_of
from tasks.events import TaskEvent
from tasks.plans import PlanSummary
from tests.unit.app._view.nodes import NOW, id_of

TITLES = {id_of("risks"): "Identify risks"}


def event(number: int, kind: str, message: str = "", **data: Any) -> TaskEvent:
    row = {"id": number, "task_id": id_of("risks"), "kind": kind, "message": message, "data": data, "created_at": NOW}
    return TaskEvent.model_validate(row)


def test_lines_are_newest_first_without_what_nobody_needs() -> None:
    events = [
        event(1, "state", "queued"),
        event(2, "state", "started"),
        event(3, "step", "started", step_id="x", name="risks", step_kind="model"),
        event(4, "changed"),
        event(5, "step", "finished", step_id="x", name="risks", step_kind="model", latency_ms=420),
        event(6, "progress", "Identify risks: 1 of 3", stage="identify_risks"),
        event(7, "state", "blocked", reason="2 of 9 subtasks done"),
    ]
    found = [(line.title, line.head, line.text) for line in lines_of(events, TITLES)]
    assert found == [
        ("Identify risks", "", "1 of 3"),
        ("Identify risks", "asked a model: risks", "0.4 s"),
        ("Identify risks", "started", ""),
    ]


def test_pieces_of_an_answer_are_one_line_that_ends_with_the_newest() -> None:
    pieces = [event(n, "output", f"<{n}>" * 30, purpose=f"identify_risks/{'ab'[n % 2]}") for n in range(1, 41)]
    lines = lines_of([*pieces, event(41, "state", "completed")], TITLES)
    assert [line.head for line in lines] == ["completed", "writes a", "writes b"]
    assert lines[1].text.endswith("<40>")
    assert len(lines[1].text) <= TAIL + 2
    assert (lines[1].id, lines[1].is_output) == (40, True)


def test_thoughts_are_a_line_apart_from_what_is_written() -> None:
    told = [event(1, "output", "They ask for ", purpose="identify_risks/a", is_thought=True)]
    told += [
        event(2, "output", "risks.", purpose="identify_risks/a", is_thought=True),
        event(3, "output", "{", purpose="identify_risks/a"),
    ]
    assert [(line.head, line.text) for line in lines_of(told, TITLES)] == [
        ("writes a", "{"),
        ("thinks about a", "They ask for risks."),
    ]


def test_a_plan_that_has_not_started_is_only_being_planned_and_an_edit_counts_what_there_is() -> None:
    plan = PlanSummary.model_validate(
        {"id": id_of("risks"), "organization_id": id_of("o"), "title": "A fair", "kind": "objective", "state": "ready", "execution_status": "blocked", "created_at": NOW, "planned_at": NOW + timedelta(seconds=1)}
    )  # fmt: skip
    events = [
        event(1, "state", "started"),
        event(2, "state", "blocked", reason="Its parts are under way"),
        event(3, "plan", "edited", reason="0 added, 1 changed, 0 removed"),
        event(4, "plan", "stage_rerun", reason="setup is written anew, and 3 after it"),
        event(5, "step", "failed", step_id="x", name="risks", step_kind="model", error="ModelConnectionError"),
    ]
    assert [(line.head, line.text) for line in reversed(lines_of(events, {}, plan))] == [
        ("is being planned", ""),
        ("was edited", "tasks: 1 changed"),
        ("is changed", "setup is written anew, and 3 after it"),
        ("asked a model: risks", "failed: model connection error"),
    ]
