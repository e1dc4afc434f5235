"""Sending through Resend's HTTP API (https://resend.com/docs/api-reference/emails/send-email).

The draft's id is the idempotency key: for 24 hours Resend takes a mail under the same key once, so that asking again
after a broken line is harmless. Its own client keeps the key of the API in a global, which two tenants cannot share.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from typing import Any, cast

import httpx

from core.outside.addresses import wire_address
from core.outside.errors import Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import HandOver, OutgoingMail, Receipt
from integrations.mail.compose import compose

BASE_URL = "https://api.resend.com"
KEY_HOLDS = timedelta(hours=23)  # Resend says 24
PAUSES_SECONDS = (0.5, 2.0)
LARGEST_ANSWER = 64 * 1024
HINT = "Check RESEND_API_KEY: https://resend.com/api-keys lists the keys."
KEY_ERRORS = {"missing_api_key", "invalid_api_key", "restricted_api_key"}


class _Unclear(Exception):
    """The line broke, or the server failed, once it may have taken the mail."""


@dataclass(frozen=True)
class ResendSender:
    """Sends with one API key."""

    api_key: str = field(repr=False)
    base_url: str = BASE_URL
    timeout_seconds: float = 30.0
    pauses_seconds: Sequence[float] = PAUSES_SECONDS
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @property
    def provider(self) -> str:
        return "resend"

    async def prepare(self, mail: OutgoingMail) -> str | None:
        """The idempotency key and since when it counts: kept before anything is sent. Raises Invalid."""
        compose(mail)
        return f"{_key(mail.message_id)} {self.now().isoformat()}"

    @asynccontextmanager
    async def sending(self, mail: OutgoingMail, provider_ref: str | None) -> AsyncGenerator[HandOver]:
        """Nothing goes ahead of the one request. Asked again under the same key where the answer did not come."""
        compose(mail)
        payload = _payload(mail)
        async with self._client() as client:

            async def hand_over() -> Receipt:
                return await self._hand_over(client, mail, payload)

            yield hand_over

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """None while the key counts: sending again is then the same sending. Raises Uncertain afterwards."""
        try:
            since = datetime.fromisoformat((provider_ref or "").rpartition(" ")[2])
            if provider_ref and provider_ref.startswith(f"{_key(message_id)} ") and self.now() - since < KEY_HOLDS:
                return None
        except (ValueError, TypeError):
            pass  # no key of ours: nobody knows
        raise Uncertain(
            "An earlier attempt to send broke off more than a day ago",
            hint="https://resend.com/emails lists what left.",
        )

    async def check(self) -> str:
        """Does the key work? Sends nothing."""
        async with self._client() as client:
            try:
                answer = await client.get("/domains")
            except httpx.HTTPError as error:
                raise Temporary("Resend cannot be reached", detail=type(error).__name__) from error
        said = _said(answer)
        if answer.status_code in {401, 403} and said.get("name") != "restricted_api_key":
            raise SignInExpired("Resend does not accept the key", hint=HINT)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Temporary("Resend asks to wait", detail=f"status {answer.status_code}")
        return f"Resend at {self.base_url} takes mail"

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return httpx.AsyncClient(
            base_url=self.base_url, headers=headers, timeout=self.timeout_seconds, follow_redirects=False
        )

    async def _hand_over(self, client: httpx.AsyncClient, mail: OutgoingMail, payload: dict[str, Any]) -> Receipt:
        was_unclear = ""
        for pause in (*self.pauses_seconds, None):
            try:
                mail_id = await _post(client, payload, _key(mail.message_id))
                return Receipt("resend", mail.message_id, f"resend:{mail_id}", self.now(), {"id": mail_id})
            except _Unclear as error:
                was_unclear = str(error)
            except Temporary:
                if not was_unclear:
                    raise
            if pause is not None:
                await asyncio.sleep(pause)
        raise Uncertain("Resend did not say whether it took the mail", detail=was_unclear)


async def _post(client: httpx.AsyncClient, payload: dict[str, Any], key: str) -> str:
    """The id of the mail at Resend."""
    try:
        answer = await client.post("/emails", json=payload, headers={"Idempotency-Key": key})
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise Temporary("Resend cannot be reached", detail=type(error).__name__) from error
    except httpx.HTTPError as error:
        raise _Unclear(type(error).__name__) from error
    said = _said(answer)
    if answer.status_code in {200, 201}:
        if not isinstance(said.get("id"), str):
            raise _Unclear("an answer without an id")
        return str(said["id"])
    raise _refusal(answer, str(said.get("name", "")), str(said.get("message", ""))[:300])


def _refusal(answer: httpx.Response, name: str, message: str) -> Exception:
    detail = f"{answer.status_code} {name}: {message}".strip(" :")
    if name in KEY_ERRORS or answer.status_code == 401:
        return SignInExpired("Resend does not accept the key", detail=detail, hint=HINT)
    if answer.status_code == 429:
        after = answer.headers.get("Retry-After", "")
        seconds = int(after) if after.isdecimal() else None
        return Temporary("Resend asks to wait", detail=detail, retry_after_seconds=seconds)
    if answer.status_code == 409 and name == "invalid_idempotent_request":
        return Uncertain("Something else was sent under the key of this mail before", detail=detail)
    if answer.status_code == 409 or answer.status_code >= 500:
        return _Unclear(detail)
    return Refused("Resend refused the mail", detail=detail)


def _said(answer: httpx.Response) -> dict[str, Any]:
    try:
        found: object = answer.json() if len(answer.content) <= LARGEST_ANSWER else None
    except ValueError:
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _key(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def _payload(mail: OutgoingMail) -> dict[str, Any]:
    """The same mail is always the same request: nothing in it depends on when it is sent."""
    local, _, domain = wire_address("from", mail.from_address).rpartition("@")
    payload: dict[str, Any] = {
        "from": str(Address(mail.from_name, username=local, domain=domain)),
        "to": [wire_address("to", one) for one in mail.to],
        "subject": mail.subject,
        "text": mail.body,
    }
    for name, addresses in (("cc", mail.cc), ("bcc", mail.bcc)):
        if addresses:
            payload[name] = [wire_address(name, one) for one in addresses]
    headers: dict[str, str] = {"X-Entity-Ref-ID": _key(mail.message_id)}
    replied = (mail.in_reply_to,) if mail.in_reply_to else ()
    if mail.in_reply_to:
        headers["In-Reply-To"] = mail.in_reply_to
    if mail.references or replied:
        headers["References"] = " ".join(dict.fromkeys([*mail.references, *replied]))
    payload["headers"] = headers
    if mail.attachments:
        payload["attachments"] = [
            {"filename": one.name, "content": base64.b64encode(one.content).decode(), "content_type": one.media_type}
            for one in mail.attachments
        ]
    return payload
