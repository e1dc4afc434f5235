"""The calendar's API, its page and its feed."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.house import House
from core.database import Caller
from integrations.calendar.ics import read_ics
from jobs.outside.world import Given
from jobs.watching import watch_for
from tasks import calendar, functions

BERLIN = ZoneInfo("Europe/Berlin")


async def put(house: House, uid: str, start: str, end: str, **columns: Any) -> None:
    row = {"uid": uid, "title": uid, "starts_at": start, "ends_at": end, "timezone": "Europe/Berlin"}
    await calendar.add_calendar_event(house.caller, row | columns)


async def due(house: House, title: str, at: str, **fields: Any) -> None:
    await functions.create_tasks(
        house.caller, [{"title": title, "due_at": at, "execution_type": "manual", "due_is_all_day": False, **fields}]
    )


async def test_events_and_due_tasks_of_a_week(client: httpx.AsyncClient, house: House) -> None:
    await put(house, "Dentist", "2026-03-05T08:00:00+00:00", "2026-03-05T09:00:00+00:00")
    await put(
        house, "Stand-up", "2026-03-02T09:00:00+01:00", "2026-03-02T09:15:00+01:00", recurrence="FREQ=DAILY;COUNT=4"
    )
    await due(house, "Pay rent", "2026-03-05T12:00:00+01:00")
    answer = await client.get(
        "/api/calendar", params={"start": "2026-03-04T12:00:00+01:00", "end": "2026-03-06T00:00:00+01:00"}
    )
    assert answer.status_code == 200
    found = answer.json()
    assert [event["title"] for event in found["events"]] == ["Dentist", "Stand-up"]
    assert found["events"][1]["start"] == "2026-03-05T09:00:00+01:00"
    assert [task["title"] for task in found["tasks"]] == ["Pay rent"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-04T00:00:00Z", "2026-03-04T00:00:00Z"),
        ("2026-03-04T00:00:00Z", "2026-09-04T00:00:00Z"),
        ("2026-03-05T00:00:00Z", "2026-03-04T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "2026-03-04T00:00:00Z"),
        ("9999-12-31T23:59:59-12:00", ""),
        ("soon", "later"),
    ],
)
async def test_a_window_that_cannot_be_shown_is_told(client: httpx.AsyncClient, start: str, end: str) -> None:
    answer = await client.get("/api/calendar", params={"start": start, **({"end": end} if end else {})})
    assert answer.status_code == 422
    assert answer.json()["type"].startswith("urn:steward:problem:")


async def test_a_week_shows_each_day_with_its_events_tasks_and_room(client: httpx.AsyncClient, house: House) -> None:
    await put(house, "Board <script>", "2026-03-05T10:00:00+01:00", "2026-03-05T12:00:00+01:00", location="Room 1")
    await put(house, "Review", "2026-03-05T11:00:00+01:00", "2026-03-05T11:30:00+01:00")
    await put(house, "Fair", "2026-03-05T00:00:00+01:00", "2026-03-07T00:00:00+01:00", is_all_day=True, is_busy=False)
    await due(house, "Pay rent", "2026-03-05T15:00:00+01:00")
    page = (await client.get("/calendar")).text
    assert "2–8 March 2026" in page
    assert "Board &lt;script&gt;" in page
    assert page.count(">Fair<") == 2
    assert "same time as Review" in page
    assert "Pay rent" in page
    assert "09:00" in page.split("free</span>")[1]
    assert 'href="/calendar?view=week&amp;date=2026-03-09"' in page
    day = (await client.get("/calendar?view=day&date=2026-03-05")).text
    assert "Thursday 5 March 2026" in day
    assert "Nothing" not in day


@pytest.mark.parametrize("query", ["date=soon", "date=9999-12-31", "date=0001-01-01", "view=year"])
async def test_a_day_that_is_none_is_told(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/calendar?{query}", headers={"accept": "text/html"})
    assert answer.status_code == 422


async def test_weeks_over_a_change_of_the_clocks_and_of_the_year_are_shown(
    client: httpx.AsyncClient, house: House
) -> None:
    await put(house, "Early", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00")
    page = (await client.get("/calendar?date=2026-03-29")).text
    assert "Early" in page
    assert "01:30" in page
    assert "28 December–3 January 2027" in (await client.get("/calendar?date=2026-12-31")).text


async def test_a_broken_zone_or_rule_does_not_break_the_page(client: httpx.AsyncClient, house: House) -> None:
    await put(
        house,
        "Odd",
        "2026-03-05T10:00:00+01:00",
        "2026-03-05T11:00:00+01:00",
        timezone="Mars/Base",
        recurrence="FREQ=X",
    )
    await put(house, "🙂" * 200, "2026-03-05T10:00:00+01:00", "2026-03-05T10:00:00+01:00", url="javascript:alert(1)")
    answer = await client.get("/calendar")
    assert answer.status_code == 200
    assert "javascript:" not in answer.text


async def test_events_at_the_ends_of_time_are_shown_with_the_others(client: httpx.AsyncClient, house: House) -> None:
    late, early = "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"
    await put(house, "Endless", "2026-03-05T10:00:00+01:00", late)
    await put(house, "Since ever", early, late, timezone="America/New_York")
    await put(house, "Last", late, late)
    await put(house, "Always", "2026-03-05T10:00:00+01:00", late, recurrence="FREQ=DAILY", added_starts=[late])
    await put(house, "Never", "2026-03-05T10:00:00+01:00", late, recurrence="FREQ=HOURLY;BYYEARDAY=366;BYMONTH=1")
    await put(house, "Not then", "2026-03-05T10:00:00+01:00", "2026-03-05T11:00:00+01:00", excluded_starts=[early])
    await put(house, "Dentist", "2026-03-05T11:00:00+01:00", "2026-03-05T12:00:00+01:00")
    params = {"start": "2026-03-04T12:00:00+01:00", "end": "2026-03-06T00:00:00+01:00"}
    answer = await client.get("/api/calendar", params=params)
    assert answer.status_code == 200, answer.text
    titles = [event["title"] for event in answer.json()["events"]]
    assert sorted(titles) == ["Always", "Dentist", "Endless", "Never", "Not then"]
    page = await client.get("/calendar")
    assert (page.status_code, ">Dentist<" in page.text) == (200, True)
    within = Given(house.settings, house.database, house.clock)
    assert (await watch_for(within, house.caller)).settled == 0


async def test_a_thousand_events_of_a_day_are_shown(client: httpx.AsyncClient, house: House) -> None:
    row = {"title": "x", "starts_at": "2026-03-05T10:00:00+01:00", "ends_at": "2026-03-05T10:00:00+01:00"}
    await house.caller.call("import_calendar", events=[{"uid": f"u{n}", **row} for n in range(1000)])
    assert (await client.get("/calendar?view=day&date=2026-03-05")).status_code == 200


# The feed


async def link(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/calendar/feed")
    assert answer.status_code == 201
    return str(answer.json()["url"])


async def test_due_tasks_can_be_subscribed_to_by_a_secret_link(client: httpx.AsyncClient, house: House) -> None:
    await due(house, "Pay; rent, now\r\nBEGIN:VEVENT", "2026-03-05T12:00:00+01:00", estimated_duration_minutes=45)
    await due(house, "Tax", "2026-03-06T00:00:00+01:00", due_is_all_day=True)
    url = await link(client)
    answer = await client.get(url, headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    span = (datetime(2026, 3, 1, tzinfo=BERLIN), datetime(2026, 4, 1, tzinfo=BERLIN))
    rent, tax = read_ics(answer.content, window=span)
    assert rent.title == "Pay; rent, now BEGIN:VEVENT"
    assert (rent.ends_at - rent.starts_at).total_seconds() == 45 * 60
    assert not rent.is_busy
    assert tax.is_all_day
    assert tax.starts_at == datetime(2026, 3, 6, tzinfo=BERLIN)


async def test_a_new_link_ends_the_old_one_and_taking_it_away_ends_all(client: httpx.AsyncClient) -> None:
    first, second = await link(client), await link(client)
    assert (await client.get(first)).status_code == 404
    assert (await client.get(second)).status_code == 200
    assert (await client.delete("/api/calendar/feed")).status_code == 204
    assert (await client.get(second)).status_code == 404
    assert (await client.delete("/api/calendar/feed")).status_code == 404


@pytest.mark.parametrize("token", ["x" * 43, "ü" * 30, "%00" * 20, "' or 1=1 --------------------"])
async def test_a_wrong_token_is_no_feed(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(f"/api/calendar/feed?token={token}")
    assert answer.status_code in {404, 422}


async def test_a_feed_holds_its_owners_tasks_alone(client: httpx.AsyncClient, mallory: Caller) -> None:
    item = {"title": "Secret", "due_at": "2026-03-05T12:00:00+01:00", "execution_type": "manual"}
    await functions.create_tasks(mallory, [item])
    assert b"Secret" not in (await client.get(await link(client))).content
    await calendar.drop_calendar_feed(mallory)
    with pytest.raises(Exception, match="permission denied"):
        await calendar.open_calendar_feed(mallory, "0" * 64)


async def test_the_page_shows_a_link_once(client: httpx.AsyncClient) -> None:
    assert "Make a link" in (await client.get("/calendar")).text
    made = await client.post("/calendar", data={"action": "renew"})
    assert "/api/calendar/feed?token=" in made.text
    again = (await client.get("/calendar")).text
    assert "/api/calendar/feed?token=" not in again
    assert "Take the link away" in again
    assert (await client.post("/calendar", data={"action": "drop"})).status_code == 303
    assert "Make a link" in (await client.get("/calendar")).text


async def test_nobody_sees_a_calendar_without_signing_in(client: httpx.AsyncClient) -> None:
    for path in ("/api/calendar", "/calendar"):
        assert (await client.get(path, headers={"Authorization": ""})).status_code in {401, 303}
