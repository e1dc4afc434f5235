"""Bytes of mails as text, whatever their headers claim (RFC 2045, 2047, 3676)."""

import base64
import binascii
import quopri
import re

NOT_CHARSETS = {"unicode_escape", "raw_unicode_escape", "undefined", "idna", "punycode", "mbcs", "oem"}
ENCODED_WORD = re.compile(r"=\?(?P<charset>[\w.:+-]+)(?:\*[\w-]*)?\?(?P<how>[bq])\?(?P<text>[^?]*)\?=", re.IGNORECASE)
BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[\w.:+*-]+\?[bqBQ]\?)")
NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def decode_text(raw: bytes, charset: str | None) -> str:
    """The text in these bytes: by the charset they claim, else as UTF-8, else as Windows-1252; clean of controls."""
    for name in (charset, "utf-8"):
        if not name or name.casefold().replace("-", "_") in NOT_CHARSETS:
            continue
        try:
            return clean_text(raw.decode(name))
        except (LookupError, UnicodeError):
            continue
    return clean_text(raw.decode("cp1252", errors="replace"))


def decode_header(value: str) -> str:
    """A header on one line, its encoded words decoded. Raw bytes may stand in `value` as surrogate escapes."""
    if not value.isascii():
        value = decode_text(value.encode("utf-8", errors="surrogateescape"), None)
    value = BETWEEN_WORDS.sub(r"\1", value)
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for word in ENCODED_WORD.finditer(value):
        gap = value[end : word.start()]
        if pending and (gap or word["charset"].casefold() != charset):
            out.append(decode_text(pending, charset))
            pending = b""
        out.append(gap)
        pending, charset, end = pending + _word_bytes(word), word["charset"].casefold(), word.end()
    if pending:
        out.append(decode_text(pending, charset))
    out.append(value[end:])
    return re.sub(r"\s+", " ", clean_text("".join(out))).strip()


def clean_text(text: str) -> str:
    """Without NUL and other controls, which databases refuse; line ends are \\n."""
    return NOT_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def unflow(text: str, *, delete_space: bool) -> str:
    """format=flowed text with its soft line breaks joined (RFC 3676)."""
    lines: list[str] = []
    is_open = False
    for line in text.split("\n"):
        quoted = line.startswith(">")
        content = line[1:] if line.startswith(" ") else line
        if is_open and lines and not quoted and content != "-- ":
            lines[-1] = (lines[-1][:-1] if delete_space else lines[-1]) + content
        else:
            lines.append(content)
        is_open = content.endswith(" ") and not quoted and content != "-- "
    return "\n".join(lines)


def _word_bytes(word: re.Match[str]) -> bytes:
    text = word["text"].encode("ascii", errors="ignore")
    if word["how"] in "qQ":
        return quopri.decodestring(text, header=True)
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return word[0].encode()
