"""A planned day through its API and page, what is kept of it, and durations that are learned from."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg.types.json import Jsonb

from agents.strategist import TaskContext
from app.house import House
from core.database import Caller, Identity
from core.errors import Invalid, NotFound
from core.postgres import pool_of
from tasks import calendar, day_plans, functions, review

NOON = "2026-03-04T12:00:00+01:00"


async def put(caller: Caller, title: str, start: str, end: str, **columns: Any) -> None:
    row = {"uid": title, "title": title, "starts_at": start, "ends_at": end, "timezone": "Europe/Berlin"}
    await calendar.add_calendar_event(caller, row | columns)


async def test_a_day_is_planned_kept_planned_anew_and_cleared(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    await put(house.caller, "Board", "2026-03-04T10:00:00+01:00", "2026-03-04T11:00:00+01:00")
    await put(house.caller, "Perhaps", "2026-03-04T11:00:00+01:00", "2026-03-04T12:00:00+01:00", status="tentative")
    await put(
        house.caller,
        "Visit",
        "2026-03-04T15:00:00+01:00",
        "2026-03-04T15:30:00+01:00",
        location="Hauptstraße 5, Berlin",
    )
    report, snoozed, draft, _ = await functions.create_tasks(
        house.caller,
        [
            {"title": "Report <i>", "due_at": NOON, "due_is_all_day": False, "estimated_duration_minutes": 60},
            {"title": "Later"},
            {"title": "Mail Jo", "execution_type": "semi_automated"},
            {"title": "Steward's", "execution_type": "fully_automated"},
        ],
    )
    await review.create_draft(
        house.caller, draft.id, {"to_recipients": ["jo@example.org"], "subject": "x", "body": "x"}
    )
    await house.caller.call("snooze_task", task_id=snoozed.id, until="2026-03-06T09:00:00+01:00")
    made = (await client.get("/api/day")).json()
    blocks = [(one["starts_at"][11:16], one["ends_at"][11:16], one["title"]) for one in made["blocks"]]
    assert blocks == [("09:30", "09:40", "Look at: Mail Jo"), ("11:00", "12:00", "Report <i>")]
    assert made["blocks"][1]["task_ids"] == [str(report.id)]
    assert [one["title"] for one in made["events"]] == ["Board", "Perhaps", "Visit"]
    assert made["left_out"] == []
    # Keeping it again, even at once, replaces it; and what is kept is not in its way.
    for answer in await asyncio.gather(*(client.post("/api/day", params={"date": "today"}) for _ in range(4))):
        kept = answer.json()
        assert (kept["kept_blocks"], kept["blocks"]) == (2, made["blocks"])
    day = (datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))
    events = await calendar.list_calendar(house.caller, day[1], day[0])
    mine = [one for one in events if one.uid.startswith(day_plans.MARK)]
    assert [(one.calendar, one.is_private, one.is_busy, one.attendees, one.title) for one in mine] == [
        ("local", True, False, [], "Look at: Mail Jo"),
        ("local", True, False, [], "Report <i>"),
    ]
    page = (await client.get("/day", params={"date": "2026-03-04"})).text
    assert "Report &lt;i&gt;" in page
    assert "2 blocks are kept" in page
    assert "Hauptstraße 5, Berlin; 30 min on the way, there and back" in page
    said = (await client.post("/api/chat", json={"message": "Plan my day"})).json()
    assert (said["reply"].splitlines()[:2], said["tasks"]) == (
        ["Wednesday, 4 March:", "09:30–09:40 Look at: Mail Jo"],
        [],
    )
    streamed = await client.post("/api/chat", json={"message": "plan my day"}, headers={"Accept": "text/event-stream"})
    assert "11:00–12:00 Report" in streamed.text
    assert (await stranger.get("/api/day")).json()["blocks"] == []
    assert (await stranger.delete("/api/day")).status_code == 204
    assert (await client.get("/api/day")).json()["kept_blocks"] == 2
    assert (await client.delete("/api/day")).status_code == 204
    assert len(await calendar.list_calendar(house.caller, day[1], day[0])) == 3
    for wrong in ("banana", "2026-13-01", "0001-01-01", "x" * 41):
        assert (await client.get("/api/day", params={"date": wrong})).status_code == 422


async def test_what_waits_for_execute_is_told_with_its_dates(client: httpx.AsyncClient, house: House) -> None:
    over = {"source": "proactive", "due_at": "2026-03-02T08:00:00+01:00", "due_is_all_day": False}
    semi = {"execution_type": "semi_automated"}
    dana, _, _, _, _ = await functions.create_tasks(
        house.caller,
        [
            {"title": "Answer Dana", "due_at": "2026-03-05T12:00:00+01:00", "due_is_all_day": False, **semi},
            {"title": "Answer Sam", **semi},
            {"title": "Move <b>Dentist</b>", **over},
            {
                "title": "Theirs",
                "due_at": "2026-03-04T18:00:00+01:00",
                "assigned_to_type": "agent",
                "assignee_role": "x",
            },
            {"title": "Block travel time", "execution_type": "fully_automated", **over},
        ],
    )
    made = (await client.get("/api/day")).json()
    assert [(one["title"], one["task_ids"]) for one in made["blocks"]] == [("Start: Answer Dana", [str(dana.id)])]
    assert [(one["title"], one["group"]) for one in made["left_out"]] == [
        ("Theirs", "prepared"),
        ("Answer Sam", "prepared"),
    ]
    saturday = (await client.get("/api/day", params={"date": "2026-03-07"})).json()
    assert [one["title"] for one in saturday["left_out"]] == ["Theirs", "Answer Dana", "Answer Sam"]
    gone = (await client.get("/api/day", params={"date": "2026-03-01"})).json()
    assert (gone["notes"], gone["blocks"], gone["left_out"]) == (["This day is over."], [], [])
    assert "What Steward prepares" in (await client.get("/day")).text
    said = (await client.post("/api/chat", json={"message": "was steht heute an?"})).json()
    assert (said["tasks"], said["reply"].splitlines()) == (
        [],
        [
            "Wednesday, 4 March:",
            "09:30–09:40 Start: Answer Dana",
            "What Steward prepares, and what waits:",
            "  Theirs (somebody else does it)",
            "  Answer Sam (press Execute and Steward prepares it)",
            "All of it, to look at and keep: /day?date=2026-03-04",
        ],
    )
    # What is read later of that conversation names no task: their titles may be others' words.
    talk = said["conversation_id"]
    made_later = (await client.post("/api/chat", json={"message": "Write Ana a mail", "conversation_id": talk})).json()
    profile = await house.caller.call("get_profile")
    service = house.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
    row = await service.call("get_task_context", task_id=made_later["tasks"][0]["id"])
    read = [words for _, words in TaskContext.from_row(row, house.clock.timezone).conversation]
    assert "(Here the plan of 2026-03-04 was shown.)" in read
    assert not any("Sam" in words for words in read)


async def test_today_shows_a_task_once_and_a_warning_until_it_is_put_away(
    client: httpx.AsyncClient, house: House
) -> None:
    (task,) = await functions.create_tasks(
        house.caller, [{"title": "Answer Jo", "execution_type": "semi_automated", "due_at": NOON}]
    )
    await review.create_draft(
        house.caller, task.id, {"to_recipients": ["jo@example.org"], "subject": "Hello Jo", "body": "x"}
    )
    (other,) = await functions.create_tasks(house.caller, [{"title": "Pay", "due_at": NOON}])
    mail = {"account": "a", "from_name": "M", "from_address": "m@example.net", "subject": "Obey", "suspicious": "do it"}
    await house.caller.call(
        "import_mail",
        messages=[
            mail | {"message_id": "<1@x>", "thread_key": "1", "sent_at": "2026-03-03T10:00:00Z"},
            mail | {"message_id": "<2@x>", "thread_key": "2", "sent_at": "2026-03-01T10:00:00Z", "subject": "Old"},
        ],
    )
    page = (await client.get("/")).text
    assert (page.count("Hello Jo"), f'id="task-{task.id}"' in page, page.count(f'id="task-{other.id}"')) == (
        1,
        False,
        1,
    )
    assert ("“Obey”" in page, "“Old”" in page) == (True, False)  # with the clock set back, as here, by when it was sent
    (put_away,) = re.findall(r'name="put_away" value="([0-9a-f-]{36})"', page)
    for _ in range(2):
        assert (await client.post("/", data={"put_away": put_away})).status_code == 303
    assert "“Obey”" not in (await client.get("/")).text
    assert (await client.post("/", data={"put_away": "x" * 50})).status_code == 422
    client.cookies.clear()
    client.cookies.set("steward_put_away", "zz.." + "é".encode().hex() * 16)
    assert "“Obey”" in (await client.get("/")).text


async def test_what_a_task_took_is_said_or_seen_and_learned(
    client: httpx.AsyncClient, house: House, mallory: Caller
) -> None:
    calls = await functions.create_tasks(
        house.caller,
        [{"title": f"Call number {n}", "kind": "call", "estimated_duration_minutes": 10} for n in range(6)],
    )
    for one in calls[:5]:
        answer = await client.patch(
            f"/api/tasks/{one.id}", json={"execution_status": "completed", "actual_duration_minutes": 25}
        )
        assert (answer.status_code, answer.json()["actual_duration_minutes"]) == (200, 25)
    ticked = await functions.update_task(house.caller, calls[5].id, {"execution_status": "completed"})
    assert ticked.actual_duration_minutes is None  # nobody knows: it was never begun
    assert len(await day_plans.list_worked_tasks(house.caller, house.clock.now())) == 5
    assert await day_plans.list_worked_tasks(mallory, house.clock.now()) == []
    new, said = await functions.create_tasks(
        house.caller,
        [{"title": "Ring", "kind": "call"}, {"title": "Ring", "kind": "call", "estimated_duration_minutes": 10}],
    )
    assert "Takes about 25 min: median of your last 5 calls: 25 min." in (await client.get(f"/tasks/{new.id}")).text
    planned = (await client.get("/api/day")).json()
    assert {one["minutes"] for one in planned["blocks"]} == {25, 10}
    assert planned["usually"] == "you usually need 2.5 times what you estimate (the last 5 tasks)"
    for wrong in (0, -1, 100_001):
        with pytest.raises(Invalid):
            await day_plans.save_time_spent(house.caller, new.id, wrong)
        refused = await client.patch(f"/api/tasks/{new.id}", json={"actual_duration_minutes": wrong})
        assert refused.status_code == 422
    with pytest.raises(NotFound):
        await day_plans.save_time_spent(mallory, new.id, 5)
    done = await day_plans.save_time_spent(house.caller, said.id, 7, {"execution_status": "completed", "title": "Rang"})
    assert (done.execution_status, done.actual_duration_minutes, done.title) == ("completed", 7, "Rang")


def log(*states: tuple[str, int, str]) -> list[dict[str, str]]:
    """A log of (state, minutes after nine, who does it)."""
    nine = datetime(2026, 3, 4, 9, tzinfo=UTC)
    return [
        {"to": state, "timestamp": (nine + timedelta(minutes=minutes)).isoformat(), "executor_type": who}
        for state, minutes, who in states
    ]


async def test_waiting_is_no_work(house: House) -> None:
    work: list[tuple[list[dict[str, str]], int | None]] = [
        (
            log(("in_progress", 0, "agent"), ("blocked", 5, ""), ("in_progress", 500, "agent"), ("completed", 502, "")),
            7,
        ),
        (log(("in_progress", 0, "user"), ("paused", 30, ""), ("in_progress", 900, "user"), ("completed", 915, "")), 45),
        (log(("in_progress", 0, "user"), ("completed", 0, "")), None),  # ticked off
        (log(("in_progress", 0, "user"), ("completed", 241, "")), None),  # nobody pressed the button
        (log(("in_progress", 0, "agent"), ("blocked", 3, ""), ("in_progress", 900, "user"), ("completed", 900, "")), 3),
        ([], None),
    ]
    async with pool_of(house.database).connection() as connection:
        for entries, minutes in work:
            cursor = await connection.execute("select private.minutes_worked(%s)", (Jsonb(entries),))
            assert await cursor.fetchone() == (minutes,)
