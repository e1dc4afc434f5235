"""A Postgres server that is set up as a hosted Supabase project is: its `postgres` is no superuser, its API open by default.

No hosted project was tried: roles and grants are those that Supabase's own image of Postgres has.
"""

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from cli.testing import find_postgres_15
from core.embedded_place import Place, place_of
from tests.conftest import free_port
from tests.in_memory import passing_folder

BOOTSTRAP = Path(__file__).with_name("hosted_bootstrap.sql")
Major = Literal[15, 18]
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "wal_level": "logical",
    "fsync": "off",  # but not synchronous_commit: only what is flushed is decoded
    "full_page_writes": "off",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class HostedServer:
    """A running server on a loopback port, with an empty project `empty` to be cloned."""

    place: Place
    port: int

    def url_of(self, database: str, user: str = "postgres") -> str:
        """The address of a database, as a client of Supabase is given it."""
        return f"postgresql://{user}:postgres@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def clone(self, source: str, name: str) -> str:
        """A copy of a database; its address."""
        statement = "create database {} template {} owner postgres strategy file_copy"
        self._administer(statement, name, source)
        return self.url_of(name)

    def drop(self, name: str) -> None:
        """Remove a database."""
        self._administer("drop database {} with (force)", name)

    def _administer(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url_of("template1", "supabase_admin"), autocommit=True) as admin:
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # pyright: ignore[reportArgumentType]


@contextmanager
def hosted_server(major: Major) -> Generator[HostedServer]:
    """A server of this release, gone with the block."""
    with passing_folder() as folder:
        place = place_of(folder)
        if major == 15:
            place = replace(place, binaries=find_postgres_15())
        _run(
            place,
            "initdb",
            "-D",
            "data",
            "-U",
            "supabase_admin",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        server = _launch(place)
        try:
            with psycopg.connect(server.url_of("postgres", "supabase_admin"), autocommit=True) as admin:
                admin.execute("create role postgres")
                admin.execute(
                    "alter role postgres with createdb createrole login replication bypassrls password 'postgres'"
                )
                admin.execute("create database empty owner postgres")
            with psycopg.connect(server.url_of("empty", "supabase_admin")) as admin:
                admin.execute(BOOTSTRAP.read_bytes())
            yield server
        finally:
            _run(place, "pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w")


def _launch(place: Place) -> HostedServer:
    port = free_port()
    settings = {**SETTINGS, "unix_socket_directories": "", "port": str(port)}
    words = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
    _run(place, "pg_ctl", "start", "-D", "data", "-w", "-l", "postgres.log", "-o", words)
    return HostedServer(place, port)


def _run(place: Place, program: str, *arguments: str) -> None:
    done = place.run(program, *arguments)
    assert done.returncode == 0, f"{program}: {done.stdout}"
