"""The documentation site, as `make docs` builds it: no warning, nothing from outside, and it can be read and searched."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SIGHTS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1440, "light"), (390, "dark"))
RULES = {"runOnly": ["wcag2a", "wcag2aa"]}
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\b(?:src|srcset)=[\"']?(?:https?:)?//[^\"' >]+", re.I
)
LINKED = re.compile(r"<link\b(?![^>]*rel=[\"']?canonical)[^>]*?\bhref=[\"']?(?:https?:)?//[^\"' >]+", re.I)
FROM_STYLE = re.compile(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//[^\"')]+", re.I)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncGenerator[tuple[str, Path]]:
    """The site, built anew and served on loopback: its address and its folder."""
    folder = tmp_path / "site"
    command = [sys.executable, "-m", "docs._build", "--to", str(folder)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=pipe, env={**os.environ})
    out, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    told = json.loads(out.decode().splitlines()[-1])
    assert told["pages"] > 80
    assert told["code_blocks"] > 150
    assert told["wrong"] == 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    await asyncio.to_thread(server.shutdown)
    server.server_close()


@pytest.mark.browser
async def test_the_site_is_whole_asks_for_nothing_outside_and_can_be_searched(
    site: tuple[str, Path], chromium: Browser
) -> None:
    base, folder = site
    for file in [*folder.rglob("*.html"), *folder.rglob("*.css")]:
        text = file.read_text()
        found = [*LOADED.findall(text), *LINKED.findall(text), *FROM_STYLE.findall(text)]
        assert found == [], f"{file.relative_to(folder)} loads {found[0]}"
    for width, scheme in SIGHTS:
        context = await chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = await context.new_page()
        asked, said = watched(page)
        for address in ("/", "/architecture/", "/reference/api/tasks/", "/concepts/states/", "/reference/functions/"):
            await page.goto(f"{base}{address}")
            assert await page.locator("h1").count() == 1, address
            widest = await page.evaluate("document.documentElement.scrollWidth")
            assert widest <= width, f"{address} is {widest} wide at {width}"
        await page.goto(f"{base}/concepts/states/")
        await page.evaluate(AXE.read_text())
        report: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in report["violations"]] == []
        await search(page, "blocked_on", width)
        assert said == []
        assert {url for url in asked if not url.startswith((base, "data:", "blob:"))} == set()
        await context.close()


def watched(page: Page) -> tuple[list[str], list[str]]:
    """What the page asks for, and the errors it has, from now on."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return asked, said


async def search(page: Page, words: str, width: int) -> None:
    """A word is looked for, and a page with it is found."""
    if width < 900:
        await page.locator("label.md-header__button[for=__search]").click()
    field = page.locator("input.md-search__input")
    await field.click()
    await field.press_sequentially(words)
    await page.locator(".md-search-result__link[href*='states']").first.wait_for()
