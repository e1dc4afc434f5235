"""The mailbox at Google as its owner sees it there, asked of the emulator itself: Steward has no part in it."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.utils import format_datetime
from typing import Any, cast

import httpx


@dataclass(frozen=True)
class SentMail:
    """A message with Gmail's label SENT."""

    id: str
    thread: str
    mail: Message

    def header(self, name: str) -> str:
        """The value on one line; empty where there is none."""
        return " ".join(str(self.mail.get(name) or "").split())

    @property
    def text(self) -> str:
        """The plain text."""
        part = next(one for one in self.mail.walk() if one.get_content_type() == "text/plain")
        return cast("bytes", part.get_payload(decode=True)).decode(part.get_content_charset() or "utf-8").strip()


@dataclass(frozen=True)
class OwnersMailbox:
    """Gmail's API with a token of the owner's own."""

    client: httpx.AsyncClient

    async def deliver(self, mail: EmailMessage) -> tuple[str, str]:
        """A mail arrives, unread in the inbox; the ids of message and thread."""
        raw = base64.urlsafe_b64encode(mail.as_bytes()).decode()
        told = await self._ask("POST", "messages/import", json={"raw": raw, "labelIds": ["INBOX", "UNREAD"]})
        return str(told["id"]), str(told["threadId"])

    async def sent(self) -> list[SentMail]:
        """What lies in Sent."""
        listed = await self._ask("GET", "messages", params={"labelIds": "SENT"})
        found: list[SentMail] = []
        messages: list[dict[str, Any]] = listed.get("messages") or []
        for one in messages:
            told = await self._ask("GET", f"messages/{one['id']}", params={"format": "raw"})
            raw = base64.urlsafe_b64decode(told["raw"] + "=" * (-len(told["raw"]) % 4))
            found.append(SentMail(str(told["id"]), str(told["threadId"]), message_from_bytes(raw)))
        return found

    async def drafts(self) -> int:
        """How many drafts lie there."""
        return len((await self._ask("GET", "drafts")).get("drafts") or [])

    async def thread(self, thread: str) -> list[str]:
        """The ids of the messages of a thread."""
        messages: list[dict[str, Any]] = (await self._ask("GET", f"threads/{thread}"))["messages"]
        return [str(one["id"]) for one in messages]

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await self.client.request(method, f"/gmail/v1/users/me/{path}", **more)
        answer.raise_for_status()
        return answer.json()


def letter(sender: str, to: str, message_id: str, subject: str, text: str) -> EmailMessage:
    """A mail of now."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = sender, to, subject, message_id
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail.set_content(text)
    return mail
