"""Where Google is: its own servers, or one base URL that stands in for all of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GooglePlaces:
    """URLs without a slash at the end. `sign_in` is opened by a browser, the others by this process."""

    sign_in: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    revoke: str = "https://oauth2.googleapis.com/revoke"
    userinfo: str = "https://www.googleapis.com/oauth2/v2/userinfo"
    certificates: str = "https://www.googleapis.com/oauth2/v3/certs"
    gmail: str = "https://gmail.googleapis.com"
    calendar: str = "https://www.googleapis.com/calendar/v3"

    @classmethod
    def at(cls, base_url: str | None) -> "GooglePlaces":
        """Google's own, or everything below `base_url`."""
        if base_url is None:
            return cls()
        base = base_url.rstrip("/")
        return cls(
            sign_in=f"{base}/o/oauth2/v2/auth",
            token=f"{base}/oauth2/token",
            revoke=f"{base}/oauth2/revoke",
            userinfo=f"{base}/oauth2/v2/userinfo",
            certificates=f"{base}/oauth2/v3/certs",
            gmail=base,
            calendar=f"{base}/calendar/v3",
        )
