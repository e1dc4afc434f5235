"""What carries a request of Google's client: it never repeats one by itself, and never reads more than it should.

Google's client asks for an object like `httplib2.Http`; httplib2 sends a request again when a kept connection turns out
to be dead, which for a mail may be the second time. This one says exactly what happened instead.
"""

import weakref
from typing import Any

import httplib2
import httpx

LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class NotReached(Exception):
    """The request did not leave: no name, no connection, no handshake."""


class LineBroke(Exception):
    """The connection ended while the request was on its way; nobody knows whether it was taken."""


class TooMuch(Exception):
    """The answer is larger than is read."""


class Wire:
    """Fulfils what `googleapiclient` calls on `httplib2.Http`. One may serve many threads at once."""

    def __init__(self, most_bytes: int = LARGEST_ANSWER_BYTES, client: httpx.Client | None = None) -> None:
        self._most = most_bytes
        self._client = client or httpx.Client(
            timeout=TIMEOUT, transport=httpx.HTTPTransport(retries=0), follow_redirects=False
        )
        if client is None:
            weakref.finalize(self, self._client.close)

    def up_to(self, most_bytes: int) -> "Wire":
        """The same connections with another limit. It does not outlive this one."""
        return Wire(most_bytes, self._client)

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: dict[str, Any] | None = None,
        redirections: int = 0,
        connection_type: object = None,
    ) -> tuple[httplib2.Response, bytes]:
        """One request, sent once. Raises NotReached, LineBroke, TooMuch."""
        given = {name: value for name, value in (headers or {}).items() if name.casefold() != "accept-encoding"}
        try:
            with self._client.stream(method, uri, content=body, headers=given) as answer:
                content = bytearray()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > self._most:
                        raise TooMuch(f"more than {self._most:,} bytes")
                fields = {name.casefold(): value for name, value in answer.headers.items()}
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise NotReached(str(error) or type(error).__name__) from error
        except httpx.HTTPError as error:
            raise LineBroke(str(error) or type(error).__name__) from error
        fields.pop("content-encoding", None)
        response = httplib2.Response({**fields, "status": str(answer.status_code)})
        response.reason = answer.reason_phrase
        return response, bytes(content)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
