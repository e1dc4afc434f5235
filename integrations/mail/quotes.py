"""What is new in a mail, and what it quotes. English and German, as the common mail programs write it."""

import re
from dataclasses import dataclass

from core.spacing import squeezed

INTRO = re.compile(
    r"""^(?:
      On\b.{4,200}\bwrote:?
    | Am\b.{4,200}\b(?:schrieb|hat)\b.{0,120}:?
    | (?:\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d)\b.{0,120}(?:<[^<>\s]+@[^<>\s]+>|wrote|schrieb).{0,20}:
    | .{1,100}<[^<>\s]+@[^<>\s]+>\s+(?:wrote|schrieb(?:\s+am\s+.{4,60})?):
    )\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
INTRO_BEGIN = re.compile(
    r"^(?:On\s+(?:\w{3,9},?\s+)?\d|On\s+\w{3}|Am\s+(?:\w{2,10}\.?,?\s+)?(?:den\s+)?\d)", re.IGNORECASE
)
DIVIDER = re.compile(
    r"^(?:-{2,}\s*(?:Original Message|Original Appointment|Ursprüngliche Nachricht|Originalnachricht|Forwarded message|"
    r"Weitergeleitete Nachricht)\s*-{2,}|Begin forwarded message:|Anfang der weitergeleiteten Nachricht:|_{20,})\s*$",
    re.IGNORECASE,
)
HEADER_BLOCK = re.compile(r"^\*?(?:From|Von)\s?:\*?\s+\S", re.IGNORECASE)
HEADER_NEXT = re.compile(r"^\*?(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Cc)\s?:\*?\s", re.IGNORECASE)
SIGNATURE = re.compile(r"^(?:-- ?|—)$")
PHONE_SIGNATURE = re.compile(
    r"^(?:Sent from my \w+.{0,40}|Von meinem \w+ gesendet.{0,40}|Gesendet von .{0,40}|Get Outlook for \w+.{0,60})$",
    re.IGNORECASE,
)


def split_quoted(text: str) -> tuple[str, str]:
    """The new part of a mail without its signature, and the quoted rest. A part that is not there is empty.

    Quoted lines between new ones (answers below each question) leave the new part; so do introductions ("On ... wrote:").
    Long runs of blanks and of blank lines are cut.
    """
    lines = squeezed(text).split("\n")
    cut = _where_rest_begins(lines)
    fresh: list[str] = []
    quoted: list[str] = []
    for line in lines[:cut]:
        (quoted if line.startswith(">") else fresh).append(line)
    quoted.extend(lines[cut:])
    if quoted:
        fresh = [line for line in fresh if not INTRO.match(line.strip())]
    return "\n".join(_without_signature(fresh)).strip(), "\n".join(quoted).strip()


def _where_rest_begins(lines: list[str]) -> int:
    quotes = _Quotes.in_lines(lines)
    for number, line in enumerate(lines):
        stripped = line.strip()
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if DIVIDER.match(stripped):
            return number
        if HEADER_BLOCK.match(stripped) and any(HEADER_NEXT.match(n.strip()) for n in lines[number + 1 : number + 4]):
            return number
        is_intro = INTRO.match(stripped) is not None
        if not is_intro and following and INTRO_BEGIN.match(stripped):
            is_intro = INTRO.match(f"{stripped} {following}") is not None
        if is_intro and quotes.alone_follow(lines, number):
            return number
    return len(lines)


@dataclass(frozen=True)
class _Quotes:
    """The last line with >, the last of another kind before it (-1: none), and whether a signature alone follows."""

    last: int
    last_other: int
    ends_the_mail: bool

    @classmethod
    def in_lines(cls, lines: list[str]) -> "_Quotes":
        last = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].startswith(">")), -1)
        before = (n for n in range(last - 1, -1, -1) if lines[n].strip() and not lines[n].startswith(">"))
        behind = (line for line in lines[last + 1 :] if line.strip())
        return cls(last, next(before, -1), all(SIGNATURE.match(line) for line in behind))

    def alone_follow(self, lines: list[str], number: int) -> bool:
        """Behind an introduction stands a quote: lines with >, or (in programs that mark none) all the rest."""
        if self.last <= number:
            return re.search(r"\d|@", lines[number]) is not None
        first = next(n for n in range(number + 1, len(lines)) if lines[n].strip())  # the second line of an introduction
        return self.ends_the_mail and self.last_other <= first


def _without_signature(lines: list[str]) -> list[str]:
    end = next((number for number, line in enumerate(lines) if SIGNATURE.match(line)), len(lines))
    while end and (not lines[end - 1].strip() or PHONE_SIGNATURE.match(lines[end - 1].strip())):
        end -= 1
    return lines[:end]
