"""A database with all migrations for the time of a build: its catalogue is read, and SQL of the pages is tried on it."""

import asyncio
import atexit
import tempfile
from functools import cache
from pathlib import Path

from core.embedded import EmbeddedPostgres
from core.migrate import migrate

_given: list[str] = []


def use(url: str) -> None:
    """Read this database from now on: tests have one already."""
    _given[:] = [url]


def database_url() -> str:
    """The database that was given, else one of its own that is gone when the program ends."""
    return _given[0] if _given else _own()


@cache
def _own() -> str:
    folder = tempfile.TemporaryDirectory(prefix="steward-docs-")
    server = EmbeddedPostgres.start(Path(folder.name), durable=False)

    def end() -> None:
        server.stop()
        server.remove()
        folder.cleanup()

    atexit.register(end)
    asyncio.run(migrate(server.url, embedded=True))
    return server.url
