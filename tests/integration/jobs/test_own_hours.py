"""What is done for a person without them goes by their own clock: runs, series, looks ahead."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from agents.services.calendar import Calendar
from app.house import UNSETTLED, House
from core.database import Caller, Identity
from core.postgres import pool_of
from jobs.repeating import bring_back
from jobs.watching import watch_for
from jobs.worker import working
from tasks import calendar, functions, organizations
from tasks.own_hours import HoursChange, OwnHours, get_own_hours, save_own_hours
from tests.conftest import sign_up

ZONE = HoursChange(timezone="America/New_York", working_hours="mon-fri 10:00-12:00")


@pytest.fixture
async def ann(house: House) -> Caller:
    """Somebody in New York, where it is half past three in the night."""
    person = house.database.acting_as(await sign_up(house.database, "ann@example.org"))
    await save_own_hours(person, ZONE)
    return person


async def test_a_task_is_done_by_the_clock_of_whoever_it_belongs_to(house: House, ann: Caller) -> None:
    tool = {"title": "When?", "tool": "find_time", "tool_input": {"minutes": 30}}
    reached: list[tuple[str, int]] = []
    for person in (ann, house.caller):
        (task,) = await functions.create_tasks(person, [tool])
        (home,) = await organizations.list_organizations(person)
        service = house.database.acting_as(Identity.service(home.id))
        opened = await house.equipment.outside.reach(Calendar, service, task)
        hours = await opened.working_hours()
        reached.append((hours.timezone, hours.days[0][0][0].hour))
    assert reached == [("America/New_York", 10), ("Europe/Berlin", 9)]


async def test_a_run_takes_tomorrow_as_its_person_means_it(house: House, ann: Caller) -> None:
    wanted = {
        "title": "Block", "tool": "calendar_read", "execution_type": "fully_automated",
        "tool_input": {"start": "2026-03-05T00:00", "end": "2026-03-05T12:00"},
    }  # fmt: skip
    row = {"timezone": "UTC"}
    for person in (ann, house.caller):
        # Up to noon: in Berlin until 11 by UTC, in New York from 5 until 17.
        for uid, hour in (("early", 10), ("late", 16)):
            span = {"starts_at": f"2026-03-05T{hour}:00:00Z", "ends_at": f"2026-03-05T{hour}:30:00Z"}
            await calendar.add_calendar_event(person, row | {"uid": uid, "title": uid} | span)
    async with working(await house.worker()):
        found: list[tuple[bool, bool]] = []
        for person in (ann, house.caller):
            (task,) = await functions.create_tasks(person, [wanted])
            await functions.queue_task_execution(person, task.id)
            while (done := await functions.get_task(person, task.id)).execution_status in UNSETTLED:
                await asyncio.sleep(0.05)
            assert done.execution_status == "completed"
            found.append(("early" in str(done.result), "late" in str(done.result)))
    assert found == [(True, True), (True, False)]


async def test_a_series_goes_on_by_the_clock_of_its_person(house: House, ann: Caller) -> None:
    nine = {"title": "Stand-up", "due_at": "2026-03-06T09:00:00-05:00", "due_is_all_day": False}
    (task,) = await functions.create_tasks(ann, [nine | {"recurrence": "FREQ=DAILY;BYDAY=MO,FR"}])
    await functions.update_task(ann, task.id, {"execution_status": "completed"})
    await bring_back(house.database, house.clock.of("Asia/Tokyo"))
    page = await functions.list_tasks(ann, functions.TaskFilter(status=["pending"]))
    # The clocks of New York go forward in between: nine stays nine, and Monday Monday.
    assert [one.due_at for one in page.items] == [datetime(2026, 3, 9, 13, tzinfo=UTC)]


async def test_the_morning_begins_for_each_by_their_own_clock(house: House, ann: Caller) -> None:
    begun_by: list[tuple[Caller, UUID]] = []
    for person, due_at in ((ann, "2026-03-04T12:00:00-05:00"), (house.caller, "2026-03-04T12:00:00+01:00")):
        wanted = {"title": "Water the plants", "due_at": due_at, "recurrence": "FREQ=DAILY", "run_when_due": True}
        (task,) = await functions.create_tasks(person, [wanted | {"execution_type": "fully_automated"}])
        begun_by.append((person, task.id))
    await bring_back(house.database, house.clock)  # half past nine in Berlin, half past three in New York
    states = [(await functions.get_task(one, task_id)).execution_status for one, task_id in begun_by]
    assert states == ["pending", "queued"]


async def test_quiet_hours_and_the_digest_come_by_their_own_clock(house: House, ann: Caller) -> None:
    looks = {at: datetime(2026, 3, 4, at, 30, tzinfo=UTC) for at in (8, 14)}
    assert (await watch_for(house.given, house.caller, looks[8])).digest is not None  # half past nine in Berlin
    assert (await watch_for(house.given, ann, looks[8])).digest is None  # half past three in New York
    made = (await watch_for(house.given, ann, looks[14])).digest
    assert made is not None
    assert made.day.isoformat() == "2026-03-04"


async def test_whoever_signs_up_somewhere_lives_there(house: House) -> None:
    for number, (zone, kept) in enumerate(
        (("Asia/Kolkata", "Asia/Kolkata"), ("Mars/Olympus", None), ("CEST", None), ("x" * 300, None))
    ):
        async with pool_of(house.database).connection() as connection:
            cursor = await connection.execute(
                "insert into auth.users (email, raw_user_meta_data) values (%s, jsonb_build_object('timezone', %s::text)) returning id",
                (f"{number}@example.org", zone),
            )
            (user_id,) = await cursor.fetchone() or (None,)
        assert await get_own_hours(house.database.acting_as(Identity(user_id))) == OwnHours(timezone=kept)
