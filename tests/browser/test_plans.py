"""Plans in a real browser: made by a form, edited before the start, decided, read; live with a script, whole without one."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import ConsoleMessage, Page, expect

from agents.playbooks.document.making import document_plan
from app.house import House
from tasks import plans
from tests.browser.axe import Scheme, violations
from tests.browser.test_pages import reload_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser
GATE = {"question": "Is the hall booked for good?", "why": "The deposit is not paid back"}


async def gated_plan(house: House, title: str, **more: Any) -> UUID:
    """A plan of a milestone, a question, another milestone and the report."""
    tasks = [
        {"key": "book", "title": "Book the hall", "tool": "noop"},
        {"key": "ask", "title": "Ask", "tool": "approval_gate", "tool_input": GATE, "depends_on": ["book"], "on_failure": "stop"},
        {"key": "invite", "title": "Invite everybody", "tool": "noop", "depends_on": ["ask"]},
        {"key": "report", "title": "Report", "tool": "plan_report", "depends_on": ["invite"], "on_failure": "escalate"},
    ]  # fmt: skip
    made = await plans.create_plan(house.caller, {"kind": "objective", "title": title, "tasks": tasks, **more})
    return made.id


async def test_an_objective_is_planned_edited_started_and_decided(signed_in: OpenPage, served: str) -> None:
    page = await signed_in()
    await page.goto(f"{served}/plans")
    await page.click(".teaches a:has-text('An objective')")
    await page.click("#context summary")
    await page.fill("#resources", "twenty thousand")
    await page.click("button:has-text('Plan it first')")
    await expect(page.locator("#resources-wrong")).to_contain_text("a name, a colon and a value")
    await page.fill("#resources", "budget_eur: 20000")
    await page.fill("#objective", "Launch feature X across two teams")
    await page.click("button:has-text('Plan it first')")
    await reload_until(page, page.locator("h1 + .meta .badge:text-is('ready to start')"), javascript=True)
    await expect(page.locator(".graph rect.critical")).not_to_have_count(0)
    await page.click("text=Edit the plan")

    first = page.locator(".edits details").first
    await first.locator("summary").click()
    await first.locator("select[name=tool]").select_option("http_get")
    await expect(first.locator("input[name='in.url']")).to_be_visible()
    await first.locator("select[name=tool]").select_option("")
    await expect(first.locator("input[name='in.url']")).to_have_count(0)
    await first.locator("input[name=title]").fill("A ticket for the first team")
    await first.locator("input[name=depends_on]").last.check()
    await first.locator("input[name=minutes]").fill("90")
    await first.locator("button:text-is('Save')").click()
    await expect(first.locator(".wrong")).to_contain_text("A ticket for the first team -> Report on the plan")
    await expect(first.locator("input[name=minutes]")).to_have_value("90")
    before = await page.locator(".estimate dd").first.inner_text()
    await first.locator("input[name=depends_on]").last.uncheck()
    await first.locator("button:text-is('Save')").click()
    await expect(page.locator(".notice")).to_have_text("It is changed.")
    await expect(page.locator(".estimate dd").first).not_to_have_text(before)
    saved = page.locator("details:has(summary .title:text-is('A ticket for the first team'))")
    await saved.locator("summary").click()
    await saved.locator("button:has-text('Ask me before it')").click()
    await expect(page.locator(".edits")).to_contain_text("Approve: A ticket for the first team")

    await page.click("button:has-text('Start the plan')")
    gate = page.locator("article.gate")
    await expect(gate).to_contain_text("Shall this be done: A ticket for the first team?")
    await gate.locator("input[name=notes]").fill("Only on the second board")
    await gate.locator("button:text-is('Yes')").click()
    await expect(page.locator(".needs .task", has_text="A ticket for the first team")).to_be_visible()
    await expect(page.locator("#chart .gate.completed")).to_have_count(1)
    await page.click(".tabs a:has-text('Numbers and decisions')")
    await expect(page.locator("#live")).to_contain_text("yes by you: Only on the second board")


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_yes_leads_to_the_report_and_a_no_to_the_end(
    signed_in: OpenPage, served: str, house: House, javascript: bool
) -> None:
    page = await signed_in(javascript=javascript)
    goes, ends = await gated_plan(house, "A feast"), await gated_plan(house, "A fair")
    gate = page.locator("article.gate")

    await page.goto(f"{served}/plans/{ends}")
    await reload_until(page, gate, javascript)
    await expect(gate.locator(".no-means")).to_contain_text(
        "A no ends the plan: the 2 tasks that are open are cancelled."
    )
    await gate.locator("button:text-is('No')").click()
    await expect(gate.locator(".no-means .wrong")).to_have_text("Say why not.")
    await gate.locator("input[name=notes]").fill("The hall is too small")
    await gate.locator("button:text-is('No')").click()
    failed = page.locator(".notice.bad")
    await reload_until(page, failed, javascript)
    await expect(failed).to_contain_text("The hall is too small")
    await expect(page.locator(".standing")).to_contain_text("1 of 4 tasks done, 2 cancelled")

    await page.goto(f"{served}/plans/{goes}")
    await reload_until(page, gate, javascript)
    await expect(gate).to_contain_text("The deposit is not paid back")
    await gate.locator("button:text-is('Yes')").click()
    await reload_until(page, page.locator("text=Read the report"), javascript)
    await page.click("text=Read the report")
    await expect(page.locator(".report")).to_contain_text("Is the hall booked for good?")
    await expect(page.locator(".files")).to_contain_text("report.md")


async def test_a_section_is_written_by_a_person_who_sees_first_what_it_touches(
    signed_in: OpenPage, served: str
) -> None:
    page = await signed_in()
    await page.goto(f"{served}/plans?new=document")
    await expect(page.locator(".new-plan .notice")).to_contain_text("No language model is configured")
    await page.fill("#prompt", "Open a repair workshop")
    await page.click("button:has-text('Write it')")
    await expect(page.locator(".needs")).to_contain_text("needs a language model")
    await page.click(".tabs a:has-text('Stages')")
    await expect(page.locator("#stage-identify_purpose .badge")).to_have_text("needs a language model")
    await page.click("#stage-setup a")
    await expect(page.locator("article.prose")).to_contain_text("Open a repair workshop")
    await page.click("#editor summary")
    field = page.locator("#editor textarea, #editor input[type=text]").first
    await field.fill("")
    await page.click("button:has-text('See what it touches')")
    await expect(page.locator("#live .notice.bad")).to_contain_text("too thin")
    await page.locator("#editor textarea, #editor input[type=text]").first.fill("Open two repair workshops")
    await page.click("button:has-text('See what it touches')")
    await expect(page.locator("section:has(> #touched-title)")).to_contain_text("Redline gate")
    await page.click("button:has-text('Save as yours')")
    await expect(page.locator(".mark.by-hand")).to_be_visible()
    await expect(page.locator("article.prose")).to_contain_text("Open two repair workshops")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
async def test_pages_of_plans_pass_axe_and_fit(
    signed_in: OpenPage, served: str, house: House, scheme: Scheme, width: int
) -> None:
    waits = await gated_plan(house, "W" * 200)
    ready = await gated_plan(house, "A fair", starts_by_itself=False)
    text = "Open a repair workshop"
    document = (await plans.create_plan(house.caller, document_plan(text, "balanced_speed_and_detail"))).id
    paths = ["/plans", f"/plans/{ready}", f"/plans/{ready}/edit", f"/plans/{document}"]
    paths += [f"/plans/{waits}{view}" for view in ("", "?view=report", "?view=record")]
    paths += [f"/plans/{document}?view=tasks", f"/plans/{document}/stages/setup"]
    found: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    page = await signed_in(scheme=scheme, width=width)
    page.on("console", hear)
    for path in paths:
        await page.goto(f"{served}{path}")
        await page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        if await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{path} is wider than {width}")
        found += [f"{path}: {one}" for one in await violations(page, [scheme])]
    assert found == []
