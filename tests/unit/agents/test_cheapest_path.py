"""What need not be asked of a model, and when tools are offered."""

from typing import Any

import pytest

from agents.cheapest_path import is_sure, may_want_tools, with_material
from agents.notes import Note
from agents.strategist import Blocked, Immediate
from agents.thinking import Prompt
from tests.unit.agents.making import NOW, make_context


@pytest.mark.parametrize(
    ("kind", "execution_type", "description", "wants"),
    [
        ("translation", "fully_automated", "Guten Tag", False),
        ("summary", "fully_automated", "", True),
        ("document", "fully_automated", "notes", True),
        ("purchase", "manual", "", False),
        ("reply", "semi_automated", "", True),
    ],
)
def test_tools_are_offered_where_one_could_help(kind: str, execution_type: str, description: str, wants: bool) -> None:
    context = make_context("Do it", kind, execution_type, columns={"description": description})
    assert may_want_tools(context) is wants


SURE = Immediate(output="Hello Ana,\n\nThank you.", format="text", confidence=0.8)


@pytest.mark.parametrize(
    ("least", "fields", "sure"),
    [
        (0.8, {}, True),
        (0.9, {}, False),
        (None, {}, False),
        (0.5, {"feedback": "warmer"}, False),
        (0.5, {"guidance": "be brief"}, False),
        (0.5, {"own_words": Prompt("own/1", "be brief")}, False),
        (0.5, {"columns": {"acceptance_criteria": ["is short"]}}, False),
        (0.5, {"notes": [Note("a.md", "text", True)]}, False),
    ],
)
def test_the_rules_are_sure_of_what_they_can_judge(least: float | None, fields: dict[str, Any], sure: bool) -> None:
    context = make_context("Write a line", "document", **fields)
    assert is_sure(lambda: SURE, context, NOW, least) is sure


def test_the_rules_are_not_sure_of_what_does_not_pass_the_check() -> None:
    left = SURE.model_copy(update={"output": "Hello [Name]", "confidence": 1.0})
    assert not is_sure(lambda: left, make_context("Write a line", "document"), NOW, 0.0)


@pytest.mark.parametrize(
    ("execution_type", "needs_model", "sure"),
    [("manual", False, True), ("manual", True, False), ("fully_automated", False, False)],
)
def test_that_only_a_person_can_do_it_is_sure(execution_type: str, needs_model: bool, sure: bool) -> None:
    blocked = Blocked(reason="Only you can", needs_model=needs_model)
    assert is_sure(lambda: blocked, make_context("Order chairs", "purchase", execution_type), NOW, 1.0) is sure


def test_notes_stand_in_where_there_is_no_material() -> None:
    notes = [Note("mine.md", "My words", True), Note("theirs.txt", "Theirs", False)]
    assert with_material(make_context("Summarise", "summary", notes=notes)).task.description == "My words"
    kept = make_context("Summarise", "summary", columns={"description": "Given"}, notes=notes)
    assert with_material(kept).task.description == "Given"
