"""The product's client of Google, with a token that an emulator knows."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.outside.errors import SignInExpired
from integrations.google.client import GoogleClient
from integrations.google.places import GooglePlaces


@dataclass(frozen=True)
class FixedToken:
    """A token that nobody can renew."""

    token: str

    async def current(self) -> str:
        return self.token

    async def renewed(self, refused: str) -> str:
        raise SignInExpired("Google does not accept the access token any more")


@asynccontextmanager
async def open_google(
    token: str, places: GooglePlaces, pauses_seconds: Sequence[float] = (0.5, 2.0)
) -> AsyncGenerator[GoogleClient]:
    """A client for as long as the block runs."""
    client = GoogleClient(FixedToken(token), places, pauses_seconds)
    try:
        yield client
    finally:
        client.close()
