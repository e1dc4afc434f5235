"""The calendar's tools in a house with its local calendar: asked about, done once, and found on the calendar."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from app.house import House
from tasks import calendar, functions, review
from tasks.models import Approval, Task
from tests.integration.agents.growing import at_work, is_state, until

BERLIN = ZoneInfo("Europe/Berlin")
ENDED = is_state("completed", "failed", "blocked")


async def use(house: House, tool: str, **given: Any) -> Task:
    """A queued task with a tool."""
    item = {
        "title": f"use {tool}",
        "tool": tool,
        "tool_input": given,
        "execution_type": "fully_automated",
        "max_retries": 0,
    }
    task = (await functions.create_tasks(house.caller, [item]))[0]
    await functions.queue_task_execution(house.caller, task.id)
    return task


async def ended(house: House, tool: str, **given: Any) -> Task:
    """The task after its run."""
    async with at_work(house):
        return await until(house, (await use(house, tool, **given)).id, ENDED)


async def asked(house: House, task_id: UUID) -> Approval:
    """What a person is asked for a task."""
    page = await review.list_approvals(house.caller, states=["open"])
    return next(approval for approval in page.items if approval.task_id == task_id)


async def put(house: House, uid: str, start: str, end: str, **columns: Any) -> None:
    row = {"uid": uid, "title": uid, "starts_at": start, "ends_at": end, "timezone": "Europe/Berlin"}
    await calendar.add_calendar_event(house.caller, row | columns)


def output(task: Task) -> dict[str, Any]:
    assert task.execution_status == "completed", task.failure_reason or task.blocked_reason
    assert isinstance(task.result, dict)
    return cast("dict[str, Any]", task.result)["output"]


async def stored(house: House) -> list[calendar.StoredEvent]:
    span = (datetime(2026, 12, 31, tzinfo=BERLIN), datetime(2026, 1, 1, tzinfo=BERLIN))
    return await calendar.list_calendar(house.caller, *span)


async def test_a_private_event_is_made_at_once_and_found_on_the_calendar(house: House) -> None:
    task = await ended(
        house, "private_event", action="create", title="Focus", start="2026-03-05T14:00", duration_minutes=90
    )
    event = output(task)["event"]
    assert event["start"] == "2026-03-05T14:00:00+01:00"
    assert event["end"] == "2026-03-05T15:30:00+01:00"
    assert task.verification == "verified"
    assert [(row.title, row.is_private) for row in await stored(house)] == [("Focus", True)]


async def test_an_event_with_others_asks_first_and_says_whom_when_and_what_clashes(house: House) -> None:
    await put(house, "Dentist", "2026-03-05T15:30:00+01:00", "2026-03-05T16:00:00+01:00")
    async with at_work(house):
        task = await use(
            house, "calendar_event", action="create", title="Planning", start="2026-03-05T15:00", duration_minutes=60,
            attendees=["Bo@Example.com"], zones={"bo@example.com": "Europe/London"}, description="Agenda",
        )  # fmt: skip
        await until(house, task.id, is_state("blocked"))
        question = await asked(house, task.id)
        assert question.title == (
            "Put “Planning” on the calendar, Thu 5 Mar 2026 15:00-16:00 (Europe/Berlin), and invite bo@example.com?"
        )
        facts = dict(question.payload["facts"])
        assert facts["when for others"] == "bo@example.com: Thu 5 Mar 2026 14:00-15:00 (Europe/London)"
        assert facts["clashes"] == "Dentist, Thu 5 Mar 2026 15:30-16:00 (Europe/Berlin)"
        assert facts["invitations"] == "none: the local calendar sends no mail; tell them yourself"
        assert question.payload["text"] == "Agenda"
        assert len(await stored(house)) == 1
        await review.decide_approval(house.caller, question.id, approved=True)
        done = await until(house, task.id, is_state("completed", "failed"))
    assert [guest["address"] for guest in output(done)["event"]["attendees"]] == [
        "robin@vega.example",
        "bo@example.com",
    ]
    assert done.verification == "verified"
    assert [e.kind for e in done.evidence] == ["event"]


async def test_a_no_leaves_the_calendar_alone(house: House) -> None:
    async with at_work(house):
        task = await use(
            house, "calendar_event", action="create", title="Lunch", start="2026-03-05", attendees=["b@x.example"]
        )
        await until(house, task.id, is_state("blocked"))
        await review.decide_approval(house.caller, (await asked(house, task.id)).id, approved=False, notes="not now")
        await until(house, task.id, is_state("failed"))
    assert await stored(house) == []
