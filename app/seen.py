"""The house as whoever asks sees it: their own clock hangs there, once they are known."""

from typing import TYPE_CHECKING, cast

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from app.house import House


def house_of(request: HTTPConnection) -> "House":
    """By the clock and working hours of the person who asks; by the installation's where nobody is known."""
    return cast("House", request.scope.get("state", {}).get("house") or request.app.state.house)
