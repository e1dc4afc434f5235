"""A person at a browser: signs in, decides at the page of a plan, and looks at what was made."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Error, Page, Request, async_playwright

from tests.demo.report import must

WIDTHS = {1440: 900, 390: 844}


@dataclass
class Person:
    """A signed-in page of the owner's."""

    browser: Browser
    page: Page
    url: str
    pictures: Path
    complaints: list[str] = field(default_factory=list[str])

    async def decide(self, plan_id: str, question: str, *, yes: bool, notes: str = "") -> str:
        """Open the plan, read the question, write notes, press Yes or No; how the page says the plan stands."""
        page = self.page
        await page.goto(f"{self.url}/plans/{plan_id}")
        card = page.locator("article.gate.open", has=page.get_by_role("heading", name=question))
        await card.wait_for()
        if notes:
            await card.get_by_label("Notes").fill(notes)
        await card.get_by_role("button", name="Yes" if yes else "No", exact=True).click()
        await card.wait_for(state="detached")
        return " ".join((await page.locator("p.meta.row .badge").first.inner_text()).split())

    async def look(self, path: str, name: str) -> None:
        """Pictures of a page of the house at both widths; nothing of it may be wider than the screen."""
        for width, height in WIDTHS.items():
            await self.page.set_viewport_size({"width": width, "height": height})
            await self.page.goto(f"{self.url}{path}")
            await _fits(self.page, path)
            await self.page.screenshot(path=self.pictures / f"{name}-{width}.png", full_page=True)

    async def look_at_file(self, file: Path, name: str, *places: str) -> list[str]:
        """Open a file in a browser that reaches nothing; pictures of its top and of these places (#id) at both widths.

        Every address that it asked for.
        """
        asked: list[str] = []

        def note(request: Request) -> None:
            asked.append(request.url)

        for width, height in WIDTHS.items():
            context = await self.browser.new_context(viewport={"width": width, "height": height}, offline=True)
            page = await context.new_page()
            page.on("request", note)
            page.on("console", lambda message: self.complaints.append(message.text))
            await page.goto(file.as_uri())
            await _fits(page, file.name)
            await page.screenshot(path=self.pictures / f"{name}-{width}.png")
            for place in places:
                await page.locator(place).first.scroll_into_view_if_needed()
                await page.locator(place).first.evaluate("one => one.scrollIntoView({block: 'start'})")
                await page.screenshot(path=self.pictures / f"{name}-{width}-{place.strip('#')}.png")
            await context.close()
        return asked


async def _fits(page: Page, what: str) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    must(wide <= 0, f"{what} is {wide} pixels wider than the screen at {page.viewport_size}")


@asynccontextmanager
async def person(link: str, url: str, pictures: Path) -> AsyncGenerator[Person]:
    """Chromium (an installed one, else Playwright's own), signed in by the link."""
    installed = os.environ.get("STEWARD_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    options = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed, args=options)
        try:
            page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
            came = await page.goto(link)
            must(came is not None and came.ok, "The link does not sign in")
            yield Person(browser, page, url, pictures)
        except Error as error:
            must(False, f"In the browser: {error.message}")
        finally:
            await browser.close()
