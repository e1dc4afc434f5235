"""Texts that the built-in rules make: action items, summaries, outlines, reports."""

import csv
from datetime import timedelta

import pytest

from tests.unit.agents.making import NOW
from tests.unit.agents.rules.deciding import MEETING, NOTES, drafted, made, refused


async def test_action_items_are_who_what_until_when() -> None:
    result = await made("Extract action items", "action_items", columns={"description": NOTES})
    assert result.output == "- [ ] **Anna**: ships the API (due Friday 6 March 2026)\n- [ ] **Ben**: books the venue\n"


@pytest.mark.parametrize(
    ("notes", "line"),
    [
        ("Omar to call the printer tomorrow", "- [ ] **Omar**: call the printer (due Thursday 5 March 2026)"),
        ("- Priya: check the budget", "- [ ] **Priya**: check the budget"),
        ("Action: send the minutes", "- [ ] send the minutes"),
        ("We need to find a room.", "- [ ] **We**: find a room"),
        (
            "Lena soll das Angebot bis Freitag schicken.",
            "- [ ] **Lena**: das Angebot schicken (bis Freitag, 6. März 2026)",
        ),
    ],
)
async def test_ways_of_saying_who_does_what(notes: str, line: str) -> None:
    assert (await made("Action items", "action_items", columns={"description": notes})).output.strip() == line


@pytest.mark.parametrize(
    "notes", ["The weather was nice.", "Anna was late.", "Ben said the API is slow.", "It rains. Nobody came."]
)
async def test_no_action_item_is_made_out_of_talk(notes: str) -> None:
    assert (await refused("Action items", "action_items", columns={"description": notes})).needs_model


async def test_a_meeting_summary_sorts_the_notes_own_lines() -> None:
    result = await made("Summarise the meeting", "meeting_summary", columns={"description": MEETING})
    assert result.output.split("\n\n") == [
        "## Decisions\n- We decided to keep the launch on 12 March.",
        "## Action items\n- [ ] **Anna**: update the page (due Monday 9 March 2026)",
        "## Dates\n- The next sync is on 10 March.",
        "## Open questions\n- Who tells legal?\n",
    ]


async def test_a_long_text_is_no_matter_of_tokens() -> None:
    draft = await drafted("Write to ana@x.io about it", columns={"description": "word " * 60_000})
    assert len(draft.body) > 250_000


async def test_a_summary_is_an_extract() -> None:
    text = " ".join(f"Sentence {n} says {'what was decided' if n == 7 else 'little'}." for n in range(12))
    result = await made("Summarise this", "summary", columns={"description": text})
    lines = [line[2:] for line in result.output.splitlines() if line.startswith("- ")]
    assert 2 <= len(lines) <= 5
    assert all(line in text for line in lines)
    assert any("decided" in line for line in lines)


@pytest.mark.parametrize("kind", ["summary", "meeting_summary", "action_items"])
async def test_without_text_there_is_nothing_to_work_on(kind: str) -> None:
    blocked = await refused("Summarize the attached report", kind)
    assert blocked.reason.startswith("There is no text to")
    assert not blocked.needs_model


async def test_finished_work_is_material() -> None:
    result = await made("Extract action items", "action_items", outputs=[("Notes", NOTES)])
    assert "Anna" in result.output


async def test_an_outline_is_a_skeleton_and_says_so() -> None:
    result = await made("Write an outline for the blog post on durable workflows", "outline")
    assert result.output.startswith("# Blog post on durable workflows\n")
    assert "A skeleton" in result.output
    assert result.confidence <= 0.5


async def test_a_status_report_is_made_of_the_known_tasks() -> None:
    recent = [
        {"title": "Pay rent", "execution_status": "completed", "completed_at": (NOW - timedelta(days=1)).isoformat()},
        {"title": "Old thing", "execution_status": "completed", "completed_at": (NOW - timedelta(days=30)).isoformat()},
        {"title": "Tax return", "execution_status": "pending", "due_at": (NOW - timedelta(days=2)).isoformat()},
        {"title": "Call Ana", "execution_status": "pending", "due_at": None, "completed_at": None},
        {"title": "Dropped", "execution_status": "cancelled"},
    ]
    output = (await made("Prepare a status report for the team", "report", recent_tasks=recent)).output
    assert "## Done in the last 7 days\n- Pay rent" in output
    assert "## Overdue\n- Tax return (due 2026-03-02)" in output
    assert "## Open\n- Call Ana" in output
    assert "Old thing" not in output
    assert "Dropped" not in output


async def test_a_status_report_without_tasks_is_not_made() -> None:
    assert not (await refused("Prepare a status report", "report")).needs_model


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Prepare a report on the market", "report"), ("Translate this", "translation"), ("Rewrite this", "rewriting"),
     ("Write a proposal", "document"), ("Make a spreadsheet of birds", "spreadsheet")],
)  # fmt: skip
async def test_what_needs_a_model_names_the_setting(title: str, kind: str) -> None:
    blocked = await refused(title, kind)
    assert blocked.needs_model
    assert "OPENAI_API_KEY" in blocked.unblocked_by


async def test_a_budget_is_a_template_with_empty_amounts() -> None:
    result = await made("Create budget spreadsheet", "spreadsheet", parent_title="Plan Q4 marketing campaign")
    rows = list(csv.reader(result.output.splitlines()))
    assert result.format == "csv"
    assert rows[0] == ["Category", "Planned", "Actual", "Note"]
    assert "Advertising" in [row[0] for row in rows]
    assert all(row[1] == row[2] == "" for row in rows[1:])
