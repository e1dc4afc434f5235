"""Google tells of changes in a calendar by itself: channels to an address of ours. Source: guide "Push notifications"."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.errors import NotFound
from core.outside.errors import Malformed
from integrations.google.client import GoogleClient


@dataclass(frozen=True)
class Channel:
    """A channel that is open until `expires_at`. `resource_id` is what Google calls the calendar on it."""

    id: str
    resource_id: str
    expires_at: datetime


async def open_channel(
    client: GoogleClient, calendar_id: str, channel_id: str, address: str, token: str, seconds: int
) -> Channel:
    """Have Google post to `address` (https) whenever the calendar changes, with `token` (at most 256 characters)."""
    body = {
        "id": channel_id, "type": "web_hook", "address": address, "token": token, "params": {"ttl": str(seconds)},
    }  # fmt: skip

    def make(api: Any) -> Any:
        return api.events().watch(calendarId=calendar_id, body=body)

    answer = await client.call("calendar", make, "tell of changes in the calendar", is_effect=True)
    try:
        expires_at = datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
        return Channel(channel_id, str(answer["resourceId"]), expires_at)
    except (KeyError, ValueError, TypeError, OverflowError, OSError) as error:
        raise Malformed("Google's answer about a channel cannot be understood", detail=str(error)) from error


async def close_channel(client: GoogleClient, channel_id: str, resource_id: str) -> None:
    """Have Google stop posting; a channel that is gone already is closed."""

    def make(api: Any) -> Any:
        return api.channels().stop(body={"id": channel_id, "resourceId": resource_id})

    try:
        await client.call("calendar", make, "stop telling of changes", is_effect=True)
    except NotFound:
        return
