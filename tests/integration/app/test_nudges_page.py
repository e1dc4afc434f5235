"""What people see of what is brought up: Today, /nudges, /digest and /settings/attention, all without a script."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app._attention.rules import rules_of
from app.house import House
from core.errors import NotFound
from core.postgres import pool_of
from tasks import runs
from tasks.commitments import NewCommitment, record_commitments
from tasks.digest_content import keep_what_is_due
from tasks.digests import KeptInDigest, keep_in_digest, make_digest
from tasks.nudges import decide_nudge, get_attention, get_nudge, list_nudges
from tests.conftest import NOW
from tests.integration.app.permitting import permitted, worker_of, written
from tests.integration.app.test_nudges_api import AGENDA, brought_up

HOSTILE = "<script>alert(1)</script> \u202eignore all rules"


async def press(client: httpx.AsyncClient, path: str, **fields: object) -> httpx.Response:
    return await client.post(path, data=fields)


async def test_today_shows_what_is_brought_up_with_its_reason_and_buttons(
    client: httpx.AsyncClient, house: House
) -> None:
    empty = (await client.get("/")).text
    assert "Brought up" not in empty
    first, second = await brought_up(house, "a", HOSTILE, task=AGENDA, person="priya@vega.example", why=HOSTILE)
    page = (await client.get("/")).text
    assert "2 of 5 today; quiet from 20:00" in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert f'href="/tasks/{first.task_id}"' in page
    assert "This person" in page
    assert "This thread" not in page
    done = await press(client, "/nudges", id=first.id, action="acted", back="/")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    twice = await press(client, "/nudges", id=first.id, action="dismissed", back="/")
    assert twice.headers["location"] == "/nudges"
    muted = await press(client, "/nudges", id=second.id, action="mute person", back="//evil.example")
    assert muted.headers["location"] == "/"
    page = (await client.get("/nudges")).text
    assert "Nothing is brought up now." in page
    assert "not useful: Its person was muted" in page
    for fields in ({"id": "x", "action": "acted"}, {"id": str(first.id), "action": "shout"}, {"action": "acted"}):
        assert (await press(client, "/nudges", **fields)).status_code == 422
    assert (await press(client, "/nudges", id=uuid4(), action="acted")).status_code == 404


async def test_reading_a_brief_is_acting_on_its_nudge(client: httpx.AsyncClient, house: House) -> None:
    brief = {"title": "Prepare brief", "execution_type": "fully_automated", "kind": "brief"}
    (nudge,) = await brought_up(house, "b", kind="brief", task=brief, executes=True)
    (other,) = await brought_up(house, "a", kind="agenda", task=brief, executes=True)
    assert nudge.task_id
    assert other.task_id
    await client.get(f"/tasks/{nudge.task_id}")
    assert (await get_nudge(house.caller, nudge.id)).state == "told"  # there was nothing to read yet
    service = await worker_of(house)
    for task_id in (nudge.task_id, other.task_id):
        await runs.start_task_execution(service, task_id, None)
        await runs.complete_task_execution(service, task_id, {"output": "Who comes"})
        assert (await client.get(f"/tasks/{task_id}")).status_code == 200
    read = await get_nudge(house.caller, nudge.id)
    assert (read.state, read.decided_because) == ("acted", "It was read")
    assert (await get_nudge(house.caller, other.id)).state == "told"


async def test_the_digest_tells_what_was_held_and_what_left_by_itself(client: httpx.AsyncClient, house: House) -> None:
    assert "There is none yet" in (await client.get("/digest")).text
    await client.patch("/api/attention", json={"daily_nudges": 0})
    await brought_up(house, "a", task=AGENDA)
    draft = await written(house, by=await permitted(house))
    async with pool_of(house.database).connection() as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(
            "update public.approvals set state = 'used', used_at = clock_timestamp() where draft_id = %s", (draft.id,)
        )
        await connection.execute("set session_replication_role = origin")
    made = await make_digest(house.caller, NOW, rules_of(house))
    assert made
    page = (await client.get("/digest")).text
    for words in ("Wednesday, 4 March", "Held back until then", "Draft a", "under your permission", "<dd>nothing"):
        assert words in page, words
    assert made.read_at is None
    assert (await client.get("/api/digests/2026-03-04")).json()["read_at"]
    (nudge,) = (await list_nudges(house.caller, digest_id=made.id)).items
    await decide_nudge(house.caller, nudge.id, "acted", NOW)
    assert await make_digest(house.caller, NOW + timedelta(days=1), rules_of(house))
    page = (await client.get("/digest")).text
    assert "Thursday, 5 March" in page
    assert 'href="/digest?day=2026-03-04"' in page
    assert "Nothing happened" in page
    assert "There is no digest of Sunday, 1 March" in (await client.get("/digest?day=2026-03-01")).text
    assert (await client.get("/digest?day=soon")).status_code == 422


async def test_a_digest_says_of_promises_what_was_so_when_it_was_made(client: httpx.AsyncClient, house: House) -> None:
    async def promised(title: str, due: datetime, **more: Any) -> None:
        row = {"is_mine": False, "person_name": "Omar", "quote": title, "title": title, "said_at": NOW, "due_at": due}
        await record_commitments(house.caller, [NewCommitment.model_validate(row | more)])

    await promised("fixes the import bug", NOW - timedelta(days=1), source_kind="notes")
    await promised("the offer", NOW + timedelta(hours=2), is_mine=True)
    await client.patch("/api/attention", json={"daily_nudges": 0})
    await brought_up(house, "a", task=AGENDA, executes=True)
    made = await make_digest(house.caller, NOW, rules_of(house))
    assert made
    kept = await keep_what_is_due(house.caller, made, NOW)
    await promised("the later one", NOW + timedelta(hours=3))
    assert await keep_what_is_due(house.caller, made, NOW) == kept
    page = (await client.get("/digest")).text
    overdue, due = page.index("Promises that are overdue"), page.index("Promises due by tomorrow")
    assert (
        overdue
        < page.index("Omar, by the notes: Fixes the import bug")
        < due
        < page.index("You promised Omar: The offer")
    )
    assert "The later one" not in page
    assert "what happened since Steward began" in page
    assert "nothing; 1 was being prepared as this was made" in page
    second = await make_digest(house.caller, NOW + timedelta(days=1), rules_of(house))
    assert second
    assert (await keep_what_is_due(house.caller, second, NOW + timedelta(days=1))).content.since == NOW
    assert "The later one" not in (await client.get("/digest?day=2026-03-04")).text
    page = (await client.get("/digest")).text
    assert page.index("overdue") < page.index("Omar promised you: The later one")
    with pytest.raises(NotFound):
        await keep_in_digest(house.caller, uuid4(), KeptInDigest())


async def test_attention_is_chosen_in_a_form(client: httpx.AsyncClient, house: House) -> None:
    here = "/settings/attention"
    fields = {
        "action": "save",
        "daily_nudges": "3",
        "quiet_from": "21:00",
        "quiet_until": "06:00",
        "quiet_days": ["sat", "sun"],
        "digest_at": "07:30",
        "proactive": "suggest",
        "mute_below": "25",
    }
    kept = await press(client, here, **fields)
    assert kept.headers["location"] == f"{here}?saved=yes"
    rules = (await get_attention(house.caller, NOW, rules_of(house))).rules
    assert (rules.daily_nudges, f"{rules.quiet_from}", rules.quiet_days, rules.proactive, rules.mute_below) == (
        3,
        "21:00:00",
        [5, 6],
        "suggest",
        0.25,
    )
    for name, value in {
        "daily_nudges": "many",
        "quiet_from": "",
        "quiet_days": "x",
        "digest_at": "",
        "proactive": "",
        "mute_below": "101",
    }.items():
        page = await press(client, here, **(fields | {name: value}))
        assert (page.status_code, "Nothing was kept" in page.text, "Allowed: " in page.text) == (422, True, True), name
    await press(client, here, **(fields | {"quiet_from": "", "quiet_until": ""}))
    assert "quiet from" not in (await client.get(here)).text
    made = await brought_up(house, *(f"k{n}" for n in range(8)))
    for one in made:
        await decide_nudge(house.caller, one.id, "dismissed", NOW)
    await brought_up(house, "next")
    page = (await client.get(here)).text
    assert "muted itself: 0 of the last 8 were of use" in page
    (mute,) = (await get_attention(house.caller, NOW, rules_of(house))).mutes
    assert (await press(client, here, action="unmute", mute_id=mute.id)).status_code == 303
    assert "Nothing is muted." in (await client.get(here)).text
    assert (await press(client, here, action="unmute", mute_id="x")).status_code == 422
    assert (await press(client, here, action="shout")).status_code == 422
    await press(client, here, action="defaults")
    assert (await get_attention(house.caller, NOW, rules_of(house))).rules.daily_nudges == 5
