"""Google's own client, asked from async code: one thread a request, built from the description that comes with it.

Reads are tried a few times; an effect is sent exactly once, and where nobody knows what became of it, that is said.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from core.errors import StewardError, TooLarge
from core.outside.errors import Malformed, SignInExpired, Temporary, Uncertain
from integrations.google.faults import SignInRefused, fault
from integrations.google.places import GooglePlaces

if TYPE_CHECKING:
    from integrations.google.wire import Wire

Api = Literal["gmail", "calendar"]
VERSIONS: Mapping[Api, str] = {"gmail": "v1", "calendar": "v3"}
LONGEST_PAUSE_SECONDS = 5


class AccessTokens(Protocol):
    """The access token of one account, renewed when it is about to end or was refused."""

    async def current(self) -> str:
        """A token that should work. Raises SignInExpired, Temporary."""
        ...

    async def renewed(self, refused: str) -> str:
        """Another one, after Google refused that. Raises SignInExpired, Temporary."""
        ...


@dataclass(frozen=True)
class _Asked:
    """One request."""

    api: Api
    make: Callable[[Any], Any]
    what: str
    is_effect: bool
    most_bytes: int | None


@dataclass
class GoogleClient:
    """Asks Google as one account. `pauses_seconds` are waited between the tries of a read."""

    tokens: AccessTokens
    places: GooglePlaces = field(default_factory=GooglePlaces)
    pauses_seconds: Sequence[float] = (0.5, 2.0)
    _wire: "Wire | None" = None

    async def call(
        self, api: Api, make: Callable[[Any], Any], what: str, *, is_effect: bool = False, most_bytes: int | None = None
    ) -> dict[str, Any]:
        """The JSON that a request answers; `make` builds it from the API, as in `lambda gmail: gmail.users().labels()...`.

        `what` says in words what it does, for errors. An effect is sent once, whatever happens. Raises NotFound, TooOld,
        Conflict, Refused, MissingPermission, SignInExpired, Temporary; of reads TooLarge (beyond `most_bytes`) and
        Malformed, of effects Uncertain.
        """
        token = await self.tokens.current()
        is_renewed = False
        left = list(self.pauses_seconds)
        while True:
            try:
                return await asyncio.to_thread(self._once, _Asked(api, make, what, is_effect, most_bytes), token)
            except SignInRefused as error:
                if is_renewed:
                    raise SignInExpired(
                        "Google does not accept the sign-in any more",
                        hint="Connect the account again at /settings#google.",
                    ) from error
                token, is_renewed = await self.tokens.renewed(token), True
            except Temporary as error:
                pause = error.retry_after_seconds
                if is_effect or not left or (pause or 0) > LONGEST_PAUSE_SECONDS:
                    raise
                await asyncio.sleep(max(pause or 0, left.pop(0)))

    def _once(self, asked: "_Asked", token: str) -> dict[str, Any]:
        from googleapiclient.errors import HttpError

        from integrations.google.wire import LineBroke, NotReached, TooMuch

        what, is_effect = asked.what, asked.is_effect
        wire = self.wire.up_to(asked.most_bytes) if asked.most_bytes else self.wire
        request = asked.make(service(asked.api, self._base(asked.api)))
        request.headers["authorization"] = f"Bearer {token}"
        try:
            answer: object = request.execute(http=wire, num_retries=0)
        except HttpError as error:
            answered = cast("Any", error).resp
            headers = {str(name): str(value) for name, value in answered.items()}
            raise fault(int(answered.status), headers, error.content, what, is_effect=is_effect) from error
        except NotReached as error:
            raise Temporary(f"Google could not be reached to {what}", detail=str(error)) from error
        except LineBroke as error:
            kind = Uncertain if is_effect else Temporary
            raise kind(f"The connection to Google broke off when asked to {what}", detail=str(error)) from error
        except TooMuch as error:
            if is_effect:
                raise _misunderstood(what, is_effect=True) from error
            raise TooLarge(f"Google's answer to {what} is too large", detail=str(error)) from error
        except ValueError as error:
            raise _misunderstood(what, is_effect=is_effect) from error
        if answer in ("", b"", None):
            return {}
        if not isinstance(answer, dict):
            raise _misunderstood(what, is_effect=is_effect)
        return cast("dict[str, Any]", answer)

    @property
    def wire(self) -> "Wire":
        """The connections, opened when they are first needed."""
        if self._wire is None:
            from integrations.google.wire import Wire

            self._wire = Wire()
        return self._wire

    def _base(self, api: Api) -> str:
        return f"{self.places.gmail}/" if api == "gmail" else f"{self.places.calendar}/"

    def close(self) -> None:
        """Close the connections; the client may be used again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None


@lru_cache(maxsize=8)
def service(api: Api, base_url: str) -> Any:
    """The API as Google's client makes it from the description in the package; nothing is asked for over the network."""
    from googleapiclient import discovery

    return cast("Any", discovery).build(
        api,
        VERSIONS[api],
        http=_NoWire(),
        client_options={"api_endpoint": base_url},
        static_discovery=True,
        cache_discovery=False,
    )


class _NoWire:
    """Stands where a connection is asked for while nothing is sent."""

    def request(self, *_: object, **__: object) -> None:
        raise AssertionError("a request of Google's client is sent by its own wire")

    def close(self) -> None:
        """Nothing to close."""


def _misunderstood(what: str, *, is_effect: bool) -> StewardError:
    message = f"Google's answer to {what} cannot be understood"
    return Uncertain(message) if is_effect else Malformed(message)
