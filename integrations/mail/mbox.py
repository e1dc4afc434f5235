"""Mail files: an mbox, one .eml, a folder of .eml. Read one message at a time, however large the file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.errors import Invalid, NotFound, TooLarge
from integrations.mail.parse import LARGEST_MAIL_BYTES, MailMessage, parse_message

CHUNK_BYTES = 1 << 20
SEPARATOR = re.compile(
    rb"From (?:\S+ +)?(?:\S+ +)*?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*\d{4}|From \S+@\S+|From -? ?\w{3} "
)
QUOTED_FROM = re.compile(rb">+From ")
HEADER = re.compile(rb"[!-9;-~]+:|[!-9;-~]+ *:")
BOM = b"\xef\xbb\xbf"


def read_mail(path: Path) -> Iterator[MailMessage]:
    """The mails of a folder of .eml, an .eml, or an mbox. Raises a StewardError that names file and message."""
    if path.is_dir():
        return read_folder(path)
    return iter([read_eml(path)]) if path.suffix.casefold() == ".eml" else read_mbox(path)


def read_eml(path: Path) -> MailMessage:
    """The mail in one file."""
    with _opened(path) as file:
        return parse_message(file.read(LARGEST_MAIL_BYTES + 1).removeprefix(BOM), name=path.name)


def read_folder(path: Path) -> Iterator[MailMessage]:
    """The mails in the .eml files of a folder and the folders in it, by name. Raises Invalid where there is none."""
    files = sorted(p for p in path.rglob("*") if p.suffix.casefold() == ".eml" and p.is_file())
    if not files:
        raise Invalid(f"There is no .eml file in {path}")
    return (read_eml(file) for file in files)


def read_mbox(path: Path) -> Iterator[MailMessage]:
    """The mails of an mbox, in order (mboxrd: ">From " loses one ">").

    Raises Invalid for a file that is empty or no mbox, TooLarge for a message beyond 25 MB: file and number are named.
    """
    with _opened(path) as file:
        first = file.readline(CHUNK_BYTES).removeprefix(BOM)
        while first and not first.strip():
            first = file.readline(CHUNK_BYTES)
        if not first:
            raise Invalid(f"{path.name} is empty")
        if not first.startswith(b"From "):
            raise Invalid(
                f"{path.name} is not an mbox: its first line does not begin with “From ”",
                hint="An mbox is what mail programs export; a single mail ends in .eml.",
            )
        for number, raw in enumerate(_split(file, path.name), 1):
            yield parse_message(raw, name=f"{path.name}, message {number}")


def _split(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The messages behind the first separator line. A separator follows an empty line and precedes a header."""
    lines: list[bytes] = []
    size, number = 0, 1
    was_empty, at_start = False, True
    line = file.readline(CHUNK_BYTES)
    while line:
        following = file.readline(CHUNK_BYTES)
        if at_start and was_empty and _separates(line, following):
            yield b"".join(lines[:-1])
            lines, size, number = [], 0, number + 1
        else:
            lines.append(line[1:] if at_start and QUOTED_FROM.match(line) else line)
            size += len(line)
            if size > LARGEST_MAIL_BYTES:
                raise TooLarge(f"{name}, message {number} has more than {LARGEST_MAIL_BYTES:,} bytes")
        was_empty = at_start and line in {b"\n", b"\r\n"}
        at_start = line.endswith(b"\n")
        line = following
    yield b"".join(lines)


def _separates(line: bytes, following: bytes) -> bool:
    return line.startswith(b"From ") and SEPARATOR.match(line[:300]) is not None and HEADER.match(following) is not None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}") from error
    except IsADirectoryError as error:
        raise Invalid(f"{path} is a folder") from error
    except OSError as error:
        raise Invalid(f"{path} cannot be read", detail=error.strerror) from error
