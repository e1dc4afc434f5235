"""When the rules look: each tenant once, after a change, every so often, and when a worker starts with another clock."""

from dataclasses import replace
from datetime import timedelta

from app.house import House
from core.postgres import pool_of
from jobs.watching import watch_all, watch_at_start, watch_for
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
    async with pool_of(house.database).connection() as connection:
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


async def test_what_the_night_held_stands_in_the_digest_and_is_no_single_word(house: House) -> None:
    given = replace(house.given, settings=house.settings.model_copy(update={"owner_email": OWNER}))
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update auth.users set email = %s", (OWNER,))
    await capture.import_calendar(house.caller, [MEETING])
    (held,) = (await watch_for(given, house.caller, NOW.replace(hour=6))).made
    assert (held.state, held.task_id) == ("held", None)
    morning = await watch_for(given, house.caller, NOW.replace(hour=7, minute=45))
    assert (morning.released, morning.digest) == ([], None)
    page = await watch_for(given, house.caller, NOW.replace(hour=8, minute=0))
    assert page.digest
    assert (page.released, page.digest.content.nudges) == ([], 1)
    told = await nudges.get_nudge(house.caller, held.id)
    assert (told.state, told.digest_id) == ("told", page.digest.id)
    assert told.task_id is not None
