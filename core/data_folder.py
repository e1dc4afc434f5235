"""The data folder (`STEWARD_HOME`): made for its owner alone, and checked before anything relies on it."""

import os
import shutil
import tempfile
from pathlib import Path

from core.errors import Unavailable

HINT = "STEWARD_HOME names another folder."
WORKING_BYTES = 50_000_000


def open_data_folder(home: Path, *, needed_bytes: int = WORKING_BYTES) -> Path:
    """The folder as an absolute path, made with mode 0700 where it is new; one that exists keeps its mode.

    Raises `Unavailable` when it is no folder, cannot be written, is another person's, or its disk is full.
    """
    home = make_private_folder(home)
    try:
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        raise unusable(home, error) from error
    if home.stat().st_uid not in {os.geteuid(), 0}:
        raise Unavailable(f"The data folder {home} belongs to another user", hint=HINT)
    require_space(home, needed_bytes)
    return home


def make_private_folder(folder: Path) -> Path:
    """The folder as an absolute path, made with mode 0700 where it is new. Raises `Unavailable`."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    return folder


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise `Unavailable` unless the disk of `folder` has that much free."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise Unavailable(
            f"The disk of {folder} is full",
            detail=f"{free // 1_000_000} MB are free, {needed_bytes // 1_000_000} MB are needed",
            hint="Free some space, or let STEWARD_HOME name a folder on another disk.",
        )


def unusable(folder: Path, error: OSError) -> Unavailable:
    """The error for a folder that the system refuses."""
    return Unavailable(f"The data folder {folder} cannot be used", detail=error.strerror or str(error), hint=HINT)
