"""What rules hold of any extraction, and the rules' own reply in pieces."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agents.extractor import MOST_TASKS, ReplyDelta, extract, extract_stream, sound
from agents.thinking import Thinking
from tasks.models import ExtractedTask, Extraction
from tests.unit.agents.making import NOW


def task(title: str, **fields: Any) -> ExtractedTask:
    return ExtractedTask.model_validate({"title": title, "execution_type": "manual", "confidence": 0.9} | fields)


def checked(
    *tasks: ExtractedTask, message: str = "", history: list[tuple[str, str]] | None = None
) -> list[ExtractedTask]:
    return sound(Extraction(reply="", tasks=list(tasks)), message, NOW, history or []).tasks


def test_an_aware_date_keeps_its_moment() -> None:
    due = datetime(2026, 3, 5, 15, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert checked(task("a", due_at=due))[0].due_at == due


def test_the_same_title_on_another_day_is_another_task() -> None:
    assert len(checked(task("Call", due_at=NOW), task("call ", due_at=NOW), task("Call"))) == 2


def test_a_blank_title_is_dropped() -> None:
    assert checked(task("   ")) == []


def test_there_are_at_most_fifty() -> None:
    assert len(checked(*(task(f"task {n}") for n in range(80)))) == MOST_TASKS


@pytest.mark.parametrize("rule", ["FREQ=SOMETIMES", "nonsense", "FREQ=WEEKLY;BYDAY=XX"])
def test_a_recurrence_that_is_none_is_dropped(rule: str) -> None:
    assert checked(task("a", due_at=NOW, recurrence=rule))[0].recurrence is None


def test_a_recurrence_is_kept_where_it_has_a_start() -> None:
    assert checked(task("a", due_at=NOW, recurrence="FREQ=WEEKLY;BYDAY=FR"))[0].recurrence
    assert checked(task("a", recurrence="FREQ=WEEKLY;BYDAY=FR"))[0].recurrence is None


@pytest.mark.parametrize(
    ("recipient", "message", "kept"),
    [("ana@firm.example", "mail ANA@firm.example", True), ("Ana", "mail Ana today", True), ("Ana", "buy bananas", False),
     ("a@b.example", "mail aa@b.example", False), ("@lena", "ping @lena", True), ("x)(", "mail x", False)],
)  # fmt: skip
def test_a_recipient_must_stand_in_the_words(recipient: str, message: str, kept: bool) -> None:
    assert (checked(task("a", recipient=recipient), message=message)[0].recipient is not None) is kept


def test_a_recipient_may_stand_in_the_history() -> None:
    assert checked(task("a", recipient="Ana"), history=[("user", "I met Ana")])[0].recipient == "Ana"


async def test_the_rules_stream_their_reply() -> None:
    items = [item async for item in extract_stream("Call Ana tomorrow", now=NOW, thinking=Thinking())]
    deltas = [item.text for item in items if isinstance(item, ReplyDelta)]
    assert isinstance(items[-1], Extraction)
    assert len(deltas) > 2
    assert "".join(deltas) == items[-1].reply


@pytest.mark.parametrize(
    "message", ["", " \n\t ", "\x00\x01", "🙂" * 500, "a" * 200_000, "<message></message>", "日本語のタスク"]
)
async def test_odd_messages_are_answered(message: str) -> None:
    whole = await extract(message, now=NOW, thinking=Thinking())
    assert whole.reply
