"""What Google's answers mean: its errors as those of `core.outside.errors`.

Sources: "Handle API errors" of the Gmail and Calendar guides, and `google.rpc.Status` (AIP-193).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from core.errors import Conflict, NotFound, StewardError
from core.outside.errors import NotConnected, Refused, Temporary, Uncertain
from integrations.google.answers import mapping, values

LIMITS = {
    "ratelimitexceeded",
    "userratelimitexceeded",
    "quotaexceeded",
    "dailylimitexceeded",
    "rate_limit_exceeded",
    "resource_exhausted",
    "backenderror",
    "concurrentlimitexceeded",
}
LACKS_SCOPE = {"insufficientpermissions", "access_token_scope_insufficient", "insufficientscopes", "insufficient_scope"}
API_IS_OFF = {"accessnotconfigured", "service_disabled", "api_disabled"}
LONGEST_WAIT_SECONDS = 24 * 3600


class TooOld(NotFound):
    """What Google remembered for us is gone (a history id, a sync token, a deleted thing): begin anew."""

    status = 410
    type = "too-old"


class SignInRefused(StewardError):
    """Google did not take the access token; a fresh one may do. Handled inside this folder."""

    status = 401


class MissingPermission(NotConnected):
    """The account is connected, but not for this."""

    type = "missing-permission"
    title = "The account is not allowed to do this"


def fault(status: int, headers: Mapping[str, str], body: bytes, what: str, *, is_effect: bool = False) -> StewardError:
    """The error for an answer of 400 and more; `what` was tried, in words like "read the mail"."""
    reasons, said = _told(body)
    wait = wait_seconds(headers)
    if status == 401:
        return SignInRefused(f"Google did not accept the sign-in to {what}")
    if status == 429 or (status == 403 and reasons & LIMITS):
        return Temporary(f"Google asks to wait before it lets us {what}", detail=said, retry_after_seconds=wait)
    if status == 403 and reasons & LACKS_SCOPE:
        return MissingPermission(
            f"The Google account has not been allowed to {what}", hint="Allow it at /settings#google."
        )
    if status == 403 and reasons & API_IS_OFF:
        return Refused(
            f"Google's API to {what} is not switched on in your Google Cloud project",
            detail=said,
            hint="Enable it there under APIs & Services, then try again in a minute. docs/guide/google.md shows where.",
        )
    if status == 404:
        return NotFound(f"Google found nothing to {what}", detail=said)
    if status == 410:
        return TooOld(f"What Google kept to {what} is gone", detail=said)
    if status in {409, 412}:
        return Conflict(f"Google has something else in the way to {what}", detail=said)
    if status >= 500:
        if is_effect:
            return Uncertain(f"Google answered {status} when asked to {what}; it may have done so", detail=said)
        return Temporary(f"Google answered {status} when asked to {what}", detail=said, retry_after_seconds=wait)
    return Refused(f"Google refused to {what}", detail=said or f"status {status}")


def wait_seconds(headers: Mapping[str, str]) -> int | None:
    """What Retry-After says, in seconds: a number or an HTTP date (RFC 9110, 10.2.3)."""
    value = next((text for name, text in headers.items() if name.casefold() == "retry-after"), "").strip()
    if value.isascii() and value.isdecimal() and len(value) < 9:
        seconds = int(value)
    else:
        try:
            until = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError):
            return None
        seconds = round((until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 0), LONGEST_WAIT_SECONDS)


def _told(body: bytes) -> tuple[set[str], str | None]:
    """The reasons in an error's body, in lower case, and what it says in words; nothing where it is no JSON."""
    try:
        parsed: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return set(), None
    error = mapping(mapping(parsed).get("error"))
    found = {str(error.get("status", ""))}
    for listed in (error.get("errors"), error.get("details")):
        found |= {str(mapping(one).get("reason", "")) for one in values(listed)}
    said = error.get("message")
    return {reason.casefold() for reason in found if reason}, str(said)[:500] if said else None
