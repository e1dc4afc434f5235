"""Mailboxes of every provider with a way to put mail into them and to see what left: for the contract that all fulfil."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import httpx

from agents.services.mail import Mailbox
from core.database import Caller
from core.outside.mail import MailAddress
from integrations.google.gmail import GmailMailbox
from integrations.google.places import GooglePlaces
from integrations.mail.imap import ImapMailbox
from integrations.mail.imap_connection import ImapAddress
from integrations.mail.incoming import incoming_mail
from integrations.mail.local import LocalMailbox
from integrations.mail.outbox import Outbox, OutboxSender
from integrations.mail.resend import ResendSender
from integrations.mail.sender import Sender
from integrations.mail.smtp import SmtpServer
from jobs.outside.mail import Shelf
from tasks import capture
from tasks.mail import LOCAL, mail_row
from tests.emulators.google_client import open_google
from tests.emulators.imap_server import ImapServer, running_imap_server
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.smtp_server import Handler, serving

OWN = "robin@vega.example"


@dataclass(frozen=True)
class Left:
    """A mail that left: to whom, and what it says."""

    to: tuple[str, ...]
    subject: str
    body: str


@dataclass(frozen=True)
class Bench:
    """A mailbox of robin@vega.example. `remembers`: it can say of a mail that it was sent, or surely was not."""

    mailbox: Mailbox
    deliver: Callable[[bytes], Awaitable[None]]
    left: Callable[[], Awaitable[list[Left]]]
    remembers: bool = True
    keeps_files: bool = True


Opening = Callable[[Caller | None, Path, OutsideServers], AbstractAsyncContextManager[Bench]]


def _shelved(caller: Caller | None, sender: Sender) -> tuple[LocalMailbox, Callable[[bytes], Awaitable[None]]]:
    """A mailbox on the shelf of the caller's database; without one it only sends."""

    async def deliver(raw: bytes) -> None:
        assert caller
        mail = incoming_mail(raw, ref="file", labels=["inbox", "unread"])
        await capture.import_mail(caller, [mail_row(mail, LOCAL, frozenset({OWN})) | {"ref": None}], [])

    return LocalMailbox(Shelf(cast(Caller, caller)), sender, (MailAddress(OWN, "Robin Vega"),), "Robin"), deliver


def _read(raw: bytes, to: tuple[str, ...] | None = None) -> Left:
    message = message_from_bytes(raw, policy=policy.default)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body else ""
    named = tuple(str(message[header]) for header in ("To", "Cc") if message[header])
    return Left(to or named, str(message["Subject"]), text.replace("\r\n", "\n"))


@asynccontextmanager
async def local(caller: Caller | None, folder: Path, outside: OutsideServers) -> AsyncGenerator[Bench]:
    mailbox, deliver = _shelved(caller, OutboxSender(Outbox(folder / "outbox")))

    async def left() -> list[Left]:
        return [_read(path.read_bytes()) for path in sorted((folder / "outbox").glob("*.eml"))]

    yield Bench(mailbox, deliver, left, keeps_files=False)


@asynccontextmanager
async def smtp(caller: Caller | None, folder: Path, outside: OutsideServers) -> AsyncGenerator[Bench]:
    handler = Handler()
    async with serving(handler) as place:
        mailbox, deliver = _shelved(caller, SmtpServer(f"smtp://{place}"))
        yield Bench(mailbox, deliver, lambda: _taken(handler), remembers=False, keeps_files=False)


async def _taken(handler: Handler) -> list[Left]:
    return [_read(bytes(one.content or b""), tuple(one.rcpt_tos)) for one in handler.taken]  # pyright: ignore[reportArgumentType]


@asynccontextmanager
async def imap(caller: Caller | None, folder: Path, outside: OutsideServers) -> AsyncGenerator[Bench]:
    handler, server = Handler(), ImapServer()
    async with serving(handler) as place, running_imap_server(server):
        own = (MailAddress(OWN, "Robin Vega"),)
        mailbox = ImapMailbox(ImapAddress.from_url(server.url), SmtpServer(f"smtp://{place}"), own, "Robin")

        async def deliver(raw: bytes) -> None:
            server.add(raw)

        yield Bench(mailbox, deliver, lambda: _taken(handler))


@asynccontextmanager
async def resend(caller: Caller | None, folder: Path, outside: OutsideServers) -> AsyncGenerator[Bench]:
    outside.reset()
    mailbox, deliver = _shelved(caller, ResendSender("re_not_a_key", outside.resend))

    async def left() -> list[Left]:
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": "Bearer re_not_a_key"}) as client:
            listed = (await client.get(f"{outside.resend}/emails")).json()["data"]
            whole = [(await client.get(f"{outside.resend}/emails/{one['id']}")).json() for one in listed]
        return [Left(tuple(one["to"]), one["subject"], one["text"]) for one in whole]

    yield Bench(mailbox, deliver, left, remembers=False, keeps_files=False)


@asynccontextmanager
async def gmail(caller: Caller | None, folder: Path, outside: OutsideServers) -> AsyncGenerator[Bench]:
    outside.reset()
    async with open_google("google-token-of-robin", GooglePlaces.at(outside.google)) as client:
        mailbox = GmailMailbox(client, OWN, "Robin Vega")

        arrived = count()

        async def deliver(raw: bytes) -> None:
            # The emulator searches a subject as it stands encoded on the wire, and takes the time of arrival from the
            # Date header: both are told to it beside the mail, as Gmail finds them out by itself.
            message = message_from_bytes(raw, policy=policy.default)
            sent_at = parsedate_to_datetime(str(message["Date"]))
            body = {
                "raw": urlsafe_b64encode(raw).decode(),
                "labelIds": ["INBOX", "UNREAD"],
                "subject": str(message["Subject"]),
                "internalDate": str(int(sent_at.timestamp() * 1000) + next(arrived)),
            }
            await client.call("gmail", lambda gmail: gmail.users().messages().insert(userId="me", body=body), "insert")

        async def left() -> list[Left]:
            told = await client.call(
                "gmail", lambda gmail: gmail.users().messages().list(userId="me", labelIds=["SENT"]), "list"
            )
            sent = [await client.call("gmail", _raw(one["id"]), "read") for one in told.get("messages", [])]
            return [_read(urlsafe_b64decode(one["raw"] + "==")) for one in sent]

        yield Bench(mailbox, deliver, left)


def _raw(ref: str) -> Callable[[Any], Any]:
    return lambda gmail: gmail.users().messages().get(userId="me", id=ref, format="raw")


BENCHES: dict[str, Opening] = {"local": local, "smtp": smtp, "imap": imap, "resend": resend, "gmail": gmail}
