"""Tasks that come again: once each, through the real database with a clock that is moved."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from core.clock import Clock
from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound
from jobs.repeating import bring_back
from tasks import functions, reminders, repeating
from tasks.events import list_task_events
from tasks.models import Task

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = "FREQ=WEEKLY;BYDAY=FR"


def clock_at(year: int, month: int, day: int, hour: int = 10) -> Clock:
    return Clock(BERLIN, datetime(year, month, day, hour, tzinfo=BERLIN))


async def made(caller: Caller, rule: str = WEEKLY, due: str = "2026-03-06T09:00:00+01:00", **more: Any) -> Task:
    item = {"title": "Send the report", "recurrence": rule, "due_at": due, "due_is_all_day": False, **more}
    return (await functions.create_tasks(caller, [item]))[0]


async def done(caller: Caller, task: Task) -> Task:
    return await functions.update_task(caller, task.id, {"execution_status": "completed"})


def wall(task: Task) -> str:
    assert task.due_at
    return f"{task.due_at.astimezone(BERLIN):%Y-%m-%d %H:%M}"


async def test_a_chain_through_the_change_of_clocks_with_parts_and_reminders(database: Database, ana: Caller) -> None:
    children = [
        {"title": "Collect", "key": "a", "source": "manual", "due_at": "2026-03-19T09:00:00+01:00"},
        {"title": "Write", "depends_on": ["a"], "source": "manual"},
    ]
    tree = await ana.call(
        "create_task_tree",
        tree={
            "title": "Report",
            "recurrence": "FREQ=WEEKLY;COUNT=3",
            "due_at": "2026-03-20T09:00:00+01:00",
            "due_is_all_day": False,
            "labels": ["x"],
            "source": "manual",
            "children": children,
        },
    )
    root = await functions.get_task(ana, tree["id"])
    clock = clock_at(2026, 3, 20)
    at = datetime(2026, 3, 20, 8, tzinfo=BERLIN)
    await reminders.set_reminder(ana, root.id, at, "bring figures", now=at.replace(hour=7))
    await functions.create_subtask(ana, root.id, "found by a run")  # source agent: of this run alone
    seen = [wall(root)]
    for _ in range(2):
        node = await functions.get_task_tree(ana, root.id)
        for part in node.children:
            await functions.update_task(ana, part.id, {"execution_status": "completed"})
        current = await functions.get_task(ana, root.id)
        if current.execution_status != "completed":
            await done(ana, current)
        await bring_back(database, clock)
        series = await repeating.get_series(ana, root.id)
        assert series.next_task_id
        root = await functions.get_task(ana, series.next_task_id)
        seen.append(wall(root))
    assert seen == ["2026-03-20 09:00", "2026-03-27 09:00", "2026-04-03 09:00"]  # one hour less between the last two
    last = await functions.get_task_tree(ana, root.id)
    assert [part.title for part in last.children] == ["Collect", "Write"]
    assert wall(last.children[0]) == "2026-04-02 09:00"
    assert last.children[1].depends_on == [last.children[0].id]
    assert (root.labels, root.created_at is not None, root.result) == (["x"], True, None)
    [again] = await reminders.list_reminders(ana, root.id)
    assert f"{again.at.astimezone(BERLIN):%m-%d %H:%M}" == "04-03 08:00"
    await done(ana, root)
    assert await repeating.continue_ended(database, clock) == []
    assert (await functions.get_task(ana, root.id)).series_ended_at is not None
    assert await repeating.continue_ended(database, clock) == []


async def test_the_next_one_is_there_once_whatever_happens_at_once(database: Database, ana: Caller) -> None:
    task = await made(ana, due="2026-03-06T09:00:00+01:00", source_key="mail:1", tool_input={"a": 1})
    await done(ana, task)
    clock = clock_at(2026, 3, 17)  # late: the 6th and the 13th are over
    found = await asyncio.gather(*(repeating.continue_ended(database, clock, [task.id]) for _ in range(6)))
    ids = {one.id for made in found for one in made}
    assert len(ids) == 1
    following = await functions.get_task(ana, ids.pop())
    assert (wall(following), following.series_id, following.repeats_task_id) == ("2026-03-20 09:00", task.id, task.id)
    assert await repeating.continue_ended(database, clock) == []
    page = await functions.list_tasks(ana)
    assert len(page.items) == 2
    await functions.delete_task(ana, following.id)  # deleting ends a series
    assert await repeating.continue_ended(database, clock) == []


async def test_skipping_moving_stopping_and_this_and_following(database: Database, ana: Caller) -> None:
    clock = clock_at(2026, 3, 4)
    task = await made(ana)
    await functions.update_task(ana, task.id, {"due_at": "2026-03-05T09:00:00+01:00"})  # moved: this one alone
    following = await repeating.skip_occurrence(database, ana, task.id, clock)
    assert following
    assert wall(following) == "2026-03-13 09:00"
    assert (await functions.get_task(ana, task.id)).execution_status == "cancelled"
    changed = await repeating.set_repeat(
        ana,
        following.id,
        "RRULE:FREQ=DAILY;INTERVAL=3",
        due_at=datetime(2026, 3, 10, 18, tzinfo=BERLIN),
        repeats_from="completion",
    )
    assert (changed.recurrence, wall(changed), changed.series_id) == (
        "FREQ=DAILY;INTERVAL=3",
        "2026-03-10 18:00",
        task.id,
    )
    await done(ana, changed)
    [after_it] = await repeating.continue_ended(database, clock_at(2026, 3, 8))
    assert wall(after_it) == "2026-03-11 18:00"
    stopped = await repeating.stop_series(ana, after_it.id, clock.now())
    assert not (await repeating.stop_series(ana, after_it.id, clock.now())).repeats
    assert stopped.execution_status == "pending"
    await done(ana, stopped)
    assert await repeating.continue_ended(database, clock) == []
    for refused in (repeating.stop_series(ana, changed.id, clock.now()), repeating.set_repeat(ana, stopped.id, WEEKLY)):
        with pytest.raises(Conflict):
            await refused
    with pytest.raises(Conflict, match="does not repeat"):
        await repeating.skip_occurrence(database, ana, stopped.id, clock)


async def test_what_is_refused(database: Database, ana: Caller, mallory: Caller) -> None:
    task = await made(ana)
    clock = clock_at(2026, 3, 4)
    for other in (
        repeating.get_series(mallory, task.id),
        repeating.set_repeat(mallory, task.id, WEEKLY),
        repeating.stop_series(mallory, task.id, clock.now()),
        repeating.skip_occurrence(database, mallory, task.id, clock),
    ):
        with pytest.raises(NotFound):
            await other
    with pytest.raises(Invalid, match="FREQ of DAILY"):
        await repeating.set_repeat(ana, task.id, "FREQ=SECONDLY")
    with pytest.raises(Forbidden, match="continues a series"):
        await made(ana, repeats_task_id=str(task.id))
    with pytest.raises(Forbidden):
        await ana.call("continue_series", task_id=task.id, due_at=None, series_number=1, zone="UTC", at=clock.now())
    home = UUID((await ana.call("get_profile"))["organization"]["id"])
    program = database.acting_as(
        Identity(ana.identity.user_id, organization_id=home, token_id=uuid4(), scopes=("tasks:write",))
    )
    with pytest.raises(Forbidden, match="Only a person"):
        await repeating.set_repeat(program, task.id, WEEKLY, run_when_due=True)
    part = await functions.create_subtask(ana, task.id, "part")
    with pytest.raises(Conflict, match="Only a task of its own"):
        await repeating.set_repeat(ana, part.id, WEEKLY, due_at=clock.now())
    broken = await made(ana, rule="FREQ=HOURLY")  # from before rules were looked at
    await done(ana, broken)
    assert await repeating.continue_ended(database, clock) == []
    assert (await functions.get_task(ana, broken.id)).series_ended_at is not None
    said = [event.message for event in await list_task_events(ana, broken.id) if event.kind == "series"]
    assert said
    assert "FREQ of DAILY" in said[0]


async def test_only_what_a_person_lets_run_begins_by_itself_and_only_when_due(database: Database, ana: Caller) -> None:
    asked = await made(ana, execution_type="fully_automated")
    running = await made(ana, execution_type="fully_automated", run_when_due=True)
    ruled = await made(ana, execution_type="fully_automated", automation_rules={"run_by_itself": True})
    assert (await functions.get_task(ana, ruled.id)).execution_status == "queued"  # the first one: as ever
    for task in (asked, running, ruled):
        await functions.cancel_task(ana, task.id)
    following = {one.repeats_task_id: one for one in await repeating.continue_ended(database, clock_at(2026, 3, 6))}

    async def states() -> list[str]:
        return [
            (await functions.get_task(ana, following[one.id].id)).execution_status for one in (asked, running, ruled)
        ]

    await bring_back(database, clock_at(2026, 3, 13, 8))
    assert await states() == ["pending", "pending", "pending"]
    await bring_back(database, clock_at(2026, 3, 13, 10))
    await bring_back(database, clock_at(2026, 3, 13, 11))
    assert await states() == ["pending", "queued", "queued"]
