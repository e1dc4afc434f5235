"""What stands behind the buttons of signing in, in a browser: the code of a mail, the way to Google, the second proof."""

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, Route, ViewportSize, expect

from app.house import House
from app.person_session import PersonSession, cookies_of
from core.keys import Keys
from tests.browser.test_supabase_walk import ADDRESS, AXE, PASSWORD, RULES, SECRET_KEY, shot, walking
from tests.conftest import free_port
from tests.emulators.supabase import SupabaseLite

pytestmark = pytest.mark.browser
GOOGLE = {"external": {"google": {"enabled": True, "client_id": "an-id", "secret": "a-secret"}}}
CONFIRMS = {"email": {"enable_confirmations": True}}
NARROW: ViewportSize = {"width": 390, "height": 800}


async def wrong_at(page: Page) -> list[str]:
    """What axe finds, and whether the page is wider than the screen."""
    await page.evaluate(AXE)
    report: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
    found = [f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in report["violations"]]
    is_wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*found, *([f"{page.url} is too wide"] if is_wide else [])]


async def code_in_mail(lite: SupabaseLite, address: str) -> str:
    return re.findall(r"code[^:]*: (\d{6})", (await lite.mail(address))[-1]["text"])[0]


@pytest.mark.parametrize("javascript", [True, False])
async def test_the_button_of_google_leads_there_whatever_forms_may_do(
    house: House, database_url: str, tmp_path: Path, chromium: Browser, javascript: bool
) -> None:
    """Chromium holds a form to the addresses of `form-action` through every redirect."""
    asked: list[str] = []

    async def at_google(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body="<title>Google</title><h1>Choose an account</h1>", content_type="text/html")

    async with walking(house, database_url, tmp_path, free_port(), GOOGLE) as (walk, _):
        context = await chromium.new_context(java_script_enabled=javascript, viewport=NARROW)
        await context.route("https://accounts.google.com/**", at_google)
        page = await context.new_page()
        await page.goto(f"{walk}/sign-in")
        await page.click("button:has-text('Sign in with Google')")
        await expect(page.locator("h1")).to_have_text("Choose an account")
        assert len(asked) == 1
        await page.go_back()
        await expect(page.locator("h1")).to_have_text("Sign in")  # the page in between is not come back to
        await context.close()


async def test_a_new_person_types_the_code_of_the_mail_and_their_zone_came_along(
    house: House, database_url: str, tmp_path: Path, chromium: Browser
) -> None:
    async with walking(house, database_url, tmp_path, free_port(), CONFIRMS) as (walk, lite):
        context = await chromium.new_context(timezone_id="Asia/Tokyo", viewport=NARROW)
        page = await context.new_page()
        await page.goto(f"{walk}/sign-up?next=/settings/hours")
        await page.get_by_label("Mail address").fill(ADDRESS)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.click("button:has-text('Make an account')")
        await page.get_by_label("Code from the mail").fill(await code_in_mail(lite, ADDRESS))
        await page.click("button:has-text('Go on')")
        await page.wait_for_url(f"{walk}/settings/hours")
        await expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
        await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_stands_behind_the_buttons_passes_axe(
    house: House, database_url: str, tmp_path: Path, chromium: Browser, scheme: Any
) -> None:
    found: list[str] = []
    async with walking(house, database_url, tmp_path, free_port(), GOOGLE) as (walk, lite):
        for width in (390, 1440):
            context = await chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
            await context.route(f"{lite.url}/**", lambda route: route.fulfill(status=204))  # it stays where it is
            page = await context.new_page()
            name = f"{scheme}-{width}"
            for path in ("/sign-in", "/sign-up", "/sign-in/callback?token_hash=x&type=invite"):
                await page.goto(f"{walk}{path}")
                await shot(page, f"{path.strip('/').replace('/', '-').partition('?')[0]}-google-{name}")
                found += await wrong_at(page)
            await page.goto(f"{walk}/sign-in#access_token=x&type=invite")
            await expect(page.get_by_role("status")).to_contain_text("you have no password yet")
            await shot(page, f"invited-{name}")
            found += await wrong_at(page)
            await page.click("button:has-text('Sign in with Google')")
            await expect(page.locator("h1")).to_have_text("On to Google")
            await shot(page, f"google-{name}")
            found += await wrong_at(page)
            await page.goto(f"{walk}/sign-in")
            await page.get_by_label("Mail address").fill(
                f"a.person.with-a-rather-long-name-{width}-{scheme}@vega.example"
            )
            await page.click("button:has-text('Mail me a link')")
            await expect(page.locator("h1")).to_have_text("Look into your mail")
            await shot(page, f"code-{name}")
            found += await wrong_at(page)
            await page.get_by_label("Code from the mail").fill("000000")
            await page.click("button:has-text('Go on')")
            await expect(page.get_by_role("alert")).to_contain_text("wrong, or too old")
            await shot(page, f"code-wrong-{name}")
            found += await wrong_at(page)
            await page.goto(f"{walk}/sign-in")
            await shot(page, f"sign-in-waiting-{name}")
            found += await wrong_at(page)
            await context.add_cookies(half_session(tmp_path, walk))  # pyright: ignore[reportArgumentType]
            await page.goto(f"{walk}/sign-in/factor")
            await expect(page.locator("h1")).to_have_text("One more proof")
            await shot(page, f"factor-{name}")
            found += await wrong_at(page)
            await context.close()
    assert found == []


def half_session(home: Path, url: str) -> list[Mapping[str, str]]:
    """The cookies of somebody whose second factor is not proved yet."""
    half = PersonSession("id", uuid4(), ADDRESS, "password", "access", "refresh", int(time.time()) + 3600)
    keys = Keys.load(home, secret_key=SECRET_KEY)
    made = cookies_of(replace(half, factor_id="a factor"), keys)
    return [{"name": name, "value": value, "url": url} for name, value in made.items() if value]
