"""A whole house served on loopback from a thread of its own: real uvicorn, real Postgres, a worker with the built-in rules."""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import uvicorn

from app.house import ensure_owner, furnish
from app.live import listening
from app.main import create_app
from core.clock import Clock
from core.embedded import EmbeddedPostgres
from core.keys import Keys
from core.postgres import open_database
from core.settings import Settings
from jobs.worker import working
from tests.conftest import free_port

START_SECONDS = 60
END_SECONDS = 20


@dataclass(frozen=True)
class ServedHouse:
    """Where it is served, and what its owner shows: a Bearer token, or a session with the token of its forms."""

    url: str
    bearer: str
    session: str
    csrf: str


@contextmanager
def served_house(
    server: EmbeddedPostgres, template: str, home: Path, *, with_worker: bool = True
) -> Generator[ServedHouse]:
    """A house on a database of its own, cloned from `template`; both are gone afterwards."""
    name = f"t_{uuid4().hex}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}" template "{template}" strategy file_copy'.encode())
    house = _Thread(server.url_of(name), home, with_worker=with_worker)
    try:
        yield house.start()
    finally:
        house.end()
        with psycopg.connect(server.url_of("postgres"), autocommit=True) as admin:
            admin.execute(f'drop database "{name}" with (force)'.encode())


class _Thread:
    """The house's event loop; what goes wrong in it is raised where it is started or ended."""

    def __init__(self, database_url: str, home: Path, *, with_worker: bool) -> None:
        self._url, self._home, self._with_worker = database_url, home, with_worker
        self._ready = threading.Event()
        self._served: ServedHouse | None = None
        self._error: BaseException | None = None
        self._stop: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="served house")

    def start(self) -> ServedHouse:
        self._thread.start()
        self._ready.wait(START_SECONDS)
        if self._served is None:
            raise RuntimeError("The house did not come up") from self._error
        return self._served

    def end(self) -> None:
        self._stop()
        self._thread.join(END_SECONDS)
        if self._error:
            raise RuntimeError("The house fell over") from self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set) and None
        settings = Settings.model_validate(
            {
                "home": self._home,
                "timezone": "Europe/Berlin",
                "port": free_port(),
                "database_url": self._url,
                "requests_per_minute": 0,  # thousands are asked, many with wrong tokens: their answers are what is wanted
                "streams_per_person": 0,
                "sign_in_attempts_per_minute": 100_000,
            }
        )
        owner = await ensure_owner(self._url, settings)
        assert owner.user_id
        async with open_database(self._url) as database, AsyncExitStack() as parts:
            house = furnish(settings, Clock.from_settings(settings), database, owner)
            keys = Keys.load(self._home)
            if self._with_worker:
                await parts.enter_async_context(working(await house.worker()))
            await parts.enter_async_context(listening(house.hub))
            config = uvicorn.Config(
                create_app(house, keys),
                port=settings.port,
                log_config=None,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
            web = uvicorn.Server(config)
            serving = asyncio.create_task(web.serve())
            while not web.started:
                await asyncio.sleep(0.01)
            session = keys.session_token(owner.user_id)
            self._served = ServedHouse(
                f"http://127.0.0.1:{settings.port}",
                keys.bearer_token(owner.user_id),
                session,
                keys.csrf_token(session),
            )
            self._ready.set()
            await stop.wait()
            web.should_exit = True
            await serving
