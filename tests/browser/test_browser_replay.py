"""The pages that a task has worked: a person looks at them, takes the page over by clicking, and hands it back."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from app.house import House, furnish
from core.clock import Clock
from core.settings import Settings
from tasks import functions
from tests.browser.axe import violations
from tests.browser_pages import close_pages
from tests.emulators.site import Site, running_site

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    async with running_site() as site:
        yield site


@pytest.fixture
async def house(house: House, settings: Settings, site: Site) -> AsyncGenerator[House]:
    """The house that is served: its browser may reach the site."""
    settings = settings.model_copy(update={"private_hosts": site.name})
    yield furnish(settings, Clock.from_settings(settings), house.database, house.owner)
    await close_pages()


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_person_takes_the_page_over_and_hands_it_back(
    house: House, site: Site, served: str, signed_in: OpenPage, javascript: bool
) -> None:
    given = {"start_url": f"{site.url}/sign-in", "steps": [
        {"do": "navigate", "url": f"{site.url}/sign-in"}, {"do": "click", "target": "Enter the code from your phone"},
        {"do": "extract", "fields": {"greeting": "Hello"}}]}  # fmt: skip
    item = {"title": "Look at my account", "execution_type": "fully_automated", "tool": "browser", "tool_input": given}
    (task,) = await functions.create_tasks(house.caller, [item])
    await functions.queue_task_execution(house.caller, task.id)
    page = await signed_in(javascript=javascript)

    async def showing(words: str) -> None:
        for _ in range(100):
            await page.goto(f"{served}/tasks/{task.id}/browser")
            if words in await page.inner_text("main"):
                return
            await page.wait_for_timeout(100)
        raise AssertionError(f"{words!r} does not come: {await page.inner_text('main')}")

    await showing("Step 2 (click 'Enter the code from your phone')")
    if javascript:
        assert await violations(page) == []
    await page.click("button:text-is('Take the page over')")
    await expect(page.locator("input[type=image]")).to_be_visible()
    if javascript:
        assert await violations(page) == []
    await page.locator("input[type=image]").click(position={"x": 150, "y": 122})
    await showing("You: click")
    await page.fill("input[type=text][name=text]", "Robin")
    await page.click("button:text-is('Type')")
    await showing("You: type")
    await page.select_option("select[name=key]", "Tab")
    await page.click("button:text-is('Press')")
    await showing("You: press")
    await page.fill("input[type=password][name=text]", "right horse")
    await page.click("button:text-is('Type it')")
    await page.wait_for_timeout(500)
    await page.select_option("select[name=key]", "Enter")
    await page.click("button:text-is('Press')")
    await showing("at Account")
    assert site.sent == [("/sign-in", {"user": "Robin", "password": "right horse"})]
    await page.click("button:text-is('Hand it back')")
    await showing("completed")
    done = await functions.get_task(house.caller, task.id)
    assert done.result["output"]["output"] == {"greeting": "Hello Robin"}
    pictures = await page.locator("ol img").evaluate_all(
        "all => all.map(one => { one.loading = 'eager'; return one.src })"
    )
    assert len(pictures) == 8
    answer = await page.request.get(pictures[0])
    assert answer.status == 200, await answer.text()
    assert (answer.headers["content-type"], answer.headers["content-disposition"][:7]) == ("image/jpeg", "inline;")
    assert "right horse" not in await page.content()
