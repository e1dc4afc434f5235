"""Nouns of the web: requests and answers over HTTP, pages as text, results of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
READING: frozenset[str] = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class HttpRequest:
    """A request. Names of headers in any case; `body` is raw bytes."""

    method: Method
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None


@dataclass(frozen=True)
class HttpAnswer:
    """An answer. `url` is where it came from in the end, `headers` have lower-case names, `body` is unpacked.

    `is_cut`: the body was not taken in to its end (only after a request that changes something; reading raises).
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; empty when none was said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().casefold()


@dataclass(frozen=True)
class Page:
    """What a page says, as text or Markdown. Written by others. `is_cut`: there was more."""

    url: str
    title: str
    text: str
    media_type: str
    is_cut: bool = False


@dataclass(frozen=True)
class SearchHit:
    """One result of a search. `text` is an excerpt; `score` from 0 to 1. Written by others."""

    title: str
    url: str
    text: str
    score: float = 0.0
    published_at: datetime | None = None


@dataclass(frozen=True)
class SearchResult:
    """What a search found, best first, and what it cost."""

    query: str
    hits: Sequence[SearchHit]
    cost_usd: float = 0.0
