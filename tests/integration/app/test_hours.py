"""People's own time zones and working hours: two in one house, each by their own clock."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from html import unescape

import httpx
import pytest

from app.house import House
from core.clock import Clock
from core.database import Caller, Identity
from core.errors import Forbidden, Invalid
from core.keys import Keys
from tasks import calendar, functions, tokens
from tasks.own_hours import HoursChange, OwnHours, get_own_hours, save_own_hours
from tests.integration.app.test_organizations import csrf_of, invited, pages_of

NEW_YORK = {"timezone": "America/New_York"}
# The house is in Berlin, where it is Wednesday 4 March 2026, 09:30.


@pytest.fixture
async def ann(house: House) -> Caller:
    """Somebody else in the same house."""
    return await invited(house, "ann@example.org")


@pytest.fixture
async def anns(client: httpx.AsyncClient, ann: Caller, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """Ann's program, by the same process."""
    assert ann.identity.user_id
    headers = {"Authorization": f"Bearer {keys.bearer_token(ann.identity.user_id)}"}
    transport = client._transport  # pyright: ignore[reportPrivateUsage]
    async with httpx.AsyncClient(transport=transport, base_url=client.base_url, headers=headers) as made:
        yield made


async def due_of(client: httpx.AsyncClient, words: str) -> datetime:
    answer = await client.post("/api/chat", json={"message": words})
    (task,) = answer.json()["tasks"]
    return datetime.fromisoformat(task["due_at"]).astimezone(UTC)


async def test_tomorrow_at_nine_is_everybodys_own(client: httpx.AsyncClient, anns: httpx.AsyncClient) -> None:
    assert (await anns.get("/api/hours")).json()["chosen"] == []
    told = (await anns.patch("/api/hours", json=NEW_YORK)).json()
    assert (told["timezone"], told["chosen"], told["now"][-6:]) == ("America/New_York", ["timezone"], "-05:00")
    assert told["installation"] == {"timezone": "Europe/Berlin", "working_hours": "mon-fri 09:00-17:00"}
    assert await due_of(client, "Call Jo tomorrow at 9am") == datetime(2026, 3, 5, 8, tzinfo=UTC)
    assert await due_of(anns, "Call Jo tomorrow at 9am") == datetime(2026, 3, 5, 14, tzinfo=UTC)
    # In Tokyo it is half past five in the afternoon already, and in Honolulu still yesterday evening.
    await anns.patch("/api/hours", json={"timezone": "Pacific/Honolulu"})
    assert await due_of(anns, "Write to Jo tomorrow at 9am") == datetime(2026, 3, 4, 19, tzinfo=UTC)
    # Back to the house's, at once.
    assert (await anns.patch("/api/hours", json={"timezone": None})).json()["chosen"] == []
    assert await due_of(anns, "Ask Jo tomorrow at 9am") == datetime(2026, 3, 5, 8, tzinfo=UTC)


async def test_on_the_day_the_clocks_change_nine_is_nine(anns: httpx.AsyncClient) -> None:
    await anns.patch("/api/hours", json=NEW_YORK)
    # New York's clocks go forward on 8 March 2026, Berlin's on 29 March.
    assert await due_of(anns, "Call Jo on 7 March at 9am") == datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert await due_of(anns, "Ask Jo on 8 March at 9am") == datetime(2026, 3, 8, 13, tzinfo=UTC)


async def test_the_day_the_calendar_and_free_times_go_by_ones_own_clock(
    client: httpx.AsyncClient, anns: httpx.AsyncClient, ann: Caller
) -> None:
    mine = {**NEW_YORK, "working_hours": "Mon-Fri  10:00-12:00 13:00-15:00"}
    assert (await anns.patch("/api/hours", json=mine)).json()["working_hours"] == "mon-fri 10:00-12:00 13:00-15:00"
    await functions.create_tasks(ann, [{"title": "Report", "estimated_duration_minutes": 60}])
    day = (await anns.get("/api/day")).json()
    assert day["timezone"] == "America/New_York"
    assert [one["starts_at"][11:] for one in day["working_hours"]] == ["10:00:00-05:00", "13:00:00-05:00"]
    assert [one["starts_at"][:16] for one in day["blocks"]] == ["2026-03-04T10:00"]
    others = (await client.get("/api/day")).json()
    assert (others["timezone"], len(others["working_hours"])) == ("Europe/Berlin", 1)
    row = {"uid": "late", "title": "Late", "timezone": "America/New_York"}
    late = {"starts_at": "2026-03-04T22:00:00-05:00", "ends_at": "2026-03-04T23:00:00-05:00"}
    await calendar.add_calendar_event(ann, row | late)
    listed = (await anns.get("/api/calendar", params={"start": "2026-03-04", "end": "2026-03-05"})).json()
    assert "Late" in str(listed)


