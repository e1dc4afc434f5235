"""The corpus in a real Chromium: addresses opened, and a page that tries every way a page has to reach somebody."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote
from uuid import uuid4

from core.errors import StewardError
from integrations.browser.session import Session
from integrations.browser.sessions import Sessions, sessions_of_this_process
from integrations.web.guard import Guard
from tests.browser_pages import close_pages
from tests.emulators.served import Answer, Got, serving
from tests.safety.ssrf_doors import NameServer
from tests.safety.ssrf_forms import ADDRESSES, HOSTS, REDIRECTS, RESOLVED, TARGETS
from tests.safety.ssrf_watch import Watch

# How a page reaches an address. `u` is the address, `w` the same for sockets, `h` host and port, `add` puts up an element.
WAYS = r"""
const tries = [
  u => fetch(u, {mode: 'no-cors'}), u => fetch(u, {method: 'POST', mode: 'no-cors', body: 'x', keepalive: true}),
  u => navigator.sendBeacon(u, 'x'), (u, w) => new WebSocket(w), u => new EventSource(u),
  u => { const asked = new XMLHttpRequest(); asked.open('GET', u); asked.send(); },
  u => import(u), u => new Worker(u), u => new SharedWorker(u), u => navigator.serviceWorker.register(u),
  u => new Worker(URL.createObjectURL(new Blob([`importScripts(${JSON.stringify(u)}); fetch(${JSON.stringify(u)}, {mode: 'no-cors'})`]))),
  u => add('img', {src: u}), u => add('img', {srcset: u + ' 1x'}), u => add('script', {src: u}), u => add('iframe', {src: u}),
  u => add('object', {data: u}), u => add('embed', {src: u}), u => add('video', {src: u, poster: u}), u => add('audio', {src: u}),
  u => add('link', {rel: 'stylesheet', href: u}), u => add('link', {rel: 'prefetch', href: u}), u => add('link', {rel: 'preconnect', href: u}),
  u => add('link', {rel: 'preload', as: 'image', href: u}), u => add('link', {rel: 'modulepreload', href: u}), u => add('link', {rel: 'manifest', href: u}),
  u => add('link', {rel: 'icon', href: u}), u => add('link', {rel: 'dns-prefetch', href: u}), u => add('link', {rel: 'prerender', href: u}),
  u => add('style', {textContent: `@import "${u}"; @font-face{font-family:x;src:url("${u}")} p{font-family:x;background:url("${u}")}`}),
  u => add('iframe', {srcdoc: `<meta http-equiv=refresh content="0;url=${u}"><img src="${u}">`}),
  u => add('iframe', {srcdoc: `<form action="${u}" method=post></form><script>document.forms[0].submit()<\/script>`}),
  u => add('script', {type: 'speculationrules', textContent: JSON.stringify({prefetch: [{urls: [u], eagerness: 'immediate'}], prerender: [{urls: [u], eagerness: 'immediate'}]})}),
  u => window.open(u), u => add('a', {href: u, download: 'x'}).click(), u => add('a', {href: '#', ping: u}).click(),
  (u, w, h) => { const line = new RTCPeerConnection({iceServers: [{urls: ['stun:' + h, 'turn:' + h + '?transport=tcp'], username: 'x', credential: 'x'}]});
                 line.createDataChannel('x'); line.createOffer().then(offer => line.setLocalDescription(offer)); },
  u => new WebTransport(u), u => navigator.serviceWorker.register('/worker.js'),
];
function add(kind, fields) { const made = document.createElement(kind); for (const [name, value] of Object.entries(fields)) {
  if (name in made) made[name] = value; else made.setAttribute(name, value); } document.body.append(made); return made; }
