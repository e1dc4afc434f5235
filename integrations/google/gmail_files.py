"""Files of mails, piece by piece: Gmail hands them out as base64url in a JSON object, which is never held whole."""

import base64
import binascii
import re
from collections.abc import AsyncGenerator
from urllib.parse import quote

import httpx

from core.errors import TooLarge
from core.outside.errors import Malformed, SignInExpired, Temporary
from integrations.google.client import GoogleClient
from integrations.google.faults import SignInRefused, fault

BEGIN = re.compile(rb'"data"\s*:\s*"')
LONGEST_HEAD = 10_000
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
READ = "read the file"


async def stream_base64(client: GoogleClient, ref: str, attachment: str, limit_bytes: int) -> AsyncGenerator[bytes]:
    """The content of a file. Raises NotFound, SignInExpired, Temporary, Malformed; TooLarge once it is beyond the limit."""
    url = f"{client.places.gmail}/gmail/v1/users/me/messages/{quote(ref, safe='')}/attachments/{quote(attachment, safe='')}"
    token = await client.tokens.current()
    for is_last in (False, True):
        try:
            async for piece in _once(url, token, limit_bytes):
                yield piece
            return
        except SignInRefused as error:
            if is_last:
                raise SignInExpired(
                    "Google does not accept the sign-in any more", hint="Connect the account again at /settings#google."
                ) from error
            token = await client.tokens.renewed(token)


async def _once(url: str, token: str, limit_bytes: int) -> AsyncGenerator[bytes]:
    decoder = _Decoder(limit_bytes)
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT) as http,
            http.stream("GET", url, headers={"Authorization": f"Bearer {token}"}) as answer,
        ):
            if answer.status_code != 200:
                raise fault(answer.status_code, answer.headers, await answer.aread(), READ)
            async for piece in answer.aiter_bytes():
                if content := decoder.take(piece):
                    yield content
    except httpx.HTTPError as error:
        raise Temporary(
            "The connection to Google broke off while the file was read", detail=type(error).__name__
        ) from error
    if rest := decoder.finish():
        yield rest


class _Decoder:
    """The content of the string `data` in a JSON object that comes in pieces."""

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes
        self._limit = limit_bytes
        self._waiting = b""
        self._state = "before"

    def take(self, piece: bytes) -> bytes:
        """What can be decoded by now. Raises Malformed, TooLarge."""
        if self._state == "after":
            return b""
        self._waiting += piece
        if self._state == "before":
            found = BEGIN.search(self._waiting)
            if found is None:
                if len(self._waiting) > LONGEST_HEAD:
                    raise Malformed("Gmail's answer has no content of the file")
                return b""
            self._waiting, self._state = self._waiting[found.end() :], "inside"
        text, quote_sign, _ = self._waiting.partition(b'"')
        if quote_sign:
            self._state, self._waiting = "after", b""
            return self._decoded(text.rstrip(b"="))
        usable = len(text) - len(text) % 4
        self._waiting = text[usable:]
        return self._decoded(text[:usable])

    def finish(self) -> bytes:
        """Nothing more comes. Raises Malformed when it ended in the middle."""
        if self._state != "after":
            raise Malformed("Gmail's answer ended in the middle of the file")
        return b""

    def _decoded(self, text: bytes) -> bytes:
        try:
            content = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise Malformed("Gmail's answer has content that is not base64url") from error
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge(f"The file has more than {self._limit:,} bytes")
        return content
