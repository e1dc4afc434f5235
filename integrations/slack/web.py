"""One call of Slack's Web API, with its errors in the words of the house.

Every method is asked by POST with a form, which Slack takes for reads as well. Nothing is repeated here: whether
repeating is safe is for the caller to know.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from core.errors import StewardError
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

API_URL = "https://slack.com/api/"
TIMEOUT_SECONDS = 20
PAGE_SIZE = 200
MOST_PAGES = 50
SIGN_IN = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "org_login_required",
    "two_factor_setup_required",
}
PASSING = {"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"}
UNCLEAR = {"fatal_error", "internal_error"}
IN_WORDS = {
    "channel_not_found": "There is no such channel, or Steward's app cannot see it",
    "not_in_channel": "Steward's app is not in this channel",
    "is_archived": "This channel is archived",
    "user_not_found": "There is no such person in this workspace",
    "users_not_found": "Nobody in this workspace has this address",
    "msg_too_long": "The message is longer than Slack takes",
    "msg_blocks_too_long": "The message is longer than Slack takes",
    "no_text": "The message is empty",
    "restricted_action": "The workspace does not let Steward's app write here",
    "restricted_action_read_only_channel": "Only some people may write in this channel",
    "restricted_action_thread_only_channel": "Only answers in threads are allowed in this channel",
    "cannot_dm_bot": "Slack does not let apps write to apps",
    "thread_not_found": "The message that this would answer is not there any more",
    "message_not_found": "This message is not there any more",
}
HINTS = {
    "not_in_channel": "Invite it there: /invite @Steward",
    "channel_not_found": "A private channel has to invite it: /invite @Steward",
}
log = logging.getLogger("steward.slack")
log.setLevel(logging.ERROR)  # the library writes whole bodies at lower levels


def make_client(token: str | None, api_url: str = API_URL) -> "AsyncWebClient":
    """The library's client, which tries nothing twice: its own second try could post twice."""
    from slack_sdk.web.async_client import AsyncWebClient

    client = AsyncWebClient(token, base_url=api_url, timeout=TIMEOUT_SECONDS, retry_handlers=[], logger=log)
    if urlsplit(api_url).hostname in {"127.0.0.1", "localhost", "::1"}:
        client.proxy = None  # no proxy stands between this machine and itself
    return client


class SlackWeb:
    """Slack's Web API with one token."""

    def __init__(
        self, token: str, api_url: str = API_URL, on_expired: Callable[[SignInExpired], Awaitable[None]] | None = None
    ) -> None:
        """`on_expired` is told when Slack does not take the token any more."""
        self.client = make_client(token, api_url)
        self._on_expired = on_expired

    async def read(self, method: str, **values: object) -> dict[str, Any]:
        """A call without an effect. Raises SignInExpired, Refused, Temporary or Malformed."""
        try:
            return await self._call(method, values)
        except Uncertain as error:
            raise Temporary(error.message, detail=error.detail) from error

    async def act(self, method: str, **values: object) -> dict[str, Any]:
        """A call with an effect. Raises SignInExpired, Refused, Temporary (nothing took effect) or Uncertain."""
        try:
            return await self._call(method, values)
        except Malformed as error:
            raise Uncertain(error.message, detail=error.detail) from error

    async def pages(self, method: str, field: str, **values: object) -> AsyncIterator[list[dict[str, Any]]]:
        """A list, page by page; Malformed where it does not end."""
        cursor = ""
        for _ in range(MOST_PAGES):
            answer = await self.read(method, limit=PAGE_SIZE, cursor=cursor or None, **values)
            items = answer.get(field)
            if not isinstance(items, list):
                raise Malformed(f"Slack's answer to {method} has no list of {field}")
            yield cast("list[dict[str, Any]]", items)
            more = answer.get("response_metadata")
            cursor = str(cast("dict[str, Any]", more).get("next_cursor") or "") if isinstance(more, dict) else ""
            if not cursor:
                return
        raise Malformed(f"Slack's list of {field} does not end")

    async def _call(self, method: str, values: Mapping[str, object]) -> dict[str, Any]:
        from aiohttp import ClientConnectorError, ClientError
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            answer = await self.client.api_call(method, data=_form(values))  # pyright: ignore[reportUnknownMemberType]
            data = cast("object", answer.data)  # pyright: ignore[reportUnknownMemberType]
        except SlackApiError as error:
            translated = _translated(method, error)
            if isinstance(translated, SignInExpired) and self._on_expired is not None:
                await self._on_expired(translated)
            raise translated from None  # the cause would carry the answer's headers
        except ClientConnectorError as error:
            raise Temporary("Slack is out of reach", detail=type(error).__name__) from error
        except (TimeoutError, ClientError, OSError) as error:
            raise Uncertain(f"The line to Slack broke during {method}", detail=type(error).__name__) from error
        except (SlackClientError, ValueError) as error:
            raise Malformed(f"Slack's answer to {method} cannot be read", detail=type(error).__name__) from error
        if not isinstance(data, dict):
            raise Malformed(f"Slack's answer to {method} is no object")
        return cast("dict[str, Any]", data)


def _form(values: Mapping[str, object]) -> dict[str, str]:
    """Values as a form has them: nested ones as JSON, none left out."""
    form: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, bool):
            form[name] = "true" if value else "false"
        elif isinstance(value, str | int):
            form[name] = str(value)
        elif value is not None:
            form[name] = json.dumps(value, ensure_ascii=False)
    return form


def _translated(method: str, error: "SlackApiError") -> StewardError:
    response: Any = cast("Any", error).response
    status = int(getattr(response, "status_code", 0) or 0)
    headers = cast("Mapping[str, Any]", getattr(response, "headers", None) or {})
    data = getattr(response, "data", None)
    answer = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    code = str(answer.get("error") or "")
    if status == 429 or code in PASSING:
        return Temporary("Slack asks to wait", detail=code or None, retry_after_seconds=_seconds(headers))
    if status >= 500 or code in UNCLEAR:
        return Uncertain(f"Slack failed during {method}", detail=code or f"HTTP {status}")
    if code in SIGN_IN:
        return SignInExpired("Slack does not accept Steward's sign-in any more", detail=code, hint=SIGN_IN_HINT)
    if code == "missing_scope":
        needed = str(answer.get("needed") or "another permission")
        hint = f"Add {needed} under OAuth & Permissions of the Slack app, install it again, and use the new token."
        return Refused(f"Steward's Slack app lacks a permission: {needed}", hint=hint)
    if not code:
        return Malformed(f"Slack's answer to {method} cannot be read", detail=f"HTTP {status}")
    return Refused(IN_WORDS.get(code, f"Slack refused: {code}"), detail=code, hint=HINTS.get(code))


def _seconds(headers: Mapping[str, Any]) -> int | None:
    value: Any = next((v for k, v in headers.items() if k.casefold() == "retry-after"), None)
    text = str(cast("list[Any]", value)[0] if isinstance(value, list) and value else cast("object", value))
    return max(1, min(int(text), 86_400)) if text.isascii() and text.isdecimal() and len(text) < 10 else None


SIGN_IN_HINT = "Install the Slack app again, or renew STEWARD_SLACK_BOT_TOKEN: see docs/guide/slack.md."
