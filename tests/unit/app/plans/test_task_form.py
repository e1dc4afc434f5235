from dataclasses import replace

import pytest

from agents.tools.built_in import BUILT_IN_TOOLS
from app.plans.by_plan_id.edit._task_form import TaskForm, form_of_task, form_of_typed
from tests.unit.app._view.nodes import id_of, node

GATE = node(
    "ask",
    after="book",
    tool="approval_gate",
    tool_input={"question": "Go?", "amount": 7},
    estimated_duration_minutes=5,
    source_ref={"risk": "high"},
    assignee_role="CFO",
)


def test_a_task_comes_back_as_it_was() -> None:
    edit, errors = form_of_task(GATE, BUILT_IN_TOOLS).read(BUILT_IN_TOOLS)
    assert errors == {}
    assert edit["tool_input"] == {"question": "Go?", "amount": 7}
    assert (edit["risk"], edit["estimated_duration_minutes"], edit["assignee_role"]) == ("high", 5, "CFO")
    assert edit["depends_on"] == [str(id_of("book"))]


def test_another_tool_has_other_fields_and_what_was_typed_elsewhere_is_kept() -> None:
    before = form_of_task(GATE, BUILT_IN_TOOLS)
    form = form_of_typed({"title": "Read it", "tool": "web_fetch", "in.question": "Go?"}, [], before, BUILT_IN_TOOLS)
    assert (form.title, form.inputs[0].name) == ("Read it", "url")
    _, errors = form.read(BUILT_IN_TOOLS)
    assert "in.url" in errors
    shown = form.with_errors(errors)
    assert shown.errors[""]
    assert shown.inputs[0].error


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"title": " "}, "title", "empty"),
        ({"title": "x" * 301}, "title", "300"),
        ({"minutes": "1.5"}, "minutes", "whole number"),
        ({"minutes": "٣"}, "minutes", "whole number"),
        ({"risk": "huge"}, "risk", "low, medium, high"),
        ({"tool": "magic", "execution_type": "fully_automated"}, "tool", "no tool 'magic'"),
        ({"tool": "noop"}, "execution_type", "not done by you"),
    ],
    ids=["title", "long", "minutes", "digits", "risk", "tool", "by_you"],
)
def test_what_is_wrong_is_named(change: dict[str, str], field: str, says: str) -> None:
    _, errors = replace(TaskForm(title="x"), **change).read(BUILT_IN_TOOLS)  # pyright: ignore[reportArgumentType]
    assert says in errors[field]


def test_a_value_that_an_earlier_task_gives_is_not_looked_at() -> None:
    task = node("later", tool="delay", tool_input={"seconds": "{{ first.seconds }}"})
    edit, errors = form_of_task(task, BUILT_IN_TOOLS).read(BUILT_IN_TOOLS)
    assert (edit["tool_input"], errors) == ({"seconds": "{{ first.seconds }}"}, {})
