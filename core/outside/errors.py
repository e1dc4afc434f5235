"""What goes wrong outside, whichever service it is: an adapter turns its library's errors into one of these.

StewardError
├── NotConnected (409)      there is no account, key or server for this yet; `hint` says how to add one
│   └── SignInExpired (409) there was one, and the service does not accept it any more
├── Refused (422)           the service said no for good; nothing took effect
├── Temporary (503)         out of reach, overloaded or limited for now; certainly nothing took effect
├── Uncertain (409)         the line broke after the service may have taken it; nobody knows whether it took effect
└── Malformed (502)         the service answered something that cannot be understood (reads only)

`retry_after_seconds` carries the service's own word where it gave one. Details never hold tokens, passwords or keys.
"""

from core.errors import StewardError


class NotConnected(StewardError):
    """There is no account, key or server for this yet."""

    status = 409
    type = "not-connected"
    title = "This is not connected"


class SignInExpired(NotConnected):
    """The service does not accept the sign-in any more."""

    type = "sign-in-expired"
    title = "Sign in again"


class Refused(StewardError):
    """The service said no for good; nothing took effect."""

    status = 422
    type = "refused-outside"
    title = "The service refused"


class Temporary(StewardError):
    """Not now: out of reach, overloaded or limited. Certainly nothing took effect; trying again is safe."""

    status = 503
    type = "temporary-outside"
    title = "The service is out of reach for now"


class Uncertain(StewardError):
    """The line broke after the service may have taken it; nobody knows whether it took effect."""

    status = 409
    type = "uncertain-outside"
    title = "Nobody knows whether this took effect"


class Malformed(StewardError):
    """The service's answer cannot be understood."""

    status = 502
    type = "malformed-outside"
    title = "The service's answer cannot be understood"
