"""Supabase Lite on loopback, over a test's own database: PostgREST, Auth and, where asked for, Storage.

One Node process for everything that a test process opens, started with the first and gone with it. It keeps nothing of
its own: what it serves is the database, with the grants and the row-level security of the migrations. Auth adds the
tables and columns that it needs to the schema `auth`. Mail that Auth sends is kept in memory: `SupabaseLite.mail`.
"""

import asyncio
import atexit
import json
import os
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from psycopg.conninfo import conninfo_to_dict

from cli.testing import node_program
from tests.emulators.model_server import ROOT

SCRIPT = Path(__file__).with_name("supabase.mjs")
PUBLISHABLE_KEY, SECRET_KEY = "sb_publishable_not-a-key-of-anybody", "sb_secret_not-a-key-of-anybody"
JWT_SECRET = "not-a-secret-but-long-enough-for-hs256"
QUIET = {"LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1", "NODE_NO_WARNINGS": "1"}


@dataclass(frozen=True)
class SupabaseLite:
    """A project: REST below `{url}/rest/v1`, Auth below `{url}/auth/v1`, Storage below `{url}/storage/v1`."""

    url: str
    publishable_key: str = PUBLISHABLE_KEY
    secret_key: str = field(default=SECRET_KEY, repr=False)
    jwt_secret: str = field(default=JWT_SECRET, repr=False)

    def issued(self, access_token: str) -> str:
        """The token as Supabase's own Auth signs it: with its issuer, which Lite leaves out."""
        claims = jwt.decode(access_token, self.jwt_secret, ["HS256"], audience="authenticated")
        return jwt.encode({**claims, "iss": f"{self.url}/auth/v1"}, self.jwt_secret, "HS256")

    async def mail(self, to: str) -> list[dict[str, Any]]:
        """What Auth wrote to an address, oldest first; each with `subject`, `html` and `text`."""
        query = urllib.parse.urlencode({"url": self.url})
        kept = await asyncio.to_thread(_node.ask, f"mail?{query}", None)
        return [one for address, written in kept.items() if address.casefold() == to.casefold() for one in written]


@asynccontextmanager
async def supabase_lite(
    database_url: str,
    *,
    auth: bool | Mapping[str, object] = True,
    storage: bool | Mapping[str, object] = False,
    google_url: str | None = None,
) -> AsyncGenerator[SupabaseLite]:
    """The project of a database, for the length of the block.

    `auth` and `storage` may be more of their settings (as in config.toml); `auth=False` leaves the schema auth as it is.
    `google_url` is the emulator that Auth meets where its code names Google.
    """
    where = conninfo_to_dict(database_url)
    wanted = {
        "host": where["host"],
        "port": int(where.get("port") or 5432),
        "user": where.get("user"),
        "database": where["dbname"],
        "auth": dict(auth) if isinstance(auth, Mapping) else auth,
        "storage": dict(storage) if isinstance(storage, Mapping) else storage,
        "keys": {"jwt_secret": JWT_SECRET, "publishable_key": PUBLISHABLE_KEY, "secret_key": SECRET_KEY},
        "google_url": google_url,
    }
    answer = await asyncio.to_thread(_node.ask, "open", wanted)
    try:
        yield SupabaseLite(answer["url"])
    finally:
        await asyncio.to_thread(_node.ask, "close", answer)


class _Node:
    """The one process, started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control = ""
        self._lock = threading.Lock()

    def ask(self, path: str, body: object) -> Any:
        with self._lock:
            if self._process is None:
                self._start()
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"{self._control}/{path}", data, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"Supabase Lite does not do it: {error.read().decode()}") from error

    def _start(self) -> None:
        modules = Path(os.environ.get("STEWARD_NODE_MODULES") or ROOT / "node_modules")
        for name in ("@supabase/lite", "postgres"):
            if not (modules / name).is_dir():
                raise FileNotFoundError(f"{modules}/{name} is missing: `make test` installs it")
        command = [str(node_program()), str(SCRIPT), str(modules)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("STEWARD_TEST_LITE_LOG") else subprocess.DEVNULL,
            env={**os.environ, **QUIET},
        )
        atexit.register(_end, process)
        assert process.stdout
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"Supabase Lite ended at once, with {process.wait(5)}: {' '.join(command)}")
        self._process, self._control = process, f"http://127.0.0.1:{int(port)}"


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()  # it ends with this
    process.stdout.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


_node = _Node()
