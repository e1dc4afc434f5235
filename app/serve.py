"""`steward run`: web, worker and live events in one process and one event loop."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing

import uvicorn

from app.house import House, open_house
from app.live import listening
from app.main import create_app
from core.errors import Unavailable
from core.keys import Keys
from core.settings import Settings
from jobs.worker import working


def load_keys(settings: Settings) -> Keys:
    """The keys of this installation; Supabase's JWT secret where a project is configured."""
    secret = settings.supabase_jwt_secret
    return Keys.load(settings.home, secret.get_secret_value() if secret else None)


def sign_in_link(settings: Settings, keys: Keys, house: House, port: int | None = None) -> str:
    """A one-time link that signs the owner in; good for 15 minutes."""
    assert house.owner.user_id
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{port or settings.port}/?token={keys.link_token(house.owner.user_id)}"


def listen(settings: Settings) -> socket.socket:
    """The socket of the web server. Raises Unavailable, in one line, when the port is in use."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise Unavailable(
            f"Port {settings.port} on {settings.host} cannot be used", detail=error.strerror, hint="STEWARD_PORT names another one."
        ) from error
    return sock


async def serve(settings: Settings, *, web: bool = True, worker: bool = True, announce: Callable[[str], None] = print) -> None:
    """Run until Ctrl-C or SIGTERM; then end in order: no new requests, running tasks handed back, database released."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        sock = stack.enter_context(closing(listen(settings))) if web else None  # before anything is started
        house = await stack.enter_async_context(open_house(settings))
        if worker:
            await stack.enter_async_context(working(house.worker()))
        if sock:
            keys = load_keys(settings)
            await stack.enter_async_context(listening(house.hub))
            await stack.enter_async_context(serving(house, keys, sock))
            announce(f"Open {sign_in_link(settings, keys, house)}")
        else:
            announce("The worker is running")
        await stop.wait()
        announce("Stopping")


@asynccontextmanager
async def serving(house: House, keys: Keys, sock: socket.socket) -> AsyncGenerator[None]:
    """The web server on an open socket, for as long as the block runs. Streams are cut after two seconds."""
    config = uvicorn.Config(
        create_app(house, keys), log_config=None, access_log=False, timeout_graceful_shutdown=2, server_header=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    config.load()
    running = asyncio.create_task(_quietly(server, sock), name="web")
    while not server.started and not running.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running


async def _quietly(server: uvicorn.Server, sock: socket.socket) -> None:
    @contextlib.contextmanager
    def no_signals():  # noqa: ANN202
        yield

    server.capture_signals = no_signals  # pyright: ignore[reportAttributeAccessIssue] - `serve` above holds the signals
    await server.serve(sockets=[sock])


if __name__ == "__main__":
    from core.settings import load_settings

    sys.exit(asyncio.run(serve(load_settings())))
