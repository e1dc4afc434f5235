"""Signing in at Google: authorization code with PKCE (RFC 7636), refresh, revocation.

The secret of an account is {access_token, expires_at (seconds since 1970), refresh_token}. Nothing here logs, and no
error holds a code, a token or the client's secret. Source: "Using OAuth 2.0 for Web Server Applications" of Google.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import orjson

from core.errors import StewardError
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from integrations.google.faults import wait_seconds
from integrations.google.places import GooglePlaces

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 20.0
EARLY_SECONDS = 120  # a token is renewed before it ends, so that none ends on its way
RECONNECT = "Connect the account again at /settings#google."

IDENTITY = ("openid", "email")
GMAIL = "https://www.googleapis.com/auth/gmail."
CALENDAR = "https://www.googleapis.com/auth/calendar"
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "mail_read": (f"{GMAIL}readonly",),
    "mail_organize": (f"{GMAIL}modify",),
    "mail_send": (f"{GMAIL}compose",),
    "calendar": (f"{CALENDAR}.events", f"{CALENDAR}.readonly"),
}
IMPLIED: Mapping[str, tuple[str, ...]] = {
    "mail_read": (f"{GMAIL}modify", "https://mail.google.com/"),
    "mail_organize": ("https://mail.google.com/",),
    "mail_send": (f"{GMAIL}modify", "https://mail.google.com/"),
    "calendar": (CALENDAR,),
}
WORDS: Mapping[str, str] = {
    "mail_read": "Read your mail",
    "mail_organize": "Label and archive your mail",
    "mail_send": "Write drafts, and send those you approved",
    "calendar": "Read and change your calendar",
}


@dataclass(frozen=True)
class GoogleApp:
    """The OAuth client that a person made in Google Cloud, and where Google is."""

    client_id: str
    client_secret: str = field(repr=False)
    places: GooglePlaces = field(default_factory=GooglePlaces)


@dataclass(frozen=True)
class Grant:
    """What a person allowed at Google: which account, what scopes, and the secret to keep."""

    address: str
    name: str
    scopes: tuple[str, ...]
    secret: dict[str, Any] = field(repr=False)


def new_verifier() -> str:
    """A fresh PKCE code verifier: 43 characters."""
    return secrets.token_urlsafe(32)


def sign_in_url(
    app: GoogleApp, redirect_uri: str, state: str, verifier: str, permissions: Iterable[str], login_hint: str = ""
) -> str:
    """Where the person goes to allow it; what was allowed before stays allowed."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(scopes_of(permissions)),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "include_granted_scopes": "true",
        "prompt": "consent" if login_hint else "select_account consent",
    }
    return f"{app.places.sign_in}?{urlencode(query | ({'login_hint': login_hint} if login_hint else {}))}"


def scopes_of(permissions: Iterable[str]) -> list[str]:
    """Google's scopes for these permissions, and for knowing whose account it is. Raises KeyError."""
    return list(dict.fromkeys([*IDENTITY, *(scope for name in permissions for scope in PERMISSIONS[name])]))


def permissions_of(scopes: Iterable[str]) -> list[str]:
    """What these scopes allow, in the order of `PERMISSIONS`."""
    granted = set(scopes)
    return [
        name
        for name, wanted in PERMISSIONS.items()
        if granted.issuperset(wanted) or granted.intersection(IMPLIED[name])
    ]


async def redeem_code(app: GoogleApp, code: str, redirect_uri: str, verifier: str) -> Grant:
    """The grant for the code that came back. Raises Refused, Temporary, Malformed."""
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    told = await _ask_token(app, given, "finish the sign-in")
    secret = _secret(told, {})
    if not secret.get("refresh_token"):
        raise Refused(
            "Google gave no lasting permission",
            hint="Remove Steward at https://myaccount.google.com/permissions, then connect again.",
        )
    who = await _whose(app, secret["access_token"])
    address = str(who.get("email") or "").casefold()
    if not address or who.get("verified_email", who.get("email_verified")) is False:
        raise Refused("Google did not say which address the account has")
    scopes = tuple(sorted(str(told.get("scope", "")).split()))
    return Grant(address, str(who.get("name") or ""), scopes, secret)


async def refresh(app: GoogleApp, secret: Mapping[str, Any]) -> dict[str, Any]:
    """The secret with a fresh access token. Raises SignInExpired when Google takes the account no more; Temporary."""
    token = str(secret.get("refresh_token") or "")
    if not token:
        raise SignInExpired("The Google account was connected without lasting permission", hint=RECONNECT)
    given = {"grant_type": "refresh_token", "refresh_token": token}
    return _secret(await _ask_token(app, given, "renew the sign-in"), secret)


