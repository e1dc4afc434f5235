"""A mail taken apart: greeting, what it says, sign-off, and what hangs below it; and put together again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.rules.mail_text import ABBREVIATION, BULLET
from agents.rules.mail_text import GREETING as ANY_GREETING

LONGEST_GREETING = 80
LONGEST_NAME = 60
MOST_SIGNED_LINES = 5
CLOSING = re.compile(
    r"^(?:(?:many |kind |best |warm |warmest |with (?:kind|best|warm) )*(?:thanks|thank you|thx|regards|wishes|cheers|best|sincerely|love|greetings|talk soon|take care)"
    r"|yours(?: (?:sincerely|truly|faithfully))?|sincerely yours|all the best|have a (?:good|great|nice) (?:one|day|week|weekend)"
    r"|(?:viele|liebe|beste|schöne|herzliche|freundliche|sonnige|mit (?:freundlichen|besten|herzlichen|lieben|vielen))\s+(?:dank|grü(?:ß|ss)en?)(?: aus \w+)?"
    r"|danke(?: (?:dir|ihnen|euch))?|besten dank|gru(?:ß|ss)|lg|vg|mfg|bg|bis (?:bald|dann|später))"
    r"(?:[,.!–-]*$|(?-i:,?\s+-?\s*[A-ZÄÖÜ][\w'’.-]*(?:\s+[A-ZÄÖÜ][\w'’.-]*){0,3}$))",
    re.IGNORECASE,
)
NAME_LINE = re.compile(r"^[-–—]?\s*[A-ZÄÖÜ][\w'’.-]*(?:\s+[A-ZÄÖÜ][\w'’.-]*){0,3}$")
OWN_GREETING = re.compile(r"^[^\W\d_][\w'’.-]*(?: [\w'’.-]+){0,3} ?[,!]$")  # "Ciao Ana," above a blank line
_NAME = r"[A-ZÄÖÜ][\w'’-]+"
TO_SEVERAL = re.compile(
    rf"^[^\W\d_]\w*(?: (?:Tag|Morgen|Abend|morning|afternoon|evening))? (?P<names>{_NAME}(?:, {_NAME})*,? (?:and|und|&) {_NAME})\s*[,!:–-]*$"
)
BELOW = re.compile(
    r"^(?:-- ?$|>|on\b.{4,200}\bwrote:?\s*$|am\b.{4,200}\bschrieb\b.{0,100}:?\s*$|-{2,}\s*(?:original message|ursprüngliche nachricht"
    r"|forwarded message|weitergeleitete nachricht)|_{10,})",
    re.IGNORECASE,
)
BREAK = re.compile(r"(?<=[.!?…])[\"'”)]*\s+(?=\S)")


@dataclass(frozen=True)
class Parts:
    """A mail in its parts; any may be empty. `below` is a signature under "--" and what is quoted, as it stands."""

    greeting: str = ""
    middle: str = ""
    sign_off: str = ""
    below: str = ""


def take_apart(body: str) -> Parts:
    """The parts of a mail. What is no greeting or sign-off stays in the middle."""
    lines = [line.rstrip() for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    cut = next((number for number, line in enumerate(lines) if BELOW.match(line)), len(lines))
    own, below = _trimmed(lines[:cut]), "\n".join(_trimmed(lines[cut:]))
    greeting = ""
    if own and (_is_greeting(own[0]) or (len(own) > 2 and not own[1] and OWN_GREETING.match(own[0].strip()))):
        greeting, own = own[0].strip(), _trimmed(own[1:])
    signed = _sign_off_at(own)
    sign_off = "\n".join(line.strip() for line in own[signed:] if line.strip())
    return Parts(greeting, "\n".join(_trimmed(own[:signed])), sign_off, below)


def put_together(parts: Parts) -> str:
    """The mail again: a blank line between the parts, a line break at the end."""
    whole = "\n\n".join(part for part in (parts.greeting, parts.middle, parts.sign_off, parts.below) if part)
    return f"{whole}\n" if whole else ""


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, line by line, as they stand."""
    return [sentence for line in text.split("\n") for sentence in _sentences(line) if sentence]


def without_sentences(text: str, dropped: set[int]) -> str:
    """The text without the sentences at these places (of `sentences_of`); a paragraph that is empty then is gone."""
    kept: list[str] = []
    place = 0
    for line in text.split("\n"):
        stays: list[str] = []
        had = False
        for sentence in _sentences(line):
            if sentence:
                had = True
                if place not in dropped:
                    stays.append(sentence)
                place += 1
        if stays or not had:
            kept.append(line if len(stays) == len([one for one in _sentences(line) if one]) else " ".join(stays))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_trimmed(kept)))


def plain(text: str) -> str:
    """A text as it is compared: case, spaces, and marks at its ends do not count."""
    return " ".join(text.split()).casefold().strip(" .,!–-")


def bullets_in(text: str) -> int:
    """How many lines are items of a list?"""
    return sum(1 for line in text.split("\n") if BULLET.match(line))


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for match in BREAK.finditer(line):
        if ABBREVIATION.search(line[start : match.start()]):
            continue
        yield line[start : match.end()].strip()
        start = match.end()
    yield line[start:].strip()


def _trimmed(lines: list[str]) -> list[str]:
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    last = next((number for number in range(len(lines), first, -1) if lines[number - 1].strip()), first)
    return lines[first:last]


def _is_greeting(line: str) -> bool:
    text = line.strip()
    found = ANY_GREETING.match(text)
    is_whole = found is not None and found.end() == len(text)
    return len(text) <= LONGEST_GREETING and (is_whole or TO_SEVERAL.match(text) is not None)


def _sign_off_at(lines: list[str]) -> int:
    """The line where the sign-off begins: a closing with up to two short lines of names below it; a lone name, too."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for number in reversed(filled[-MOST_SIGNED_LINES:]):
        below = [one for one in filled if one > number]
        if CLOSING.match(lines[number].strip()) and all(_is_signed(lines[one]) for one in below):
            return number
    if len(filled) > 1 and _is_name(lines[filled[-1]]) and (filled[-1] == 0 or not lines[filled[-1] - 1].strip()):
        return filled[-1]
    return len(lines)


def _is_signed(line: str) -> bool:
    """A name, a role, a number: nothing that says something."""
    return len(line.strip()) <= LONGEST_NAME and not re.search(r"[.?!:;]$", line.strip())


def _is_name(line: str) -> bool:
    return len(line.strip()) <= LONGEST_NAME and NAME_LINE.match(line.strip()) is not None
