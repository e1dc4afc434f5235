"""A small IMAP server on loopback, in the event loop of the test: a fake of our own.

The IMAP servers that install from PyPI know neither special-use folders nor CONDSTORE, cannot rebuild a folder under a
new UIDVALIDITY, and do not break on demand; this one does. It speaks the commands that mail programs use for reading and
filing (RFC 3501, with UIDPLUS, MOVE, SPECIAL-USE and CONDSTORE), and no more. Passwords and faults are the test's.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import cast

USER, PASSWORD = "robin@vega.example", "not-a-password"
CAPABILITIES = ("IMAP4rev1", "UIDPLUS", "MOVE", "SPECIAL-USE", "CONDSTORE", "LITERAL+")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\(|\)|[^\s()\[\]"]*\[[^\]]*\](?:<[\d.]+>)?|[^\s()]+')


@dataclass
class Stored:
    """A message in a folder. `filler`: so many bytes more of base64 stand behind `raw`, made up when they are read."""

    uid: int
    raw: bytes
    flags: set[str]
    received: datetime
    modseq: int
    filler: int = 0

    @property
    def message(self) -> "Message[str, str]":
        return message_from_bytes(self.raw)

    def slice(self, section: str, start: int, count: int | None) -> bytes:
        """Bytes of a section: the whole, HEADER, 2, 2.MIME."""
        content = self.raw if section == "" else _section(self.message, section)
        if self.filler and section in {"", "2"}:
            stop = len(content) + self.filler if count is None else start + count
            made = max(0, min(stop, len(content) + self.filler) - max(start, len(content)))
            return content[start:stop] + b"QUFB" * (made // 4) + b"QUFB"[: made % 4]
        return content[start:] if count is None else content[start : start + count]


@dataclass
class Folder:
    """A folder with its marks."""

    flags: tuple[str, ...] = ()
    validity: int = 17
    next_uid: int = 1
    mails: list[Stored] = field(default_factory=list[Stored])


@dataclass
class ImapServer:
    """`refuses`: what a command is answered, like {"LOGIN": "NO [UNAVAILABLE] later"}; `breaks`: the line is cut there."""

    folders: dict[str, Folder] = field(
        default_factory=lambda: {
            "INBOX": Folder(),
            "Gesendet": Folder(("\\Sent",)),
            "Entw&APw-rfe": Folder(("\\Drafts",)),
            "Papierkorb": Folder(("\\Trash",)),
            "Archive": Folder(("\\Archive",)),
        }
    )
    capabilities: tuple[str, ...] = CAPABILITIES
    keywords: bool = True
    refuses: dict[str, str] = field(default_factory=dict[str, str])
    breaks: set[str] = field(default_factory=set[str])
    greeting: str = "* OK ready"
    modseq: int = 1
    seen: list[str] = field(default_factory=list[str])
    port: int = 0

    @property
    def url(self) -> str:
        return f"imap://{USER.replace('@', '%40')}:{PASSWORD}@127.0.0.1:{self.port}"

    def add(
        self,
        raw: bytes,
        folder: str = "INBOX",
        flags: Iterable[str] = (),
        received: datetime | None = None,
        filler: int = 0,
    ) -> Stored:
        """File a message."""
        into = self.folders[folder]
        self.modseq += 1
        when = received or datetime.now(UTC)
        stored = Stored(into.next_uid, raw, set(flags), when, self.modseq, filler)
        into.mails.append(stored)
        into.next_uid += 1
        return stored

    def rebuild(self, folder: str) -> None:
        """The folder under a new UIDVALIDITY: UIDs begin anew."""
        into = self.folders[folder]
        into.validity += 1
        for number, mail in enumerate(into.mails, 1):
            mail.uid = number
        into.next_uid = len(into.mails) + 1

    def touch(self, mail: Stored) -> None:
        self.modseq += 1
        mail.modseq = self.modseq


class Connection:
    """One client."""

    def __init__(self, server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.folder: Folder | None = None
        self.is_in = False

    async def serve(self) -> None:
        self.say(self.server.greeting)
        while line := await self.reader.readline():
            text = line.decode("utf-8", errors="surrogateescape").rstrip("\r\n")
            literals: list[bytes] = []
            while found := re.search(r"\{(\d+)(\+?)\}$", text):
                if not found[2]:
                    self.say("+ go on")
                    await self.writer.drain()
                literals.append(await self.reader.readexactly(int(found[1])))
                rest = (await self.reader.readline()).decode("utf-8", errors="surrogateescape").rstrip("\r\n")
                text = f"{text[: found.start()]}\x00{len(literals) - 1}{rest}"
            tag, _, command = text.partition(" ")
            if not self.answer(tag, command, literals):
                return
            await self.writer.drain()

    def say(self, text: str) -> None:
        self.writer.write(text.encode("utf-8", errors="surrogateescape") + b"\r\n")

    def answer(self, tag: str, command: str, literals: list[bytes]) -> bool:
        """Carry out one command; False ends the connection."""
        name, _, rest = command.partition(" ")
        name = name.upper()
        if name == "UID":
            sub, _, rest = rest.partition(" ")
            name = f"UID {sub.upper()}"
        self.server.seen.append(name)
        if name in self.server.breaks:
            transport = cast(asyncio.Transport, self.writer.transport)
            transport.abort()
            return False
        if name in self.server.refuses:
            self.say(f"{tag} {self.server.refuses[name]}")
            return True
        if name == "LOGOUT":
            self.say("* BYE see you")
            self.say(f"{tag} OK bye")
            return False
        handler = getattr(self, f"do_{name.lower().replace(' ', '_')}", None)
        if handler is None or (not self.is_in and name not in {"CAPABILITY", "LOGIN", "NOOP"}):
            self.say(f"{tag} BAD {name} is not known here")
            return True
        done = handler(_tokens(rest), literals)
        self.say(f"{tag} {done or 'OK done'}")
        return True

    def do_capability(self, given: list[str], literals: list[bytes]) -> None:
        self.say(f"* CAPABILITY {' '.join(self.server.capabilities)}")

    def do_noop(self, given: list[str], literals: list[bytes]) -> None:
        return

    def do_login(self, given: list[str], literals: list[bytes]) -> str | None:
        if [_word(one) for one in given] != [USER, PASSWORD]:
            return "NO [AUTHENTICATIONFAILED] wrong name or password"
        self.is_in = True
        return None

    def do_list(self, given: list[str], literals: list[bytes]) -> None:
        for name, folder in self.server.folders.items():
            flags = " ".join(("\\HasNoChildren", *folder.flags))
            self.say(f'* LIST ({flags}) "/" "{name}"')

    def do_select(self, given: list[str], literals: list[bytes]) -> str | None:
        folder = self.server.folders.get(_word(given[0]))
        if folder is None:
            return "NO there is no such folder"
        self.folder = folder
        more = " \\*" if self.server.keywords else ""
        self.say(f"* {len(folder.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {folder.validity}] valid")
        self.say(f"* OK [UIDNEXT {folder.next_uid}] next")
        self.say(f"* OK [PERMANENTFLAGS (\\Seen \\Flagged \\Deleted \\Draft{more})] kept")
        if "CONDSTORE" in self.server.capabilities:
            highest = max((mail.modseq for mail in folder.mails), default=1)
            self.say(f"* OK [HIGHESTMODSEQ {highest}] marks")
        return "OK [READ-WRITE] open"

    do_examine = do_select

    def do_uid_search(self, given: list[str], literals: list[bytes]) -> None:
        if given[:1] == ["CHARSET"]:
            given = given[2:]
        assert self.folder
        fitting = [mail.uid for mail in self.folder.mails if all(_matches(mail, iter(given)))]
        self.say(" ".join(["* SEARCH", *(str(uid) for uid in fitting)]))

    def do_uid_fetch(self, given: list[str], literals: list[bytes]) -> None:
        assert self.folder
        since = int(given[given.index("CHANGEDSINCE") + 1]) if "CHANGEDSINCE" in given else 0
        body = next((one for one in given if one.upper().startswith("BODY.PEEK[")), None)
        for number, mail in enumerate(self.folder.mails, 1):
            if mail.uid not in _numbers(given[0], self.folder) or mail.modseq <= since:
                continue
            received = f"{mail.received:%d}-{MONTHS[mail.received.month - 1]}-{mail.received:%Y %H:%M:%S +0000}"
            size = len(mail.raw) + mail.filler
            head = f'* {number} FETCH (UID {mail.uid} FLAGS ({" ".join(sorted(mail.flags))}) RFC822.SIZE {size} INTERNALDATE "{received}"'
            if body is None:
                self.say(f"{head} MODSEQ ({mail.modseq}))")
                continue
            section, span = re.fullmatch(r"BODY\.PEEK\[(.*?)\](?:<([\d.]+)>)?", body, re.IGNORECASE).groups()  # pyright: ignore[reportOptionalMemberAccess]
            start, _, count = (span or "0").partition(".")
            content = mail.slice(section, int(start), int(count) if count else None)
            origin = f"<{start}>" if span else ""
            self.writer.write(f"{head} BODY[{section}]{origin} {{{len(content)}}}\r\n".encode() + content + b")\r\n")

    def do_uid_store(self, given: list[str], literals: list[bytes]) -> None:
        for mail in self._chosen(given[0]):
            flags = {flag for flag in given[2:] if flag not in "()"}
            mail.flags = mail.flags | flags if given[1].startswith("+") else mail.flags - flags
            self.server.touch(mail)

    def do_uid_copy(self, given: list[str], literals: list[bytes]) -> str:
        target = self.server.folders.get(_word(given[1]))
        if target is None:
            return "NO [TRYCREATE] there is no such folder"
        chosen = self._chosen(given[0])
        made = [self.server.add(m.raw, _word(given[1]), m.flags, m.received, m.filler) for m in chosen]
        if "UIDPLUS" not in self.server.capabilities:
            return "OK copied"
        return f"OK [COPYUID {target.validity} {','.join(str(m.uid) for m in chosen)} {','.join(str(m.uid) for m in made)}] copied"

    def do_uid_move(self, given: list[str], literals: list[bytes]) -> str:
        if "MOVE" not in self.server.capabilities:
            return "BAD no MOVE here"
        chosen, done = self._chosen(given[0]), self.do_uid_copy(given, literals)
        if done.startswith("OK"):
            assert self.folder
            self.folder.mails = [mail for mail in self.folder.mails if mail not in chosen]
        if "[" in done:
            self.say(f"* {done.rpartition(']')[0]}] moved")
        return "OK moved" if done.startswith("OK") else done

    def do_expunge(self, given: list[str], literals: list[bytes]) -> None:
        assert self.folder
        self.folder.mails = [mail for mail in self.folder.mails if "\\Deleted" not in mail.flags]

    def do_uid_expunge(self, given: list[str], literals: list[bytes]) -> None:
        assert self.folder
        gone = [mail for mail in self._chosen(given[0]) if "\\Deleted" in mail.flags]
        self.folder.mails = [mail for mail in self.folder.mails if mail not in gone]

    def do_append(self, given: list[str], literals: list[bytes]) -> str:
        name = _word(given[0])
        if name not in self.server.folders:
            return "NO [TRYCREATE] there is no such folder"
        made = self.server.add(literals[-1], name, [one for one in given[1:] if one.startswith("\\")])
        if "UIDPLUS" not in self.server.capabilities:
            return "OK filed"
        return f"OK [APPENDUID {self.server.folders[name].validity} {made.uid}] filed"

    def _chosen(self, numbers: str) -> list[Stored]:
        assert self.folder
        return [mail for mail in self.folder.mails if mail.uid in _numbers(numbers, self.folder)]


@asynccontextmanager
async def running_imap_server(
    server: ImapServer | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[ImapServer]:
    """The server on a free port of loopback while the block runs; with `tls` encrypted from the start."""
    server = server or ImapServer()
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        talks[task] = writer
        try:
            await Connection(server, reader, writer).serve()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()
            talks.pop(task)

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20, ssl=tls)
    server.port = int(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for writer in talks.values():
            cast(asyncio.Transport, writer.transport).abort()
        await asyncio.gather(*talks, return_exceptions=True)


def _tokens(text: str) -> list[str]:
    return [one for one in TOKEN.findall(text) if one not in "()"]


def _word(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token


def _numbers(text: str, folder: Folder) -> set[int]:
    found: set[int] = set()
    last = max((mail.uid for mail in folder.mails), default=0)
    for part in text.split(","):
        low, _, high = part.partition(":")
        ends = sorted([last if one == "*" else int(one) for one in (low, high or low)])
        found |= set(range(ends[0], ends[1] + 1)) if ends[1] - ends[0] < 100_000 else set(range(ends[0], last + 1))
    return found


def _section(message: "Message[str, str]", section: str) -> bytes:
    if section == "HEADER":
        return _header(message)
    number = section.partition(".MIME")[0]
    part = message
    for step in number.split("."):
        payload: object = part.get_payload()
        if isinstance(payload, list):
            inner = cast(list["Message[str, str]"], payload)
            if int(step) > len(inner):
                return b""
            part = inner[int(step) - 1]
        elif step != "1":
            return b""
    if section.endswith(".MIME"):
        return _header(part) if part is not message else b""
    payload = part.get_payload()
    return str(payload).encode("utf-8", errors="surrogateescape") if isinstance(payload, str) else b""


def _header(message: "Message[str, str]") -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in message.items()).encode(errors="surrogateescape") + b"\r\n"


def _matches(mail: Stored, words: Iterator[str]) -> Iterator[bool]:
    """Whether each of the criteria fits."""
    for word in words:
        yield _match(mail, word.upper(), words)


def _match(mail: Stored, key: str, words: Iterator[str]) -> bool:
    message = mail.message
    if key in {"FROM", "TO", "CC", "SUBJECT"}:
        return _word(next(words)).casefold() in _decoded(str(message.get(key, ""))).casefold()
    match key:
        case "ALL":
            return True
        case "SEEN" | "UNSEEN":
            return ("\\Seen" in mail.flags) == (key == "SEEN")
        case "UID":
            numbers = next(words)
            low = int(numbers.partition(":")[0])
            return mail.uid >= low if numbers.endswith("*") else mail.uid in {int(one) for one in numbers.split(",")}
        case "SINCE":
            return mail.received.date() >= _day(next(words))
        case "SENTSINCE" | "SENTBEFORE":
            day, sent = _day(next(words)), parsedate_to_datetime(str(message["Date"])).date()
            return sent >= day if key == "SENTSINCE" else sent < day
        case "HEADER":
            name, value = next(words), _word(next(words))
            return value.casefold() in str(message.get(name, "")).casefold()
        case "TEXT":
            text = f"{_decoded(str(message.get('Subject', '')))} {_decoded_body(message)} {message.get('From', '')}"
            return _word(next(words)).casefold() in text.casefold()
        case "OR":
            first = _match(mail, next(words).upper(), words)
            second = _match(mail, next(words).upper(), words)
            return first or second
        case _:
            raise AssertionError(f"this server does not know how to search by {key}")


def _decoded(value: str) -> str:
    from email.header import decode_header, make_header

    return str(make_header(decode_header(value)))


def _decoded_body(message: "Message[str, str]") -> str:
    parts = (part.get_payload(decode=True) for part in message.walk() if part.get_content_maintype() == "text")
    return " ".join(part.decode(errors="replace") for part in parts if isinstance(part, bytes))


def _day(text: str) -> date:
    day, month, year = text.split("-")
    return date(int(year), MONTHS.index(month) + 1, int(day))