async def revoke(app: GoogleApp, secret: Mapping[str, Any]) -> bool:
    """Tell Google that the permission ends; True when it is gone there. Raises Temporary when Google can't be asked."""
    token = str(secret.get("refresh_token") or secret.get("access_token") or "")
    answer = await _post(app.places.revoke, {"token": token}, "end the permission")
    return answer.status_code == 200 or _error_of(answer) == "invalid_token"


async def check(app: GoogleApp) -> str:
    """Does Google know this installation? Asks with a sign-in that cannot exist. Raises Refused, Temporary."""
    given = {"grant_type": "refresh_token", "refresh_token": "none: only asked whether the client is known"}  # nosec B105 # no token
    with suppress(SignInExpired):  # the client is known, the sign-in is not
        await _ask_token(app, given, "say whether it knows this installation")
    return "Google knows this installation"


def is_fresh(secret: Mapping[str, Any], now: float | None = None) -> bool:
    """Will the access token still work for a while?"""
    ends = secret.get("expires_at")
    return isinstance(ends, int | float) and ends - EARLY_SECONDS > (time.time() if now is None else now)


async def _ask_token(app: GoogleApp, given: Mapping[str, str], what: str) -> dict[str, Any]:
    client = {"client_id": app.client_id, "client_secret": app.client_secret}
    answer = await _post(app.places.token, {**given, **client}, what)
    if answer.status_code == 200:
        told = _json(answer)
        if not isinstance(told.get("access_token"), str):
            raise Malformed(f"Google's answer when asked to {what} cannot be understood")
        return told
    raise _token_fault(answer, given["grant_type"], what)


def _token_fault(answer: "httpx.Response", grant_type: str, what: str) -> StewardError:
    """The error of RFC 6749, 5.2, in words."""
    error = _error_of(answer)
    if error == "invalid_grant" and grant_type == "refresh_token":
        return SignInExpired(
            "Google does not accept the sign-in any more: it was withdrawn, or has expired", hint=RECONNECT
        )
    if error == "invalid_grant":
        return Refused("This sign-in at Google was used or has ended", hint="Begin again at /settings#google.")
    if error in {"invalid_client", "unauthorized_client"}:
        return Refused(
            "Google does not know this installation: its client ID or secret is wrong",
            hint="Compare STEWARD_GOOGLE_CLIENT_ID and STEWARD_GOOGLE_CLIENT_SECRET with Google Cloud's console.",
        )
    if answer.status_code == 429 or answer.status_code >= 500:
        return Temporary(
            f"Google answered {answer.status_code} when asked to {what}",
            retry_after_seconds=wait_seconds(answer.headers),
        )
    return Refused(f"Google refused to {what}", detail=error or f"status {answer.status_code}")


def _secret(told: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    lives = told.get("expires_in")
    seconds = int(lives) if isinstance(lives, int | float) and 0 < lives < 10**7 else 3600
    return {
        "access_token": told["access_token"],
        "expires_at": int(time.time()) + seconds,
        "refresh_token": told.get("refresh_token") or known.get("refresh_token"),
    }


async def _whose(app: GoogleApp, token: str) -> dict[str, Any]:
    import httpx  # only where somebody signs in: it takes a tenth of a second

    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            answer = await client.get(app.places.userinfo, headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError as error:
        raise Temporary("Google could not be asked whose account this is", detail=type(error).__name__) from error
    if answer.status_code != 200:
        raise Temporary(f"Google answered {answer.status_code} when asked whose account this is")
    return _json(answer)


async def _post(url: str, given: Mapping[str, str], what: str) -> "httpx.Response":
    import httpx

    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            return await client.post(url, data=dict(given))
    except httpx.HTTPError as error:
        raise Temporary(f"Google could not be reached to {what}", detail=type(error).__name__) from error


def _json(answer: "httpx.Response") -> dict[str, Any]:
    try:
        told: object = orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise Malformed("Google's answer is no JSON") from error
    if not isinstance(told, dict):
        raise Malformed("Google's answer is no JSON object")
    return cast("dict[str, Any]", told)


def _error_of(answer: "httpx.Response") -> str:
    try:
        return str(_json(answer).get("error") or "")[:100]
    except Malformed:
        return ""
