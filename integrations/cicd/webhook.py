"""Signed requests to a pipeline and signed reports from it. The secret of both directions is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import Invalid
from core.outside.code import PipelineReport
from integrations.web.guard import Guard
from integrations.webhooks.signed import SignedWebhook

HINT = "Set STEWARD_CICD_URL and STEWARD_CICD_SECRET (whsec_ and at least 24 random bytes in base64)."
STATUSES = ("success", "failure", "cancelled", "error")


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
        return await self._signed.post(message_id, body)

    def read_report(self, headers: Mapping[str, str], body: bytes) -> PipelineReport:
        report_id, value = self._signed.read(headers, body)
        data = cast("Mapping[str, Any]", value).get("data", value) if isinstance(value, Mapping) else None
        outcome = dict(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else {}
        if outcome.get("status") not in STATUSES:
            raise Invalid(
                "The report does not say how it ended",
                errors=[{"field": "data.status", "message": f"allowed: {', '.join(STATUSES)}"}],
            )
        return PipelineReport(report_id, outcome)

    @property
    def _signed(self) -> SignedWebhook:
        return SignedWebhook("pipeline", self.url, self.secret, self.guard, HINT)
