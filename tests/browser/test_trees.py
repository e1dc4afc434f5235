"""The page of a plan, clicked through in a real browser: live with a script, whole without one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import ConsoleMessage, Page, expect

from app.house import House
from tasks import functions, trees
from tests.browser.axe import violations
from tests.browser.test_pages import reload_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser
GATE = {"question": "Build it behind the counter?", "why": "Walls are expensive to move", "expires_in_seconds": 90_000}


def part(key: str, *after: str, tool: str | None = "noop", **more: Any) -> dict[str, Any]:
    kind = {"execution_type": "fully_automated", "max_retries": 0}
    return {"key": key, "title": key, "depends_on": list(after), "tool": tool, **kind, **more}


SHOP = {
    "title": "Open the shop",
    "execution_type": "fully_automated",
    "children": [
        part("lease"),
        part("gate", "lease", tool="approval_gate", tool_input=GATE),
        part("quote", "lease", tool="wait_for_reply", tool_input={"whom": "Ana", "deadline_seconds": 7200}),
        part("dry", "lease", tool="delay", tool_input={"seconds": 7200}),
        part(
            "permit",
            "lease",
            tool="data_transform",
            tool_input={"data": 1, "expression": "$error('broken')"},
            on_failure="escalate",
        ),
        part("flyers", "lease", tool="data_transform", tool_input={"data": 1, "expression": "$error('broken')"}),
        {**part("fit", "gate", "quote", tool=None), "children": [part("shelves"), part("till", "shelves")]},
        part("sign", "lease", tool=None, execution_type="manual"),
        part("open", "fit", "permit", "flyers"),
    ],
}


@pytest.fixture
async def shop(house: House, served: str) -> tuple[str, dict[str, UUID]]:
    """A tree at work that has come to where it needs the person: its URL, and the ids of its parts."""
    made = await trees.create_task_tree(house.caller, SHOP)
    await functions.queue_task_execution(house.caller, made.id)
    for _ in range(300):
        here = {child.title: child for child in (await functions.get_task_tree(house.caller, made.id)).children}
        is_escalated = all(here[name].escalated_at for name in ("permit", "flyers"))
        if is_escalated and all(here[name].execution_status == "blocked" for name in ("gate", "quote", "dry")):
            break
        await asyncio.sleep(0.05)
    return f"{served}/tasks/{made.id}", made.keys


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_plan_goes_on_by_what_the_person_says(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]], served: str, javascript: bool
) -> None:
    url, keys = shop
    page = await signed_in(javascript=javascript)
    await page.goto(url)
    needs = page.locator("section:has(#needs-title)")
    await expect(needs.locator(".task")).to_have_count(4)
    await expect(page.locator("section:has(#waits-title)")).to_contain_text("Ana")
    await expect(page.locator(".graph svg rect.critical")).not_to_have_count(0)

    for name in ("permit", "flyers"):
        await page.locator(f"#need-{keys[name]} button:has-text('Go on without it')").click()
        await expect(page.locator(f"#need-{keys[name]}")).to_have_count(0)
    await page.locator(f"#need-{keys['sign']} button").click()
    await expect(page.locator(f"#need-{keys['sign']}")).to_have_count(0)
    await expect(page.locator(".changes")).to_contain_text("left out")

    await page.goto(f"{served}/review")
    gate = page.locator("article.gate")
    await expect(gate).to_contain_text("Walls are expensive to move")
    await expect(gate).to_contain_text("then it fails")
    await gate.locator("input[name=notes]").fill("Leave room for the stove")
    await gate.locator("button:text-is('Yes')").click()
    await expect(page.locator("article.gate")).to_have_count(0)

    await page.goto(f"{served}/tasks/{keys['quote']}")
    await page.fill("#answer", "120 euros")
    await page.click("button:has-text('Enter the answer')")
    await expect(page.locator("#result")).to_contain_text("120 euros")
    await expect(page.locator(".evidence")).to_contain_text("A person gave the answer")

    await page.goto(url)
    await reload_until(page, page.locator(f"#part-{keys['open']} > .node > .badge.completed"), javascript)
    await expect(page.locator("section:has(#progress-title) b").first).to_have_text("7 of 8")
    await page.goto(f"{served}/tasks/{keys['gate']}")
    await expect(page.locator("#live")).to_contain_text("Leave room for the stove")
    await expect(page.locator(".proof.verified")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
async def test_pausing_resuming_and_cancelling_act_on_the_whole(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]], served: str, javascript: bool
) -> None:
    url, keys = shop
    page = await signed_in(javascript=javascript)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(url)
    await page.click(".buttons button:text-is('Pause')")
    await expect(page.locator("h1 + .meta .badge")).to_have_text("paused")
    await page.goto(f"{served}/tasks/{keys['open']}")
    await expect(page.locator(".notice.warn")).to_contain_text("Paused with Open the shop")
    await page.goto(url)
    await page.click(".buttons button:text-is('Resume')")
    await expect(page.locator("h1 + .meta .badge")).to_have_text("under way")
    await page.click(".buttons button:text-is('Cancel')")
    await expect(page.locator("h1 + .meta .badge")).to_have_text("cancelled")
    await expect(page.locator(f"#part-{keys['dry']} .badge").first).to_have_text("cancelled")


async def test_bounds_are_raised_where_they_are_shown(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]], house: House
) -> None:
    url, _ = shop
    page = await signed_in()
    await page.goto(url)
    await expect(page.locator(".bounds")).to_contain_text("12 of 1,000")
    await page.click("#raise summary")
    await page.fill("#bound-max_tasks", "2000")
    await page.click("#raise button")
    await expect(page.locator(".bounds")).to_contain_text("12 of 2,000")
    assert (await functions.get_task(house.caller, UUID(url[-36:]))).bounds == {"max_tasks": 2000}


async def test_a_click_that_comes_too_late_says_so(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]], house: House, served: str
) -> None:
    page = await signed_in()
    await page.goto(f"{served}/tasks/{shop[1]['permit']}")
    await page.evaluate("document.querySelector('#waive-reason').focus()")  # nothing is swapped while one writes
    await trees.waive_task(house.caller, shop[1]["permit"], "decided elsewhere")
    await functions.cancel_task(house.caller, UUID(shop[0][-36:]))
    await page.click("button:has-text('Go on without it')")
    await expect(page.locator("#live .notice").first).to_be_visible()
    await expect(page.locator("h1")).to_have_text("permit")


async def test_what_is_open_and_where_one_is_stays_so_while_the_page_lives(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]], house: House
) -> None:
    url, keys = shop
    page = await signed_in(width=390)
    await page.goto(url)
    await page.click("#order summary")
    await page.evaluate("document.querySelector('#graph').scrollLeft = 120")
    link = page.locator(f"#part-{keys['lease']} .title")
    await link.focus()
    await functions.update_task(house.caller, keys["sign"], {"execution_status": "completed"})
    await expect(page.locator(f"#part-{keys['sign']} .badge")).to_have_text("done")
    await expect(page.locator("#order")).to_have_attribute("open", "")
    await expect(link).to_be_focused()
    assert await page.evaluate("document.querySelector('#graph').scrollLeft") == 120


async def test_four_columns_fit_beside_the_rail_and_scroll_on_a_phone(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]]
) -> None:
    for width, fits in ((1440, True), (390, False)):
        page = await signed_in(width=width)
        await page.goto(shop[0])
        graph = "document.querySelector('#graph')"
        assert await page.locator(".graph text.head").count() == 4
        assert await page.evaluate(f"{graph}.scrollWidth <= {graph}.clientWidth") is fits
        assert await page.evaluate(f"{graph}.getBoundingClientRect().right <= innerWidth")


async def test_pages_of_a_plan_pass_axe_and_fit(
    signed_in: OpenPage, shop: tuple[str, dict[str, UUID]], served: str, house: House
) -> None:
    long = [part(f"s{n}", *([f"s{n // 2}"] if n else []), title="Donaudampfschiff" * 31) for n in range(60)]
    wide = await trees.create_task_tree(house.caller, {"title": "W" * 500, "children": long})
    url, keys = shop
    paths = [url, f"{served}/tasks/{wide.id}", f"{served}/review", f"{served}/"]
    paths += [f"{served}/tasks/{keys[name]}" for name in ("gate", "permit", "quote", "lease", "open")]
    found: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    for width in (1440, 390):
        page = await signed_in(width=width)
        page.on("console", hear)
        for path in paths:
            await page.goto(path)
            if await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{path} is wider than {width}")
            await page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
            found += [f"{path}: {one}" for one in await violations(page)]
    assert found == []
