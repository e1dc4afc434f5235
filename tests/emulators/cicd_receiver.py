"""A pipeline of the tests' own: it takes requests after Standard Webhooks, checks their signature with the library that
the specification's authors publish, runs each id once, and signs its reports.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.emulators.served import Answer, Got, Served, serving

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class FakePipeline:
    """The runs by id of their request, and the server."""

    served: Served
    runs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @property
    def url(self) -> str:
        return f"{self.served.url}/build"

    def answer(self, got: Got) -> Answer:
        try:
            wanted = Webhook(SECRET).verify(got.body, got.headers)
        except WebhookVerificationError as error:
            return Answer(401, {"error": str(error)})
        self.runs.setdefault(got.headers["webhook-id"], wanted["data"])
        return Answer(202, {"queued": True})


def signed(
    body: dict[str, Any] | bytes, report_id: str = "report-1", *, secret: str = SECRET, age: timedelta = timedelta()
) -> tuple[bytes, dict[str, str]]:
    """A report with the headers that sign it."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    moment = datetime.now(UTC) - age
    return text, {
        "content-type": "application/json",
        "webhook-id": report_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(report_id, moment, text.decode("utf-8", "replace")),
    }


@asynccontextmanager
async def running_pipeline() -> AsyncGenerator[FakePipeline]:
    """The fake, for as long as the block runs."""
    async with serving() as served:
        made = FakePipeline(served)
        served.handler = made.answer
        yield made
