"""What Supabase Auth refuses, as errors of the house, by its error codes; never by its messages."""

import re

from core.errors import BadRequest, Forbidden, Invalid, StewardError, TooMany, Unauthorized, Unavailable

LEAST = re.compile(r"\bat least (\d{1,3}) characters")
WAIT_SECONDS = 60  # where Auth asks to wait and does not say how long
LONGEST_WAIT_SECONDS = 3600
NO_MORE_MAILS = "over_email_send_rate_limit"  # Auth looks at it only where it would write one
# An answer to these would tell a stranger who has an account.
TELLING = {"user_already_exists", "email_exists", "user_not_found", "otp_disabled", NO_MORE_MAILS}
ENDED = {
    "refresh_token_not_found",
    "refresh_token_already_used",
    "session_not_found",
    "session_expired",
    "user_not_found",
    "user_banned",
    "bad_jwt",
    "no_authorization",
}
OLD_LINK = {"otp_expired", "flow_state_not_found", "flow_state_expired", "flow_state_already_used", "bad_code_verifier"}
WEAK = {
    "length": "it is too short",
    "characters": "it needs more kinds of characters: small and capital letters, digits, signs",
    "pwned": "it stands in lists of stolen passwords",
}


class NotConfirmed(Forbidden):
    """The address is not confirmed yet."""

    type = "not-confirmed"
    title = "The address is not confirmed yet"


class LinkUsedUp(Unauthorized):
    """A mailed link, or the way back from Google, that is not valid any more."""

    type = "link-used-up"
    title = "This link is not valid any more"


def hides_who_is_here(error: Exception) -> bool:
    """Would saying this error tell whether the address has an account?"""
    return getattr(error, "code", None) in TELLING


def is_over(error: Exception) -> bool:
    """Does Auth say that a session goes on no more? A key of ours that it does not know says nothing of a session."""
    status, code = getattr(error, "status", 0), getattr(error, "code", None)
    return status in {400, 403, 404} or (status == 401 and code is not None)


def refused(error: Exception) -> StewardError:
    """The house's error for what the library raised."""
    from supabase_auth.errors import (
        AuthRetryableError,
        AuthSessionMissingError,
        AuthUnknownError,
        AuthWeakPasswordError,
    )

    code = getattr(error, "code", None)
    status = int(getattr(error, "status", 0) or 0)
    if isinstance(error, AuthWeakPasswordError):
        return _weak(error.reasons, str(error))
    if status == 429 or code in {"over_request_rate_limit", "over_email_send_rate_limit", "over_sms_send_rate_limit"}:
        wait = _wait_of(error)
        return TooMany("Too many attempts", hint=f"Try again in {wait} s.", retry_after_seconds=wait)
    if isinstance(error, AuthRetryableError | AuthUnknownError) or status >= 500:
        return Unavailable("Supabase Auth does not answer", detail=type(error).__name__, hint="Try again in a moment.")
    if isinstance(error, AuthSessionMissingError) or code in ENDED:
        return Unauthorized("The session has ended", hint="Sign in again.")
    if code in OLD_LINK:
        return LinkUsedUp(
            "This link was used already, is too old, or was asked for in another browser", hint="Ask for a new one."
        )
    return _by_code(code, status)


def _by_code(code: str | None, status: int) -> StewardError:
    match code:
        case "invalid_credentials":
            return Unauthorized("The address or the password is wrong")
        case "email_not_confirmed":
            return NotConfirmed(
                "The address is not confirmed yet", hint="Open the link in the mail that came when you signed up."
            )
        case "weak_password":
            return _weak([])
        case "mfa_verification_failed" | "mfa_challenge_expired" | "mfa_verification_rejected":
            return Invalid("The code is wrong, or too old", errors=_field("code", "type the one that is shown now"))
        case "same_password":
            return Invalid("This is the password that you have", errors=_field("password", "choose a new one"))
        case "signup_disabled" | "email_provider_disabled" | "provider_disabled":
            return Forbidden("The Supabase project does not allow this way in", hint="Ask whoever runs this Steward.")
        case "email_address_invalid":
            return Invalid("Auth does not take this address", errors=_field("email", "is no address it takes"))
        case "email_address_not_authorized":
            return Forbidden(
                "The Supabase project may not write to this address",
                hint="Without a mail server of its own a project only writes to its team.",
            )
        case "captcha_failed":
            return Forbidden("The Supabase project asks for a captcha, which these pages do not have")
        case "reauthentication_needed" | "insufficient_aal":
            return Forbidden("The Supabase project asks for one more proof of who you are", hint="Sign in again first.")
        case "validation_failed" | "bad_json":
            return Invalid("Auth does not take what was sent", detail=code)
        case None if status == 401:  # the project's gateway, in front of Auth
            return Unavailable(
                "The Supabase project does not know our key", hint="Look at SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY."
            )
        case _ if status == 401:
            return Unauthorized("Supabase Auth does not know this session", hint="Sign in again.")
        case _ if status == 403:
            return Forbidden("Supabase Auth does not allow this", detail=code)
        case _:
            return BadRequest("Supabase Auth refused", detail=code or f"status {status}")


def _weak(reasons: list[str], told: str = "") -> Invalid:
    """How long it has to be is the project's to say, and stands in the message alone."""
    why = "; ".join(WEAK.get(reason, reason[:80]) for reason in reasons) or "it is too easy to guess"
    if "length" in reasons and (least := LEAST.search(told)):
        why = why.replace(WEAK["length"], f"it needs {least[1]} characters at least")
    return Invalid(f"This password is too weak: {why}", errors=_field("password", why))


def _field(field: str, message: str) -> list[dict[str, str]]:
    return [{"field": field, "message": message}]


def _wait_of(error: Exception) -> int:
    """What the header Retry-After says; the library keeps the answer as the cause."""
    answer = getattr(error.__cause__, "response", None)
    text = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(max(int(text), 1), LONGEST_WAIT_SECONDS) if text.isdecimal() else WAIT_SECONDS
