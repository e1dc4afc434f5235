"""What an import is made of: files with their kinds, whose mailbox it is, and what messages become. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import Invalid, NotFound
from integrations.mail.parse import MailMessage
from tasks.functions import task_item
from tasks.models import ExtractedTask

Kind = Literal["mbox", "eml", "ics", "csv"]
KINDS: dict[str, Kind] = {".mbox": "mbox", ".eml": "eml", ".ics": "ics", ".ical": "ics", ".csv": "csv", ".tsv": "csv"}
HEADER = re.compile(rb"[!-9;-~]+:[ \t]?")
LOOKED_AT_BYTES = 4096


@dataclass(frozen=True)
class ImportFile:
    """One file to read, and what is in it."""

    path: Path
    kind: Kind


def collect_files(given: Iterable[Path]) -> list[ImportFile]:
    """The files, and those in folders (by name, folders below included), each once.

    Raises NotFound for what is not there, Invalid for a file of no known kind and a folder without any.
    """
    found: dict[Path, ImportFile] = {}
    for path in given:
        if not path.exists():
            raise NotFound(f"There is no file {path}")
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in KINDS and p.is_file()]
            if not inside:
                raise Invalid(f"There is nothing to import in {path}", detail=f"looked for {', '.join(KINDS)}")
        else:
            inside = [path]
        for file in inside:
            found.setdefault(file.resolve(), ImportFile(file, kind_of(file)))
    return list(found.values())


def kind_of(path: Path) -> Kind:
    """What a file is, by its beginning, else by its name. Raises Invalid when neither tells, or it cannot be read."""
    try:
        with path.open("rb") as file:
            beginning = file.read(LOOKED_AT_BYTES)
    except OSError as error:
        raise Invalid(f"{path} cannot be read", detail=error.strerror or str(error)) from error
    beginning = beginning.removeprefix(b"\xef\xbb\xbf")
    named = KINDS.get(path.suffix.lower())
    if beginning.startswith(b"From "):
        return "mbox"
    if beginning.lstrip()[:15].upper() == b"BEGIN:VCALENDAR":
        return "ics"
    if named:
        return named
    if HEADER.match(beginning):
        return "eml"
    raise Invalid(
        f"{path} is nothing that can be imported",
        hint="A mailbox (.mbox), a mail (.eml), a calendar (.ics) or a table (.csv) can.",
    )


def most_addressed(recipients: Iterable[Sequence[str]]) -> str | None:
    """The address that most messages are to, where that is plain: more than half of them, and alone at the top."""
    counts: Counter[str] = Counter()
    total = 0
    for addresses in recipients:
        total += 1
        counts.update({address.lower() for address in addresses})
    ranked = counts.most_common(2)
    if not ranked or ranked[0][1] * 2 <= total or (len(ranked) > 1 and ranked[1][1] == ranked[0][1]):
        return None
    return ranked[0][0]


def mail_row(
    message: MailMessage, me: str | None, *, category: str | None = None, suspicious: str | None = None
) -> dict[str, Any]:
    """The row of `mail_messages` for a message; the contents of attachments stay outside."""
    return {
        "message_id": message.message_id,
        "thread_key": message.thread_key,
        "in_reply_to": message.in_reply_to,
        "from_name": message.from_name,
        "from_address": message.from_address,
        "to_addresses": [person.address for person in message.to],
        "cc_addresses": [person.address for person in message.cc],
        "subject": message.subject,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "text_body": message.text,
        "html_body": message.html_sanitized,
        "attachments": [one.model_dump(mode="json", exclude={"content"}) for one in message.attachments],
        "is_from_me": me is not None and message.from_address == me.lower(),
        "category": category,
        "suspicious": suspicious,
    }


def mail_task(found: ExtractedTask, message: MailMessage, number: int, flags: Sequence[str] = ()) -> dict[str, Any]:
    """The new task for the `number`th finding in a message; importing the message again makes it no second time."""
    reference = {
        "message_id": message.message_id,
        "thread_key": message.thread_key,
        "references": [*message.references, message.message_id],
        "subject": message.subject,
        "from": message.from_address,
        "quote": found.quote,
    }
    key = f"mail:{message.message_id}:{number}"
    return task_item(found, source="mail", source_ref=reference, source_key=key, flags=list(flags))
