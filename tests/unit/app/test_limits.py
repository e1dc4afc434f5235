"""Token buckets: what is left, when it comes back, and whose it is."""

import pytest
from starlette.requests import Request

from app import limits
from app.limits import Limiter, StreamLimiter, address_of
from core.errors import TooMany


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one number that a test moves."""
    now = [1000.0]
    monkeypatch.setattr(limits, "monotonic", lambda: now[0])
    return now


def takes(limiter: Limiter, key: str, times: int) -> int:
    """How many of so many tries were let through."""
    through = 0
    for _ in range(times):
        try:
            limiter.take(key)
        except TooMany:
            continue
        through += 1
    return through


def test_so_many_at_once_and_then_evenly(clock: list[float]) -> None:
    limiter = Limiter(60)
    assert takes(limiter, "ana", 100) == 60
    with pytest.raises(TooMany) as caught:
        limiter.take("ana")
    assert caught.value.retry_after_seconds == 1
    clock[0] += 5
    assert takes(limiter, "ana", 100) == 5
    clock[0] += 3600
    assert takes(limiter, "ana", 100) == 60


def test_each_has_a_bucket_and_asking_takes_nothing(clock: list[float]) -> None:
    limiter = Limiter(2)
    for _ in range(10):
        limiter.take("ana", 0)
    assert takes(limiter, "ana", 5) == 2
    assert takes(limiter, "ben", 5) == 2
    with pytest.raises(TooMany):
        limiter.take("ana", 0)


def test_waiting_as_long_as_it_says_is_enough(clock: list[float]) -> None:
    limiter = Limiter(7)
    takes(limiter, "ana", 7)
    with pytest.raises(TooMany) as caught:
        limiter.take("ana")
    clock[0] += caught.value.retry_after_seconds or 0
    limiter.take("ana")


def test_zero_is_no_limit() -> None:
    assert takes(Limiter(0), "ana", 1000) == 1000


def test_memory_is_bounded_and_who_is_busy_is_not_forgotten(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 10)
    limiter = Limiter(2)
    takes(limiter, "ana", 2)
    for number in range(100):
        limiter.take(f"made up {number}")
        assert takes(limiter, "ana", 1) == 0


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("made up for each try", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_is_the_connections_other_end(host: str | None, key: str) -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"forwarded", b"for=198.51.100.1")]
    client = (host, 5000) if host else None
    assert address_of(Request({"type": "http", "client": client, "headers": headers})) == key


def test_so_many_streams_are_open_at_once_for_each() -> None:
    streams = StreamLimiter(1)
    with streams.one_of("ana"):
        with pytest.raises(TooMany, match="1 live streams of yours") as refused, streams.one_of("ana"):
            pytest.fail("one too many was let in")
        assert refused.value.retry_after_seconds
        with streams.one_of("mallory"):
            pass
    with streams.one_of("ana"):
        pass
    endless = StreamLimiter(0)
    with endless.one_of("ana"), endless.one_of("ana"):
        pass
