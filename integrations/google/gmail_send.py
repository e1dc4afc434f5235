"""Sending by Gmail, once: the mail is made a draft there, that draft's id is kept, and exactly that draft is sent.

A draft that is still there was not sent. One that is gone proves nothing (editing it in Gmail may change its id): then
the sent mail of its thread is looked through for our mark, and where it is not found, nobody knows. The mark is the
Message-ID, and the same in a header of our own, since Gmail may replace the Message-ID.
"""

import base64
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from core.errors import Invalid, NotFound, StewardError
from core.outside.addresses import wire_address
from core.outside.errors import Malformed, Refused, Temporary, Uncertain
from core.outside.mail import HandOver, OutgoingMail, Receipt
from integrations.google.answers import mapping, mappings
from integrations.google.client import GoogleClient
from integrations.google.gmail_messages import decode_base64url, header_of, internal_date
from integrations.mail.compose import compose
from integrations.mail.parse import MailMessage, parse_message

MARK = "X-Steward-Message"
MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
DRAFT_REF = re.compile(r"(?P<draft>[\w-]{1,200})/(?P<thread>[\w-]{1,200})")
SEND = "send the mail"
MAKE_DRAFT = "make a draft"
LOOK = "look for the mail among the sent ones"


@dataclass(frozen=True)
class DraftRef:
    """A draft at Gmail, as its id is kept with ours: `<draft id>/<thread id>`."""

    draft_id: str
    thread_id: str

    @classmethod
    def read(cls, text: str) -> "DraftRef":
        """Raises Invalid."""
        match = DRAFT_REF.fullmatch(text)
        if match is None:
            raise Invalid("This is no id of a draft at Gmail", detail=text[:100])
        return cls(match["draft"], match["thread"])

    def __str__(self) -> str:
        return f"{self.draft_id}/{self.thread_id}"


