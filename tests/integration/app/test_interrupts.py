"""Agents of others use the review page: asked and answered over HTTP, and with the forms of the pages."""

import asyncio
import re
from collections.abc import AsyncGenerator
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys
from tests.integration.app.conftest import BASE

ALL = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}
ARGS: dict[str, Any] = {
    "to": "carol@example.org",
    "text": "Hello\nCarol",
    "copies": 2,
    "rate": 0.5,
    "urgent": True,
    "tags": ["a", "b"],
    "more": {"deep": [1, None]},
    "odd": "  kept \u202e as it is",
    "nothing": None,
}
QUESTION = {"action_request": {"action": "send_mail", "args": ARGS}, "config": ALL, "description": "**Why** so"}
HOSTILE = {
    "action_request": {
        "action": "<button>Accept</button>\x1b[2J",
        "args": {
            "<img src=http://evil.example/a>": "<script>alert(1)</script>\x07",
            "button": '</dd><form action="http://evil.example"><button name="type" value="accept">Accept</button></form>',
            "huge": "x" * 60_000,
            **{f"n{n}": n for n in range(40)},
        },
    },
    "config": ALL,
    "description": "![x](http://evil.example/b.png) <img src=http://evil.example/c> [Accept](javascript:alert(1)) "
    "[Accept](http://evil.example/accept)\n\n<button>Accept</button>",
}


