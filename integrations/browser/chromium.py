"""One Chromium per process, on an event loop of its own thread: it outlives the loops of those who use it.

Playwright is imported when the first page is wanted. The browser ends with the process, or after it was idle a while.
"""

import asyncio
import atexit
import os
import shutil
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from core.outside.errors import NotConnected, Temporary
from integrations.browser.privacy import ENGINE, ENGINE_SCRIPT

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright

log = structlog.get_logger()
T = TypeVar("T")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_ADD = "Install Chromium (Debian: apt install chromium), or run: python -m playwright install chromium"
NOWHERE = "http://127.0.0.1:9"
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    # No name is looked up by the browser itself: the proxy does that, and checks what it finds.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


class Chromium:
    """The browser of this process. `run` carries coroutines to its loop."""

    def __init__(self, program: str | None) -> None:
        self._program = program
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chromium", daemon=True)
        self._thread.start()
        self._lock: asyncio.Lock | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        atexit.register(self.stop)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of `work`, done on the browser's loop; cancelling this cancels that."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def browser(self) -> "Browser":
        """The living browser, started where there is none (on its own loop). Raises NotConnected, Temporary."""
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._browser is None or not self._browser.is_connected():
                try:
                    self._browser = await self._launch()
                except Temporary:
                    self._playwright = None  # its driver may have died: the next try begins with a new one
                    raise
            return self._browser

    def later(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something done on the browser's loop after a while."""

        def begin() -> None:
            task = self._loop.create_task(work())
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)

        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, begin)

    async def _launch(self) -> "Browser":
        from playwright.async_api import Error, async_playwright

        if self._playwright is None:
            self._playwright = await async_playwright().start()
            await self._playwright.selectors.register(ENGINE, ENGINE_SCRIPT, content_script=True)
        program = found_program(self._program)
        if program is None:
            where = f" at {self._program}" if self._program else " on this machine"
            raise NotConnected(f"There is no browser{where}", hint=HOW_TO_ADD)
        is_boxed = os.geteuid() != 0  # Chromium refuses its sandbox as root
        try:
            return await self._start(program, is_boxed=is_boxed)
        except Error as error:
            if not is_boxed or "sandbox" not in str(error).casefold():
                raise Temporary("The browser does not start", detail=str(error).splitlines()[0][:200]) from error
            await log.awarning("browser_without_sandbox", hint="This machine forbids user namespaces")
            return await self._start(program, is_boxed=False)

    async def _start(self, program: str, *, is_boxed: bool) -> "Browser":
        assert self._playwright is not None  # nosec B101 # narrows the type
        return await self._playwright.chromium.launch(
            executable_path=program, args=ARGUMENTS, chromium_sandbox=is_boxed, proxy={"server": NOWHERE}
        )

    async def rest(self) -> None:
        """Close the browser; the next page starts it again (on its own loop)."""
        browser, self._browser = self._browser, None
        if browser is not None:
            await browser.close()

    def stop(self) -> None:
        """Close the browser and end its thread."""
        if not self._thread.is_alive():
            return
        done = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            done.result(10)
        except Exception as error:  # at the end of the process: what does not close is ended with it
            log.warning("browser_not_closed", error=type(error).__name__)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        await self.rest()
        if self._playwright is not None:
            await self._playwright.stop()
            self._playwright = None
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


@cache
def chromium_of_this_process(program: str | None = None) -> Chromium:
    """The one browser; `program` is its path where a setting names one."""
    return Chromium(program)


def installed_program() -> str | None:
    """A browser on the PATH."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def found_program(named: str | None) -> str | None:
    """The named browser, an installed one, or one that Playwright has downloaded; None where there is none."""
    if named:
        return named if Path(named).is_file() else None
    return installed_program() or downloaded_program()


def downloaded_program() -> str | None:
    """Playwright's own Chromium, where `playwright install` has put it."""
    places = {
        "linux": ".cache/ms-playwright",
        "darwin": "Library/Caches/ms-playwright",
        "win32": "AppData/Local/ms-playwright",
    }
    folder = Path(
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / places.get(sys.platform, ".cache/ms-playwright")
    )
    names = ("chrome-linux*/chrome", "chrome-mac*/**/Chromium", "chrome-win*/chrome.exe")
    found = sorted(path for name in names for path in folder.glob(f"chromium-*/{name}") if path.is_file())
    return str(found[-1]) if found else None
