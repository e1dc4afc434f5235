"""A mailbox on an IMAP server; mail is handed over by another part (SMTP, Resend) and filed in Sent."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import orjson
import structlog

from core.errors import Invalid, NotFound, StewardError
from core.outside.errors import Malformed, Refused, Uncertain
from core.outside.mail import (
    ARCHIVE,
    COMMON_LABELS,
    DRAFTS,
    FLAGGED,
    INBOX,
    SENT,
    UNREAD,
    HandOver,
    IncomingMail,
    MailAddress,
    MailLabel,
    MailQuery,
    OutgoingMail,
    Receipt,
    SyncPage,
)
from integrations.mail.compose import compose
from integrations.mail.imap_connection import ImapAddress, signed_in
from integrations.mail.imap_parts import stream_part
from integrations.mail.imap_reading import Place, criteria_of, fits, imap_date, quoted, read_mails, sent_when
from integrations.mail.imap_session import Fetched, ImapSession
from integrations.mail.local import sender_domain
from integrations.mail.sender import Sender

log = structlog.get_logger()
T = TypeVar("T")
RECENT = timedelta(days=30)
KEYWORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$_-.")


@dataclass(frozen=True)
class ImapMailbox:
    """Each call signs in, does its work on a thread, and signs out."""

    address: ImapAddress
    sender: Sender
    own: tuple[MailAddress, ...]
    own_signature: str = ""
    timeout_seconds: float = 30.0
    recent: timedelta = RECENT
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @property
    def provider(self) -> str:
        return "imap"

    @property
    def sender_domain(self) -> str:
        return sender_domain(self.own[0].address)

    async def addresses(self) -> Sequence[MailAddress]:
        return self.own

    async def signature(self, address: str) -> str:
        return self.own_signature

    async def sync(self, cursor: str | None, *, limit: int = 50) -> SyncPage:
        known = _cursor(cursor)
        return await self._with_session(lambda session: self._sync(session, known, limit))

    async def get(self, ref: str) -> IncomingMail:
        place = Place.parse(ref)

        def work(session: ImapSession) -> IncomingMail:
            self._open(session, place)
            found = read_mails(session, place.folder, place.validity, [place.uid])
            if not found:
                raise NotFound("There is no such mail any more", detail=ref[:100])
            return found[0]

        return await self._with_session(work)

    async def search(self, query: MailQuery, *, limit: int = 50) -> Sequence[IncomingMail]:
        criteria = criteria_of(query)

        def work(session: ImapSession) -> list[IncomingMail]:
            found = self._found(session, criteria, limit)
            fitting = [mail for mail in found if fits(mail, query)]
            return sorted(fitting, key=sent_when, reverse=True)[:limit]

        return await self._with_session(work)

    async def thread(self, thread: str) -> Sequence[IncomingMail]:
        root = quoted(thread)
        criteria = f"OR OR HEADER Message-ID {root} HEADER References {root} HEADER In-Reply-To {root}"
        found = await self._with_session(lambda session: self._found(session, [criteria], 200))
        if not found:
            raise NotFound("There is no such thread", detail=thread[:200])
        return sorted({mail.message_id: mail for mail in found}.values(), key=sent_when)

    async def attachment(self, ref: str, attachment_id: str, *, limit_bytes: int) -> AsyncGenerator[bytes]:
        place = Place.parse(ref)
        if not attachment_id.replace(".", "").isdecimal():
            raise NotFound("There is no such file in this mail", detail=attachment_id[:100])
        session_of = signed_in(self.address, self.timeout_seconds)
        session = await asyncio.to_thread(session_of.__enter__)
        try:
            await asyncio.to_thread(self._open, session, place)
            async for piece in stream_part(session, self.address, place.uid, attachment_id, limit_bytes):
                yield piece
        finally:
            await asyncio.to_thread(session_of.__exit__, None, None, None)

    async def labels(self) -> Sequence[MailLabel]:
        found = await self._with_session(lambda session: dict(session.folders()))
        return [MailLabel(name, ref) for name, ref in sorted(found.items())]

    async def label(self, ref: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        place = Place.parse(ref)
        for name in [*add, *remove]:
            if name in COMMON_LABELS - {UNREAD, FLAGGED}:
                raise Refused(f"On an IMAP server {name} is a folder", hint="Move the mail there.")
            if not name or not set(name) <= KEYWORD:
                raise Invalid(
                    f"{name[:50]!r} cannot be a label here", detail="letters, digits, $ _ - and . are allowed"
                )

        def work(session: ImapSession) -> None:
            self._open(session, place, readonly=False)
            if not session.fetch([place.uid]):
                raise NotFound("There is no such mail any more", detail=ref[:100])
            if any(name not in {UNREAD, FLAGGED} for name in [*add, *remove]) and not session.takes_keywords():
                raise Refused("This mail server keeps no labels")
            for names, on in ((add, True), (remove, False)):
                for name in names:
                    flag, up = {UNREAD: ("\\Seen", not on), FLAGGED: ("\\Flagged", on)}.get(name, (name, on))
                    session.flag(place.uid, [flag], on=up)

        await self._with_session(work)

    async def move(self, ref: str, label: str) -> str:
        place = Place.parse(ref)

        def work(session: ImapSession) -> str:
            folder = session.folders().get(label)
            if folder is None:
                raise Refused(f"There is no folder for {label} on this mail server")
            self._open(session, place, readonly=False)
            known = read_mails(session, place.folder, place.validity, [place.uid])
            if not known:
                raise NotFound("There is no such mail any more", detail=ref[:100])
            if folder == place.folder:
                return ref
            uid = session.move(place.uid, folder)
            validity = session.select(folder)
            if uid is None:
                uid = max(session.search("HEADER Message-ID", quoted(known[0].message_id)), default=None)
            if uid is None:
                raise Malformed("The mail was moved, and cannot be found where it went", detail=folder[:100])
            return str(Place(folder, validity, uid))

        return await self._with_session(work)

    async def mark(self, ref: str, *, is_unread: bool | None = None, is_flagged: bool | None = None) -> None:
        wanted = {UNREAD: is_unread, FLAGGED: is_flagged}
        add = [name for name, on in wanted.items() if on is True]
        await self.label(ref, add=add, remove=[name for name, on in wanted.items() if on is False])

    async def prepare(self, message: OutgoingMail) -> str | None:
        """A draft in the Drafts folder, so that it is seen there too; what the sender keeps is the id that counts."""
        kept = await self.sender.prepare(message)
        content = compose(message).as_bytes()

        def work(session: ImapSession) -> str | None:
            folder = session.folders().get(DRAFTS)
            if folder is None:
                return None
            validity = session.select(folder, readonly=False)
            known = session.search("HEADER Message-ID", quoted(message.message_id))
            uid = known[-1] if known else session.append(folder, content, ["\\Draft", "\\Seen"])
            if uid is None:
                session.select(folder)
                uid = max(session.search("HEADER Message-ID", quoted(message.message_id)), default=None)
            return str(Place(folder, validity, uid)) if uid is not None else None

        made = await self._with_session(work)
        return kept or made

    @asynccontextmanager
    async def sending(self, message: OutgoingMail, provider_ref: str | None) -> AsyncGenerator[HandOver]:
        """Handed over by the sender. Once it was taken, it is filed in Sent and its draft removed, if that works."""
        taken: list[Receipt] = []
        async with self.sender.sending(message, provider_ref) as inner:

            async def hand_over() -> Receipt:
                taken.append(await inner())
                return taken[0]

            yield hand_over
        if taken:
            try:
                await self._with_session(lambda session: _file(session, message))
            except StewardError as error:
                await log.awarning("sent_mail_not_filed", error=error.message)

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """Looks in Sent, then asks the sender. What is not in Sent may have been taken all the same."""

        def work(session: ImapSession) -> Receipt | None:
            folder = session.folders().get(SENT)
            if folder is None:
                return None
            validity = session.select(folder)
            found = session.fetch(session.search("HEADER Message-ID", quoted(message_id))[-1:])
            if not found:
                return None
            place = Place(folder, validity, found[0].uid)
            return Receipt("imap", message_id, f"imap://{self.address.host}/{place}", self._received(found[0]))

        try:
            receipt = await self._with_session(work)
        except StewardError as error:
            raise Uncertain("The Sent folder could not be looked into", detail=error.message) from error
        return receipt or await self.sender.find(message_id, provider_ref)

    async def check(self) -> str:
        """Sign in and look at the folders: what was found, in a sentence."""
        found = await self._with_session(lambda session: dict(session.folders()))
        missing = [kind for kind in (SENT, DRAFTS) if kind not in found]
        lacks = f", but has no folder for {' and '.join(missing)}" if missing else ""
        return f"IMAP at {self.address.host}:{self.address.port} opens as {self.address.username}{lacks}"

    def _received(self, fetched: Fetched) -> datetime:
        try:
            return parsedate_to_datetime(fetched.received.replace("-", " "))
        except (ValueError, TypeError):
            return self.now()

    async def _with_session(self, work: Callable[[ImapSession], T]) -> T:
        def blocking() -> T:
            with signed_in(self.address, self.timeout_seconds) as session:
                return work(session)

        return await asyncio.to_thread(blocking)

    def _open(self, session: ImapSession, place: Place, *, readonly: bool = True) -> None:
        if session.select(place.folder, readonly=readonly) != place.validity:
            raise NotFound("There is no such mail any more: the folder was rebuilt", detail=place.folder[:100])

    def _found(self, session: ImapSession, criteria: Sequence[str], limit: int) -> list[IncomingMail]:
        folders = session.folders()
        places = [folders[INBOX], *(folders[kind] for kind in (SENT, ARCHIVE) if kind in folders)]
        found: dict[str, IncomingMail] = {}
        for folder in dict.fromkeys(places):
            validity = session.select(folder)
            for mail in read_mails(session, folder, validity, session.search(*criteria)[-limit:]):
                found.setdefault(mail.message_id, mail)
        return list(found.values())

    def _sync(self, session: ImapSession, known: dict[str, dict[str, int]], limit: int) -> SyncPage:
        """Inbox and Sent, each from its own mark: new messages by UID, changed ones by MODSEQ where the server counts it."""
        folders = session.folders()
        marks = dict(known)
        messages: list[IncomingMail] = []
        was_reset = has_more = False
        for folder in dict.fromkeys(folders[kind] for kind in (INBOX, SENT) if kind in folders):
            validity = session.select(folder)
            modseq = session.highest_modseq()
            mark = known.get(folder)
            if mark is not None and mark["validity"] != validity:
                mark, was_reset = None, True
            room = limit - len(messages)
            after = mark["uid"] if mark else 0
            since = "" if mark else f"SINCE {imap_date(self.now() - self.recent)}"
            fresh = [uid for uid in session.search(f"UID {after + 1}:*", since) if uid > after]
            taken = fresh[: max(room, 0)]
            changed: list[int] = []
            if mark and mark.get("modseq") and modseq and modseq > mark["modseq"] and after:
                changed = session.changed_since(mark["modseq"], after)[:limit]
            messages += read_mails(session, folder, validity, [*changed, *taken])
            has_more = has_more or len(taken) < len(fresh)
            if taken or mark or not fresh:
                # A first reading that found nothing recent goes on behind what is there, not at its beginning.
                upto = taken[-1] if taken else after if mark else session.last_uid()
                marks[folder] = {"validity": validity, "uid": upto, "modseq": modseq or 0}
        return SyncPage(orjson.dumps(marks).decode(), tuple(messages), has_more=has_more, was_reset=was_reset)


def _file(session: ImapSession, message: OutgoingMail) -> None:
    """Into Sent, unless the server has put it there itself; the draft goes."""
    folders = session.folders()
    same = ("HEADER Message-ID", quoted(message.message_id))
    if SENT in folders:
        session.select(folders[SENT], readonly=False)
        if not session.search(*same):
            session.append(folders[SENT], compose(message).as_bytes(), ["\\Seen"])
    if DRAFTS in folders:
        session.select(folders[DRAFTS], readonly=False)
        for uid in session.search(*same):
            session.remove(uid)


def _cursor(cursor: str | None) -> dict[str, dict[str, int]]:
    if cursor is None:
        return {}
    try:
        found: dict[str, dict[str, int]] = orjson.loads(cursor)
        return {folder: {key: int(value) for key, value in mark.items()} for folder, mark in found.items()}
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        raise Invalid("This is no cursor of an IMAP mailbox", detail=cursor[:100]) from error