@dataclass(frozen=True)
class GmailSender:
    """Drafts, sends and finds mails of one account; see `agents.services.mail.Mailbox` for what each call promises."""

    client: GoogleClient

    async def prepare(self, mail: OutgoingMail) -> str:
        """Make the mail a draft. A draft that is left behind by a crash is swept later; it is never sent."""
        message: dict[str, Any] = {"raw": base64.urlsafe_b64encode(as_draft(mail).as_bytes()).decode()}
        thread = await self._thread_of(mail)
        if thread:
            message["threadId"] = thread
        made = await self._create(message)
        ref = f"{made.get('id')}/{mapping(made.get('message')).get('threadId') or thread or made.get('id')}"
        return str(DraftRef.read(ref))

    async def _create(self, message: dict[str, Any]) -> dict[str, Any]:
        # An orphan is harmless, so an unclear answer may be tried again: a draft is no effect that anybody sees.
        try:
            return await self.client.call(
                "gmail", lambda gmail: gmail.users().drafts().create(userId="me", body={"message": message}), MAKE_DRAFT
            )
        except NotFound:
            if "threadId" not in message:
                raise
            kept = {key: value for key, value in message.items() if key != "threadId"}
            return await self._create(kept)  # the thread is gone: it becomes one of its own

    async def _thread_of(self, mail: OutgoingMail) -> str | None:
        """Gmail's thread for an answer: the known one, else that of the mail it answers."""
        if mail.thread or not mail.in_reply_to:
            return mail.thread
        found = await self._listed(f"rfc822msgid:{mail.in_reply_to}")
        return str(found[0].get("threadId")) if found else None

    @asynccontextmanager
    async def sending(self, mail: OutgoingMail, provider_ref: str | None) -> AsyncGenerator[HandOver]:
        """Check that the draft is there and still says what was approved; what is entered sends exactly that draft."""
        if provider_ref is None:
            raise Temporary("There is no draft at Gmail to send yet")
        ref = DraftRef.read(provider_ref)
        try:
            kept = await self.client.call(
                "gmail",
                lambda gmail: gmail.users().drafts().get(userId="me", id=ref.draft_id, format="raw"),
                "read the draft",
            )
        except NotFound as error:
            raise Refused(
                "The draft is not at Gmail any more: it was changed, sent or deleted there",
                hint="Look in Gmail whether it was sent. If it was not, edit the draft here and approve it again.",
            ) from error
        _refuse_changed(decode_base64url(mapping(kept.get("message")).get("raw", "")), mail)

        async def hand_over() -> Receipt:
            return await self._send(mail, ref)

        yield hand_over

    async def _send(self, mail: OutgoingMail, ref: DraftRef) -> Receipt:
        try:
            return await self._send_once(mail, ref)
        except Uncertain as error:
            found = await self._seen(mail.message_id, ref)
            if found is None:
                raise error
            return found

    async def _send_once(self, mail: OutgoingMail, ref: DraftRef) -> Receipt:
        try:
            sent = await self.client.call(
                "gmail",
                lambda gmail: gmail.users().drafts().send(userId="me", body={"id": ref.draft_id}),
                SEND,
                is_effect=True,
            )
        except NotFound as error:
            raise Uncertain("The draft was gone from Gmail in the moment it was to be sent") from error
        if not sent.get("id"):
            raise Uncertain("Gmail took the draft, and did not say what became of it")
        return _receipt(mail.message_id, sent)

    async def _seen(self, message_id: str, ref: DraftRef) -> Receipt | None:
        """The mail among the sent ones, right after an unclear answer. That it is not there (yet) proves nothing."""
        try:
            return await self._sent_with(message_id) or await self._sent_in(ref.thread_id, message_id)
        except StewardError:
            return None  # whoever looks later may see more

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """The receipt of a mail that left; None while its draft lies at Gmail. Raises Uncertain when neither is found."""
        if provider_ref is None:
            return await self._sent_with(message_id)  # nothing is sent before the draft's id is kept
        ref = DraftRef.read(provider_ref)
        try:
            await self.client.call(
                "gmail",
                lambda gmail: gmail.users().drafts().get(userId="me", id=ref.draft_id, format="minimal"),
                "look for the draft",
            )
            return None
        except NotFound:
            found = await self._sent_with(message_id) or await self._sent_in(ref.thread_id, message_id)
        if found is None:
            raise Uncertain("The draft is not at Gmail any more, and the mail is not among the sent ones of its thread")
        return found

    async def _sent_with(self, message_id: str) -> Receipt | None:
        for one in await self._listed(f"rfc822msgid:{message_id}"):
            ref = str(one.get("id"))
            message = await self._metadata(ref)
            if message and "SENT" in message.get("labelIds", []):
                return _receipt(message_id, message)
        return None

    async def _sent_in(self, thread_id: str, message_id: str) -> Receipt | None:
        try:
            thread = await self.client.call(
                "gmail",
                lambda gmail: (
                    gmail.users()
                    .threads()
                    .get(userId="me", id=thread_id, format="metadata", metadataHeaders=["Message-ID", MARK])
                ),
                LOOK,
            )
        except NotFound:
            return None
        for message in mappings(thread.get("messages")):
            marks = {header_of(message, MARK), header_of(message, "Message-ID")}
            if "SENT" in message.get("labelIds", []) and message_id in marks:
                return _receipt(message_id, message)
        return None

    async def _metadata(self, ref: str) -> dict[str, Any] | None:
        try:
            return await self.client.call(
                "gmail", lambda gmail: gmail.users().messages().get(userId="me", id=ref, format="minimal"), LOOK
            )
        except NotFound:
            return None

    async def _listed(self, query: str) -> list[dict[str, Any]]:
        told = await self.client.call(
            "gmail", lambda gmail: gmail.users().messages().list(userId="me", q=query, maxResults=10), LOOK
        )
        return mappings(told.get("messages"))

    async def our_drafts(self, limit: int = 100) -> list[tuple[str, str]]:
        """Drafts at Gmail that were made here: (provider ref, Message-ID)."""
        told = await self.client.call(
            "gmail", lambda gmail: gmail.users().drafts().list(userId="me", maxResults=limit), "list the drafts"
        )
        found: list[tuple[str, str]] = []
        for one in mappings(told.get("drafts")):
            marked = await self._marked(str(one.get("id")))
            if marked:
                thread = mapping(one.get("message")).get("threadId") or one.get("id")
                found.append((f"{one.get('id')}/{thread}", marked))
        return found

    async def _marked(self, draft_id: str) -> str | None:
        """The Message-ID in the mark of a draft; None for a draft of somebody else, or one that is gone."""
        try:
            kept = await self.client.call(
                "gmail",
                lambda gmail: gmail.users().drafts().get(userId="me", id=draft_id, format="raw"),
                "read the draft",
                most_bytes=64 * 1024 * 1024,
            )
        except NotFound:
            return None
        raw = decode_base64url(mapping(kept.get("message")).get("raw", ""))
        head = raw.partition(b"\r\n\r\n")[0].decode("ascii", errors="replace")
        match = re.search(rf"^{MARK}:\s*(<[!-;=?-~]{{1,900}}>)\s*$", head, re.MULTILINE)
        return match[1] if match else None

    async def discard(self, provider_ref: str) -> None:
        """Delete a draft at Gmail; one that is gone already is fine."""
        ref = DraftRef.read(provider_ref)
        try:
            await self.client.call(
                "gmail", lambda gmail: gmail.users().drafts().delete(userId="me", id=ref.draft_id), "delete the draft"
            )
        except NotFound:
            return


