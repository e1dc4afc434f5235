"""Work on web pages in a real Chromium, on pages served here: steps, sites, secrets and files."""

from typing import Any
from uuid import UUID

from app.house import House, furnish
from core.database import Database
from core.vault import Vault
from integrations.browser.sessions import sessions_of_this_process
from tasks import accounts, artifacts
from tests.emulators.site import Site
from tests.integration.agents.browsing import (
    asked,
    at_work,
    browsing_house,
    decided,
    events_of,
    order,
    site,
    texts_holding,
    wanted,
)
from tests.integration.agents.growing import is_state, until

__all__ = ["browsing_house", "site"]


async def test_steps_read_a_table_over_its_pages_into_a_form(browsing_house: House, site: Site) -> None:
    turn = [{"do": "extract", "name": "trains"}, {"do": "click", "target": "Next page"}]
    row = {"type": "object", "required": ["Train", "Leaves", "Seats"], "additionalProperties": {"type": "string"}}
    schema = {
        "type": "object",
        "required": ["trains"],
        "properties": {"trains": {"type": "array", "items": row, "minItems": 9}},
    }
    given = {"start_url": f"{site.url}/trains", "schema": schema,
             "steps": [{"do": "navigate", "url": f"{site.url}/trains"}, *turn, *turn, turn[0]]}  # fmt: skip
    async with at_work(browsing_house):
        task = await wanted(browsing_house, given)
        done = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    trains = done.result["output"]["output"]["trains"]
    assert [train["Train"] for train in trains] == ["T10", "T11", "T12", "T20", "T21", "T22", "T30", "T31", "T32"]
    seen = await events_of(browsing_house, task)
    assert [event["do"] for event in seen] == ["navigate", "extract", "click", "extract", "click", "extract"]
    picture = await artifacts.get_artifact(browsing_house.caller, seen[0]["artifact_id"])
    assert (picture.media_type, (picture.content or b"")[:3]) == ("image/jpeg", b"\xff\xd8\xff")


async def test_the_start_is_opened_before_the_first_step_and_is_none_of_them(browsing_house: House, site: Site) -> None:
    given = {"start_url": f"{site.url}/trains", "steps": [{"do": "click", "target": "Somewhere"}]}
    async with at_work(browsing_house):
        task = await wanted(browsing_house, given)
        stuck = await until(browsing_house, task.id, is_state("completed", "failed", "blocked"))
    assert "Step 1 (click 'Somewhere'): There is no" in (stuck.blocked_reason or "")
    assert (stuck.unblocked_by or "").startswith("Press See the pages")


async def test_sites_in_words_of_others_are_asked_about(browsing_house: House, site: Site) -> None:
    """A task that came in by mail names a site: that is not the person naming it."""
    house = browsing_house
    given = {"start_url": f"{site.url}/trains", "allow": [site.name], "steps": [
        {"do": "navigate", "url": f"{site.url}/trains"}, {"do": "extract"}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given, source="mail")
        question = await asked(house, task)
        assert (question.title, site.seen) == (f"May the browser open {site.url}/trains?", [])
        assert [reason.code for reason in question.decision.reasons] == ["url_untrusted"]
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert len(done.result["output"]["output"]) == 3


async def test_a_stored_sign_in_is_typed_and_never_shown(browsing_house: House, site: Site, database: Database) -> None:
    house = browsing_house
    given = {"start_url": f"{site.url}/sign-in", "steps": [
        {"do": "navigate", "url": f"{site.url}/sign-in"},
        {"do": "type", "target": "User", "secret": "user"},
        {"do": "type", "target": "Password", "secret": "password"},
        {"do": "submit", "target": "Sign in", "role": "button"},
        {"do": "extract", "fields": {"greeting": "Hello"}}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given)
        waiting = await until(house, task.id, is_state("blocked", "failed"))
        assert (waiting.blocked_on, "No sign-in is stored for 127.0.0.1" in (waiting.blocked_reason or "")) == (
            "account",
            True,
        )
        vault = Vault.from_settings(house.settings)
        secret = {"user": "Robin", "password": "right horse"}
        await accounts.connect_account(house.caller, vault, "site", "127.0.0.1", secret)
        question = await asked(house, task)
        assert (question.title, dict(question.payload["facts"])["Password"]) == ("Sign in at 127.0.0.1?", "•••")
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert done.result["output"]["output"] == {"greeting": "Hello Robin"}
    assert await texts_holding(database, "right horse") == []


async def test_files_come_down_and_go_up(browsing_house: House, site: Site) -> None:
    house = browsing_house
    given = {"start_url": f"{site.url}/files", "steps": [
        {"do": "navigate", "url": f"{site.url}/files"},
        {"do": "download", "target": "Report"},
        {"do": "wait", "seconds": 0},
        {"do": "back"},
        {"do": "navigate", "url": f"{site.url}/files"},
        {"do": "upload", "target": "Attachment", "file": "_report.csv"},
        {"do": "submit", "target": "Upload"}]}  # fmt: skip
    async with at_work(house):
        task = await wanted(house, given)
        question = await asked(house, task)
        assert dict(question.payload["facts"])["Attachment"] == "_report.csv (8 bytes)"
        done = await decided(house, task)
    assert done.execution_status == "completed", done.failure_reason or done.blocked_reason
    assert site.sent == [("/upload", {"file": "_report.csv", "note": ""})]
    (file,) = done.result["output"]["files"]
    kept = await artifacts.get_artifact(house.caller, UUID(file["artifact_id"]))
    assert (kept.content, kept.media_type) == (b"a,b\n1,2\n", "text/csv")


async def test_bad_input_says_what_is_wrong(browsing_house: House) -> None:
    goal = {"goal": "look"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "a goal, or steps"),
        (goal, "start_url"),
        (goal | {"start_url": "ftp://files.example"}, "Only http and https"),
        (goal | {"start_url": "file:///etc/passwd"}, "Only http and https"),
        (goal | {"start_url": "http://169.254.169.254/latest"}, "169.254.169.254"),
        (goal | {"start_url": "http://user:word@shop.example/"}, "Only http and https"),
        ({"steps": [{"do": "click"}], "start_url": "http://shop.example"}, "click needs target"),
        ({"steps": [{"do": "pay"}], "start_url": "http://shop.example"}, "'navigate', 'click'"),
        (goal | {"start_url": "http://shop.example", "allow": ["not a site"]}, "'not a site' is none"),
        (goal | {"start_url": "http://shop.example", "max_steps": 0}, "max_steps"),
        (goal | {"start_url": "http://shop.example", "surprise": 1}, "surprise"),
    ]
    async with at_work(browsing_house):
        tasks = [await wanted(browsing_house, given) for given, _ in cases]
        ended = [await until(browsing_house, task.id, is_state("failed", "blocked", "completed")) for task in tasks]
    for (_, said), task in zip(cases, ended, strict=True):
        assert task.execution_status == "failed", task.blocked_reason
        assert said in (task.failure_reason or "")


async def test_without_a_browser_the_task_says_how_to_add_one(browsing_house: House, site: Site) -> None:
    settings = browsing_house.settings.model_copy(update={"browser_program": "/nowhere/chromium"})
    house = furnish(settings, browsing_house.clock, browsing_house.database, browsing_house.owner)
    async with at_work(house):
        task = await wanted(house, order(site))
        ended = await until(house, task.id, is_state("failed", "blocked", "completed"))
    sessions_of_this_process("/nowhere/chromium").chromium.stop()
    assert (ended.execution_status, ended.blocked_on) == ("blocked", "account")
    assert "apt install chromium" in (ended.unblocked_by or "")
