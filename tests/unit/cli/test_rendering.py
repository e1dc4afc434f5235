"""How tasks and drafts look."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli import rendering
from tasks.drafts import Draft
from tasks.functions import TaskNode
from tasks.models import Task

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)


def a_task(**more: Any) -> Task:
    fields: dict[str, Any] = {
        "id": UUID(int=0xABCDEF01 << 96),
        "organization_id": UUID(int=2),
        "title": "Call Ana",
        "execution_type": "manual",
        "execution_status": "pending",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Task.model_validate(fields | more)


def a_draft(**more: Any) -> Draft:
    fields: dict[str, Any] = {
        "id": UUID(int=3),
        "organization_id": UUID(int=2),
        "task_id": UUID(int=1),
        "channel": "mail",
        "state": "draft",
        "digest": "d",
        "author_type": "agent",
        "created_at": NOW,
    }
    return Draft.model_validate(fields | more)


def drawn(*renderables: Any, width: int = 80) -> str:
    console = Console(width=width, markup=False, emoji=False, highlight=False, color_system=None)
    with console.capture() as capture:
        for one in renderables:
            console.print(one)
    return capture.get()


@pytest.mark.parametrize(
    ("due_at", "all_day", "words"),
    [
        (None, True, ""),
        (datetime(2026, 3, 4, 23, 59, 59, tzinfo=BERLIN), True, "today"),
        (datetime(2026, 3, 5, 12, 0, tzinfo=BERLIN), False, "tomorrow 12:00"),
        (datetime(2026, 3, 4, 23, 30, tzinfo=UTC), False, "tomorrow 00:30"),
        (datetime(2026, 3, 3, 8, 5, tzinfo=BERLIN), False, "yesterday 08:05"),
        (datetime(2026, 3, 6, 23, 59, 59, tzinfo=BERLIN), True, "Fri 6 Mar"),
        (datetime(2027, 1, 1, 23, 59, 59, tzinfo=BERLIN), True, "Fri 1 Jan 2027"),
    ],
)
def test_due_dates_are_words_in_the_persons_zone(due_at: datetime | None, all_day: bool, words: str) -> None:
    assert rendering.due_words(a_task(due_at=due_at, due_is_all_day=all_day), NOW, BERLIN) == words


def test_only_an_open_task_is_overdue() -> None:
    over = NOW - timedelta(hours=1)
    assert rendering.due_text(a_task(due_at=over), NOW, BERLIN).style == "red"
    done = a_task(due_at=over, execution_status="completed", completed_at=NOW)
    assert rendering.due_text(done, NOW, BERLIN).style == ""


@pytest.mark.parametrize(
    "title",
    [
        "Call Ana",
        "x" * 300,
        "日本語の長い題名" * 20,
        "🧀" * 90,
        "a\nb",
        "\x1b[31mred",
        "[bold]x[/bold]",
        "e\u0301" * 100,
    ],
)
def test_a_table_fits_80_columns_one_line_a_task(title: str) -> None:
    task = a_task(
        title=title,
        due_at=datetime(2027, 11, 25, 12, 0, tzinfo=BERLIN),
        due_is_all_day=False,
        priority="critical",
        labels=["home", "a-label-that-is-much-too-long"],
        flags=["suspicious"],
        subtask_count=12,
    )
    lines = drawn(rendering.task_table([task, a_task()], NOW, BERLIN, 80)).splitlines()
    assert len(lines) == 3
    assert max(cell_len(line) for line in lines) <= 80
    assert lines[1].startswith("abcdef01  ○  ⚑ [0/12] ")
    assert "\x1b" not in "".join(lines)


def test_a_wide_table_cuts_nothing() -> None:
    text = drawn(rendering.task_table([a_task(title="y" * 300)], NOW, BERLIN, 2000), width=2000)
    assert "y" * 300 in text


def test_every_state_has_a_mark_and_a_word() -> None:
    states = Task.model_fields["execution_status"].annotation
    for state in getattr(states, "__args__", ()):
        assert len(rendering.MARKS[state][0]) == 1
        assert rendering.STATUS_WORDS[state]


def test_a_task_whose_draft_waits_is_drafted_and_not_done() -> None:
    task = a_task(execution_status="completed", open_draft_id=uuid4())
    assert rendering.status_line(task) == "drafted, waits for your review"
    assert rendering.task_mark(task).plain == "!"
    assert rendering.task_mark(a_task(execution_status="completed")).plain == "✓"


def test_a_blocked_task_says_on_what() -> None:
    task = a_task(execution_status="blocked", blocked_on="review", blocked_reason="Waiting for your review")
    assert rendering.status_line(task) == "blocked, waits for your review"


def test_a_tree_shows_each_step_with_its_state() -> None:
    child = TaskNode.model_validate(
        {**a_task(title="Step").model_dump(), "execution_status": "failed", "failure_reason": "no\nnet"}
    )
    tree = TaskNode.model_validate({**a_task().model_dump(), "children": [child]})
    text = drawn(rendering.task_tree(tree))
    assert "○ Call Ana  abcdef01" in text
    assert "✗ Step  abcdef01  no net" in text


def test_a_draft_shows_every_recipient_and_the_whole_body() -> None:
    draft = a_draft(
        to_recipients=["ana@example.com"],
        cc_recipients=["ben@example.com"],
        bcc_recipients=["boss@example.com"],
        subject="Hello\nBcc: x",
        body="One\n\nTwo\n" + "long " * 200,
        target={"from_address": "o@localhost", "from_name": "Robin"},
        attachments=[{"name": "a.pdf", "media_type": "application/pdf", "size_bytes": 7, "sha256": "0"}],
    )
    text = drawn(*rendering.draft_as_mail(draft), width=4000)
    for words in (
        "Robin <o@localhost>",
        "ana@example.com",
        "ben@example.com",
        "boss@example.com",
        "Hello Bcc: x",
        "a.pdf (7 bytes)",
        ("long " * 200).strip(),
    ):
        assert words in text


def test_an_empty_draft_says_so() -> None:
    text = drawn(*rendering.draft_as_mail(a_draft()))
    assert "(nobody yet)" in text
    assert "(no subject)" in text
    assert "(empty)" in text
