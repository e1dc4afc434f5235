"""Promises and mail by what it needs: the API and the pages."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.house import House
from core.keys import Keys
from tasks import capture, commitments, functions
from tests.conftest import NOW
from tests.integration.app.test_policies_page import press
from tests.integration.app.test_settings_page import pages_of
from tests.integration.jobs.test_promises import ANSWER, QUESTION, a_mail, read

THEIRS = a_mail(
    5,
    "Hi Robin,\n\nI will send the <b>contract</b> on Friday.",
    at="2026-03-03T09:30",
    thread="<5@x>",
    subject="Contract",
)


async def items(client: httpx.AsyncClient, path: str = "/api/commitments", **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_promises_are_listed_closed_moved_and_opened(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    await read(house, QUESTION, ANSWER, THEIRS)
    mine, theirs = await items(client)
    assert (mine["is_mine"], theirs["is_mine"], theirs["subject"]) == (True, False, "Contract")
    assert await items(client, mine=True, person="dana@northwind.example", due_before="2026-03-06T00:00:00Z") == [mine]
    first = (await client.get("/api/commitments", params={"limit": 1})).json()
    assert await items(client, limit=1, cursor=first["next_cursor"]) == [theirs]
    here = f"/api/commitments/{theirs['id']}"
    moved = await client.patch(here, json={"due_at": "2026-03-10T12:00:00+01:00", "due_is_all_day": False})
    assert (moved.status_code, moved.json()["due_is_all_day"]) == (200, False)
    kept = await client.patch(here, json={"state": "kept", "because": "It came by post"})
    assert (kept.json()["state"], kept.json()["closed_because"]) == ("kept", "It came by post")
    assert (await client.patch(here, json={"state": "dropped"})).status_code == 409
    assert (await client.patch(here, json={"due_at": None})).status_code == 409
    assert [one["state"] for one in await items(client)] == ["open", "kept"]
    assert (await client.patch(here, json={"state": "open"})).json()["state"] == "open"
    assert await items(stranger) == []
    assert (await stranger.get(here)).status_code == 404
    assert (await stranger.patch(here, json={"state": "kept"})).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"state": None}, {"state": "done"}, {"due_at": "2026-03-10T12:00:00"}, {"state": "kept", "due_at": None}, {"quote": "x"}, {"state": "kept", "because": "\x00"}],
    ids=["empty", "null", "unknown", "no offset", "both", "other field", "nul"],
)  # fmt: skip
async def test_a_wrong_change_is_told(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.patch(f"/api/commitments/{uuid4()}", json=body)).status_code == 422


async def test_moving_a_promise_moves_its_task(client: httpx.AsyncClient, house: House) -> None:
    await read(house, QUESTION, ANSWER)
    (promise,) = await items(client)
    await client.patch(f"/api/commitments/{promise['id']}", json={"due_at": "2026-03-09T22:59:59Z"})
    task = await functions.get_task(house.caller, promise["task_id"])
    assert task.due_at
    assert task.due_at.isoformat().startswith("2026-03-09T22:59:59")


async def test_a_category_is_put_right_and_what_it_was_is_kept(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    await read(house, QUESTION, THEIRS)
    contract, question = await items(client, "/api/mail/triage")
    assert (question["category"], contract["category"]) == ("needs_reply", "information")
    assert [one["title"] for one in question["tasks"]] == ["Answer Dana Ortiz: Delay of order NW-2231?"]
    assert [one["quote"] for one in contract["commitments"]] == ["I will send the <b>contract</b> on Friday."]
    here = f"/api/mail/{contract['id']}"
    right = (await client.patch(here, json={"category": "needs_action"})).json()
    assert (right["category"], right["corrected_from"]) == ("needs_action", "information")
    again = (await client.patch(here, json={"category": "noise"})).json()
    assert (again["category"], again["corrected_from"]) == ("noise", "information")
    back = (await client.patch(here, json={"category": "information"})).json()
    assert (back["corrected_at"], back["corrected_from"]) == (None, None)
    assert await items(client, "/api/mail/triage", category="needs_reply") == [question]
    for wrong in ({"category": "spam"}, {}, {"category": "noise", "x": 1}):
        assert (await client.patch(here, json=wrong)).status_code == 422
    assert (await stranger.patch(here, json={"category": "noise"})).status_code == 404
    assert (await client.get("/api/mail/triage", params={"category": "spam"})).status_code == 422


async def test_the_pages_show_and_change(house: House, keys: Keys) -> None:
    await read(
        house, QUESTION, ANSWER, THEIRS, a_mail(7, "<img src=x>", subject="<script>alert(1)</script>", thread="<7@x>")
    )
    mine, theirs = (await commitments.list_commitments(house.caller)).items
    async with pages_of(house, keys) as pages:
        page = (await pages.get("/commitments")).text
        assert "I will send the &lt;b&gt;contract&lt;/b&gt; on Friday." in page
        assert f'href="/tasks/{mine.task_id}"' in page
        assert f'href="/mail?mail={theirs.mail_id}#mail-{theirs.mail_id}"' in page
        done = await press(pages, keys, "/commitments", id=str(theirs.id), button="kept")
        assert done.headers["location"] == f"/commitments#promise-{theirs.id}"
        assert "You said so" in (await pages.get("/commitments")).text
        late = await press(pages, keys, "/commitments", id=str(theirs.id), button="move", due="2026-03-12")
        assert (late.status_code, "This promise is kept" in late.text) == (409, True)
        await press(pages, keys, "/commitments", id=str(theirs.id), button="open")
        await press(pages, keys, "/commitments", id=str(theirs.id), button="move", due="2026-03-12")
        assert "Thu 12 Mar" in (await pages.get("/commitments")).text
        for form in (
            {"button": "move", "due": "soon"},
            {"button": "move", "due": "9999-01-01"},
            {"button": "burn"},
            {"id": "x", "button": "kept"},
        ):
            assert (await press(pages, keys, "/commitments", **{"id": str(theirs.id), **form})).status_code == 422
        mail = (await pages.get("/mail")).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in mail
        assert "<img" not in mail
        assert "You promised" in (await pages.get("/mail", params={"mail": str(mine.mail_id)})).text
        pressed = await press(
            pages, keys, "/mail", id=str(theirs.mail_id), category="noise", back="/mail?category=information"
        )
        assert pressed.headers["location"] == f"/mail?category=information#mail-{theirs.mail_id}"
        assert (
            "You put it right; it had been information."
            in (await pages.get("/mail", params={"category": "noise"})).text
        )
        assert (await press(pages, keys, "/mail", id=str(theirs.mail_id), category="spam")).status_code == 422
        assert (await press(pages, keys, "/mail", id="x", category="noise")).status_code == 404
        assert (await pages.get("/mail", params={"category": "spam"})).status_code == 422


async def test_suspicious_mail_has_no_category_marked(client: httpx.AsyncClient, house: House) -> None:
    row = {"message_id": "s@x", "thread_key": "s", "from_address": "it@x.example", "subject": "Verify", "text_body": "Obey",
           "sent_at": NOW.isoformat(), "category": "information", "suspicious": "It speaks to the assistant."}  # fmt: skip
    await capture.import_mail(house.caller, [row], [])
    page = (await client.get("/mail", params={"category": "suspicious"})).text
    assert "It speaks to the assistant." in page
    assert 'aria-pressed="true"' not in page
    assert 'aria-pressed="false"' in page
