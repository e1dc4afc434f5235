"""Errors that people and programs are told about.

StewardError (500)
├── BadRequest (400)     the request cannot be understood
├── Invalid (422)        a value is wrong: which, and what is allowed
│   ├── NotJson (415)    the body is said to be something else than JSON
│   └── TooLarge (413)   more than is taken in
├── Unauthorized (401)   nobody is signed in
├── Forbidden (403)      signed in, but not allowed
├── NotFound (404)       there is no such thing, or it is somebody else's
├── Conflict (409)       the state of things does not allow it
├── TooMany (429)        too many requests in too short a time; trying again later helps
└── Unavailable (503)    something this needs is out of reach; trying again may help
    └── OutcomeUnknown (503)  it broke off after the request was sent: it may have been done

Each carries its HTTP status and problem type (RFC 9457).
"""

from typing import Any, ClassVar


class StewardError(Exception):
    """Something went wrong that has a name; `message` says what, `hint` what would help."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        detail: str | None = None,
        errors: list[dict[str, str]] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail
        self.errors = errors or []
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_retryable(self) -> bool:
        """Can trying the same again help?"""
        return self.status in {429, 502, 503, 504}

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 object; `errors` lists `{field, message, value?}` of bad input."""
        body: dict[str, Any] = {
            "type": f"urn:steward:problem:{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": f"{self.message}: {self.detail}" if self.detail else self.message,
        }
        if self.hint:
            body["hint"] = self.hint
        if self.errors:
            body["errors"] = self.errors
        return body


class Invalid(StewardError):
    """A value is wrong."""

    status = 422
    type = "invalid"
    title = "A value is wrong"


class BadRequest(StewardError):
    """The request cannot be understood."""

    status = 400
    type = "bad-request"
    title = "The request cannot be understood"


class NotJson(Invalid):
    """The body is said to be something else than JSON."""

    status = 415
    type = "not-json"
    title = "The body is not JSON"


class TooLarge(Invalid):
    """More than is taken in."""

    status = 413
    type = "too-large"
    title = "This is too large"


class Unauthorized(StewardError):
    """Nobody is signed in."""

    status = 401
    type = "unauthorized"
    title = "Sign in first"


class Forbidden(StewardError):
    """Signed in, but not allowed."""

    status = 403
    type = "forbidden"
    title = "This is not allowed"


class NotFound(StewardError):
    """There is no such thing, or it is somebody else's."""

    status = 404
    type = "not-found"
    title = "There is no such thing"


class Conflict(StewardError):
    """The state of things does not allow it."""

    status = 409
    type = "conflict"
    title = "The state of things does not allow this"


class TooMany(StewardError):
    """Too many requests in too short a time."""

    status = 429
    type = "too-many"
    title = "Too many requests"


class Unavailable(StewardError):
    """Something this needs is out of reach."""

    status = 503
    type = "unavailable"
    title = "Something this needs is out of reach"


class OutcomeUnknown(Unavailable):
    """What was asked was sent, and its answer never came to the end: it may have been done, or not."""

    type = "outcome-unknown"
    title = "It may have been done"

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(
            message, detail=detail, hint="It may have done what was asked: look before you ask for it again."
        )