async def test_quiet_hours_and_digest_are_by_ones_own_clock(client: httpx.AsyncClient, anns: httpx.AsyncClient) -> None:
    await anns.patch("/api/hours", json=NEW_YORK)
    theirs, mine = [(await one.get("/api/attention")).json() for one in (anns, client)]
    # Half past nine in Berlin is half past three at night in New York.
    assert (theirs["timezone"], theirs["is_quiet"]) == ("America/New_York", True)
    assert (mine["timezone"], mine["is_quiet"]) == ("Europe/Berlin", False)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Europe/Berlim"}, "timezone"),
        ({"timezone": "CEST"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"working_hours": "always"}, "working_hours"),
        ({"working_hours": "fri-mon 09:00-17:00"}, "working_hours"),
        ({"working_hours": "mon 17:00-09:00"}, "working_hours"),
        ({"zone": "Europe/Berlin"}, "zone"),
    ],
)
async def test_what_nobody_can_read_is_refused_and_named(
    client: httpx.AsyncClient, wrong: dict[str, str], field: str
) -> None:
    answer = await client.patch("/api/hours", json={"working_hours": "sat 10:00-12:00"} | wrong)
    assert answer.status_code == 422
    assert field in str(answer.json()["errors"])
    assert (await client.get("/api/hours")).json()["chosen"] == []


async def test_the_database_refuses_it_as_well(ann: Caller) -> None:
    for changes, field in (
        ({"timezone": "CEST"}, "timezone"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "UTC+3"}, "timezone"),
        ({"working_hours": "mon 9-17"}, "working_hours"),
        ({"working_hours": "sun-mon 09:00-17:00"}, "working_hours"),
        ({"working_hours": "mon 17:00-09:00"}, "working_hours"),
        ({"working_hours": ""}, "working_hours"),
        ({"digest_at": "08:00"}, "digest_at"),
    ):
        with pytest.raises(Invalid, match=field):
            await ann.call("save_own_hours", changes=changes)
    whole = {"timezone": "Asia/Kolkata", "working_hours": "mon-thu 08:00-12:30 13:30-00:00; sun 10:00-11:00"}
    assert await ann.call("save_own_hours", changes=whole) == whole


async def test_nobody_reads_or_sets_anothers(house: House, ann: Caller, client: httpx.AsyncClient) -> None:
    await save_own_hours(ann, HoursChange.model_validate(NEW_YORK))
    assert await get_own_hours(house.caller) == OwnHours()
    await save_own_hours(house.caller, HoursChange.model_validate({"timezone": "Asia/Tokyo"}))
    assert await get_own_hours(ann) == OwnHours(timezone="America/New_York")
    for nobody in (Identity.nobody(), Identity.service()):
        with pytest.raises(Forbidden):
            await house.database.acting_as(nobody).call("save_own_hours", changes=NEW_YORK)
    # A program goes by its person's clock, and changes nothing of it.
    made = await tokens.create_token(ann, "script", ["tasks:read", "tasks:write"])
    program = {"Authorization": f"Bearer {made.token}"}
    assert (await client.get("/api/hours", headers=program)).json()["timezone"] == "America/New_York"
    assert (await client.patch("/api/hours", headers=program, json={"timezone": None})).status_code == 403
    assert await due_of(client, "Call Jo tomorrow at 9am") == datetime(2026, 3, 5, 0, tzinfo=UTC)


async def test_the_page_keeps_marks_and_goes_back(house: House, keys: Keys, ann: Caller) -> None:
    async with pages_of(house, keys, ann.identity) as browser:
        page = await browser.get("/settings/hours")
        assert "Empty: Europe/Berlin, as this installation has it" in page.text
        assert "Back to the installation" not in page.text
        form = {"csrf_token": csrf_of(page), "action": "save"}
        wrong = await browser.post("/settings/hours", data={**form, "timezone": "Berlin/Europe", "working_hours": "x"})
        assert wrong.status_code == 422
        assert re.findall(r'id="wrong-(\w+)"', wrong.text) == ["timezone", "working_hours"]
        assert 'value="Berlin/Europe"' in wrong.text
        turned = await browser.post("/settings/hours", data={**form, "working_hours": "mon-fri 17:00-09:00"})
        assert 'id="wrong-working_hours">Working hours 17:00-09:00 end before they start<' in turned.text
        kept = await browser.post("/settings/hours", data={**form, **NEW_YORK}, follow_redirects=True)
        assert "03:30 on Wednesday, 04 March in America/New_York" in unescape(kept.text)
        # The other field stays, and pages go by the zone from now on.
        await browser.post("/settings/hours", data={**form, "working_hours": "mon 10:00-12:00"})
        assert await get_own_hours(ann) == OwnHours(timezone="America/New_York", working_hours="mon 10:00-12:00")
        assert "America/New_York" in (await browser.get("/calendar")).text
        back = await browser.post("/settings/hours", data={**form, "action": "defaults"}, follow_redirects=True)
        assert "09:30 on Wednesday, 04 March in Europe/Berlin" in unescape(back.text)
        assert (await browser.post("/settings/hours", data={**form, "action": "x"})).status_code == 422


async def test_without_a_choice_everything_is_the_houses(house: House, ann: Caller) -> None:
    assert await house.clocks.of(ann) is house.clock
    assert (await house.by_owner()) is house


def test_a_persons_clock_ticks_with_the_houses(house: House) -> None:
    theirs = house.clock.of("America/New_York", None)
    assert abs((theirs.now() - house.clock.now()).total_seconds()) < 1
    assert theirs.now().utcoffset() != house.clock.now().utcoffset()
    assert theirs.of() is house.clock
    assert isinstance(theirs.of("Asia/Tokyo").installation, Clock)
