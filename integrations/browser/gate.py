"""What a page is let do: reach named sites, read from them, and send only while a person's yes says so."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from core.outside.browser import SiteNotAllowed, WouldSend
from core.outside.errors import Refused
from integrations.browser.proxy import MARK, SAFE_METHODS, GuardedProxy
from integrations.browser.sites import Sites, place_of, site_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Dialog, Download, Page, Request, Response, Route, WebSocketRoute

BROWSERS_OWN = "content-autofill.googleapis.com"  # asked for by Chromium itself, whatever the page
NO_BEACONS = "navigator.sendBeacon = () => false; delete window.WebTransport; delete window.RTCPeerConnection;"
QUIET_SECONDS = 0.1
LOOK_SECONDS = 0.025
SETTLE_SECONDS = 2.5


@dataclass
class Sending:
    """Leave to send. `once`: one request to `target_url` (any allowed site where it is None); `freely`: a person's own hand."""

    kind: Literal["once", "freely"]
    target_url: str | None = None
    request: "Request | None" = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    response: "Response | None" = None
    failure: str | None = None

    def takes(self, request: "Request") -> bool:
        """Is this the request that may be sent?"""
        if self.kind == "freely":
            return True
        if self.request is not None:
            return False
        return self.target_url is None or request.url.partition("#")[0].split("?")[0] == self.target_url.split("?")[0]


