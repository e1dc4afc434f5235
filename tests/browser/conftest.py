"""A served house with a worker, and Chromium."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Callable

import pytest
from playwright.async_api import Browser, Page, async_playwright

from app.house import House
from cli.serving import load_keys, serve, sign_in_link
from tests.one_router import share_routes

share_routes()


@pytest.fixture
async def served(house: House) -> AsyncGenerator[str]:
    """The house at work on loopback; its base URL."""
    ready = asyncio.Event()
    running = asyncio.create_task(serve(house, web=True, worker=True, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    yield f"http://127.0.0.1:{house.settings.port}"
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
async def chromium() -> AsyncGenerator[Browser]:
    """An installed Chromium, else Playwright's own."""
    installed = os.environ.get("STEWARD_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=installed,
            args=["--disable-background-networking", "--disable-component-update", "--no-first-run"],
        )
        yield browser
        await browser.close()


@pytest.fixture
def signed_in(house: House, served: str, chromium: Browser) -> Callable[..., object]:
    """Opens a page of the owner's: `await signed_in(javascript=False, width=390)`."""

    async def open_page(*, javascript: bool = True, width: int = 1440, scheme: str = "light") -> Page:
        context = await chromium.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=javascript,
            color_scheme=scheme,  # pyright: ignore[reportArgumentType]
        )
        page = await context.new_page()
        await page.goto(sign_in_link(house, load_keys(house)))
        return page

    return open_page
