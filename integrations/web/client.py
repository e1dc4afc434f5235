"""One request to any server, guarded; and what each way of failing means for what was asked."""

from dataclasses import dataclass

import httpx

from core.outside.errors import Malformed, Refused, Temporary, Uncertain
from core.outside.web import READING, HttpAnswer, HttpRequest
from integrations.web.guard import Guard, TooMuch, parsed_url

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
AGENT = "Steward/0.1 (personal assistant)"


@dataclass(frozen=True)
class WebClient:
    """Fulfils `agents.services.web.HttpClient`. Keeps no cookies and no connections between requests."""

    guard: Guard

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status; see the Protocol for what is raised."""
        url = parsed_url(request.url)
        is_reading = request.method in READING
        headers = {"User-Agent": AGENT, **request.headers}
        async with self.guard.client(follow_redirects=is_reading) as client:
            try:
                asked = client.build_request(request.method, url, headers=headers, content=request.body)
                answer = await client.send(asked, stream=True)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
                raise unsent(error, url.host, is_reading) from error
            try:
                body, is_cut = await answer.aread(), False
            except (httpx.HTTPError, TooMuch) as error:
                if is_reading:
                    raise broken(error, url.host) from error
                body, is_cut = b"", True  # its status is here: what was asked was done, or refused
            finally:
                await answer.aclose()
        return HttpAnswer(answer.status_code, str(answer.url), dict(answer.headers), body, is_cut)


def unsent(error: Exception, host: str, is_reading: bool) -> Exception:
    """What an error before any answer means. Uncertain where the server may have got the request and acted."""
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Temporary(f"{host} is out of reach", detail=type(error).__name__)
        case httpx.TooManyRedirects():
            return Refused(f"{host} sends from one address to another without end")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL() | UnicodeEncodeError():
            return Refused("The request cannot be sent like this", detail=str(error)[:200])
        case _ if is_reading:
            return Temporary(f"{host} did not answer in full", detail=type(error).__name__)
        case _:
            return Uncertain(f"{host} was asked and the line broke before it answered", detail=type(error).__name__)


def broken(error: Exception, host: str) -> Exception:
    """What an error in the middle of an answer means for reading."""
    if isinstance(error, TooMuch):
        return error
    if isinstance(error, httpx.DecodingError):
        return Malformed(f"The answer of {host} cannot be unpacked", detail=str(error)[:200])
    return Temporary(f"The answer of {host} broke off", detail=type(error).__name__)


def retry_after_seconds(headers: httpx.Headers | dict[str, str]) -> int | None:
    """What Retry-After says, as seconds; None when it says nothing that is understood (RFC 9110, 10.2.3)."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and len(text) < 8:
        return int(text)
    try:
        return max(0, round((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError):
        return None
