"""The calendar's tools in a house with its local calendar: asked about, done once, and found on the calendar."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agents.equipment import Run
from agents.journal import Journal
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.calendar_acts import find
from agents.tools.calendar_shapes import EventInput
from agents.tools.calendar_wishes import own_event_id
from app.house import House
from core.database import Caller, Identity
from core.errors import Invalid
from tasks import calendar, functions, review
from tasks.drafts import Approval
from tasks.models import Task
from tests.integration.agents.growing import at_work, is_state, node, root, started, until

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


async def test_what_stands_on_the_calendar_is_read_and_searched(house: House) -> None:
    await put(house, "Board meeting", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00", location="Room 1")
    await put(house, "Dentist", "2026-03-05T08:00:00+01:00", "2026-03-05T09:00:00+01:00")
    found = output(await ended(house, "calendar_read", text="room BOARD"))
    assert [event["title"] for event in found["events"]] == ["Board meeting"]
    assert found["calendar"] == "local calendar"
    cut = output(await ended(house, "calendar_read", limit=1))
    assert ([event["title"] for event in cut["events"]], cut["more"]) == (["Dentist"], True)


async def test_ones_own_busy_time_is_told_where_nobody_is_named(house: House) -> None:
    await put(house, "Secret", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00")
    task = await ended(house, "free_busy", start="2026-03-05", end="2026-03-06")
    (me,) = output(task)["people"]
    assert me["busy"] == [{"start": "2026-03-05T15:00:00+01:00", "end": "2026-03-05T16:00:00+01:00", "kind": "busy"}]
    assert "Secret" not in str(task.result)


async def test_a_time_is_found_although_nothing_is_known_of_somebody_and_that_is_said(house: House) -> None:
    task = await ended(house, "find_time", attendees=["bo@x.example"], start="2026-03-04T09:37", count=2)
    found = output(task)
    assert found["slots"][0]["start"] == "2026-03-04T10:00:00+01:00"
    assert "Nothing is known of when bo@x.example is busy" in found["summary"]
    assert found["assumed"] == ["bo@x.example: Europe/Berlin, and working hours like yours where none were told"]


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05T10:00", "timezone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ("private_event", {"action": "create", "title": "x", "start": "soon"}, "'soon' is no time"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05", "recurrence": ["RRULE:FREQ=NEVER"]}, "has no FREQ of"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05", "recurrence": ["RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260401"]}, "both COUNT and UNTIL"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05", "recurrence": ["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]}, "a day that no month has"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05", "recurrence": ["FREQ=DAILY"]}, "is no line of a recurrence"),
        ("private_event", {"action": "create", "title": " ", "start": "2026-03-05"}, "title"),
        ("private_event", {"action": "create", "title": "x"}, "needs title and start"),
        ("private_event", {"action": "update", "event_id": "x"}, "something to change"),
        ("private_event", {"action": "cancel"}, "needs event_id"),
        ("private_event", {"action": "respond", "event_id": "x"}, "action"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05", "attendees": ["a@b.example"]}, "attendees"),
        ("calendar_event", {"action": "create", "title": "x", "start": "2026-03-05", "attendees": ["not an address"]}, "is no mail address"),
        ("calendar_event", {"action": "create", "title": "x", "start": "2026-03-05", "attendees": ["a@b.example\nx"]}, "is no mail address"),
        ("calendar_event", {"action": "respond", "event_id": "x"}, "needs answer"),
        ("calendar_event", {"action": "cancel", "event_id": "x", "answer": "accepted"}, "needs answer"),
        ("find_time", {"attendees": ["bo@x.example"], "zones": {"bo@x.example": "Europe/Berlln"}}, "Perhaps Europe/Berlin"),
        ("find_time", {"hours": {"bo@x.example": "always"}}, "cannot be read"),
    ],
)  # fmt: skip
def test_input_of_a_wrong_form_is_told_with_what_is_allowed(tool: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as error:
        BUILT_IN_TOOLS[tool].parsed(given)
    assert said in error.value.message


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05T10:00", "end": "2026-03-05T09:00"}, "end is before the start"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-05", "end": "2026-03-05T09:00"}, "both be dates"),
        ("private_event", {"action": "create", "title": "x", "start": "2026-03-29T02:30"}, "02:30 does not exist on 29 March 2026"),
        ("private_event", {"action": "cancel", "event_id": "nothing"}, "There is no event nothing"),
        ("find_time", {"start": "2026-03-05", "end": "2026-03-04"}, "lies after start"),
        ("free_busy", {"start": "2026-03-05", "end": "2027-03-05"}, "up to 92 days"),
        ("calendar_read", {"start": "2026-03-05", "end": "2026-03-05"}, "no window"),
    ],
)  # fmt: skip
async def test_input_that_contradicts_itself_fails_with_what_is_allowed(
    house: House, tool: str, given: dict[str, Any], said: str
) -> None:
    failed = await ended(house, tool, **given)
    assert failed.execution_status == "failed"
    assert said in (failed.failure_reason or "")
    assert await stored(house) == []


async def test_what_concerns_others_is_no_private_event(house: House) -> None:
    guests = [{"name": "", "address": "bo@x.example", "partstat": "accepted"}]
    await put(house, "ours", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00", attendees=guests)
    for given in ({"action": "cancel"}, {"action": "update", "title": "Mine"}):
        failed = await ended(house, "private_event", event_id="ours", **given)
        assert "has other attendees" in (failed.failure_reason or "")
    assert [row.title for row in await stored(house)] == ["ours"]


async def test_a_series_is_changed_by_one_or_as_a_whole_and_the_question_says_which(house: House) -> None:
    await put(
        house, "standup", "2026-03-02T09:00:00+01:00", "2026-03-02T09:15:00+01:00", recurrence="FREQ=DAILY;COUNT=30"
    )
    third = "standup_20260304T080000Z"
    refused = await ended(house, "private_event", action="cancel", event_id="standup")
    assert "whole series" in (refused.failure_reason or "")
    moved = await ended(
        house,
        "private_event",
        action="update",
        event_id=third,
        scope="all",
        start="2026-03-04T10:00",
        duration_minutes=15,
    )
    assert output(moved)["event"]["start"] == "2026-03-02T10:00:00+01:00"
    one = await ended(house, "private_event", action="update", event_id="standup_20260330T080000Z", title="Late")
    assert output(one)["event"]["start"] == "2026-03-30T10:00:00+02:00"
    async with at_work(house):
        task = await use(house, "calendar_event", action="cancel", event_id="standup_20260305T090000Z")
        await until(house, task.id, is_state("blocked"))
        question = await asked(house, task.id)
    assert question.title == "Cancel “standup”, Thu 5 Mar 2026 10:00-10:15 (Europe/Berlin)?"
    assert dict(question.payload["facts"])["concerns"] == "this occurrence alone"


async def test_what_broke_off_is_found_by_its_own_id(house: House) -> None:
    service = await service_of(house)
    task = (
        await functions.create_tasks(
            house.caller, [{"title": "x", "tool": "calendar_event", "execution_type": "fully_automated"}]
        )
    )[0]
    run = Run(service, task, house.equipment, Journal(service, task.id, 0))
    wanted = EventInput.model_validate({"action": "create", "title": "Planning", "start": "2026-03-05T15:00"})
    assert await find(run, wanted) is None
    await put(house, own_event_id(run), "2026-03-05T15:00:00+01:00", "2026-03-05T15:30:00+01:00")
    there = await find(run, wanted)
    assert there is not None
    assert there["event"]["id"] == own_event_id(run)
    retitled = EventInput.model_validate({"action": "update", "event_id": own_event_id(run), "title": "New"})
    assert await find(run, retitled) is None
    same = EventInput.model_validate({"action": "update", "event_id": own_event_id(run), "title": own_event_id(run)})
    assert await find(run, same) is not None
    gone = EventInput.model_validate({"action": "cancel", "event_id": own_event_id(run)})
    assert await find(run, gone) is None
    await calendar.change_calendar_event(service, {"uid": own_event_id(run), "status": "cancelled"})
    assert await find(run, gone) == {"action": "cancel", "event": None}


async def test_times_that_were_found_are_proposed_by_mail(house: House) -> None:
    await put(house, "Busy", "2026-03-05T09:00:00+01:00", "2026-03-05T12:00:00+01:00")
    times = node(
        "times",
        "find_time",
        tool_input={"start": "2026-03-05", "end": "2026-03-06", "count": 2, "duration_minutes": 60},
    )
    mail = node("mail", None, ["times"], kind="schedule", execution_type="semi_automated")
    async with at_work(house):
        made = await started(house, root(times, mail | {"title": "Schedule a call with Dana (dana@northwind.example)"}))
        part = next(
            child for child in (await functions.get_task_tree(house.caller, made.id)).children if child.tool is None
        )
        await until(house, part.id, is_state("blocked"))
    draft = next(d for d in (await review.list_drafts(house.caller, states=["draft"])).items if d.task_id == part.id)
    assert (
        "- Thursday 5 March 2026 at 12:00 (Europe/Berlin)\n- Thursday 5 March 2026 at 13:00 (Europe/Berlin)"
        in draft.body
    )


async def service_of(house: House) -> Caller:
    """The worker in the owner's organization."""
    profile = await house.caller.call("get_profile")
    return house.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
