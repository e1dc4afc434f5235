"""One task's page: opened, looked at, and the things on it found again."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import orjson

from core.outside.browser import Look, NoSuchElement, Target
from core.outside.errors import Refused, Temporary
from integrations.browser import outline
from integrations.browser.chromium import Chromium
from integrations.browser.gate import Gate
from integrations.browser.privacy import PRIVACY, PRIVATE_FIELDS, SECRETS
from integrations.browser.proxy import GuardedProxy, Resolve
from integrations.browser.reading import READ_TABLE
from integrations.browser.sites import Sites

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page

P = ParamSpec("P")
T = TypeVar("T")
Self_ = TypeVar("Self_", bound="OpenPage")
VIEW = {"width": 1280, "height": 800}
MOVE_MS = 8_000
LOOKS = 8  # at a page that goes on to another one meanwhile
MOVED_ON = ("context was destroyed", "Frame was detached", "Cannot find context")  # Playwright's words
MOST_SCREENSHOT_BYTES = 400_000


def homed(
    method: "Callable[Concatenate[Self_, P], Coroutine[Any, Any, T]]",
) -> "Callable[Concatenate[Self_, P], CoroutineType[Any, Any, T]]":
    """Carries a call to the browser's loop, one at a time, and turns Playwright's errors into ours."""

    @wraps(method)
    async def carried(self: Self_, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.chromium.run(_translated(self, method(self, *args, **kwargs)))

    return carried


async def _translated(session: "OpenPage", work: Coroutine[Any, Any, T]) -> T:
    from playwright.async_api import Error, TimeoutError

    try:
        async with session.lock:
            return await work
    except TimeoutError as error:
        raise NoSuchElement("The page did not do this in time", detail=first_line(error)) from error
    except Error as error:
        words = first_line(error)
        if "closed" in words or "crashed" in words:
            session.is_dead = True
            raise Temporary("The browser closed the page", detail=words) from error
        raise Refused("The page did not do this", detail=words) from error


class OpenPage:
    """A context of its own with one page, behind a proxy of its own."""

    def __init__(self, chromium: Chromium, sites: Iterable[str], resolve: Resolve) -> None:
        self.chromium = chromium
        self.position = -1
        self.is_dead = False
        self.lock = asyncio.Lock()
        self._sites = Sites(sites)
        self._proxy = GuardedProxy(self._sites, resolve)
        self._gate = Gate(self._sites, self._proxy)
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._nodes: list[outline.Node] = []
        self._sends_to: str | None = None

    # ------------------------------------------------------------ opening and closing

    async def open(self, stored: str | None) -> None:
        """Raises NotConnected, Temporary."""
        await self.chromium.run(self._open(stored))

    async def _open(self, stored: str | None) -> None:
        browser = await self.chromium.browser()
        port = await self._proxy.start()
        self._context = await browser.new_context(
            proxy={"server": f"http://127.0.0.1:{port}", "bypass": "<-loopback>"},
            service_workers="block",
            accept_downloads=True,
            viewport=VIEW,  # pyright: ignore[reportArgumentType]
            storage_state=orjson.loads(stored) if stored else None,
        )
        self._context.set_default_timeout(MOVE_MS)
        self._page = await self._gate.page_in(self._context)

    def _the_page(self) -> "Page":
        if self._page is None:
            raise LookupError("no page yet")
        return self._page

    async def close(self) -> None:
        """Close page, context and proxy; twice is once."""
        self.is_dead = True
        await self.chromium.run(self._close())

    async def _close(self) -> None:
        from playwright.async_api import Error

        context, self._context = self._context, None
        if context is not None:
            try:
                await context.close()
            except Error:  # the browser is gone already
                self._page = None
        await self._proxy.stop()

    # ------------------------------------------------------------ looking

    @homed
    async def look(self) -> Look:
        from playwright.async_api import Error

        for left in reversed(range(LOOKS)):
            try:
                return await self._seen()
            except Error as error:
                if not left or not any(words in first_line(error) for words in MOVED_ON):
                    raise
                await self._the_page().wait_for_load_state("domcontentloaded", timeout=MOVE_MS)
        raise AssertionError("the last look returns or raises")

    async def _seen(self) -> Look:
        page = self._the_page()
        text = await self._outline()
        secrets: list[str] = []
        for frame in page.frames:
            if frame == page.main_frame or self._sites.allows_url(frame.url):
                secrets += await frame.evaluate(SECRETS)
        return Look(page.url, await page.title(), outline.shown(text, secrets), self._gate.read_refused())

    async def _outline(self) -> str:
        text = await self._the_page().aria_snapshot(mode="ai", timeout=15_000)
        self._nodes = outline.nodes_of(text)
        return text

    @homed
    async def screenshot(self) -> bytes:
        page = self._the_page()
        mask = [frame.locator(PRIVATE_FIELDS) for frame in page.frames]
        for quality in (60, 30, 10):
            taken = await page.screenshot(type="jpeg", quality=quality, scale="css", mask=mask, timeout=10_000)
            if len(taken) <= MOST_SCREENSHOT_BYTES:
                break
        return taken

    @homed
    async def table(self, target: Target | None) -> list[dict[str, str]]:
        found = await self._locate(target) if target else self._the_page().locator("table").first
        if not await found.count():
            raise NoSuchElement("There is no table on the page")
        rows = await found.evaluate(READ_TABLE)
        if rows is None:
            raise NoSuchElement("This is no table")
        return rows

    @homed
    async def text_of(self, target: Target) -> str:
        found = await self._locate(target)
        is_secret = await found.evaluate(PRIVACY)
        if is_secret:
            raise Refused("What stands in a secret field is not read")
        return str(await found.evaluate("e => ('value' in e && e.tagName !== 'LI' ? e.value : e.innerText) || ''"))[
            :20_000
        ]

    @homed
    async def stored(self) -> str:
        assert self._context is not None  # nosec B101 # narrows the type
        return orjson.dumps(await self._context.storage_state()).decode()

    # ------------------------------------------------------------ finding

    async def _node(self, target: Target) -> outline.Node:
        if not target.ref or not any(node.ref == target.ref for node in self._nodes):
            await self._outline()
        return outline.find(self._nodes, target)

    async def _locate(self, target: Target) -> "Locator":
        if is_selector(target):
            found = self._the_page().locator(target.name).nth(target.nth)
            if not await found.count():
                raise NoSuchElement(f"Nothing on the page fits {target.name}")
            return found
        node = await self._node(target)
        found = self._the_page().locator(f"aria-ref={node.ref}")
        if not await found.count():  # the page was drawn anew since it was looked at
            await self._outline()
            node = outline.find(self._nodes, Target("", node.role, node.name, node.nth))
            found = self._the_page().locator(f"aria-ref={node.ref}")
        return found


def is_selector(target: Target) -> bool:
    """Is it meant by a CSS selector? Only that kind: no chain into other ways of finding."""
    return target.name.startswith("css=") and ">>" not in target.name


def named(node: outline.Node) -> Target:
    return Target(node.ref, node.role, node.name, node.nth)


def first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
