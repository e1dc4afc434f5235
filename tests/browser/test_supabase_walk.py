"""A new person at a house that was given no more than a Supabase project's URL and keys, clicked through in a browser.

The web process reaches the database through PostgREST; a worker with a connection to Postgres runs beside it. Supabase
Lite stands in for the project.
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from app.house import House, open_house
from cli.serving import serve
from core.settings import Settings
from jobs.worker import working
from tests.conftest import free_port
from tests.emulators.supabase import SupabaseLite, supabase_lite

pytestmark = pytest.mark.browser
MODULES = Path(os.environ.get("STEWARD_NODE_MODULES", Path(__file__).parents[2] / "node_modules"))
AXE = (MODULES / "axe-core" / "axe.min.js").read_text()
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
SHOTS = os.environ.get("STEWARD_TEST_SHOTS")  # a folder to look at what was seen
ADDRESS, PASSWORD = "ana.torres@vega.example", "a long and plain password"
SECRET_KEY = "c2VjcmV0LWtleS1vZi1hLXdhbGstMzItYnl0ZXMtbG8="
TITLE = "Draft email to john@example.com thanking him for the meeting"


@pytest.fixture
async def walk(house: House, database_url: str, tmp_path: Path) -> AsyncGenerator[str]:
    """The base URL of the house; its worker works."""
    async with walking(house, database_url, tmp_path, free_port()) as (url, _):
        yield url


@asynccontextmanager
async def walking(
    house: House, database_url: str, tmp_path: Path, port: int, auth: bool | Mapping[str, object] = True
) -> AsyncGenerator[tuple[str, SupabaseLite]]:
    """The base URL of the house, and its project; `auth` are settings of that."""
    async with supabase_lite(database_url, auth=auth) as lite:
        settings = Settings.model_validate(
            {
                "home": tmp_path / "web",
                "timezone": "Europe/Berlin",
                "now": house.settings.now,
                "port": port,
                "supabase_url": lite.url,
                "supabase_publishable_key": lite.publishable_key,
                "secret_key": SECRET_KEY,
            }
        )
        async with open_house(settings, over_http=True) as web, working(await house.worker()):
            ready = asyncio.Event()
            running = asyncio.create_task(serve(web, web=True, worker=False, ready=ready.set))
            await asyncio.wait([running, waiting := asyncio.create_task(ready.wait())], return_when="FIRST_COMPLETED")
            assert waiting.done(), running.exception()
            yield f"http://127.0.0.1:{settings.port}", lite
            running.cancel()
            await asyncio.wait([running])
        assert not list((tmp_path / "web").glob("secret.key"))


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_new_person_signs_up_works_and_comes_back(
    walk: str, chromium: Browser, house: House, javascript: bool
) -> None:
    context = await chromium.new_context(java_script_enabled=javascript, viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(f"{walk}/tasks")
    await expect(page.locator("h1")).to_have_text("Sign in")
    await shot(page, "sign-in")
    await page.click("a:has-text('Make an account')")
    await page.get_by_label("Your name").fill("Ana Torres")
    await page.get_by_label("Mail address").fill(ADDRESS)
    await page.get_by_label("Password").fill("x")
    await page.click("button:has-text('Make an account')")
    await expect(page.get_by_role("alert")).to_contain_text("too weak")
    await shot(page, "sign-up-weak")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.click("button:has-text('Make an account')")
    await page.wait_for_url(f"{walk}/tasks")
    await page.goto(walk)
    await page.fill("textarea[name=message]", TITLE)
    await page.click("button:has-text('Send')")
    await page.locator("a.title", has_text=TITLE).first.click()
    await page.click("button:has-text('Execute')")
    review = page.locator("a:has-text('Review the draft')")
    await appears(page, review, javascript)
    await review.click()
    await expect(page.locator("article header")).to_contain_text("john@example.com")
    await shot(page, "review")
    # Nothing can send it for her yet, and the page says so before she says yes to anything.
    await expect(page.locator("article")).to_contain_text("mailbox")
    await expect(page.locator("button:has-text('Approve and send')")).to_have_count(0)
    await page.goto(f"{walk}/settings")
    await expect(page.locator("#session")).to_contain_text(f"As {ADDRESS}, since you made the account.")
    await shot(page, "settings")
    await page.click("#session button:text-is('Sign out')")
    await expect(page.locator("h1")).to_have_text("Sign in")
    await page.go_back()
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Sign in")
    await page.get_by_label("Mail address").fill(ADDRESS)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.click("button:text-is('Sign in')")
    await expect(page.locator("#session")).to_contain_text("with your password")
    await page.goto(f"{walk}/review")
    await expect(page.locator("article header")).to_contain_text("john@example.com")
    assert not (house.settings.home / "outbox").exists()  # a mailbox of hers is not connected; the owner's is not hers
    await context.close()


async def appears(page: Page, locator: Locator, javascript: bool) -> None:
    """With a script the page is live; without one a person reloads it."""
    for _ in range(80):
        if javascript:
            await expect(locator.first).to_be_visible(timeout=20_000)
        if await locator.count():
            return
        await page.wait_for_timeout(250)
        await page.reload()
    raise AssertionError("it never appeared")


async def test_a_confirmation_that_lands_beside_the_callback_is_told_and_its_session_goes_unused(
    house: House, database_url: str, tmp_path: Path, chromium: Browser
) -> None:
    """Lite leads every link to the project's site, with a session behind a #, whatever the address it was asked for."""
    port = free_port()
    auth = {"site_url": f"http://127.0.0.1:{port}", "email": {"enable_confirmations": True}}
    async with walking(house, database_url, tmp_path, port, auth) as (walk, lite):
        context = await chromium.new_context(viewport={"width": 390, "height": 800})
        page = await context.new_page()
        await page.goto(f"{walk}/sign-up")
        await page.get_by_label("Mail address").fill(ADDRESS)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.click("button:has-text('Make an account')")
        await expect(page.get_by_role("status")).to_contain_text("link to confirm")
        (link,) = re.findall(r"https?://\S+", (await lite.mail(ADDRESS))[-1]["text"])
        await page.goto(link.replace(walk, lite.url))  # Lite writes its own address as that of the site
        confirmed = page.get_by_role("status").get_by_text("Your address is confirmed. Now sign in.")
        await expect(confirmed).to_be_visible()
        assert page.url.partition("?")[0] == f"{walk}/sign-in"
        assert "#" not in page.url
        await shot(page, "confirmed")
        await page.goto(f"{walk}/sign-in/callback#access_token=x&type=signup")  # after "Send the confirmation again"
        await expect(confirmed).to_be_visible()
        await expect(page.get_by_role("alert")).to_have_count(0)
        assert page.url == f"{walk}/sign-in/callback"
        for behind, said in (("access_token=x&type=recovery", "signs nobody in"), ("error=access_denied", "too old")):
            await page.goto("about:blank")
            await page.goto(f"{walk}/sign-in#{behind}")
            await expect(page.get_by_role("status")).to_contain_text(said)
            await expect(confirmed).to_be_hidden()
            assert page.url == f"{walk}/sign-in"
        await page.get_by_label("Mail address").fill(ADDRESS)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.click("button:text-is('Sign in')")
        await expect(page.locator("nav[aria-label=Main]")).to_be_visible()
        await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_of_signing_in_pass_axe_on_wide_and_narrow_screens(
    walk: str, chromium: Browser, scheme: Any
) -> None:
    found: list[str] = []
    for width in (390, 1440):
        context = await chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = await context.new_page()
        for path in (
            "/sign-in",
            "/sign-up",
            "/sign-in/reset",
            "/sign-in/callback?code=x",
            "/sign-in/callback?token_hash=x",
        ):
            await page.goto(f"{walk}{path}")
            await page.evaluate(AXE)
            report: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
            found += [f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in report["violations"]]
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{path} is wider than {width} px")
            await shot(page, f"{path.strip('/').replace('/', '-').partition('?')[0]}-{scheme}-{width}")
        await context.close()
    assert found == []