@pytest.fixture
async def larry(client: httpx.AsyncClient, house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """An agent; paths begin below its own."""
    made = (await client.post("/api/agents", json={"name": "Larry"})).json()
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {made['token']}"}
    base = f"{BASE}/api/agents/{made['details']['id']}/"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as agent:
        yield agent


@pytest.fixture
async def browser(house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody signed in with a cookie, as browsers are."""
    assert house.owner.user_id
    transport = httpx.ASGITransport(create_app(house, keys))
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Accept": "text/html"}) as made:
        await made.get("/", params={"token": keys.link_token(house.owner.user_id)})
        made.headers["X-CSRF-Token"] = keys.csrf_token(made.cookies["steward_session"])
        yield made


async def ask(larry: httpx.AsyncClient, question: dict[str, Any] | None = None, **more: Any) -> str:
    answer = await larry.post("interrupts", json={**(question or QUESTION), **more})
    assert answer.status_code == 201, answer.text
    [item] = answer.json()["items"]
    assert item["status"] == "waiting"
    return item["id"]


async def waiting(client: httpx.AsyncClient, interrupt_id: str) -> dict[str, Any]:
    found = (await client.get("/api/approvals", params={"state": "open"})).json()["items"]
    return next(one for one in found if one["task_id"] == interrupt_id)


def form_in(page: str, approval_id: str, kind: str) -> dict[str, str]:
    """What a browser would send with the button of this kind."""
    forms = re.findall(rf'<form class="\w+" action="/review/interrupts/{approval_id}".*?</form>', page, re.DOTALL)
    form = next(one for one in forms if f'name="type" value="{kind}"' in one)
    fields = dict(re.findall(r'<input [^>]*?name="([^"]+)"[^>]*? value="([^"]*)"', form))
    fields |= dict(re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL))
    for name, inner in re.findall(r'<select [^>]*?name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        fields[name] = (re.findall(r'value="([^"]*)" selected', inner) or [""])[0]
    sent = {name: unescape(value).replace("\n", "\r\n") for name, value in fields.items()}
    return {**sent, "type": kind}


def field(name: str) -> str:
    """The name of an argument's field; the database keeps arguments by length and letters."""
    return f"arg.{sorted(ARGS, key=lambda one: (len(one), one)).index(name)}"


async def test_an_agent_asks_waits_and_is_answered(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    first = await ask(larry)
    asked = await waiting(client, first)
    assert asked["payload"] == QUESTION
    assert asked["asked_by"]["name"] == "Larry"
    assert (await larry.get(f"interrupts/{first}?wait=0")).json() == {
        "id": first,
        "status": "waiting",
        "response": None,
    }
    edit = {"action": "send_mail", "args": {**ARGS, "copies": 3}}
    body = {"type": "edit", "digest": asked["digest"], "args": edit}
    path = f"/api/approvals/{asked['id']}/answer"
    polled = asyncio.create_task(larry.get(f"interrupts/{first}?wait=30"))
    refused: list[tuple[dict[str, Any], int]] = [
        ({**body, "digest": "0" * 64}, 409),
        ({**body, "type": "approve"}, 422),
        ({**body, "args": {"action": "other", "args": {}}}, 422),
        ({**body, "type": "response", "args": ""}, 422),
        ({**body, "type": "response", "args": "a\u0000"}, 422),
    ]
    for wrong, status in refused:
        assert (await client.post(path, json=wrong)).status_code == status, wrong
    assert (await stranger.post(path, json=body)).status_code == 404
    assert (await larry.post(f"{BASE}{path}", json=body)).status_code == 403
    assert not polled.done()
    assert (await client.post(path, json=body)).status_code == 200
    answered = {"id": first, "status": "answered", "response": {"type": "edit", "args": edit}}
    assert (await polled).json() == answered
    assert (await larry.get(f"interrupts/{first}?wait=30")).json() == answered
    assert (await client.post(path, json=body)).status_code == 409
    assert (await larry.delete(f"interrupts/{first}")).status_code == 409


async def test_several_at_once_all_or_none_withdrawn_and_refused(
    client: httpx.AsyncClient, larry: httpx.AsyncClient
) -> None:
    both = (await larry.post("interrupts", json=[QUESTION, QUESTION])).json()["items"]
    assert len({one["id"] for one in both}) == 2
    gone = both[0]["id"]
    for _ in range(2):
        assert (await larry.delete(f"interrupts/{gone}")).json()["status"] == "withdrawn"
    assert (await larry.get(f"interrupts/{gone}?wait=30")).json()["status"] == "withdrawn"
    for wrong, place in (
        ([], ""),
        ({}, "action_request"),
        ([QUESTION, {**QUESTION, "config": {}}], "1.config"),
        ({**QUESTION, "expires_in_seconds": 0}, "expires_in_seconds"),
        ({**QUESTION, "key": ""}, "key"),
        ({**QUESTION, "key": "x" * 201}, "key"),
        ({**QUESTION, "key": "x\0"}, "key"),
        ({**QUESTION, "args": {}}, "args"),
        ("text", ""),
    ):
        refused = await larry.post("interrupts", json=wrong)
        assert refused.status_code == 422, wrong
        assert place in {one["field"].removeprefix("body.") for one in refused.json()["errors"]} or not place, (
            refused.json()
        )
    assert (await larry.post("interrupts", json={**QUESTION, "task_id": str(uuid4())})).status_code == 404
    assert (await larry.get(f"interrupts/{uuid4()}")).status_code == 404
    assert (await client.post(str(larry.base_url.join("interrupts")), json=QUESTION)).status_code == 403
    keyed = {**QUESTION, "key": "first"}
    twice = [(await larry.post("interrupts", json=keyed)).json()["items"] for _ in "12"]
    assert twice[0] == twice[1]
    other = await larry.post("interrupts", json={**keyed, "description": "Other"})
    assert (other.status_code, "first" in other.json()["detail"]) == (409, True)
    assert len((await client.get("/api/approvals", params={"state": "open"})).json()["items"]) == 2


async def test_a_person_answers_on_the_pages_with_forms_alone(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    for kind, at in (("accept", "/review"), ("ignore", "/tasks"), ("response", "/review"), ("edit", "/own")):
        found = await ask(larry)
        asked = await waiting(client, found)
        own = f"/review/interrupts/{asked['id']}"
        where = {"/tasks": f"/tasks/{found}", "/own": own}.get(at, at)
        page = await browser.get(where)
        assert page.status_code == 200, page.text
        assert "Larry asks: send_mail" in page.text
        assert "<strong>Why</strong> so" in page.text
        form = form_in(page.text, asked["id"], kind)
        expected: dict[str, Any] = {"type": kind, "args": QUESTION["action_request"] if kind == "accept" else None}
        if kind == "response":
            empty = await browser.post(own, data=form)
            assert (empty.status_code, "It is empty." in empty.text) == (422, True)
            form["said"] = expected["args"] = "Call her\nfirst <b>"
        if kind == "edit":
            wrong = await browser.post(
                own, data={**form, field("copies"): "two", field("more"): "{oh", field("text"): "Kept <words>"}
            )
            assert wrong.status_code == 422
            assert "It is a whole number, not &#39;two&#39;." in wrong.text
            assert "This is not JSON" in wrong.text
            kept = form_in(wrong.text, asked["id"], "edit")
            assert (kept[field("copies")], kept[field("more")], kept[field("text")]) == ("two", "{oh", "Kept <words>")
            form |= {
                field("copies"): "3",
                field("tags"): "a\r\nc",
                field("more"): '{"deep": []}',
                field("urgent"): "no",
            }
            changed: dict[str, Any] = {"copies": 3, "tags": ["a", "c"], "more": {"deep": []}, "urgent": False}
            expected["args"] = {"action": "send_mail", "args": {**ARGS, **changed}}
        answer = await browser.post(own, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, where if at == "/tasks" else "/review")
        assert (await larry.get(f"interrupts/{found}")).json()["response"] == expected
        again = await browser.post(own, data=form)
        assert (again.status_code, "Nothing was sent: This is answered already" in again.text) == (409, True)
        assert "You " in (await browser.get(own)).text
        page = (await browser.get(f"/tasks/{found}")).text
        assert f'href="{own}">look at it' in page
        assert "<span>by Larry</span>" in page
        assert ("a person answered" in page, "looked up afterwards" in page) == (True, False)
        assert ("<strong>answered</strong> Call her" in page) is (kind == "response")
        assert found not in (await browser.get("/executions")).text
    everything = (await browser.get("/review?tab=all")).text
    assert everything.count("Larry asks: send_mail") == 4
    assert "You accepted it with your changes" in everything


async def test_only_what_is_allowed_has_a_button(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    kinds = {"allow_accept": "accept", "allow_edit": "edit", "allow_respond": "response", "allow_ignore": "ignore"}
    for flag, kind in kinds.items():
        found = await ask(larry, {**QUESTION, "config": {flag: True}})
        asked = await waiting(client, found)
        page = (await browser.get(f"/review/interrupts/{asked['id']}")).text
        assert re.findall(r'name="type" value="(\w+)"', page) == [kind]
        other = "ignore" if kind != "ignore" else "accept"
        refused = await browser.post(
            f"/review/interrupts/{asked['id']}", data={"type": other, "digest": asked["digest"]}
        )
        assert refused.status_code == 422
        assert f"allowed: {kind}" in refused.text


async def test_what_an_agent_writes_is_text_and_no_page(
    client: httpx.AsyncClient, larry: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    found = await ask(larry, HOSTILE)
    asked = await waiting(client, found)
    for where in ("/review", f"/review/interrupts/{asked['id']}", f"/tasks/{found}"):
        page = (await browser.get(where)).text
        main = page[page.index("<main") :]
        assert "<img" not in main
        assert "<script>alert" not in main
        assert 'href="javascript:' not in main
        assert 'action="http://evil.example"' not in main
        assert "\x1b" not in main.partition('id="edit-')[0]
        assert "There are characters in it that nobody sees" in main
        own = f"/review/interrupts/{asked['id']}"  # what is too long for a card is answered where it stands whole
        answers = ["accept", "ignore", "edit", "response"] if where == own else []
        assert re.findall(r'name="type" value="(\w+)"', main) == answers
        assert ("Read the whole, then answer" in main, "x" * 6000 in main) == (where != own, where == own)
    form = form_in((await browser.get(f"/review/interrupts/{asked['id']}")).text, asked["id"], "edit")
    assert (await browser.post(f"/review/interrupts/{asked['id']}", data=form)).status_code == 303
    answer = (await larry.get(f"interrupts/{found}")).json()["response"]
    assert answer == {"type": "edit", "args": HOSTILE["action_request"]}


async def test_what_is_long_is_cut_and_what_is_many_has_pages(
    client: httpx.AsyncClient,
    larry: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.review._show.MOST_ASKED", 1)
    heads = {**QUESTION, "description": "# x\n" * 5000}
    second = await ask(larry, heads)
    first = await ask(larry, {**QUESTION, "action_request": {"action": "first", "args": {"n" * 2000: "y" * 90_000}}})
    for wrong in ({"description": "x" * 20_001}, {"action_request": {"action": "a", "args": {"a": "x" * 100_000}}}):
        assert (await larry.post("interrupts", json={**QUESTION, **wrong})).status_code == 422
    page = (await browser.get("/review")).text
    assert ("Larry asks: first" in page, "Larry asks: send_mail" in page, len(page) < 40_000) == (True, False, True)
    [older] = re.findall(r'href="(/review[^"]*asked_after=[^"]+)"', page)
    page = (await browser.get(unescape(older))).text
    assert (page.count("<h1>x</h1>"), "Larry asks: first" in page) == (40, False)
    own = f"/review/interrupts/{(await waiting(client, second))['id']}"
    assert (await browser.get(own)).text.count("<h1>x</h1>") == 5000
    count = await browser.get("/review", headers={"HX-Request": "true", "HX-Target": "review-count"})
    assert (">2<" in count.text, "Larry" in count.text) == (True, False)
    assert await waiting(client, first)
