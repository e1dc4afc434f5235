"""The form for a mailbox without Google, in a real browser: wide and narrow, light and dark, without JavaScript."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import violations

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser
SECRET = "hunter2"


async def type_a_wrong_server(page: Page, served: str) -> None:
    await page.goto(f"{served}/settings")
    await page.click("summary:has-text('Connect a mailbox')")
    await page.fill("#mailbox-address", "ana@example.org")
    await page.fill("#mailbox-imap_server", "http://x")
    await page.fill("#mailbox-smtp_server", "smtp.example.org")
    await page.fill("#mailbox-password", SECRET)
    await page.click("button:has-text('Try both and connect')")
    await expect(page.locator("#mailbox-imap_server-wrong")).to_contain_text("It is no server")


@pytest.mark.parametrize("width", [390, 1440])
async def test_what_is_wrong_is_seen_focused_and_told_to_everybody(
    signed_in: OpenPage, served: str, width: int
) -> None:
    page = await signed_in(width=width)
    await type_a_wrong_server(page, served)
    await expect(page.locator("#mailbox-imap_server")).to_be_focused()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert await violations(page) == []


async def test_the_form_works_without_javascript_and_never_shows_the_password(signed_in: OpenPage, served: str) -> None:
    page = await signed_in(javascript=False)
    await type_a_wrong_server(page, served)
    assert await page.input_value("#mailbox-address") == "ana@example.org"
    assert await page.input_value("#mailbox-password") == ""
    assert SECRET not in await page.content()
