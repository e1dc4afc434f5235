"""Signed messages to an address that somebody gave, and signed messages that come back (https://www.standardwebhooks.com).

What is signed is the id, the moment and the body: HMAC-SHA256 by a secret that both sides know. The id stays the same
when a message is sent again, so that its receiver takes it once; what is older than five minutes is not taken at all.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.errors import Invalid, Unauthorized
from core.outside.errors import NotConnected, Refused, Temporary, Uncertain
from core.outside.web import HttpRequest
from integrations.web.client import WebClient, retry_after_seconds
from integrations.web.guard import Guard

PREFIX = "whsec_"
SHORTEST_BYTES = 24
LONGEST_BYTES = 96
LONGEST_ID = 200
LATER = {408, 425, 429, 503}


def new_secret() -> str:
    """A fresh secret for both directions: whsec_ and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def is_secret(text: str) -> bool:
    """Has the text the form whsec_..., with 24 to 96 bytes in base64?"""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and SHORTEST_BYTES <= len(key) <= LONGEST_BYTES


@dataclass(frozen=True)
class SignedWebhook:
    """One receiver: what it is ("pipeline"), its address, the secret. `hint` says what to do where the secret is none."""

    name: str
    url: str
    secret: str = field(repr=False)
    guard: Guard
    hint: str = "The secret has the form whsec_ and at least 24 random bytes in base64."

    async def post(self, message_id: str, body: Mapping[str, Any]) -> int:
        """Hand a message over; the status. The same id twice is one message for the receiver.

        Raises Refused or Temporary when it was not taken, Uncertain when nobody knows, NotConnected without a secret.
        """
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        request = HttpRequest("POST", self.url, self.headers(message_id, text), text.encode())
        answer = await WebClient(self.guard).send(request)
        if answer.status < 300:
            return answer.status
        said = answer.body[:300].decode("utf-8", "replace") or None
        if answer.status in LATER:
            wait = retry_after_seconds(dict(answer.headers))
            raise Temporary(f"The {self.name} answers {answer.status}", detail=said, retry_after_seconds=wait)
        if answer.status >= 500 and answer.status != 501:
            raise Uncertain(
                f"The {self.name} answers {answer.status}: whether it took effect is not known", detail=said
            )
        raise Refused(f"The {self.name} refused the request ({answer.status})", detail=said)

    def headers(self, message_id: str, text: str) -> dict[str, str]:
        """The headers that sign a body now. Raises Invalid for an id that no header holds, NotConnected."""
        from standardwebhooks.webhooks import Webhook

        if not message_id.isascii() or not message_id.isprintable() or not 0 < len(message_id) <= LONGEST_ID:
            raise Invalid(f"{message_id[:100]!r} is no id of a message", errors=[_wrong_id()])
        now = datetime.now(UTC)  # the receiver compares it with its own clock
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self._key()).sign(message_id, now, text),
        }

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Any]:
        """Id and JSON of a message that came in. Raises Unauthorized where its signature is wrong, missing, or old.

        Old is what was signed more than five minutes ago, or will be; signatures are compared in constant time.
        """
        from standardwebhooks.webhooks import Webhook, WebhookVerificationError

        names = {name.casefold(): value for name, value in headers.items()}
        try:
            Webhook(self._key()).verify(body.decode(), names, json_parse=False)
            value = json.loads(body)
        except (NotConnected, WebhookVerificationError, UnicodeDecodeError, ValueError, RecursionError) as error:
            # A malformed signature makes the library raise errors of base64 and of unpacking, too.
            raise Unauthorized(f"The message is not signed by the {self.name}", detail=type(error).__name__) from None
        return names["webhook-id"][:LONGEST_ID], value

    def _key(self) -> str:
        if not is_secret(self.secret):
            raise NotConnected(f"The secret of the {self.name} is none", hint=self.hint)
        return self.secret


def _wrong_id() -> dict[str, str]:
    return {"field": "webhook-id", "message": f"allowed are 1 to {LONGEST_ID} printable characters of ASCII"}
