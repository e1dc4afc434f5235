"""When the rules look: each tenant once, after a change, every so often, and when a worker starts with another clock."""

from dataclasses import replace
from datetime import timedelta

from app.house import House
from jobs.watching import watch_all, watch_at_start
from tasks import capture, nudges
from tests.conftest import NOW

OWNER = "robin@vega.example"
MEETING = {
    "uid": "review@cal.example",
    "title": "Quarterly review",
    "starts_at": (NOW + timedelta(hours=28)).isoformat(),
    "ends_at": (NOW + timedelta(hours=29)).isoformat(),
    "organizer": OWNER,
    "attendees": [{"address": "priya@vega.example", "name": "Priya", "partstat": "accepted"}],
}


async def test_a_change_is_looked_at_once_and_a_start_with_a_moved_clock_looks_again(house: House) -> None:
    given = replace(house.given, settings=house.settings.model_copy(update={"owner_email": OWNER, "now": NOW}))
    async with house.database.pool.connection() as connection:
        await connection.execute("update auth.users set email = %s", (OWNER,))
    assert await watch_all(given) == 0  # nothing is there to look at
    await capture.import_calendar(house.caller, [MEETING])
    assert await watch_all(given) == 1
    assert await watch_all(given) == 0
    (made,) = (await nudges.list_nudges(house.caller)).items
    assert (made.kind, made.state) == ("agenda", "told")
    assert await watch_at_start(given) == 1  # the clock may be another
    still = replace(given, settings=given.settings.model_copy(update={"now": None}))
    assert await watch_at_start(still) == 0
    await capture.import_calendar(house.caller, [{**MEETING, "title": "Quarterly talk"}])
    assert await watch_all(still) == 1