class Gate:
    """Stands at one context. `refused` collects what was not let through since it was last read."""

    def __init__(self, sites: Sites, proxy: GuardedProxy) -> None:
        self.sites = sites
        self.proxy = proxy
        self.refused: list[str] = []
        self.tried_to_send: list[str] = []
        self.wanted_site: str | None = None
        self._sending: Sending | None = None
        self.said: list[str] = []
        self.takes_download = False
        self._under_way: set[Request] = set()
        self._tasks: set[asyncio.Future[None]] = set()

    async def page_in(self, context: "BrowserContext") -> "Page":
        """The one page that the context has; everything it does is watched from here on."""
        await context.add_init_script(NO_BEACONS)
        await context.route("**/*", self._on_route)
        await context.route_web_socket("**/*", self._on_socket)
        context.on("dialog", self._on_dialog)
        context.on("request", self._on_request)
        context.on("requestfinished", self._on_finished)
        context.on("requestfailed", self._on_failed)
        context.on("response", self._on_response)
        self._page = page = await context.new_page()
        context.on("page", self._on_page)
        page.on("download", self._on_download)
        return page

    @property
    def sending(self) -> Sending | None:
        """What may be sent now."""
        return self._sending

    @sending.setter
    def sending(self, sending: Sending | None) -> None:
        self._sending = sending
        self.proxy.lets_send = sending is not None

    def begin(self) -> None:
        """Forget what happened before a move."""
        self.tried_to_send.clear()
        self.wanted_site = None
        self.said.clear()
        self.proxy.refused.clear()

    def check(self, *, is_same_page: bool = False) -> None:
        """After a move: raises SiteNotAllowed or, unless it led to another page, WouldSend where it wanted what it may not."""
        if self.tried_to_send and is_same_page:
            raise WouldSend(f"This would send something: {self.tried_to_send[0]}", hint="Submit it instead.")
        if self.wanted_site:
            raise SiteNotAllowed(self.wanted_site)

    async def check_page(self, page: "Page") -> None:
        """After a move: raises SiteNotAllowed or Refused where the proxy stood in the way of the page itself, and goes back."""
        refused = [word for word in self.proxy.refused if BROWSERS_OWN not in word]
        is_foreign = place_of(page.url) is not None and not self.sites.allows_url(page.url)
        if not is_foreign and not (refused and page.url.startswith("chrome-error:")):
            return
        site = site_of(page.url)
        await page.go_back(wait_until="domcontentloaded")
        if is_foreign:
            raise SiteNotAllowed(site)
        raise Refused(refused[-1])

    def read_refused(self) -> tuple[str, ...]:
        """What was refused since the last time, each once."""
        found = tuple(dict.fromkeys(word for word in [*self.refused, *self.proxy.refused] if BROWSERS_OWN not in word))[
            :20
        ]
        self.refused.clear()
        self.proxy.refused.clear()
        return found

    async def settle(self) -> None:
        """Return when the page has been quiet for a moment, or does not come to rest."""
        quiet, waited = 0.0, 0.0
        while quiet < QUIET_SECONDS and waited < SETTLE_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
            quiet = 0.0 if self._under_way else quiet + LOOK_SECONDS

    async def _on_route(self, route: "Route") -> None:
        from playwright.async_api import Error

        try:
            await self._judge(route)
        except Error:  # the page went away meanwhile, and its request with it
            self._under_way.discard(route.request)

    async def _judge(self, route: "Route") -> None:
        request = route.request
        if not self.sites.allows_url(request.url):
            self._refuse_site(request)
            await route.abort("aborted")  # the page that is there stays
        elif request.method in SAFE_METHODS or (self.sending and self.sending.takes(request)):
            if self.sending and self.sending.kind == "once" and self._is_sent(request):
                self.sending.request = request
                self.proxy.begin_sending(place_of(request.url))
            await route.continue_()
        else:
            self.tried_to_send.append(f"{request.method} {request.url}"[:300])
            self.refused.append(f"not sent: {request.method} {request.url}"[:300])
            await route.abort("blockedbyclient")

    def _is_sent(self, request: "Request") -> bool:
        """Is this the sending itself? A form that goes by GET is a navigation to its target."""
        sending = self.sending
        assert sending is not None  # nosec B101 # narrows the type
        if sending.request is not None or not sending.takes(request):
            return False
        return request.method not in SAFE_METHODS or (
            sending.target_url is not None and request.is_navigation_request()
        )

    def _refuse_site(self, request: "Request") -> None:
        if place_of(request.url) is not None and request.is_navigation_request() and self._is_ours(request):
            self.wanted_site = site_of(request.url)
        else:
            self.refused.append(f"not reached: {site_of(request.url)}")

    def _is_ours(self, request: "Request") -> bool:
        """Is it for the page itself? A window that is just being opened has no frame to ask for."""
        from playwright.async_api import Error

        try:
            return request.frame == self._page.main_frame
        except Error:
            return False

    async def _on_socket(self, socket: "WebSocketRoute") -> None:
        self.refused.append(f"no WebSocket: {site_of(socket.url)}")
        await socket.close(code=1008)

    def _on_page(self, page: "Page") -> None:
        """A new window: its address is opened in the one page where it may be."""
        self._beside(self._take_over(page))

    def _on_download(self, download: "Download") -> None:
        """Files come down only when they were asked for."""
        if not self.takes_download:
            self.refused.append(f"no download: {download.suggested_filename[:100]}")
            self._beside(download.cancel())

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside what is going on; a page that is gone by then is no error."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: (self._tasks.discard(done), done.cancelled() or done.exception()))

    async def _take_over(self, page: "Page") -> None:
        await page.wait_for_load_state("domcontentloaded", timeout=5_000)
        url = page.url
        await page.close()
        if self.sites.allows_url(url):
            await self._page.goto(url, wait_until="domcontentloaded", timeout=15_000)
        elif place_of(url) is not None:
            self.refused.append(f"no window to {site_of(url)}")

    async def _on_dialog(self, dialog: "Dialog") -> None:
        self.said.append(dialog.message[:500])
        if self.sending is not None and dialog.type in {"confirm", "beforeunload", "alert"}:
            await dialog.accept()
        else:
            await dialog.dismiss()

    def _on_request(self, request: "Request") -> None:
        self._under_way.add(request)

    def _on_finished(self, request: "Request") -> None:
        self._under_way.discard(request)
        self._note_end(request, None)

    def _on_failed(self, request: "Request") -> None:
        self._under_way.discard(request)
        self._note_end(request, request.failure or "failed")

    def _on_response(self, response: "Response") -> None:
        sending = self.sending
        if sending is not None and response.request == sending.request:
            sending.response = response
            sending.over.set()

    def _note_end(self, request: "Request", failure: str | None) -> None:
        sending = self.sending
        if sending is not None and request == sending.request:
            sending.failure = failure if sending.response is None else None
            sending.over.set()


def is_from_guard(response: "Response") -> bool:
    """Did the proxy answer this itself?"""
    return MARK.lower() in response.headers
