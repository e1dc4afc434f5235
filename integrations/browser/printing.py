"""HTML as PDF: Chromium prints a page that can reach nothing, within a bound of time."""

import asyncio
from typing import TYPE_CHECKING

from core.outside.errors import Refused, Temporary
from integrations.browser.chromium import Chromium, chromium_of_this_process
from integrations.browser.page import first_line

if TYPE_CHECKING:
    from playwright.async_api import Browser, Route

PRINT_SECONDS = 60
MOST_HTML = 20_000_000


async def pdf_of(html: str, program: str | None = None, *, chromium: Chromium | None = None) -> bytes:
    """The PDF of one self-contained page. `program` is the browser of the settings, where they name one.

    No script of it runs and nothing is loaded. Raises NotConnected where there is no browser, Temporary where it does not
    print in time, Refused for a page that is too large.
    """
    if len(html) > MOST_HTML:
        raise Refused(
            f"The page is larger than {MOST_HTML // 1_000_000} million letters", detail=f"{len(html)} letters"
        )
    used = chromium or chromium_of_this_process(program)
    try:
        return await asyncio.wait_for(used.run(_printed(used, html)), PRINT_SECONDS)
    except TimeoutError as error:
        raise Temporary(f"The browser did not print the page in {PRINT_SECONDS} seconds") from error


async def _printed(chromium: Chromium, html: str) -> bytes:
    """On the browser's own loop."""
    from playwright.async_api import Error

    browser = await chromium.browser()
    try:
        return await _print(browser, html)
    except Error as error:
        raise Temporary("The browser did not print the page", detail=first_line(error)) from error


async def _print(browser: "Browser", html: str) -> bytes:
    context = await browser.new_context(
        offline=True, java_script_enabled=False, service_workers="block", accept_downloads=False
    )
    try:
        await context.route("**/*", _refuse)
        page = await context.new_page()
        await page.set_content(html, wait_until="load", timeout=PRINT_SECONDS * 1000)
        return await page.pdf(prefer_css_page_size=True, print_background=True, format="A4", tagged=True, outline=True)
    finally:
        await context.close()


async def _refuse(route: "Route") -> None:
    await route.abort("blockedbyclient")
