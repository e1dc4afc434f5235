"""What agents need of the web."""

from typing import Protocol

from core.outside.web import HttpAnswer, HttpRequest, Page, SearchResult


class HttpClient(Protocol):
    """Asks any server of the open internet, guarded."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. GET and HEAD follow redirects, each checked; nothing else does.

        Raises AddressRefused (a Refused) before any connection, Temporary when nothing was asked, Uncertain when the
        line broke after a request that changes something may have arrived, Refused for an answer that is too large.
        """
        ...


class PageReader(Protocol):
    """Reads pages of the web."""

    async def read(self, url: str, most_characters: int) -> Page:
        """The page as text. Raises AddressRefused, Refused (with the status), Temporary or Malformed."""
        ...


class WebSearch(Protocol):
    """Searches the web."""

    async def search(self, query: str, most: int, *, is_news: bool = False) -> SearchResult:
        """The best results. Raises NotConnected, SignInExpired, Refused, Temporary or Malformed."""
        ...
