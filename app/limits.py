"""How much one caller may ask: token buckets in this process's memory, refilled evenly over time; and how many streams.

Each web process counts for itself; with several of them a caller may ask as many times as much. Tries of signing in are
counted for all of them together: `app.attempts`.
"""

from collections import Counter, OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Network, ip_address
from math import ceil
from time import monotonic

from fastapi import Request

from core.errors import TooMany

MOST_BUCKETS = 10_000  # the longest unused are forgotten: they have long been full again
STREAM_AGAIN_SECONDS = 30  # streams stay open long


class Limiter:
    """`most` takes at once for each key, then one more whenever its share of the seconds has passed; 0: no limit."""

    def __init__(self, most: int, seconds: int = 60) -> None:
        self._most = float(most)
        self._per_second = most / seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> what is left, and when that was

    def take(self, key: str, count: float = 1) -> None:
        """Take one from the bucket of `key`. Raises TooMany, with the seconds to wait, where it is empty.

        With `count` 0 nothing is taken: it only asks whether there is one left.
        """
        if not self._most:
            return
        now = monotonic()
        left, at = self._buckets.pop(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_second)
        is_empty = left < 1
        self._buckets[key] = (left if is_empty else left - count, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if is_empty:
            wait = ceil((1 - left) / self._per_second)
            raise too_many(wait)

    def give_back(self, key: str) -> None:
        """One that was taken for nothing."""
        if key in self._buckets:
            left, at = self._buckets[key]
            self._buckets[key] = (min(self._most, left + 1), at)


def too_many(wait: int) -> TooMany:
    """What whoever asks too often is told."""
    return TooMany("Too many requests", hint=f"Try again in {wait} s.", retry_after_seconds=wait)


class StreamLimiter:
    """`most` streams open at once for each key; 0: no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_of(self, key: str) -> Generator[None]:
        """One more is open while the block runs. Raises TooMany where there are so many already."""
        if self._most and self._open[key] >= self._most:
            raise TooMany(
                f"{self._most} live streams of yours are open here",
                hint="Close one, or come again later.",
                retry_after_seconds=STREAM_AGAIN_SECONDS,
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def address_of(request: Request) -> str:
    """Where a request comes from: the connection's other end, never what a header says (but of a trusted proxy).

    Of an IPv6 address its network of 64 bits: whoever has one address there has them all.
    """
    host = request.client.host if request.client else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"  # what a proxy that everybody is believed behind was told: any text, of any length
    if isinstance(address, IPv4Address):
        return host
    return str(address.ipv4_mapped or IPv6Network((address.packed, 64), strict=False))