def as_draft(mail: OutgoingMail) -> EmailMessage:
    """The mail as Gmail keeps it: with Bcc, which it takes out as it sends, and with our mark. Raises Invalid, TooLarge."""
    message = compose(mail)
    if mail.bcc:
        message["Bcc"] = ", ".join(wire_address("bcc", address) for address in mail.bcc)
    message[MARK] = mail.message_id
    return message


def _refuse_changed(kept: bytes, approved: OutgoingMail) -> None:
    """Somebody may have opened the draft in Gmail: what is sent has to be what was approved."""
    try:
        found, wanted = (parse_message(raw, name="draft") for raw in (kept, as_draft(approved).as_bytes()))
    except Invalid as error:
        raise Malformed("The draft at Gmail cannot be read") from error
    for what, ours in (("recipients", _recipients), ("subject", _subject), ("text", _text), ("files", _files)):
        if ours(found) != ours(wanted):
            raise Refused(
                f"The draft was changed at Gmail: its {what} are not what was approved",
                hint="Edit the draft here instead, and approve it again.",
            )
    if _bcc(kept) != {wire_address("bcc", address).casefold() for address in approved.bcc}:
        raise Refused(
            "The draft was changed at Gmail: its hidden recipients are not what was approved",
            hint="Edit the draft here instead, and approve it again.",
        )


def _recipients(mail: MailMessage) -> object:
    return ([one.address for one in mail.to], [one.address for one in mail.cc])


def _subject(mail: MailMessage) -> object:
    return "".join(mail.subject.split())


def _text(mail: MailMessage) -> object:
    return "".join(mail.text.split())


def _files(mail: MailMessage) -> object:
    return [(one.name, one.sha256) for one in mail.attachments]


def _bcc(raw: bytes) -> set[str]:
    from email import message_from_bytes
    from email.utils import getaddresses

    listed = [str(value) for value in message_from_bytes(raw).get_all("Bcc", [])]
    return {address.casefold() for _, address in getaddresses(listed) if address}


def _receipt(message_id: str, sent: dict[str, Any]) -> Receipt:
    ref, thread = str(sent.get("id")), str(sent.get("threadId") or "")
    details = {"gmail_id": ref, "thread_id": thread}
    return Receipt("gmail", message_id, f"gmail:{ref}", internal_date(sent) or datetime.now(UTC), details)
