"""One task's page: what `agents.services.browser.BrowserSession` asks for, on Playwright."""

import asyncio
import mimetypes
from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from pathlib import Path, PurePosixPath
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import orjson

from core.outside.browser import (
    FilledForm,
    FormChanged,
    Look,
    NoSuchElement,
    PageFile,
    SiteNotAllowed,
    Submitted,
    Target,
    WouldSend,
)
from core.outside.errors import Refused, Temporary, Uncertain
from integrations.browser import outline
from integrations.browser.chromium import Chromium
from integrations.browser.forms import PRIVATE_INPUTS, READ_FORM, form_from
from integrations.browser.gate import Gate, Sending, is_from_guard
from integrations.browser.proxy import GuardedProxy, Resolve
from integrations.browser.reading import READ_TABLE, SECRETS
from integrations.browser.sites import Sites, place_of, site_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page, Response

P = ParamSpec("P")
T = TypeVar("T")
VIEW = {"width": 1280, "height": 800}
MOVE_MS = 8_000
PAGE_MS = 20_000
SEND_SECONDS = 30
DOWNLOAD_MS = 60_000
MOST_FILE_BYTES = 20_000_000
MOST_SCREENSHOT_BYTES = 400_000
NEVER_ARRIVED = (
    "ERR_CONNECTION_REFUSED",
    "ERR_NAME_NOT_RESOLVED",
    "ERR_TUNNEL",
    "ERR_PROXY",
    "ERR_ADDRESS",
    "ERR_BLOCKED",
)


