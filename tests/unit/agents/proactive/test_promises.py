"""One's own promise that comes due without a task."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from agents.proactive import promises
from tasks.commitments import Commitment
from tasks.models import Task
from tests.unit.agents.proactive.looking import DANA, at, situation


def promise(due_at: datetime | None = None, *, all_day: bool = True, **more: Any) -> Commitment:
    """Of Robin to Dana, where nothing else is said."""
    given: dict[str, Any] = {
        "id": UUID(int=1), "is_mine": True, "person_address": DANA.address, "person_name": "Dana", "quote": "I'll send the plan on Thursday.",
        "title": "Send the plan", "message_id": "<1@x>", "thread_key": "<1@x>", "said_at": at(2), "due_at": due_at, "due_is_all_day": all_day,
        "created_at": at(2), "subject": "Re: Plan",
    }  # fmt: skip
    return Commitment.model_validate(given | more)


def task(**more: Any) -> Task:
    given: dict[str, Any] = {
        "id": UUID(int=9), "organization_id": UUID(int=8), "title": "Answer Dana", "execution_type": "semi_automated", "execution_status": "pending",
        "source": "mail", "source_ref": {"thread_key": "<1@x>"}, "created_at": at(2), "updated_at": at(2),
    }  # fmt: skip
    return Task.model_validate(given | more)


@pytest.mark.parametrize(
    ("due", "all_day", "told"),
    [
        (at(5, "23:59"), True, at(5, "09:00")),  # that morning
        (at(5, "16:00"), False, at(5, "09:00")),
        (at(5, "11:00"), False, at(4, "14:00")),  # the afternoon before
        (at(9, "10:00"), False, at(6, "14:00")),  # a Monday morning: on Friday
        (at(8, "23:59"), True, at(6, "09:00")),  # a Sunday: on Friday morning
        (at(8, "10:00"), False, at(6, "09:00")),
    ],
    ids=["a day", "afternoon", "before noon", "monday", "sunday", "sunday morning"],
)
def test_it_is_told_at_the_right_time(due: datetime, all_day: bool, told: datetime) -> None:
    mine = promise(due, all_day=all_day)
    early = situation(now=told.replace(minute=0, hour=told.hour - 1), commitments=[mine])
    assert list(promises.find(early)) == []
    (found,) = promises.find(situation(now=told, commitments=[mine]))
    assert (found.key, found.kind, found.tell_at, found.is_urgent) == (f"promise:{mine.id}", "promise", told, True)
    assert found.title == "Keep your promise to Dana: Send the plan"
    assert found.task
    assert found.task["due_at"] == due.isoformat()
    assert "“I'll send the plan on Thursday.”" in found.why


@pytest.mark.parametrize(
    ("mine", "tasks"),
    [
        (promise(at(4, "16:00"), all_day=False, task_id=UUID(int=9)), []),
        (promise(at(4, "16:00"), all_day=False), [task()]),
        (promise(at(4, "16:00"), all_day=False, is_mine=False), []),
        (promise(at(4, "16:00"), all_day=False, state="kept", closed_at=at(3)), []),
        (promise(), []),
        (promise(at(2, "08:00"), all_day=False, said_at=at(1)), []),
    ],
    ids=["linked", "task in the thread", "of others", "kept", "no day", "long over"],
)
def test_where_nothing_is_to_be_said(mine: Commitment, tasks: list[Task]) -> None:
    assert list(promises.find(situation(commitments=[mine], tasks=tasks))) == []


@pytest.mark.parametrize("other", [task(execution_status="completed"), task(source="proactive"), task(source_ref={})])
def test_a_task_that_is_over_or_its_own_does_not_silence_it(other: Task) -> None:
    mine = promise(at(4, "16:00"), all_day=False)
    assert len(list(promises.find(situation(commitments=[mine], tasks=[other])))) == 1
