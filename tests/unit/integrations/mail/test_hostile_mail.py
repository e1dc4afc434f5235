"""Every reader of mail and calendars comes to an end with 100 kB of one thing: none is quadratic."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations.calendar.ics import read_ics
from integrations.calendar.recurrence import all_occurrences
from integrations.mail.decoding import decode_header, unflow
from integrations.mail.html import read_html, sanitize_html
from integrations.mail.mbox import read_mbox
from integrations.mail.parse import parse_message
from integrations.mail.quotes import split_quoted

AT = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))
SPAN = (AT - timedelta(days=14), AT + timedelta(days=14))
LONG = 100_000
UNITS: Mapping[str, str] = {
    "newlines": "\n",
    "spaces": " ",
    "tabs": "\t",
    "crlf": "\r\n",
    "separators": "\u2028",
    "blank lines": " \n",
    "letters": "a",
    "short words": "a ",
    "links": "http://",
    "quotes": "> ",
    "dashes": "-",
    "signatures": "-- \n",
    "phones": "Sent from my phone\n",
    "marks": '"',
    "commas": ",",
    "digits": "1",
    "underlines": "_",
    "tags": "<br",
    "brackets": "<a@",
    "words": "=?utf-8?q?",
    "intros": "On 3 March 2026 Dana wrote:\n",
    "headers": "From: x\n",
    "senders": "From a@b Tue Mar  3 09:00:00 2026\n",
}


def headers(text: str) -> Any:
    folded = " ".join(text.split("\n")).replace("\r", " ")
    names = ("From", "To", "Subject", "Message-ID", "References", "List-Post", "Content-Type", "Date")
    return parse_message("\r\n".join(f"{name}: x {folded} y" for name in names).encode() + b"\r\n\r\nHi")


def report(text: str) -> Any:
    parts = ("text/plain", "Hi"), ("message/delivery-status", text), ("text/rfc822-headers", text)
    body = "".join(f"--b\r\nContent-Type: {kind}\r\n\r\n{said}\r\n" for kind, said in parts)
    head = 'From: a@b.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    return parse_message(f"{head}{body}--b--\r\n".encode())


def event(text: str) -> Any:
    said = text.replace("\r", "").replace("\n", "\\n")
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "DTSTART:20260305T100000Z"]
    lines += [f"{name}:{said}" for name in ("SUMMARY", "DESCRIPTION", "LOCATION", "ORGANIZER", "RRULE")]
    return all_occurrences(read_ics("\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR"]).encode(), window=SPAN), *SPAN)


READERS: Mapping[str, Callable[[str], Any]] = {
    "quotes": split_quoted,
    "texts": lambda text: parse_message(f"From: a@b.example\r\n\r\n{text}".encode()),
    "pages": lambda text: parse_message(f"From: a@b.example\r\nContent-Type: text/html\r\n\r\n{text}".encode()),
    "markup": lambda text: (read_html(text), sanitize_html(text)),
    "flowed": lambda text: unflow(text, delete_space=True),
    "one header": decode_header,
    "headers": headers,
    "reports": report,
    "events": event,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_comes_to_an_end_with_a_hundred_thousand_of_anything(reader: str) -> None:
    for name, unit in UNITS.items():
        text = f"Hi\n\n{unit * (LONG // len(unit))}y"
        assert READERS[reader](text) is not None, name


def test_a_mailbox_file_of_anything_comes_to_an_end(tmp_path: Path) -> None:
    for unit in UNITS.values():
        (tmp_path / "box").write_text(
            f"From a@b Tue Mar  3 09:00:00 2026\nFrom: a@b.example\n\n{unit * (LONG // len(unit))}"
        )
        assert list(read_mbox(tmp_path / "box"))
