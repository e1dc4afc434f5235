"""Files of mails on an IMAP server, piece by piece: no more than a piece is ever in memory."""

import asyncio
import base64
import binascii
import quopri
from collections.abc import AsyncGenerator, Callable
from email import message_from_bytes

from core.errors import NotFound, TooLarge
from core.outside.errors import Malformed
from integrations.mail.imap_connection import ImapAddress, translated
from integrations.mail.imap_session import ImapSession

PIECE_BYTES = 256 * 1024


async def stream_part(
    session: ImapSession, address: ImapAddress, uid: int, part: str, limit_bytes: int
) -> AsyncGenerator[bytes]:
    """The decoded content of one part. Raises NotFound; TooLarge once it is beyond the limit; Malformed."""

    def read(what: str) -> bytes:
        with translated(address):
            found = session.fetch([uid], f"BODY.PEEK[{what}")
        return found[0].content if found else b""

    decode = _decoder(await asyncio.to_thread(_encoding, read, part))
    offset = total = 0
    while True:
        piece = await asyncio.to_thread(read, f"{part}]<{offset}.{PIECE_BYTES}>")
        if not piece and offset == 0:
            raise NotFound("There is no such file in this mail", detail=part)
        offset += len(piece)
        is_last = len(piece) < PIECE_BYTES
        decoded = decode(piece, is_last)
        total += len(decoded)
        if total > limit_bytes:
            raise TooLarge(f"The file is larger than the {limit_bytes:,} bytes that are taken")
        if decoded:
            yield decoded
        if is_last:
            return


def _encoding(read: Callable[[str], bytes], part: str) -> str:
    header = read(f"{part}.MIME]") or (read("HEADER]") if part == "1" else b"")
    return str(message_from_bytes(header).get("Content-Transfer-Encoding", "7bit")).strip().casefold()


def _decoder(encoding: str) -> Callable[[bytes, bool], bytes]:
    """Decodes pieces that may be cut anywhere; what is incomplete waits for the next one."""
    rest = bytearray()

    def from_base64(piece: bytes, is_last: bool) -> bytes:
        rest.extend(b"".join(piece.split()))
        whole = len(rest) if is_last else len(rest) - len(rest) % 4
        taken = bytes(rest[:whole])
        del rest[:whole]
        try:
            return base64.b64decode(taken + b"=" * (-len(taken) % 4))
        except binascii.Error as error:
            raise Malformed("The file cannot be decoded") from error

    def from_quoted(piece: bytes, is_last: bool) -> bytes:
        rest.extend(piece)
        whole = len(rest) if is_last else rest.rfind(b"\n") + 1
        taken = bytes(rest[:whole])
        del rest[:whole]
        return quopri.decodestring(taken)

    if encoding == "base64":
        return from_base64
    return from_quoted if encoding == "quoted-printable" else lambda piece, _: piece
