"""Signed requests to a pipeline and signed reports from it, after Standard Webhooks (https://www.standardwebhooks.com).

The secret of both directions is one: whsec_ and base64.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import Invalid, Unauthorized
from core.outside.code import PipelineReport
from core.outside.errors import Refused, Temporary, Uncertain
from core.outside.web import HttpRequest
from integrations.web.client import WebClient, retry_after_seconds
from integrations.web.guard import Guard

HINT = "Set STEWARD_CICD_URL and STEWARD_CICD_SECRET (whsec_ and at least 24 random bytes in base64)."
STATUSES = ("success", "failure", "cancelled", "error")
LATER = {408, 425, 429, 503}


@dataclass(frozen=True)
class WebhookPipelines:
    """Fulfils `agents.services.code.Pipelines`."""

    url: str
    secret: str = field(repr=False)
    guard: Guard
    own_address: str = ""

    @property
    def address(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    async def request(self, message_id: str, body: Mapping[str, Any]) -> int:
        from standardwebhooks.webhooks import Webhook

        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        now = datetime.now(UTC)  # the receiver compares it with its own clock
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message_id, now, text),
        }
        answer = await WebClient(self.guard).send(HttpRequest("POST", self.url, headers, text.encode()))
        if answer.status < 300:
            return answer.status
        said = answer.body[:300].decode("utf-8", "replace") or None
        if answer.status in LATER:
            wait = retry_after_seconds(dict(answer.headers))
            raise Temporary(f"The pipeline answers {answer.status}", detail=said, retry_after_seconds=wait)
        if answer.status >= 500 and answer.status != 501:
            raise Uncertain(f"The pipeline answers {answer.status}: whether it began is not known", detail=said)
        raise Refused(f"The pipeline refused the request ({answer.status})", detail=said)

    def read_report(self, headers: Mapping[str, str], body: bytes) -> PipelineReport:
        from standardwebhooks.webhooks import Webhook, WebhookVerificationError

        names = {name.casefold(): value for name, value in headers.items()}
        try:
            Webhook(self.secret).verify(body.decode(), names, json_parse=False)
            value: Any = json.loads(body)
        except (WebhookVerificationError, UnicodeDecodeError, ValueError, RecursionError) as error:
            # A malformed signature makes the library raise errors of base64 and of unpacking, too.
            raise Unauthorized("The report is not signed by the pipeline", detail=type(error).__name__) from None
        data = cast("Mapping[str, Any]", value).get("data", value) if isinstance(value, Mapping) else None
        outcome = dict(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else {}
        if outcome.get("status") not in STATUSES:
            raise Invalid(
                "The report does not say how it ended",
                errors=[{"field": "data.status", "message": f"allowed: {', '.join(STATUSES)}"}],
            )
        return PipelineReport(names["webhook-id"][:200], outcome)