for (const u of URLS) for (const reach of tries) { try { const done = reach(u, u.replace(/^http/, 'ws'), u.replace(/^\w+:\/\//, '').replace(/\/.*/, ''));
  if (done && done.catch) done.catch(() => {}); } catch (refused) {} }
"""
AT_A_TIME = 12


class BrowserCorpus:
    """One run. Each name is named as a site by a person, so that only the guard stands between."""

    def __init__(self, watch: Watch, port: int) -> None:
        self.watch = watch
        self.port = port
        self.tries = 0
        self.urls: Sequence[str] = ()
        self.named: list[str] = []
        self.came = 0  # what the page asked of its own site: it does try
        self.names = NameServer()

    async def run(self) -> int:
        """How often something was tried."""
        async with serving(self._answer) as site:
            self.watch.allowed.add(site.port)
            name = f"127.0.0.1:{site.port}"
            guard = Guard(frozenset({name}), self.names.resolve, most_seconds=10.0)
            sessions = sessions_of_this_process(None)
            try:
                session = await sessions.of_task(uuid4(), [name], guard.vetted)
                await self._open_all(session, site.url)
                await self._try_all(sessions, guard, name)
            finally:
                await close_pages(sessions)
                await sessions.chromium.run(sessions.chromium.rest())
        return self.tries

    async def _open_all(self, session: Session, home: str) -> None:
        """Each address opened by itself, and by every redirect."""
        forms = [f"http://{host}:{self.port}/" for host in (*HOSTS, *(one.name for one in RESOLVED))]
        for url in (*forms, *(one.replace("{port}", str(self.port)) for one in ADDRESSES)):
            await self._open(session, url, url)
        for number, target in enumerate(one.replace("{port}", str(self.port)) for one in TARGETS):
            for code in REDIRECTS if number < 2 else (302, 307):
                await self._open(session, f"{home}/{code}?to={quote(target)}", target)

    async def _open(self, session: Session, url: str, site: str) -> None:
        self.watch.now = f"browser {url!r}"
        self.tries += 1
        try:
            await session.allow([site])
            self.named.append(site)
        except StewardError:
            pass  # no site that anybody could name
        try:
            async with asyncio.timeout(20):
                await session.navigate(url)
        except StewardError:
            return

    async def _try_all(self, sessions: Sessions, guard: Guard, name: str) -> None:
        """A page of a site that may be reached tries every way to every address, some at a time in a browser of their own."""
        home, named = f"http://{name}", [name, *self.named]
        every = [f"http://{host}:{self.port}/" for host in HOSTS] + [
            one.replace("{port}", str(self.port)) for one in ADDRESSES
        ]
        every += [f"{home}/302?to={quote(one.replace('{port}', str(self.port)))}" for one in TARGETS]
        for at in range(0, len(every), AT_A_TIME):
            self.urls = every[at : at + AT_A_TIME]
            self.watch.now = f"page {self.urls!r}"
            self.tries += len(self.urls) * WAYS.count("=> ")
            self.came = 0
            session = await sessions.of_task(uuid4(), named, guard.vetted)
            for ask in (lambda one=session: one.navigate(f"{home}/page"), session.look):
                with suppress(StewardError):  # the page wanted to go elsewhere at once, and that is what is refused
                    await ask()
            await session.close()
            if self.came < 5:
                raise RuntimeError(f"The page did not try ({self.came} of its own): {self.urls}")

    def _answer(self, got: Got) -> Answer:
        if got.path.strip("/").isdecimal():
            there = got.query.get("to", [""])[0].encode().decode("latin-1")
            return Answer(int(got.path.strip("/")), headers={"Location": there})
        self.came += got.path == "/own"
        if got.path == "/page":
            script = f"const URLS = {json.dumps(['/own', *self.urls])};{WAYS}".replace("</", "<\\/")
            page = f"<!doctype html><title>page</title><body><script>{script}</script>"
            return Answer(200, page, {"Content-Type": "text/html; charset=utf-8"})
        if got.path == "/worker.js":
            return Answer(200, "fetch('/')", {"Content-Type": "text/javascript"})
        return Answer(404)
