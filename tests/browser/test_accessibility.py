"""Each page in both themes, checked by axe in a real browser (WCAG 2 A and AA)."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from app.house import House
from core.database import Identity
from jobs.learning import try_preference
from tasks import agent_work, agents, functions, interrupts, preferences, review
from tasks.digests import make_digest
from tasks.interrupts import NewInterrupt
from tasks.nudges import AttentionRules, Finding, mute_nudges, offer_nudges
from tests.browser.axe import violations
from tests.integration.jobs.test_promises import ANSWER, QUESTION, a_mail, read

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser


async def test_pages_pass_axe(signed_in: OpenPage, served: str, house: House) -> None:
    tasks = await functions.create_tasks(
        house.caller,
        [
            {"title": "Call Ana", "labels": ["home"], "due_at": "2026-03-01T10:00:00Z", "priority": "high"},
            {"title": "Mail John"},
            {"title": "Paint the sign"},
        ],
    )
    await review.create_draft(
        house.caller, tasks[1].id, {"to_recipients": ["john@example.com"], "subject": "Hello", "body": "Hello John"}
    )
    agent = await agents.register_agent(house.caller, {"name": "Larry", "capabilities": ["prospecting"]})
    larry = house.database.acting_as(Identity.agent(agent.details.id, tasks[0].organization_id))
    request = {"action": "send_mail", "args": {"to": "a@example.org", "ok": True, "text": "long " * 500, "more": [[1]]}}
    await interrupts.open_interrupts(
        larry,
        agent.details.id,
        [
            NewInterrupt.model_validate({"action_request": request, "config": {one: True}, "description": "**So**"})
            for one in ("allow_accept", "allow_edit", "allow_respond")
        ],
    )
    await agent_work.hand_to_agent(house.caller, tasks[2].id, capabilities=["painting"])
    await functions.queue_task_execution(house.caller, tasks[2].id)
    await read(house, QUESTION, ANSWER, a_mail(5, "I will send the contract tomorrow.", thread="<5@x>"))
    for budget in (1, 0):
        finding = Finding(
            key=f"{budget}",
            kind="brief",
            title="Brief",
            why="Dana is there.",
            person="dana@example.org",
            confidence=0.8,
        )
        await offer_nudges(house.caller, [finding], house.clock.now(), AttentionRules(daily_nudges=budget))
    await mute_nudges(house.caller, house.clock.now(), kind="travel")
    await make_digest(house.caller, house.clock.now(), AttentionRules())
    liked = await preferences.save_preference(house.caller, {"statement": "Be brief"}, at=house.clock.now())
    await try_preference(house.caller, liked.id, at=house.clock.now())
    page = await signed_in()
    await page.fill("textarea[name=message]", "Plan Q4 marketing campaign")
    await page.click("button:has-text('Send')")
    await expect(page.locator("section .said")).to_be_visible()
    plan = await page.locator("a.title", has_text="Plan Q4").first.get_attribute("href")
    found: list[str] = []
    for path in (
        "/",
        "/tasks",
        "/tasks?group=done",
        f"/tasks/{tasks[0].id}",
        str(plan),
        "/review",
        "/agents",
        f"/agents/{agent.details.id}",
        f"/tasks/{tasks[2].id}",
        f"/executions/{tasks[2].id}",
        "/calendar",
        "/commitments",
        "/mail",
        "/day",
        "/insights?days=90",
        "/settings",
        "/settings/tokens",
        "/settings/organization",
        "/settings/delete",
        "/settings/permissions",
        "/settings/preferences",
        f"/settings/preferences/{liked.id}",
        "/settings/workflows",
        "/settings/attention",
        "/settings/hours",
        "/nudges",
        "/digest",
        "/docs",
        "/nowhere",
    ):
        await page.goto(f"{served}{path}")
        found += [f"{path}: {one}" for one in await violations(page)]
    assert found == []
