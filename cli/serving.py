"""Everything of one process in one event loop: web server, live events, worker; until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import uvicorn

from core.errors import Unavailable
from core.keys import Keys
from jobs.addresses import web_address

if TYPE_CHECKING:
    from app.house import House
    from core.settings import Settings

SILENT_CLIENT_MILLISECONDS = 30_000
LARGEST_WEBSOCKET_MESSAGE_BYTES = 65_536  # clients have nothing to say
PATIENCE_SECONDS = 3  # for open requests and streams, once the end was asked for


class QuietServer(uvicorn.Server):
    """Uvicorn that leaves signals to its house."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def load_keys(house: "House") -> Keys:
    """The keys that sign this installation's tokens."""
    return Keys.from_settings(house.settings)


def sign_in_link(house: "House", keys: Keys) -> str:
    """A fresh one-time link that signs the owner in; it works for 15 minutes."""
    if house.owner.user_id is None:
        raise Unavailable(
            "This house has no owner to sign in",
            hint="Set STEWARD_OWNER_EMAIL to your address in the Supabase project, or sign in in the browser.",
        )
    return f"{web_address(house.settings)}/?token={keys.link_token(house.owner.user_id)}"


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket on that address. Raises `Unavailable` when somebody has it already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay off only where the protocol is named; else answers of two packets wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: who takes nothing for so long has gone
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_CLIENT_MILLISECONDS)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"Port {port} of {host} cannot be used",
            detail=error.strerror or str(error),
            hint="Is Steward running already? `steward link` opens it. Else take another port: STEWARD_PORT=8766",
        ) from error
    return listening


async def serve(house: "House", *, web: bool, worker: bool, ready: Callable[[], None]) -> None:
    """Run the parts asked for until a signal; `ready` is called once when they stand."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        async with contextlib.AsyncExitStack() as parts:
            if worker:
                from jobs.worker import working

                await parts.enter_async_context(working(await house.worker()))
                await _first_heartbeat(house)
            if web:
                from app.slack import slack_listening
                from app.web_process import shown

                await parts.enter_async_context(shown(house.database))
                await parts.enter_async_context(_serving(house))
                await parts.enter_async_context(slack_listening(house))
            ready()
            if worker:
                parts.push_async_callback(_ended, asyncio.create_task(_first_look(house), name="first look"))
            await stop.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _first_look(house: "House") -> None:
    """What the rules see as Steward starts, before the clock sends them to look."""
    from jobs.apart import apart
    from jobs.watching import watch_at_start

    async with apart("not_looked_at_start"):
        await watch_at_start(house.given)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


async def _first_heartbeat(house: "House") -> None:
    """Wait until a worker shows itself: one that is told to stop while it opens does not end in order."""
    from app.house import worker_lives

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await worker_lives(house.database):
                await asyncio.sleep(0.05)


def server_config(settings: "Settings", app: Callable[..., Any]) -> uvicorn.Config:
    """How the web server serves. Nobody is believed about where a request comes from but the proxies of the settings."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=PATIENCE_SECONDS,
        ws_per_message_deflate=False,  # each client would press every event anew
        ws_max_size=LARGEST_WEBSOCKET_MESSAGE_BYTES,
    )


@contextlib.asynccontextmanager
async def _serving(house: "House"):
    from app.main import create_app

    listening = listening_socket(house.settings.host, house.settings.port)
    app = create_app(house, load_keys(house))
    server = QuietServer(server_config(house.settings, app))
    async with asyncio.TaskGroup() as group:
        hub = group.create_task(house.hub.run(), name="live events")
        serving = group.create_task(server.serve(sockets=[listening]), name="web")
        try:
            while not server.started:
                await asyncio.sleep(0.01)  # uvicorn has no event for it
            yield
        finally:
            server.should_exit = True
            hub.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(serving, PATIENCE_SECONDS + 2)
            if app.state.auth:
                await app.state.auth.close()
            listening.close()
