"""Invitations, conflicts, ways and proposed times: seen in a real house, and done with the rules alone."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.house import House
from cli.importing import mail_row
from integrations.mail.mbox import read_mbox
from jobs.outside.world import Given
from jobs.watching import watch_for
from tasks import calendar, capture, functions, review
from tasks.models import Task
from tasks.nudges import Nudge, decide_nudge
from tests.integration.agents.growing import at_work, is_state, until

SAMPLES = Path(__file__).parents[2] / "data/samples"
ENDED = is_state("completed", "failed", "blocked")
ROBIN = {"address": "robin@vega.example", "name": "Robin", "partstat": "needs-action"}


async def put(house: House, uid: str, start: str, end: str, **columns: Any) -> None:
    row = {
        "uid": uid,
        "title": uid,
        "starts_at": f"{start}:00+01:00",
        "ends_at": f"{end}:00+01:00",
        "timezone": "Europe/Berlin",
        **columns,
    }
    await calendar.add_calendar_event(house.caller, row)


async def seen(house: House, kind: str) -> Nudge:
    """The one nudge of that kind that a look brings."""
    given = Given(house.settings, house.database, house.clock)
    made = (await watch_for(given, house.caller)).made
    (nudge,) = (one for one in made if one.kind == kind)
    return nudge


async def done(house: House, nudge: Nudge) -> Task:
    """The task of a nudge after its run; of one that is held, after the person said that it is of use."""
    if nudge.task_id is None:
        nudge = await decide_nudge(house.caller, nudge.id, "acted", house.clock.now())
    assert nudge.task_id is not None
    await functions.queue_task_execution(house.caller, nudge.task_id)
    return await until(house, nudge.task_id, ENDED)


@pytest.mark.parametrize("rule", [None, "FREQ=WEEKLY;COUNT=3"], ids=["one", "series"])
async def test_an_invitation_is_answered_only_after_a_yes(house: House, rule: str | None) -> None:
    asked = {"organizer": "priya@vega.example", "attendees": [ROBIN], "recurrence": rule}
    await put(house, "Pricing", "2026-03-05T10:00", "2026-03-05T11:00", **asked)
    nudge = await seen(house, "rsvp")
    assert nudge.why.endswith("You are free then: accept?")
    assert nudge.task is not None
    assert nudge.task.execution_status == "pending"  # nothing is done by itself
    async with at_work(house):
        assert (await done(house, nudge)).execution_status == "blocked"
        (question,) = (await review.list_approvals(house.caller, states=["open"])).items
        assert question.title.startswith("Accept “Pricing”")
        await review.decide_approval(house.caller, question.id, approved=True)
        assert nudge.task_id
        assert (await until(house, nudge.task_id, is_state("completed", "failed"))).verification == "verified"
    (row,) = await calendar.get_calendar_event(house.caller, "local", "Pricing")
    assert [guest["partstat"] for guest in row.attendees] == ["accepted"]
    given = Given(house.settings, house.database, house.clock)
    assert (await watch_for(given, house.caller)).made == []  # nothing waits any more


async def test_a_conflict_asks_the_others_of_ones_own_meeting_for_a_free_time(house: House) -> None:
    own = {"organizer": "robin@vega.example", "attendees": [{"address": "omar@vega.example", "partstat": "accepted"}]}
    await put(house, "Planning", "2026-03-05T10:00", "2026-03-05T11:00", **own)
    await put(house, "Audit", "2026-03-05T10:30", "2026-03-05T12:00", organizer="cfo@vega.example")
    nudge = await seen(house, "conflict")
    async with at_work(house):
        await done(house, nudge)
    (draft,) = (one for one in (await review.list_drafts(house.caller)).items if one.task_id == nudge.task_id)
    assert draft.to_recipients == ["omar@vega.example"]
    assert draft.body.startswith("Hello Omar,")
    assert "Would Thursday 5 March at 13:00 suit you instead (Berlin time)?" in draft.body


async def test_a_way_is_put_on_the_calendar_when_asked_for(house: House) -> None:
    await put(house, "Visit", "2026-03-05T14:00", "2026-03-05T15:00", location="Northwind HQ, Hauptstraße 5")
    nudge = await seen(house, "travel")
    assert (nudge.title, nudge.tell_at) == ("Leave by 13:25: Visit", datetime.fromisoformat("2026-03-05T12:55+01:00"))
    async with at_work(house):
        assert (await done(house, nudge)).execution_status == "completed"
    rows = await calendar.list_calendar(house.caller, nudge.expires_at or nudge.found_at, nudge.found_at)
    assert [(row.title, row.is_private) for row in rows] == [("Travel: Visit", True)]


async def test_proposed_times_without_a_task_are_answered(house: House) -> None:
    mail = next(one for one in read_mbox(SAMPLES / "inbox.mbox") if "m09" in one.message_id)
    await capture.import_mail(house.caller, [mail_row(mail, "robin@vega.example", category="information")], [])
    async with at_work(house):
        await done(house, await seen(house, "time_proposal"))
    (draft,) = (await review.list_drafts(house.caller)).items
    assert "Tuesday 10 March at 15:00 works for me" in draft.body
