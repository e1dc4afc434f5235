"""What a task's date means for a day: a deadline, its own day, or a moment that is over."""

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agents.day_due import first_day, is_due_soon, is_moment_over
from tasks.models import Task

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
SATURDAY = datetime(2026, 3, 7, 23, 59, 59, tzinfo=BERLIN)


def task(title: str, quote: str = "", **more: Any) -> Task:
    given: dict[str, Any] = {
        "id": UUID(int=1), "organization_id": UUID(int=2), "title": title, "due_at": SATURDAY, "source_ref": {"quote": quote},
        "execution_type": "manual", "execution_status": "pending", "created_at": NOW, "updated_at": NOW, **more,
    }  # fmt: skip
    return Task.model_validate(given)


@pytest.mark.parametrize(
    ("title", "quote", "kind", "day"),
    [
        ("Call grandma, it's her birthday", "Please call grandma, it's her birthday on Saturday.", "call", 7),
        ("Call grandma", "call grandma on Saturday", "call", 7),
        ("Ruf Oma an", "Ruf Oma am Samstag an", "call", 7),
        ("Water the plants", "water the plants on Saturday", "errand", 7),
        ("Oma zum Geburtstag gratulieren", "", "errand", 7),
        ("Bring the blue bowl", "Bring the blue bowl.", "errand", 6),
        ("Call the bank", "call the bank by Saturday", "call", None),
        ("Ruf die Bank an", "Ruf bis Samstag die Bank an", "call", None),
        ("Pay the rent", "the rent is due on Saturday", "payment", None),
        ("Buy a present for Mum's birthday", "Mum's birthday is on Saturday, buy a present", "errand", None),
        ("Prepare slides", "prepare slides for Saturday", "errand", None),
        ("Paint the fence", "", "errand", None),
        ("Call the bank", "", "call", None),
    ],
)
def test_a_day_of_its_own_is_told_from_a_deadline(title: str, quote: str, kind: str, day: int | None) -> None:
    assert first_day(task(title, quote, kind=kind), BERLIN) == (date(2026, 3, day) if day else None)
    assert first_day(task(title, quote, kind=kind, due_at=None), BERLIN) is None
    assert first_day(task(title, quote, kind=kind, execution_type="semi_automated"), BERLIN) is None


def test_a_moment_that_is_over_and_what_is_soon() -> None:
    moved = task("Move “Dentist”", source="proactive", due_at=SATURDAY.replace(hour=8), due_is_all_day=False)
    assert is_moment_over(moved, date(2026, 3, 17), NOW, BERLIN)
    assert not is_moment_over(moved, date(2026, 3, 8), NOW, BERLIN)
    assert not is_moment_over(moved.model_copy(update={"due_is_all_day": True}), date(2026, 3, 17), NOW, BERLIN)
    assert not is_moment_over(moved.model_copy(update={"source": "mail"}), date(2026, 3, 17), NOW, BERLIN)
    assert is_due_soon(datetime(2026, 3, 6, 23, 59, 59, tzinfo=BERLIN), NOW.date(), NOW, BERLIN)
    assert not is_due_soon(SATURDAY, NOW.date(), NOW, BERLIN)
    assert not is_due_soon(None, NOW.date(), NOW, BERLIN)
