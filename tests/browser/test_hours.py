"""The browser's time zone: one click on the page of one's hours fills it in, and whoever signs up sends it along."""

import re

from playwright.async_api import Browser, expect

from app.house import House
from cli.serving import load_keys, sign_in_link
from tasks.own_hours import OwnHours, get_own_hours


async def test_one_click_fills_in_the_zone_of_the_browser(house: House, served: str, chromium: Browser) -> None:
    context = await chromium.new_context(timezone_id="America/New_York")
    page = await context.new_page()
    await page.goto(sign_in_link(house, load_keys(house)))
    await page.goto(f"{served}/settings")
    await page.get_by_role("link", name="Time zone and hours").click()  # boosted: no page is loaded anew
    await page.get_by_label("Working hours").fill("mon 10:00-12:00")
    await page.get_by_role("button", name="Use this browser's: America/New_York").click()
    await expect(page.get_by_label("Time zone")).to_have_value("America/New_York")
    await expect(page.get_by_text("Use this browser's")).to_be_hidden()
    assert await get_own_hours(house.caller) == OwnHours()  # nothing is kept before they say so
    await page.get_by_role("button", name="Keep").click()
    await expect(page.get_by_text("Kept.")).to_be_visible()
    await expect(page.get_by_text(re.compile("in America/New_York"))).to_be_visible()
    await expect(page.get_by_text("Use this browser's")).to_be_hidden()
    assert await get_own_hours(house.caller) == OwnHours(timezone="America/New_York", working_hours="mon 10:00-12:00")
    await page.get_by_role("button", name="Back to the installation's").click()
    await expect(page.get_by_text(re.compile("in Europe/Berlin"))).to_be_visible()
    assert await get_own_hours(house.caller) == OwnHours()


async def test_without_javascript_a_zone_is_typed(house: House, served: str, chromium: Browser) -> None:
    context = await chromium.new_context(java_script_enabled=False, timezone_id="America/New_York")
    page = await context.new_page()
    await page.goto(sign_in_link(house, load_keys(house)))
    await page.goto(f"{served}/settings/hours")
    await expect(page.get_by_text("Use this browser's")).to_be_hidden()
    await page.get_by_label("Time zone").fill("America/New_York")
    await page.get_by_role("button", name="Keep").click()
    await expect(page.get_by_text(re.compile("in America/New_York"))).to_be_visible()
