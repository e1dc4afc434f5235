"""HTTP whose answers end: one that is larger than allowed is broken off, not kept."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx


class BoundedTransport(httpx.AsyncHTTPTransport):
    """Answers of at most so many bytes, as they come over the wire. Raises `httpx.ReadError` for more."""

    def __init__(self, most_bytes: int, **options: Any) -> None:
        super().__init__(**options)
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of its answer is counted while it is read."""
        answer = await super().handle_async_request(request)
        answer.stream = _Counted(cast("httpx.AsyncByteStream", answer.stream), self._most_bytes)
        return answer


class _Counted(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, most_bytes: int) -> None:
        self._stream = stream
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if read > self._most_bytes:
                raise httpx.ReadError(f"the answer is larger than {self._most_bytes:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
