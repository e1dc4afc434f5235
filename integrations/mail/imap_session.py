"""One signed-in connection to an IMAP server, blocking: folders, searching, fetching, filing (RFC 3501, 4315, 6154, 7162).

Everything here runs on a thread. Errors of the library leave as those of `core.outside.errors`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from imap_tools.errors import UnexpectedCommandStatusError
from imap_tools.imap_utf7 import utf7_encode
from imap_tools.mailbox import BaseMailBox

from core.errors import NotFound
from core.outside.errors import Refused
from core.outside.mail import ARCHIVE, DRAFTS, INBOX, SENT, SPAM, TRASH

SPECIAL_USE = {
    "\\sent": SENT,
    "\\drafts": DRAFTS,
    "\\trash": TRASH,
    "\\junk": SPAM,
    "\\archive": ARCHIVE,
    "\\all": ARCHIVE,
}
USUAL_NAMES = {
    SENT: ("sent", "sent items", "sent mail", "sent messages", "gesendet", "gesendete elemente", "gesendete objekte"),
    DRAFTS: ("drafts", "draft", "entwürfe", "entwurf"),
    TRASH: ("trash", "deleted items", "deleted messages", "bin", "papierkorb", "gelöschte elemente"),
    SPAM: ("junk", "spam", "junk e-mail", "junk email", "bulk mail", "spamverdacht", "junk-e-mail"),
    ARCHIVE: ("archive", "archives", "archiv", "all mail", "alle nachrichten"),
}


@dataclass(frozen=True)
class Fetched:
    """What the server said of one message: flags as it writes them, and the bytes that were asked for."""

    uid: int
    flags: frozenset[str]
    size_bytes: int
    content: bytes = field(default=b"", repr=False)
    received: str = ""


class ImapSession:
    """A connection that has signed in. Not for two threads at once."""

    def __init__(self, box: BaseMailBox) -> None:
        self._box = box
        self._folders: dict[str, str] | None = None
        self.selected: str | None = None

    # imaplib's answers are untyped: the types stand in the signatures here.
    @property
    def _client(self) -> Any:
        return self._box.client

    def can(self, capability: str) -> bool:
        """Does the server say that it can do this?"""
        return capability.upper() in {str(one).upper() for one in self._client.capabilities}

    def folders(self) -> dict[str, str]:
        """Folder names by what they are for: inbox, sent, drafts, ... and by their own names for the others."""
        if self._folders is None:
            found: dict[str, str] = {}
            listed = [one for one in self._box.folder.list() if "\\noselect" not in {f.lower() for f in one.flags}]
            for info in listed:
                for flag in info.flags:
                    kind = SPECIAL_USE.get(flag.lower())
                    if kind and (kind not in found or flag.lower() == "\\archive"):
                        found[kind] = info.name
            taken = set(found.values())
            for info in listed:
                last = info.name.rpartition(info.delim)[2] if info.delim else info.name
                usual = next((kind for kind, names in USUAL_NAMES.items() if last.casefold() in names), None)
                if info.name.upper() == "INBOX":
                    found[INBOX] = info.name
                elif usual and usual not in found and info.name not in taken:
                    found[usual] = info.name
                elif info.name not in taken:
                    found[info.name] = info.name
            found.setdefault(INBOX, "INBOX")
            self._folders = found
        return self._folders

    def select(self, folder: str, *, readonly: bool = True) -> int:
        """Open a folder and answer its UIDVALIDITY. Raises NotFound."""
        try:
            self._box.folder.set(folder, readonly)
        except UnexpectedCommandStatusError as error:
            raise NotFound(f"There is no folder {folder}", detail=server_words(error)) from error
        self.selected = folder
        return int(self._response("UIDVALIDITY") or 0)

    def last_uid(self) -> int:
        """The newest UID that the open folder has given out; 0 for none."""
        told = self._response("UIDNEXT")
        return int(told) - 1 if told and told.isdigit() else max(self.search(), default=0)

    def highest_modseq(self) -> int | None:
        """The mark of the last change in the open folder; None where the server keeps none (RFC 7162)."""
        text = self._response("HIGHESTMODSEQ")
        return int(text) if text and text.isdigit() else None

    def search(self, *criteria: str) -> list[int]:
        """UIDs that fit, in order. Texts outside ASCII are sent as UTF-8."""
        words = " ".join(criteria) or "ALL"
        charset = None if words.isascii() else "UTF-8"
        raw = words.encode()
        self._client._encoding = "utf-8" if charset else "ascii"
        return sorted(int(uid) for uid in self._box.uids(raw, charset=charset) if uid.isdigit())

    def fetch(self, uids: Sequence[int], what: str = "") -> list[Fetched]:
        """Messages of the open folder by UID, those that are there; `what` is a BODY.PEEK[...] to be read with them."""
        if not uids:
            return []
        wanted = f"(UID FLAGS RFC822.SIZE INTERNALDATE{' ' + what if what else ''})"
        return _fetched(self._uid("FETCH", ",".join(str(uid) for uid in uids), wanted))

    def changed_since(self, modseq: int, up_to: int) -> list[int]:
        """UIDs up to `up_to` whose flags changed after that mark (RFC 7162)."""
        data = self._uid("FETCH", f"1:{up_to}", f"(UID FLAGS) (CHANGEDSINCE {modseq})")
        return sorted(one.uid for one in _fetched(data) if one.uid <= up_to)

    def flag(self, uid: int, flags: Iterable[str], *, on: bool) -> None:
        """Put flags on a message of the open folder, or take them off."""
        self._uid("STORE", str(uid), f"{'+' if on else '-'}FLAGS", f"({' '.join(flags)})")

    def takes_keywords(self) -> bool:
        """May any word be a flag in the open folder?"""
        return "\\*" in (self._response("PERMANENTFLAGS") or "")

    def move(self, uid: int, target: str) -> int | None:
        """Move a message of the open folder; its UID there, where the server tells it."""
        folder = _quoted(target)
        if self.can("MOVE"):
            self._uid("MOVE", str(uid), folder)
        else:
            self._uid("COPY", str(uid), folder)
            copied = self._response("COPYUID")
            self.remove(uid)
            return _last_number(copied)
        return _last_number(self._response("COPYUID"))

    def remove(self, uid: int) -> None:
        """Delete a message of the open folder for good."""
        self.flag(uid, ["\\Deleted"], on=True)
        if self.can("UIDPLUS"):
            self._uid("EXPUNGE", str(uid))
        else:
            self._box.expunge()

    def append(self, folder: str, content: bytes, flags: Sequence[str]) -> int | None:
        """File a message; its UID there, where the server tells it. Raises Refused."""
        try:
            self._box.append(content, folder, None, flags)
        except UnexpectedCommandStatusError as error:
            raise Refused(f"The mail server does not file a message in {folder}", detail=server_words(error)) from error
        return _last_number(self._response("APPENDUID"))

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        kind, data = self._client.uid(command, *arguments)
        if kind != "OK":
            raise Refused(f"The mail server refused {command}", detail=_text(data))
        return list(data or [])

    def _response(self, code: str) -> str | None:
        found = self._client.response(code)[1]
        last = found[-1] if found else None
        return last.decode(errors="replace") if isinstance(last, bytes) else None


def server_words(error: UnexpectedCommandStatusError) -> str:
    return _text(error.command_result[1:])


def _text(data: Any) -> str:
    """What the server said, from imaplib's nested lists of bytes."""
    if isinstance(data, bytes):
        return data.decode(errors="replace")[:300]
    if isinstance(data, list | tuple):
        return " ".join(_text(one) for one in cast(list[Any], data))[:300]
    return str(data)[:300]


def _quoted(folder: str) -> str:
    text = utf7_encode(folder).decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _last_number(text: str | None) -> int | None:
    found = re.findall(r"\d+", text or "")
    return int(found[-1]) if found else None


UID = re.compile(rb"\bUID (\d+)")
FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
RECEIVED = re.compile(rb'\bINTERNALDATE "([^"]*)"')


def _fetched(data: list[Any]) -> list[Fetched]:
    """imaplib's answer to FETCH: tuples of (head, literal), and bytes that end or stand for a message."""
    found: list[Fetched] = []
    head, content = b"", b""
    for one in data:
        if isinstance(one, tuple):
            pair = cast(tuple[bytes, bytes], one)
            head, content = head + pair[0], pair[1]
            continue
        if not isinstance(one, bytes):
            continue
        head += one
        uid = UID.search(head)
        if uid:
            flags, size, received = FLAGS.search(head), SIZE.search(head), RECEIVED.search(head)
            found.append(
                Fetched(
                    int(uid[1]),
                    frozenset(flags[1].decode(errors="replace").split()) if flags else frozenset(),
                    int(size[1]) if size else len(content),
                    content,
                    received[1].decode(errors="replace") if received else "",
                )
            )
        head, content = b"", b""
    return found
