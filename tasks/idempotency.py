"""First answers to requests with an `Idempotency-Key`: one thin typed call per SQL function. Kept for a day."""

from typing import Literal

from core.database import Caller
from tasks.models import Record


class FirstRequest(Record):
    """What is known of the first request with a key. `mismatch`: it was another request. `body` is sealed.

    `lost`: it was cut off before it answered, and may have written.
    """

    state: Literal["new", "running", "lost", "done"]
    mismatch: bool
    status: int | None = None
    body: str | None = None
    content_type: str | None = None


async def begin_idempotent_request(caller: Caller, key: str, fingerprint: str) -> FirstRequest:
    """Claim a key of the caller's: new, or what is known of the first request with it."""
    return FirstRequest.model_validate(await caller.call("begin_idempotent_request", key=key, fingerprint=fingerprint))


async def finish_idempotent_request(caller: Caller, key: str, status: int, body: str, content_type: str) -> None:
    """Keep the first answer."""
    await caller.call("finish_idempotent_request", key=key, status=status, body=body, content_type=content_type)


async def abandon_idempotent_request(caller: Caller, key: str) -> None:
    """Free the key of a request that failed before it did anything."""
    await caller.call("abandon_idempotent_request", key=key)
