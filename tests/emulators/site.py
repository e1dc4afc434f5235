"""Web pages on loopback that stand in for the web: the pages of the folder `pages`, and a server that notes what was sent.

A small server of our own, since no emulator has hostile pages or sites that break off in the middle.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

PAGES = Path(__file__).parent / "pages"


@dataclass
class Site:
    """A running site. `sent` lists what arrived by anything but GET, as `(path, fields)`; `seen` every path."""

    host: str = "127.0.0.1"
    port: int = 0
    other_port: int = 0
    price: str = "49 €"
    breaks: str = ""  # what a form gets: "cut" a closed line, "500", "422"
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    seen: list[str] = field(default_factory=list[str])
    token: int = 0
    extra_field: str = ""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.name}"


@asynccontextmanager
async def running_site(host: str = "127.0.0.1", other_port: int = 9) -> AsyncGenerator[Site]:
    """The site for the length of the block; `other_port` is where its hostile page would like to go."""
    site = Site(host=host, other_port=other_port)
    app = web.Application(client_max_size=30_000_000)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await _answer(site, request)

    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, host, 0)
    await listening.start()
    site.port = int(runner.addresses[0][1])
    try:
        yield site
    finally:
        await runner.cleanup()


def page(name: str, **words: str) -> web.Response:
    text = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return web.Response(text=text, content_type="text/html")


async def _answer(site: Site, request: web.Request) -> web.StreamResponse:
    site.seen.append(request.path)
    if request.method != "GET":
        return await _taken(site, request)
    match request.path:
        case "/shop" | "/files" | "/hasty" | "/frame" | "/inner" | "/endless" | "/script_form":
            return page(request.path.removeprefix("/"))
        case "/kettle":
            site.token += 1
            made = page("kettle", PRICE=site.price, TOKEN=f"token-{site.token}")
            made.text = (made.text or "").replace("<button>", f"{site.extra_field}<button>")
            return made
        case "/hostile":
            return page("hostile", OTHER=str(site.other_port))
        case "/search":
            return web.Response(
                text=f"<title>Found</title><p>Found: {request.query.get('q')}", content_type="text/html"
            )
        case "/trains":
            return _trains(int(request.query.get("page", "1")))
        case "/trains-forever":
            return web.Response(text='<title>Lists</title><a href="/trains-forever">More</a>', content_type="text/html")
        case "/sign-in":
            return page("sign_in", MESSAGE="Welcome")
        case "/account":
            who = request.cookies.get("who")
            if not who:
                raise web.HTTPFound("/sign-in")
            return web.Response(text=f"<title>Account</title><h1>Hello {who}</h1>", content_type="text/html")
        case "/redirect":
            raise web.HTTPFound(request.query["to"])
        case "/orders":
            listed = "".join(f"<li>{fields.get('name', '')}" for path, fields in site.sent if path == "/order")
            return web.Response(text=f"<title>Orders</title><ul>{listed}</ul>", content_type="text/html")
        case "/thanks":
            return web.Response(text="<title>Thanks</title><h1>Thank you</h1>", content_type="text/html")
        case "/report.csv":
            return web.Response(
                body=b"a,b\n1,2\n", headers={"Content-Disposition": 'attachment; filename="../report.csv"'}
            )
        case "/huge.bin":
            return await _huge(request)
        case "/worker.js":
            return web.Response(
                text="fetch('/quiet', {method: 'POST', body: 'w'}).catch(() => {})", content_type="text/javascript"
            )
        case "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            site.sent.append(("/socket", {}))
            return socket
        case "/tick" | "/pixel.png" | "/frame-of-other":
            return web.Response(text="")
        case _:
            return web.Response(status=404, text="<title>Nothing</title>Nothing here", content_type="text/html")


async def _taken(site: Site, request: web.Request) -> web.StreamResponse:
    content = request.content_type
    if content.startswith(("application/x-www-form-urlencoded", "multipart/")):
        form = await request.post()
        fields = {
            name: value if isinstance(value, str) else str(getattr(value, "filename", ""))
            for name, value in form.items()
        }
    else:
        fields = {"body": await request.text()}
    site.sent.append((request.path, fields))
    if site.breaks == "cut":
        assert request.transport is not None
        request.transport.abort()
        await asyncio.sleep(0)
    if site.breaks in {"500", "422"}:
        return web.Response(status=int(site.breaks), text="<title>No</title><p>Not like this", content_type="text/html")
    if request.path == "/sign-in":
        if fields.get("password") != "right horse":
            return page("sign_in", MESSAGE="Wrong password")
        answer = web.HTTPFound("/account")
        answer.set_cookie("who", fields["user"], httponly=True)
        raise answer
    if request.path == "/book":
        return web.Response(text="Booked")
    raise web.HTTPSeeOther("/thanks")


def _trains(number: int) -> web.Response:
    rows = "".join(f"<tr><td>T{number}{n}<td>{number + 8}:{n}0<td>{n * 3}</tr>" for n in range(3))
    after = f'<a href="/trains?page={number + 1}">Next page</a>' if number < 3 else ""
    return page("table", PAGE=str(number), ROWS=rows, NEXT=after)


async def _huge(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Disposition": 'attachment; filename="huge.bin"'})
    await answer.prepare(request)
    for _ in range(25):
        await answer.write(b"\x00" * 1_000_000)
    await answer.write_eof()
    return answer
