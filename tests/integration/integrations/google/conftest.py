"""A mailbox at the Google emulator, over a line on which things go wrong as told."""

from collections.abc import AsyncGenerator, Generator

import pytest

from integrations.google.client import GoogleClient
from integrations.google.gmail import GmailMailbox
from integrations.google.places import GooglePlaces
from tests.emulators.google_client import open_google
from tests.emulators.google_faults import GoogleLine, google_line
from tests.emulators.outside_servers import ALEX, OutsideServers, outside

__all__ = ["outside"]


@pytest.fixture
def line(outside: OutsideServers) -> Generator[GoogleLine]:
    """A line to the emulator, begun anew."""
    outside.reset()
    with google_line(outside.google) as opened:
        yield opened


@pytest.fixture
async def client(line: GoogleLine) -> AsyncGenerator[GoogleClient]:
    """Google as Alex, whose reads are tried three times without a pause."""
    async with open_google("google-token-of-alex", GooglePlaces.at(line.url), (0.0, 0.0)) as opened:
        yield opened


@pytest.fixture
def mailbox(client: GoogleClient) -> GmailMailbox:
    """Alex's mailbox."""
    return GmailMailbox(client, ALEX, "Alex Moreno")
