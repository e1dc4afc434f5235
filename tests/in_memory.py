"""Folders that tests need only while they run: in memory where there is room, since a database is hundreds of files."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core.embedded import EmbeddedPostgres
from core.embedded_place import place_of

MEMORY = Path("/dev/shm")  # Linux' own; a folder with a random name is made in it
NEEDED_BYTES = 2_000_000_000
PREFIX = "steward-tests-"


@contextmanager
def passing_folder() -> Generator[Path]:
    """An empty folder, gone with the block. Where root runs a database in it, the database lies in it as well."""
    parent = MEMORY if _has_room() else None
    if parent:
        _remove_leftovers(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    folder.chmod(0o711)  # the system user that runs Postgres for root passes through
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _has_room() -> bool:
    """Is there memory to be had as a folder? A container may have very little of it."""
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES


def _remove_leftovers(parent: Path) -> None:
    """What a run that was killed left in memory, with the database that it left running."""
    with _alone(parent):  # the processes of a run begin together, and each looks
        for folder in list(parent.glob(f"{PREFIX}*")):
            pid = folder.name.removeprefix(PREFIX).partition("-")[0]
            if not psutil.pid_exists(int(pid)) and folder.exists() and folder.stat().st_uid == os.geteuid():
                for pid_file in list(folder.glob("**/postmaster.pid")):  # all found first: their folders go
                    remove_database(pid_file.parents[2])
                shutil.rmtree(folder)


def remove_database(home: Path) -> None:
    """End the database of this home if there is one that runs, and delete it."""
    if home.exists():
        EmbeddedPostgres(home, place_of(home)).remove()


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """No other process is in this block for the same folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