def _homed(
    method: "Callable[Concatenate[Session, P], Coroutine[Any, Any, T]]",
) -> "Callable[Concatenate[Session, P], CoroutineType[Any, Any, T]]":
    """Carries a call to the browser's loop, one at a time, and turns Playwright's errors into ours."""

    @wraps(method)
    async def carried(self: "Session", *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.chromium.run(_translated(self, method(self, *args, **kwargs)))

    return carried


async def _translated(session: "Session", work: Coroutine[Any, Any, T]) -> T:
    from playwright.async_api import Error, TimeoutError

    try:
        async with session.lock:
            return await work
    except TimeoutError as error:
        raise NoSuchElement("The page did not do this in time", detail=_first_line(error)) from error
    except Error as error:
        words = _first_line(error)
        if "closed" in words or "crashed" in words:
            session.is_dead = True
            raise Temporary("The browser closed the page", detail=words) from error
        raise Refused("The page did not do this", detail=words) from error


class Session:
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

    @_homed
    async def look(self) -> Look:
        page = self._the_page()
        text = await self._outline()
        secrets: list[str] = []
        for frame in page.frames:
            if frame == page.main_frame or self._sites.allows_url(frame.url):
                secrets += await frame.evaluate(SECRETS, PRIVATE_INPUTS)
        return Look(page.url, await page.title(), outline.shown(text, secrets), self._gate.read_refused())

    async def _outline(self) -> str:
        text = await self._the_page().aria_snapshot(mode="ai", timeout=15_000)
        self._nodes = outline.nodes_of(text)
        return text

    @_homed
    async def screenshot(self) -> bytes:
        page = self._the_page()
        mask = [page.locator(PRIVATE_INPUTS)]
        for quality in (60, 30, 10):
            taken = await page.screenshot(type="jpeg", quality=quality, scale="css", mask=mask, timeout=10_000)
            if len(taken) <= MOST_SCREENSHOT_BYTES:
                break
        return taken

    @_homed
    async def table(self, target: Target | None) -> list[dict[str, str]]:
        found = await self._locate(target) if target else self._the_page().locator("table").first
        rows = await found.evaluate(READ_TABLE)
        if rows is None:
            raise NoSuchElement("This is no table")
        return rows

    @_homed
    async def text_of(self, target: Target) -> str:
        found = await self._locate(target)
        is_secret = await found.evaluate("(e, secret) => e.matches(secret)", PRIVATE_INPUTS)
        if is_secret:
            raise Refused("What stands in a secret field is not read")
        return str(await found.evaluate("e => ('value' in e && e.tagName !== 'LI' ? e.value : e.innerText) || ''"))[
            :20_000
        ]

    @_homed
    async def stored(self) -> str:
        assert self._context is not None
        return orjson.dumps(await self._context.storage_state()).decode()

    # ------------------------------------------------------------ moving about

    async def allow(self, sites: Iterable[str]) -> None:
        self._sites.add(sites)

    @_homed
    async def navigate(self, url: str) -> None:
        await self._navigate(url)

    async def _navigate(self, url: str) -> None:
        from playwright.async_api import Error

        if place_of(url) is None:
            raise Refused("Only http and https addresses are opened", detail=url[:200])
        if not self._sites.allows_url(url):
            raise SiteNotAllowed(site_of(url))
        page = self._the_page()
        self._gate.begin()
        try:
            response = await self._goto(page, url)
        except Error as error:
            self._gate.check()
            if self._proxy.refused:
                raise Refused(self._proxy.refused[-1]) from error
            raise Temporary(f"{site_of(url)} cannot be opened", detail=_first_line(error)) from error
        await self._gate.settle()
        if response is not None and is_from_guard(response):
            words = (await response.text())[:300]
            await page.goto("about:blank")
            if response.status == 403 and not self._sites.allows_url(response.url):
                raise SiteNotAllowed(site_of(response.url))
            raise Refused(words) if response.status == 403 else Temporary(words)
        self._gate.check()

    async def _goto(self, page: "Page", url: str) -> "Response | None":
        """Open an address, also while the page is still on its way to another (as after a form that failed)."""
        from playwright.async_api import Error

        for _ in range(3):
            try:
                return await page.goto(url, wait_until="domcontentloaded", timeout=PAGE_MS)
            except Error as error:
                if "interrupted by another" not in str(error):
                    raise
                await asyncio.sleep(0.2)
        return await page.goto(url, wait_until="domcontentloaded", timeout=PAGE_MS)

    @_homed
    async def back(self) -> None:
        await self._the_page().go_back(wait_until="domcontentloaded")
        await self._gate.settle()

    @_homed
    async def wait(self, seconds: float, text: str = "") -> None:
        if text:
            await self._the_page().get_by_text(text).first.wait_for(timeout=seconds * 1000)
        else:
            await asyncio.sleep(seconds)

    @_homed
    async def resolve(self, target: Target) -> Target:
        return _named(await self._node(target))

    @_homed
    async def click(self, target: Target) -> None:
        found = await self._locate(target)
        form = await found.evaluate(READ_FORM)
        if form["submits"] and not form_from(form).is_search:
            raise WouldSend(f"{target.in_words()} submits a form to {form['action'][:200]}", hint="Submit it instead.")
        here = self._begin()
        await found.click(timeout=MOVE_MS)
        await self._after_move(here)

    def _begin(self) -> str:
        self._gate.begin()
        return self._the_page().url

    async def _after_move(self, before: str) -> None:
        await self._gate.settle()
        self._sends_to = self._gate.tried_to_send[0].partition(" ")[2] if self._gate.tried_to_send else None
        await self._gate.check_page(self._the_page())
        self._gate.check(is_same_page=self._the_page().url == before)

    @_homed
    async def type(self, target: Target, text: str) -> None:
        found, here = await self._locate(target), self._begin()
        await found.fill(text)
        await self._after_move(here)

    @_homed
    async def select(self, target: Target, choice: str) -> None:
        found = await self._locate(target)
        options: list[dict[str, str]] = await found.evaluate(
            "e => [...(e.options || [])].map(o => ({label: o.label, value: o.value}))"
        )
        chosen = [o for o in options if choice in (o["label"], o["value"])]
        if not chosen:
            there = ", ".join(o["label"] for o in options[:20])
            raise NoSuchElement(f"{target.in_words()} has no choice {choice!r}", hint=f"There are: {there}")
        here = self._begin()
        await found.select_option(value=chosen[0]["value"])
        await self._after_move(here)

    @_homed
    async def upload(self, target: Target, file: PageFile) -> None:
        found = await self._locate(target)
        here = self._begin()
        await found.set_input_files({"name": file.name, "mimeType": file.media_type, "buffer": file.content})
        await self._after_move(here)

    @_homed
    async def download(self, target: Target) -> PageFile:
        found = await self._locate(target)
        self._gate.begin()
        self._gate.takes_download = True
        try:
            async with self._the_page().expect_download(timeout=DOWNLOAD_MS) as expected:
                await found.click(timeout=MOVE_MS)
            download = await expected.value
            path = Path(await download.path())
            size = (await asyncio.to_thread(path.stat)).st_size
            if size > MOST_FILE_BYTES:
                raise Refused(f"The file is larger than {MOST_FILE_BYTES // 1_000_000} MB", detail=f"{size} bytes")
            content = await asyncio.to_thread(path.read_bytes)
            await download.delete()
        finally:
            self._gate.takes_download = False
        name = PurePosixPath(download.suggested_filename.replace("\\", "/")).name[:200] or "download"
        return PageFile(name, mimetypes.guess_type(name)[0] or "application/octet-stream", content)

    # ------------------------------------------------------------ sending

    @_homed
    async def form_of(self, target: Target) -> FilledForm:
        return await self._form_of(await self._locate(target))

    async def _form_of(self, found: "Locator") -> FilledForm:
        return form_from(await found.evaluate(READ_FORM), self._sends_to)

    @_homed
    async def submit(self, target: Target, digest: str) -> Submitted:
        found = await self._locate(target)
        form = await self._form_of(found)
        if form.digest != digest:
            raise FormChanged("The form is not the one that was shown any more")
        self._gate.begin()
        sending = self._gate.sending = Sending("once", None if form.method == "script" else form.target_url)
        try:
            await self._set_off(found, form)
            try:
                await asyncio.wait_for(sending.over.wait(), SEND_SECONDS)
            except TimeoutError:
                if sending.request is not None:
                    raise Uncertain("The site did not answer; nobody knows whether the form arrived") from None
            return await self._what_came(sending)
        finally:
            self._gate.sending = None
            self._proxy.end_sending()

    async def _set_off(self, found: "Locator", form: FilledForm) -> None:
        """Press the button; where the target is none, submit its form as Enter would."""
        from playwright.async_api import Error

        sending = self._gate.sending
        assert sending is not None
        try:
            if form.method == "script" or await found.evaluate("e => e.matches('button, input, [role=button], a')"):
                is_field = await found.evaluate(
                    "e => e.matches('input:not([type=submit]):not([type=image]):not([type=button])')"
                )
                await (found.press("Enter") if is_field else found.click(timeout=MOVE_MS))
            else:
                await found.evaluate("e => (e.form || e.closest('form')).requestSubmit()")
        except Error as error:
            if sending.request is None:
                raise
            raise Uncertain("The page broke off while the form was sent", detail=_first_line(error)) from error
        if sending.request is None:
            with_wait = asyncio.wait_for(sending.over.wait(), 3)
            try:
                await with_wait
            except TimeoutError:
                if sending.request is None:
                    why = await found.evaluate(
                        "e => { const f = e.form || e.closest('form'); const bad = f && f.querySelector(':invalid');"
                        " return bad ? (bad.name || bad.id) + ': ' + bad.validationMessage : '' }"
                    )
                    raise Refused(
                        "The page sent nothing", detail=why or "; ".join(self._gate.tried_to_send) or None
                    ) from None

    async def _what_came(self, sending: Sending) -> Submitted:
        page = self._the_page()
        response = sending.response
        if response is None:
            why = sending.failure or "no answer"
            if any(mark in why for mark in NEVER_ARRIVED) and not self._proxy.is_broken:
                raise Temporary("The site could not be reached; the form was not sent", detail=why)
            raise Uncertain("The line broke while the form was sent; nobody knows whether it arrived", detail=why)
        if is_from_guard(response):
            words = (await response.text())[:300]
            raise Refused(words) if response.status == 403 else Temporary(words)
        if response.status >= 500:
            raise Uncertain(f"The site answered {response.status}; nobody knows whether the form took effect")
        await self._gate.settle()
        return Submitted(response.status, page.url, await page.title(), tuple(self._gate.said[:10]))

    @_homed
    async def by_hand(self, command: dict[str, Any]) -> None:
        page = self._the_page()
        self._gate.begin()
        self._gate.sending = Sending("freely")
        try:
            match command:
                case {"do": "click", "x": int(x), "y": int(y)}:
                    await page.mouse.click(x, y)
                case {"do": "type", "text": str(text)}:
                    await page.keyboard.insert_text(text)
                case {
                    "do": "press",
                    "key": (
                        "Enter" | "Tab" | "Backspace" | "Escape" | "ArrowDown" | "ArrowUp" | "PageDown" | "PageUp"
                    ) as key,
                }:
                    await page.keyboard.press(str(key))
                case {"do": "navigate", "url": str(url)}:
                    await self._navigate(url)
                case {"do": "back"}:
                    await page.go_back(wait_until="domcontentloaded")
                case {"do": "look"}:
                    pass
                case _:
                    raise Refused("There is no such move", detail=str(command.get("do"))[:50])
            await self._gate.settle()
        finally:
            self._gate.sending = None
        if self._gate.wanted_site:
            raise SiteNotAllowed(self._gate.wanted_site)

    # ------------------------------------------------------------ finding

    async def _node(self, target: Target) -> outline.Node:
        if not target.ref or not any(node.ref == target.ref for node in self._nodes):
            await self._outline()
        return outline.find(self._nodes, target)

    async def _locate(self, target: Target) -> "Locator":
        node = await self._node(target)
        found = self._the_page().locator(f"aria-ref={node.ref}")
        if not await found.count():  # the page was drawn anew since it was looked at
            await self._outline()
            node = outline.find(self._nodes, Target("", node.role, node.name, node.nth))
            found = self._the_page().locator(f"aria-ref={node.ref}")
        return found


def _named(node: outline.Node) -> Target:
    return Target(node.ref, node.role, node.name, node.nth)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
