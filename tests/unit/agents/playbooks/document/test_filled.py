"""Texts that say nothing are found wherever they stand; texts that only begin like one are left alone."""

import pytest

from agents.playbooks.document.filled import Entry, MayBeEmpty, unfilled


class Inner(Entry):
    title: str
    notes: list[str]


class Outer(Entry):
    name: str
    inner: list[Inner]
    needs: MayBeEmpty


def outer(text: str, where: str = "note") -> Outer:
    inner = [Inner(title="one", notes=[]), Inner(title=text if where == "title" else "two", notes=["a", text])]
    return Outer(name="name", inner=inner if where != "name" else [], needs=[])


@pytest.mark.parametrize(
    "text",
    [
        "TBD",
        "t.b.d.",
        "To be determined.",
        "N/A",
        "none",
        "- ",
        "...",
        "XXXX",
        "[amount]",
        "<name>",
        "Insert the date here",
    ],
)
def test_a_stand_in_is_named_with_its_place(text: str) -> None:
    assert "inner[2].notes[2]" in (unfilled(outer(text)) or "")
    assert "inner[2].title" in (unfilled(outer(text, "title")) or "")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_named_with_its_place(text: str) -> None:
    assert unfilled(outer(text)) == "empty: inner[2].notes[2]"


@pytest.mark.parametrize(
    "text",
    [
        "Insert the new cables",
        "To-do app for cooks",
        "None of the rooms fits",
        "日本",
        "2",
        "Text of the lease",
        "🚲 TBD?",
    ],
)
def test_a_text_that_begins_like_one_is_an_answer(text: str) -> None:
    assert (unfilled(outer(text)) is None) is (text != "🚲 TBD?")


def test_a_lone_none_is_an_empty_list() -> None:
    assert Outer(name="n", inner=[], needs=["None", "a drill", "n/a"]).needs == ["a drill"]
