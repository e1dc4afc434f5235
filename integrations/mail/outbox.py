"""The local outbox: sending a mail is writing it to a file that any mail program opens. Once, whoever asks again."""

import errno
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from pathlib import Path

from core.errors import Unavailable
from integrations.mail.compose import OutgoingMail, compose


@dataclass(frozen=True)
class Receipt:
    """Evidence that a mail was taken."""

    provider: str
    message_id: str
    location: str
    accepted_at: datetime


class Outbox:
    """A folder of .eml files, one a Message-ID."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, mail: OutgoingMail) -> Receipt:
        """Write the mail; when its Message-ID lies here already, its receipt. Nothing half written is ever seen.

        Raises Invalid for a mail that cannot be composed, Unavailable when the folder cannot be written.
        """
        content = compose(mail).as_bytes(policy=policy.SMTPUTF8)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if found := self.find(mail.message_id):
                return found
            return self._write(mail, content)
        except OSError as error:
            what = "is full" if error.errno == errno.ENOSPC else "cannot be written"
            raise Unavailable(f"The outbox {self.folder} {what}", detail=error.strerror) from error

    def find(self, message_id: str) -> Receipt | None:
        """The receipt of the mail with this Message-ID; None when it is not here."""
        mark = self.folder / f".{_key(message_id)}"
        try:
            name = os.readlink(mark)
        except OSError:
            return None
        path = self.folder / name
        if not path.exists():
            return None
        return Receipt("outbox", message_id, str(path), datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def _write(self, mail: OutgoingMail, content: bytes) -> Receipt:
        key = _key(mail.message_id)
        path = self.folder / f"{mail.date:%Y-%m-%d %H%M} {_readable(mail)} {key[:8]}.eml"
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # The link is the moment of sending: it is made once, and points to the file that then appears.
            try:
                os.symlink(path.name, self.folder / f".{key}")
            except FileExistsError:
                pass
            path = self.folder / os.readlink(self.folder / f".{key}")
            if not path.exists():
                os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync_folder(self.folder)
        return Receipt("outbox", mail.message_id, str(path), datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _key(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()


def _readable(mail: OutgoingMail) -> str:
    words = re.sub(r"[^\w .,@()+-]+", " ", f"{mail.subject[:60]} (to {mail.recipients[0][:60]})")
    return re.sub(r"\s+", " ", words).strip(" .") or "mail"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
