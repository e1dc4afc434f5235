"""A folder as the place of results: whole files or none, and never outside of it."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.errors import Invalid, Unavailable

T = TypeVar("T")
NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class FolderOutput:
    """Results below `folder`, which is made when something is written."""

    folder: Path

    @classmethod
    def at(cls, address: str) -> "FolderOutput":
        """The folder that a person wrote: ~ is theirs, and a relative one lies where they are."""
        return cls(Path(address).expanduser().absolute())

    def address(self, name: str) -> str:
        """The file's path."""
        return str(self._path(name))

    async def read(self, name: str) -> bytes | None:
        """The file's content; None where there is no such file."""

        def work() -> bytes | None:
            try:
                return self._path(name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

        return await self._on_disk(work)

    async def write(self, name: str, content: bytes, media_type: str, *, once: bool = False) -> bool:
        """Written beside its place and moved there: a reader sees all of it or nothing."""

        def work() -> bool:
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with open(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                if not once:
                    os.replace(beside, path)
                    return True
                try:
                    os.link(beside, path)  # fails where somebody was first
                except FileExistsError:
                    return False
                return True
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(beside)

        return await self._on_disk(work)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise Invalid(
                f"{name[:100]!r} is no name of a result", detail="letters, digits, dots, dashes, and / between"
            )
        return self.folder / name

    async def _on_disk(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Unavailable(
                f"The folder {self.folder} cannot be used", detail=error.strerror or str(error)
            ) from error
