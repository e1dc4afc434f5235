"""What is done on a task's page: `agents.services.browser.BrowserSession` on Playwright."""

import asyncio
import mimetypes
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from core.outside.browser import (
    FilledForm,
    FormChanged,
    NoSuchElement,
    PageFile,
    SiteNotAllowed,
    Submitted,
    Target,
    WouldSend,
)
from core.outside.errors import Refused, Temporary, Uncertain
from integrations.browser.forms import READ_FORM, form_from
from integrations.browser.gate import Sending, is_from_guard
from integrations.browser.page import MOVE_MS, OpenPage, first_line, homed, is_selector, named
from integrations.browser.reading import IS_PRESSED, IS_TYPED_INTO, WHY_INVALID
from integrations.browser.sites import place_of, site_of

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Response

PAGE_MS = 20_000
SEND_SECONDS = 30
START_SECONDS = 3
DOWNLOAD_MS = 60_000
MOST_FILE_BYTES = 20_000_000
KEYS = {"Enter", "Tab", "Backspace", "Escape", "ArrowDown", "ArrowUp", "PageDown", "PageUp"}
NEVER_ARRIVED = (
    "ERR_CONNECTION_REFUSED",
    "ERR_NAME_NOT_RESOLVED",
    "ERR_TUNNEL",
    "ERR_PROXY",
    "ERR_ADDRESS",
    "ERR_BLOCKED",
)


class Session(OpenPage):
    """A context of its own with one page, behind a proxy of its own."""

    # ------------------------------------------------------------ moving about

    async def allow(self, sites: Iterable[str]) -> None:
        self._sites.add(sites)

    @homed
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
            raise Temporary(f"{site_of(url)} cannot be opened", detail=first_line(error)) from error
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

    @homed
    async def back(self) -> None:
        await self._the_page().go_back(wait_until="domcontentloaded")
        await self._gate.settle()

    @homed
    async def wait(self, seconds: float, text: str = "") -> None:
        if text:
            await self._the_page().get_by_text(text).first.wait_for(timeout=seconds * 1000)
        else:
            await asyncio.sleep(seconds)

    @homed
    async def resolve(self, target: Target) -> Target:
        return target if is_selector(target) else named(await self._node(target))

    @homed
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

    @homed
    async def type(self, target: Target, text: str) -> None:
        found, here = await self._locate(target), self._begin()
        await found.fill(text)
        await self._after_move(here)

    @homed
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

    @homed
    async def upload(self, target: Target, file: PageFile) -> None:
        found = await self._locate(target)
        here = self._begin()
        await found.set_input_files({"name": file.name, "mimeType": file.media_type, "buffer": file.content})
        await self._after_move(here)

    @homed
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

    @homed
    async def form_of(self, target: Target) -> FilledForm:
        return await self._form_of(await self._locate(target))

    async def _form_of(self, found: "Locator") -> FilledForm:
        return form_from(await found.evaluate(READ_FORM), self._sends_to)

    @homed
    async def submit(self, target: Target, digest: str) -> Submitted:
        from playwright.async_api import Error

        found = await self._locate(target)
        form = await self._form_of(found)
        if form.digest != digest:
            raise FormChanged("The form is not the one that was shown any more")
        self._gate.begin()
        is_known = form.method != "script" or self._sends_to is not None
        sending = self._gate.sending = Sending("once", form.target_url if is_known else None)
        try:
            await self._set_off(found, form, sending)
            await asyncio.wait_for(sending.over.wait(), SEND_SECONDS)
            return await self._what_came(sending)
        except (Error, TimeoutError) as error:
            if sending.request is None:
                raise
            words = "The page broke off, or the site did not answer; nobody knows whether the form arrived"
            raise Uncertain(words, detail=first_line(error)) from error
        finally:
            self._gate.sending = None
            self._proxy.end_sending()

    async def _set_off(self, found: "Locator", form: FilledForm, sending: Sending) -> None:
        """Press the button; where the target is none, submit its form as Enter would. Raises Refused when nothing goes out."""
        invalid = await found.evaluate(WHY_INVALID)
        if invalid:
            raise Refused("The page sent nothing", detail=invalid)
        if await found.evaluate(IS_TYPED_INTO) and form.method == "script":
            await found.press("Enter")
        elif form.method == "script" or await found.evaluate(IS_PRESSED):
            await found.click(timeout=MOVE_MS)
        else:
            await found.evaluate("e => (e.form || e.closest('form')).requestSubmit()")
        for _ in range(START_SECONDS * 20):
            if sending.request is not None:
                return
            await asyncio.sleep(0.05)
        raise Refused("The page sent nothing", detail="; ".join(self._gate.tried_to_send) or None)

    async def _what_came(self, sending: Sending) -> Submitted:
        from playwright.async_api import Error

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
        page = self._the_page()
        try:
            title = await page.title()
        except Error:  # the page goes on elsewhere at this moment; the form has been answered
            title = ""
        return Submitted(response.status, page.url, title, tuple(self._gate.said[:10]))

    @homed
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
                case {"do": "press", "key": str(key)} if key in KEYS:
                    await page.keyboard.press(key)
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
