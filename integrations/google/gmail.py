"""Gmail as a mailbox; fulfils `agents.services.mail.Mailbox`."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from core.errors import NotFound, TooLarge
from core.outside.errors import Refused
from core.outside.mail import (
    ARCHIVE,
    COMMON_LABELS,
    DRAFTS,
    FLAGGED,
    INBOX,
    SENT,
    SPAM,
    TRASH,
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
from integrations.google.answers import mapping, mappings
from integrations.google.client import GoogleClient
from integrations.google.gmail_files import stream_base64
from integrations.google.gmail_messages import (
    attachment_id,
    decode_base64url,
    files_of,
    read_message,
)
from integrations.google.gmail_send import MESSAGE_ID, GmailSender
from integrations.google.gmail_sync import GmailReader
from integrations.mail.html import read_html
from integrations.mail.local import sender_domain

WHOLE_BYTES = 4 * 1024 * 1024  # a larger answer than this is read without the contents of files
SYSTEM = {INBOX: "INBOX", SENT: "SENT", TRASH: "TRASH", SPAM: "SPAM", UNREAD: "UNREAD", FLAGGED: "STARRED"}
READ, ORGANIZE = "read the mail", "label the mail"
PIECE_BYTES = 64 * 1024
WORD = re.compile(r"[^\W_][\w.@-]*")
OPERATORS = frozenset({"OR", "AND", "AROUND"})


@dataclass
class GmailMailbox:
    """The mailbox of one Google account. `address` is the account's, `name` the person's."""

    client: GoogleClient
    address: str
    name: str = ""
    own_signature: str | None = None
    _names: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def provider(self) -> str:
        return "gmail"

    @property
    def sender_domain(self) -> str:
        return sender_domain(self.address)

    async def addresses(self) -> Sequence[MailAddress]:
        """The account's own address and its confirmed aliases ("send mail as"), the usual one first."""
        usable = [one for one in await self._send_as() if one.get("isPrimary") or _is_accepted(one)]
        usable.sort(key=lambda one: (not one.get("isDefault"), not one.get("isPrimary")))
        found = [MailAddress(str(one["sendAsEmail"]), str(one.get("displayName") or self.name)) for one in usable]
        return found or [MailAddress(self.address, self.name)]

    async def signature(self, address: str) -> str:
        """The signature that Gmail puts under mails from this address, as plain text; the setting's, where there is one."""
        if self.own_signature is not None:
            return self.own_signature
        for one in await self._send_as():
            if str(one.get("sendAsEmail", "")).casefold() == address.casefold():
                return read_html(str(one.get("signature") or "")).text.strip()
        return ""

    async def _send_as(self) -> list[dict[str, Any]]:
        told = await self.client.call(
            "gmail", lambda gmail: gmail.users().settings().sendAs().list(userId="me"), "read the mail settings"
        )
        return [one for one in mappings(told.get("sendAs")) if one.get("sendAsEmail")]

    async def sync(self, cursor: str | None, *, limit: int = 50) -> SyncPage:
        return await GmailReader(self.client, self.get).page(cursor, limit)

    async def get(self, ref: str) -> IncomingMail:
        names = await self._label_names()
        return read_message(await self._message(ref), names)

    async def _message(self, ref: str) -> dict[str, Any]:
        """The message whole, or where its files make it large, the tree of its parts."""
        try:
            return await self.client.call("gmail", _get(ref, "raw"), READ, most_bytes=WHOLE_BYTES)
        except TooLarge:
            return await self.client.call("gmail", _get(ref, "full"), READ)

    async def search(self, query: MailQuery, *, limit: int = 50) -> Sequence[IncomingMail]:
        told = await self.client.call(
            "gmail",
            lambda gmail: gmail.users().messages().list(userId="me", q=search_text(query), maxResults=limit),
            "search the mail",
        )
        refs = [str(one["id"]) for one in mappings(told.get("messages")) if one.get("id")][:limit]
        found: list[IncomingMail] = []
        for ref in refs:
            try:
                found.append(await self.get(ref))
            except NotFound:
                continue  # deleted since it was listed
        return [mail for mail in found if DRAFTS not in mail.labels]

    async def thread(self, thread: str) -> Sequence[IncomingMail]:
        if MESSAGE_ID.fullmatch(thread):
            thread = await self._thread_of(thread)
        told = await self.client.call(
            "gmail", lambda gmail: gmail.users().threads().get(userId="me", id=thread, format="minimal"), READ
        )
        mails = [await self.get(str(one["id"])) for one in mappings(told.get("messages")) if one.get("id")]
        return [mail for mail in mails if DRAFTS not in mail.labels]

    async def _thread_of(self, message_id: str) -> str:
        """Gmail's name of the thread in which the mail with this Message-ID is."""
        query = f"rfc822msgid:{message_id}"
        told = await self.client.call(
            "gmail", lambda gmail: gmail.users().messages().list(userId="me", q=query, maxResults=1), READ
        )
        found = mappings(told.get("messages"))
        if not found or not found[0].get("threadId"):
            raise NotFound("There is no such thread", detail=message_id[:200])
        return str(found[0]["threadId"])

    async def attachment(self, ref: str, attachment_id: str, *, limit_bytes: int) -> AsyncGenerator[bytes]:
        told = await self.client.call("gmail", _get(ref, "full"), READ)
        part = _file(told, attachment_id)
        body = mapping(part.get("body"))
        if isinstance(size := body.get("size"), int) and size > limit_bytes:
            raise TooLarge(f"The file has {size:,} bytes, which is larger than the {limit_bytes:,} that are taken")
        if "attachmentId" not in body:
            content = decode_base64url(body.get("data", ""))
            if len(content) > limit_bytes:
                raise TooLarge(
                    f"The file has {len(content):,} bytes, which is larger than the {limit_bytes:,} that are taken"
                )
            for start in range(0, len(content), PIECE_BYTES):
                yield content[start : start + PIECE_BYTES]
            return
        async for piece in stream_base64(self.client, ref, str(body["attachmentId"]), limit_bytes):
            yield piece

    async def labels(self) -> Sequence[MailLabel]:
        """Gmail's own places that have a common name, and the person's labels; `archive` is a mail in none of the places."""
        listed = await self._labels()
        common = {gmail: word for word, gmail in SYSTEM.items()} | {"DRAFT": DRAFTS}
        found = [
            MailLabel(common.get(str(one["id"]), str(one.get("name"))), str(one["id"]))
            for one in listed
            if one.get("type") == "user" or one["id"] in common
        ]
        return [*found, MailLabel(ARCHIVE, "")]

    async def label(self, ref: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        adding = [await self._label_id(word, make=True) for word in add if word != ARCHIVE]
        known = [await self._label_id(word, make=False) for word in remove if word != ARCHIVE]
        removing = [one for one in known if one] + (["INBOX"] if ARCHIVE in add else [])
        if ARCHIVE in remove:
            adding.append("INBOX")
        for word in (*add, *remove):
            if word in {SENT, DRAFTS}:
                raise Refused(f"Gmail itself says what is in {word}; that label is not put on or taken off")
        await self._modify(ref, [one for one in adding if one], removing)

    async def move(self, ref: str, label: str) -> str:
        if label == TRASH:
            await self.client.call("gmail", lambda gmail: gmail.users().messages().trash(userId="me", id=ref), ORGANIZE)
        elif label == ARCHIVE:
            await self._modify(ref, [], ["INBOX", "TRASH", "SPAM"])
        elif label in {SENT, DRAFTS}:
            raise Refused(f"Gmail itself says what is in {label}; nothing is moved there")
        else:
            place = await self._label_id(label, make=True)
            others = [gmail for gmail in ("INBOX", "TRASH", "SPAM") if gmail != place]
            await self._modify(ref, [place] if place else [], others)
        return ref

    async def mark(self, ref: str, *, is_unread: bool | None = None, is_flagged: bool | None = None) -> None:
        wanted = {"UNREAD": is_unread, "STARRED": is_flagged}
        add = [label for label, on in wanted.items() if on is True]
        remove = [label for label, on in wanted.items() if on is False]
        if add or remove:
            await self._modify(ref, add, remove)

    async def _modify(self, ref: str, add: list[str], remove: list[str]) -> None:
        body = {"addLabelIds": add, "removeLabelIds": remove}
        await self.client.call(
            "gmail", lambda gmail: gmail.users().messages().modify(userId="me", id=ref, body=body), ORGANIZE
        )

    async def _label_id(self, word: str, *, make: bool) -> str | None:
        if word in SYSTEM:
            return SYSTEM[word]
        if word in COMMON_LABELS:
            return None
        for known, name in (await self._label_names()).items():
            if name.casefold() == word.casefold():
                return known
        if not make:
            return None
        made = await self.client.call(
            "gmail", lambda gmail: gmail.users().labels().create(userId="me", body={"name": word}), ORGANIZE
        )
        self._names.clear()
        return str(made.get("id") or "")

    async def _label_names(self) -> dict[str, str]:
        """{label id: name} of the person's own labels, asked for once."""
        if not self._names:
            listed = await self._labels()
            self._names.update({str(one["id"]): str(one.get("name")) for one in listed if one.get("type") == "user"})
            self._names.setdefault("", "")
        return self._names

    async def _labels(self) -> list[dict[str, Any]]:
        told = await self.client.call("gmail", lambda gmail: gmail.users().labels().list(userId="me"), READ)
        return [one for one in mappings(told.get("labels")) if one.get("id")]

    async def prepare(self, message: OutgoingMail) -> str | None:
        return await GmailSender(self.client).prepare(message)

    def sending(self, message: OutgoingMail, provider_ref: str | None) -> AbstractAsyncContextManager[HandOver]:
        return GmailSender(self.client).sending(message, provider_ref)

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        return await GmailSender(self.client).find(message_id, provider_ref)


def search_text(query: MailQuery) -> str:
    """What is typed into Gmail's search field for this. No word of it is an operator."""
    terms = [
        f"{operator}:{_quoted(value)}"
        for operator, value in (
            ("from", query.from_address),
            ("to", query.to_address),
            ("subject", query.subject),
        )
        if value and value.strip()
    ]
    terms += [_quoted(word) for word in (query.words or "").split() if word.strip('"')]
    if query.after:
        terms.append(f"after:{int(query.after.timestamp())}")
    if query.before:
        terms.append(f"before:{int(query.before.timestamp())}")
    if query.is_unread is not None:
        terms.append("is:unread" if query.is_unread else "is:read")
    return " ".join(terms)


def _quoted(text: str) -> str:
    """In quotes, unless it is one word that can be no operator: neither OR, nor -word, nor label:word."""
    plain = " ".join(text.replace('"', " ").split())
    return plain if WORD.fullmatch(plain) and plain not in OPERATORS else f'"{plain}"'


def _get(ref: str, form: str) -> Callable[[Any], Any]:
    return lambda gmail: gmail.users().messages().get(userId="me", id=ref, format=form)


def _file(resource: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The part that is the file: where its name fits, else (Gmail may write a name otherwise) by its number."""
    files = [dict(part) for part in files_of(mapping(resource.get("payload")))]
    names = [attachment_id(number, str(part.get("filename") or "attachment")) for number, part in enumerate(files)]
    if wanted in names:
        return files[names.index(wanted)]
    number, slash, name = wanted.partition("/")
    for known, part in zip(names, files, strict=True):
        if slash and known.partition("/")[2] == name:
            return part
    if slash and name and number.isascii() and number.isdecimal() and len(number) < 5 and int(number) < len(files):
        return files[int(number)]
    raise NotFound("There is no such file in this mail", detail=name[:100])


def _is_accepted(alias: dict[str, Any]) -> bool:
    return alias.get("verificationStatus") == "accepted"
