"""Notes that a task works with: the file that it names below the installation's notes folder, and texts it has stored."""

import asyncio
import base64
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Invalid

MOST_BYTES = 64_000
ENDINGS = {".md", ".markdown", ".txt"}
SHOWN_STORED = 5


@dataclass(frozen=True)
class Note:
    """A text that a task works with. `is_own`: the person of this installation keeps it; others' words are not."""

    name: str
    text: str
    is_own: bool


class NotesMissing(Invalid):
    """The notes file of a task cannot be read; a person can mend that."""

    type = "notes-missing"
    title = "The notes file cannot be read"


async def notes_of(notes_file: str | None, folder: Path | None, shown: Mapping[str, Any]) -> list[Note]:
    """The notes of a task. `shown` is what `get_model_context` answers.

    A stored text of the task or its tree is found by its name; else the file lies in the folder, which serves the local
    owner's tasks alone. Raises NotesMissing that names the file and what is allowed.
    """
    stored = stored_notes(shown.get("artifacts") or [])
    named = (notes_file or "").strip()
    if not named or any(note.name == named for note in stored):
        return stored
    if folder is None or not shown.get("is_local"):
        raise NotesMissing(
            f"There is no notes file {named!r}: it is not stored with the task, and no folder of notes serves it",
            hint="Set STEWARD_NOTES_FOLDER to the folder of your notes, or take notes_file off the task",
        )
    return [Note(named, await asyncio.to_thread(read_note, folder, named), True), *stored]


def stored_notes(artifacts: Sequence[Mapping[str, Any]]) -> list[Note]:
    """Stored texts, as far as they are text: each at most 64 KB of it."""
    notes: list[Note] = []
    for artifact in artifacts[:SHOWN_STORED]:
        raw = base64.b64decode(str(artifact["content"]))
        text = raw.decode("utf-8", errors="ignore")
        if "\0" not in text:
            notes.append(Note(str(artifact["name"]), text[:MOST_BYTES], False))
    return notes


def read_note(folder: Path, name: str) -> str:
    """The text of a Markdown or text file below the folder. Raises NotesMissing; blocking."""
    root = folder.expanduser().resolve()
    hint = (
        f"allowed is a file below {folder} that ends in .md, .markdown or .txt, of at most {MOST_BYTES} bytes of UTF-8"
    )
    if "\0" in name or Path(name).suffix.casefold() not in ENDINGS:
        raise NotesMissing(f"{name!r} is no notes file", hint=hint)
    try:
        place = (root / name).resolve(strict=True)
        if not place.is_relative_to(root):
            raise NotesMissing(f"The notes file {name!r} lies outside the folder of notes", hint=hint)
        # What is a link by now is not followed, and a pipe does not hold us up.
        with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotesMissing(f"{name!r} is not a plain file", hint=hint)
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise NotesMissing(f"There is no notes file {name!r}", hint=hint) from None
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "links in a circle"
        raise NotesMissing(f"The notes file {name!r} cannot be read: {why}", hint=hint) from error
    if len(raw) > MOST_BYTES:
        raise NotesMissing(f"The notes file {name!r} is too large", hint=hint)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotesMissing(f"The notes file {name!r} is not UTF-8 at byte {error.start}", hint=hint) from None
    if "\0" in text:
        raise NotesMissing(f"The notes file {name!r} is not text", hint=hint)
    return text
