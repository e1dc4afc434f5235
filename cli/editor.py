"""A draft in the person's own editor, as a mail: head, empty line, body."""

import os
import shlex
import signal
import subprocess  # nosec B404 # no shell is used
import tempfile
from email.utils import getaddresses
from pathlib import Path
from types import FrameType
from typing import Any

from core.errors import Invalid, Unavailable
from tasks.drafts import Draft

HEAD = {"To": "to_recipients", "Cc": "cc_recipients", "Bcc": "bcc_recipients", "Subject": "subject"}


def draft_as_text(draft: Draft) -> str:
    """The draft as a person edits it."""
    lines = [
        f"To: {', '.join(draft.to_recipients)}",
        f"Cc: {', '.join(draft.cc_recipients)}",
        f"Bcc: {', '.join(draft.bcc_recipients)}",
        f"Subject: {' '.join(draft.subject.split())}",
    ]
    return "\n".join([*lines, "", draft.body])


def changes_in(text: str, draft: Draft) -> dict[str, Any]:
    """What differs from the draft, by field; empty when nothing does.

    Raises Invalid naming the line when the head is not readable.
    """
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    changes: dict[str, Any] = {}
    for number, line in enumerate(head.splitlines(), 1):
        name, colon, value = line.partition(":")
        field = HEAD.get(name.strip().capitalize())
        if not colon or field is None:
            raise Invalid(
                f"Line {number} of the draft is not understood: {line!r}",
                hint="Above the first empty line stand To:, Cc:, Bcc: and Subject:, one a line.",
            )
        changes[field] = value.strip() if field == "subject" else _addresses(value, name, number)
    changes["body"] = body
    before = draft.model_dump(mode="json", include=set(changes))
    before["body"], changes["body"] = before["body"].rstrip(), changes["body"].rstrip()
    return {field: value for field, value in changes.items() if value != before[field]}


def _addresses(value: str, name: str, number: int) -> list[str]:
    found = [address for _, address in getaddresses([value]) if address]
    wrong = [address for address in found if "@" not in address]
    if wrong or (value.strip() and not found):
        raise Invalid(f"Line {number} of the draft: {name}: has no mail address in {', '.join(wrong) or value.strip()}")
    return found


def edit_draft(draft: Draft) -> dict[str, Any]:
    """Open the draft in $VISUAL or $EDITOR and wait; what was changed.

    Raises Unavailable when there is no editor or it ends badly, Invalid when the text is not readable.
    """
    return changes_in(edit_text(draft_as_text(draft), "draft.txt"), draft)


def edit_text(text: str, name: str) -> str:
    """Open a text in $VISUAL or $EDITOR under this file name and wait; the text then. Raises Unavailable as `edit_draft` does."""
    with tempfile.TemporaryDirectory(prefix="steward-") as folder:
        path = Path(folder, name)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        _run_editor(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi", path)
        return path.read_text(encoding="utf-8", errors="replace")


def _leave_it(number: int, frame: FrameType | None) -> None:
    """A signal handler that does nothing."""


def _run_editor(command: str, path: Path) -> None:
    # Ctrl-C belongs to the editor meanwhile. A handler, not SIG_IGN: the editor would inherit that.
    before = signal.signal(signal.SIGINT, _leave_it)
    try:
        ended = subprocess.run([*shlex.split(command), str(path)], check=False).returncode  # nosec B603 # the person's own $EDITOR
    except (OSError, ValueError) as error:
        raise Unavailable(f"The editor {command!r} can't be started", hint="Set EDITOR to the one you use.") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if ended != 0:
        raise Unavailable(f"The editor {command!r} ended with an error; nothing was changed")
