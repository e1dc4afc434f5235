"""The local outbox: sending a mail is writing it to a file that any mail program opens. Once, whoever asks again.

A mail is sent at the moment a hard link named by the hash of its Message-ID appears in `.sent/`: making it is atomic,
fails when it is there, and the file it names is complete and on the disk. The readable file beside it is the same file
under a second name; who deletes that does not make the mail unsent.
"""

import asyncio
import errno
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import HeaderParser
from pathlib import Path

from core.errors import Unavailable
from core.outside.errors import Temporary, Uncertain
from core.outside.mail import HandOver, OutgoingMail, Receipt
from integrations.mail.compose import compose

LONGEST_NAME_BYTES = 180


class Outbox:
    """A folder of .eml files, one a Message-ID."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sent = folder / ".sent"

    def send(self, mail: OutgoingMail) -> Receipt:
        """Write the mail; when its Message-ID was sent already, its receipt. Nothing half written is ever seen.

        Raises Invalid for a mail that cannot be composed, Unavailable when the folder cannot be written.
        """
        content = compose(mail).as_bytes()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sent.mkdir(mode=0o700, exist_ok=True)
            if not (self._sent / _key(mail.message_id)).exists():
                self._write(mail, content)
        except OSError as error:
            raise self._unavailable(error) from error
        found = self.find(mail.message_id)
        if found is None:
            raise Unavailable(f"The outbox {self.folder} lost the mail that was just written")
        return found

    def find(self, message_id: str) -> Receipt | None:
        """The receipt of the mail with this Message-ID; None when it was never sent from here.

        Raises Unavailable when the folder cannot be read: then nobody can say.
        """
        kept = self._sent / _key(message_id)
        try:
            taken_at = kept.stat().st_mtime
            with kept.open(encoding="utf-8", newline="") as file:
                headers = HeaderParser(policy=policy.SMTPUTF8).parse(file)
            path = self._readable_file(kept, headers, taken_at)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable(error) from error
        return Receipt("outbox", message_id, str(path), datetime.fromtimestamp(taken_at, UTC))

    def _write(self, mail: OutgoingMail, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._sent, prefix="writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, self._sent / _key(mail.message_id))
            except FileExistsError:
                return  # somebody else sent it a moment ago
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync_folder(self._sent)

    def _readable_file(self, kept: Path, headers: EmailMessage, taken_at: float) -> Path:
        """The second name, which is made here when it is missing: after a crash, too."""
        ending = f" {kept.name[:16]}.eml"
        for entry in self.folder.iterdir():
            if entry.name.endswith(ending):
                return entry
        sent_at = getattr(headers["Date"], "datetime", None) or datetime.fromtimestamp(taken_at, UTC)
        path = self.folder / f"{sent_at:%Y-%m-%dT%H%M} {_words(headers)}{ending}"
        try:
            os.link(kept, path)
        except FileExistsError:
            return path
        _sync_folder(self.folder)
        return path

    def _unavailable(self, error: OSError) -> Unavailable:
        reasons = {
            errno.ENOSPC: "is full",
            errno.EDQUOT: "is full: the quota is used up",
            errno.EACCES: "may not be written by this user",
            errno.EROFS: "is on a disk that is read-only",
            errno.ENOTDIR: "is not a folder",
            errno.EEXIST: "is not a folder",
            errno.EPERM: "is on a disk that cannot make hard links",
            errno.ENOTSUP: "is on a disk that cannot make hard links",
        }
        reason = reasons.get(error.errno or 0, "cannot be used")
        return Unavailable(
            f"The outbox {self.folder} {reason}", detail=error.strerror, hint="STEWARD_HOME says where it lies."
        )


class OutboxSender:
    """Sends by writing to the outbox; writing the same mail twice is writing it once, so no draft is kept before."""

    provider = "outbox"

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def prepare(self, mail: OutgoingMail) -> str | None:
        """None. Raises Invalid for a mail that cannot be composed."""
        compose(mail)
        return None

    @asynccontextmanager
    async def sending(self, mail: OutgoingMail, provider_ref: str | None = None) -> AsyncGenerator[HandOver]:
        """Writes the file; see `HandOver`. A folder that cannot be written is Temporary."""
        compose(mail)

        async def hand_over() -> Receipt:
            try:
                return await asyncio.to_thread(self._outbox.send, mail)
            except Unavailable as error:
                raise Temporary(error.message, detail=error.detail, hint=error.hint) from error

        yield hand_over

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """The receipt of the file; Uncertain while the folder cannot be read."""
        try:
            return await asyncio.to_thread(self._outbox.find, message_id)
        except Unavailable as error:
            raise Uncertain(error.message, detail=error.detail, hint=error.hint) from error


def _key(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()


def _words(headers: EmailMessage) -> str:
    """Subject and first recipient in characters that every file system takes."""
    to: tuple[object, ...] = getattr(headers["To"], "addresses", ())
    recipient = f" (to {getattr(to[0], 'addr_spec', '')})" if to else ""
    words = re.sub(r"[^\w .,@()+-]+", " ", f"{str(headers['Subject'] or '')[:80]}{recipient[:80]}")
    words = re.sub(r"\s+", " ", words).strip(" .")
    return words.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore").strip(" .") or "mail"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
