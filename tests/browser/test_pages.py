"""What people do, clicked through in a real browser on real parts."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from app.house import House
from tasks import functions, review, runs
from tests.browser.axe import SCHEMES

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser
PLACES = """() => [[...document.querySelectorAll(".tabs a")].at(-1),
  document.querySelector(".rail a[href='/review'] svg"), document.querySelector(".rail a[href='/review'] .count")]
  .map((at) => at.getBoundingClientRect().toJSON())"""


async def say(page: Page, message: str) -> None:
    await page.fill("textarea[name=message]", message)
    await page.click("button:has-text('Send')")
    await expect(page.locator("section .said").last).to_have_text(message)


async def execute(page: Page, title: str) -> None:
    """Open a task from where it is listed, and press Execute."""
    await page.locator("a.title", has_text=title).first.click()
    await expect(page.locator("h1")).to_have_text(title)
    await page.click("button:has-text('Execute')")


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_sentence_becomes_a_draft_that_is_approved_and_sent_once(
    signed_in: OpenPage, served: str, house: House, javascript: bool
) -> None:
    page = await signed_in(javascript=javascript)
    await say(page, "Draft email to john@example.com thanking him for the meeting")
    await execute(page, "Draft email to john@example.com thanking him for the meeting")
    review = page.locator("a:has-text('Review the draft')")
    await reload_until(page, review, javascript)
    await review.click()
    await expect(page.locator("article header")).to_contain_text("john@example.com")
    assert not (house.settings.home / "outbox").exists()
    await page.click("button:has-text('Approve and send')")
    await reload_until(page, page.locator("article .badge.sent"), javascript)
    assert len(list((house.settings.home / "outbox").glob("*.eml"))) == 1


async def reload_until(page: Page, locator: object, javascript: bool) -> None:
    """With a script the page is live; without one a person reloads it."""
    for _ in range(60):
        if javascript:
            await expect(locator.first).to_be_visible(timeout=15_000)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
        if await locator.count():  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
            return
        await page.wait_for_timeout(250)
        await page.reload()
    raise AssertionError("it never appeared")


async def test_what_is_pressed_stays_under_the_pointer_while_the_page_is_live(
    signed_in: OpenPage, served: str, house: House
) -> None:
    page = await signed_in()
    await say(page, "Order new office chairs")
    link = page.locator("a.title", has_text="Order new office chairs").first
    await link.hover()
    await page.mouse.down()
    await functions.create_tasks(house.caller, [{"title": "Something else"}])
    await page.wait_for_timeout(1500)
    await page.mouse.up()
    await expect(page.locator("h1")).to_have_text("Order new office chairs")


async def test_a_project_becomes_parts_that_run_live(signed_in: OpenPage, served: str) -> None:
    page = await signed_in()
    await say(page, "Plan Q4 marketing campaign")
    await execute(page, "Plan Q4 marketing campaign")
    await expect(page.locator(".tree")).to_contain_text("Research competitor campaigns")
    await expect(page.locator(".tree .badge.completed")).to_have_count(1, timeout=15_000)
    await expect(page.locator(".graph svg")).to_be_visible()


async def test_a_purchase_says_why_it_waits_and_is_ticked_off(signed_in: OpenPage, served: str) -> None:
    page = await signed_in()
    await say(page, "Order new office chairs")
    await execute(page, "Order new office chairs")
    await expect(page.locator(".notice.warn")).to_be_visible(timeout=15_000)
    await page.click("button:has-text('Tick off')")
    await expect(page.locator("h1 + .meta .badge")).to_have_text("done")


async def test_an_edit_and_a_rejection_make_versions(signed_in: OpenPage, served: str, house: House) -> None:
    page = await signed_in()
    await say(page, "Draft email to john@example.com thanking him for the meeting")
    await execute(page, "Draft email to john@example.com thanking him for the meeting")
    await page.click("a:has-text('Review the draft')")
    await page.click("summary:has-text('Edit')")
    await page.fill("textarea[name=body]", "Dear John,\n\nthank you!")
    await page.click("button:has-text('Save as version 2')")
    await expect(page.locator("article footer")).to_contain_text("version 2, by you")
    await page.click("summary:has-text('Reject')")
    await page.fill("input[name=feedback]", "add: See you on Monday")
    await page.click("footer button:text-is('Reject')")
    await expect(page.locator("article .body").first).to_contain_text("See you on Monday", timeout=15_000)
    await page.click("button:has-text('Approve and send')")
    await expect(page.locator("article .badge.sent")).to_be_visible(timeout=15_000)
    assert len(list((house.settings.home / "outbox").glob("*.eml"))) == 1


async def test_quick_add_shows_chips_that_come_off(signed_in: OpenPage, served: str) -> None:
    page = await signed_in()
    await page.goto(f"{served}/tasks")
    await page.locator("#quick-text").press_sequentially("call Ana tomorrow 3pm p1 #home", delay=5)
    await expect(page.locator(".chip")).to_have_count(4)
    await page.click("button[aria-label^='Take off priority']")
    await expect(page.locator(".chip")).to_have_count(3)
    await page.click("#quick-add button:has-text('Add')")
    row = page.locator(".task")
    await expect(row).to_contain_text("p1")
    await expect(row).to_contain_text("#home")


@pytest.mark.parametrize("width", [1440, 390])
async def test_pages_fit_the_screen_and_stay_silent(signed_in: OpenPage, served: str, house: House, width: int) -> None:
    tasks = await functions.create_tasks(
        house.caller,
        [
            {"title": "W" * 300, "labels": ["a" * 60]},
            {"title": "<img src=x onerror=alert(1)><script>alert(2)</script>"},
        ],
    )
    page = await signed_in(width=width)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: said.append(dialog.message))
    for path in ("/", "/tasks", f"/tasks/{tasks[0].id}", f"/tasks/{tasks[1].id}", "/review", "/review?tab=all"):
        await page.goto(f"{served}{path}")
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            ), f"{path}, {scheme}"
    assert said == []


async def test_keys_move_select_and_open(signed_in: OpenPage, served: str, house: House) -> None:
    await functions.create_tasks(house.caller, [{"title": "First"}, {"title": "Second"}])
    page = await signed_in()
    await page.goto(f"{served}/tasks")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.locator(".task input:checked")).to_have_count(1)
    await expect(page.locator(".bulk")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await expect(page.locator("input[type=search]")).to_be_focused()


async def test_without_a_session_the_page_says_how_to_sign_in(chromium: object, served: str) -> None:
    page = await chromium.new_page()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    answer = await page.goto(f"{served}/tasks")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    assert answer.status == 401  # pyright: ignore[reportUnknownMemberType]
    await expect(page.locator("h1")).to_have_text("Sign in")  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


async def test_a_broken_line_keeps_the_words(signed_in: OpenPage, served: str) -> None:
    page = await signed_in()
    await page.route("**/api/chat", lambda route: route.abort())
    await page.fill("textarea[name=message]", "Call Ana tomorrow")
    await page.click("button:has-text('Send')")
    await expect(page.locator(".notice.bad")).to_contain_text("still in the box")
    await expect(page.locator("textarea[name=message]")).to_have_value("Call Ana tomorrow")


async def test_on_a_telephone_every_tab_is_seen_and_the_count_stands_beside_its_icon(
    signed_in: OpenPage, served: str, house: House
) -> None:
    task = (await functions.create_tasks(house.caller, [{"title": "Write to Sara"}]))[0]
    await runs.start_task_execution(house.caller, task.id, None)
    content = {"to_recipients": [{"address": "sara@example.com"}], "subject": "Hello", "body": "Dear Sara"}
    await review.create_draft(house.caller, task.id, content)
    page = await signed_in(width=390)
    await page.goto(f"{served}/tasks")
    # All at once: the page is live, and what was found a moment ago may have been swapped.
    last, icon, count = await page.evaluate(PLACES)
    assert last["right"] <= 390
    assert count["left"] >= icon["right"]
