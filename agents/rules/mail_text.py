"""The sentences of a mail: whom it greets, what it says, without greeting, quotes and closing words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.spacing import squeezed

LONGEST_TEXT = 100_000
MOST_SENTENCES = 400
LONGEST_SENTENCE = 1_000
GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|dear|hallo|moin|servus|liebe[rs]?|guten\s+(?:tag|morgen|abend)|good\s+(?:morning|afternoon|evening)|"
    r"sehr\s+geehrte[rs]?|greetings)(?:\s+(?:there|all|everyone|everybody|team|zusammen|alle|together))?"
    r"(?P<names>(?:\s+(?:and|und|&)?\s*(?:[A-ZÄÖÜ][\w'’.-]*|,\s*(?=[A-ZÄÖÜ]\w*\s*(?:,|and|und))))*)\s*(?:[,!:.–-]+\s*|$)",
    re.IGNORECASE,
)
TO_ALL = re.compile(r"\b(?:all|everyone|everybody|team|zusammen|alle|folks|both)\b", re.IGNORECASE)
CLOSING = re.compile(
    r"^\s*(?:(?:many\s+|kind\s+|best\s+|warm\s+)*(?:thanks|thank\s+you|regards|wishes|cheers|best|sincerely|love|xo+|greetings)|yours\b|all\s+the\s+best|"
    r"(?:viele|liebe|beste|schöne|herzliche|mit\s+(?:freundlichen|besten|herzlichen))\s+(?:dank|grü(?:ß|ss)en?)|danke(?:\s+\w+){0,2}|gru(?:ß|ss)|lg|vg|mfg|bg|dank\s+(?:im\s+voraus|dir|ihnen))\b[^?\n]{0,40}$",
    re.IGNORECASE,
)
BULLET = re.compile(r"^\s*(?:[-*•–·]|\d{1,2}[.)]|\[[ xX]?\])\s+")
LABELLED = re.compile(
    r"^\s*(?:@?[A-ZÄÖÜ][\w'’.-]*(?:\s*(?:[+&,/]|and|und)\s*@?[A-ZÄÖÜ][\w'’.-]*|\s+[A-ZÄÖÜ][\w'’.-]*){0,4})\s*:\s"
)
ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|z\.\s?B|d\.\s?h|u\.\s?a|bzw|ca|Nr|No|Mr|Mrs|Ms|Dr|Prof|St|Str|vs|approx|inkl|etc|Inc|Ltd|Tel|evtl|ggf|Fr|Hr|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Okt|Nov|Dec|Dez|[A-Z]|\d{1,2}|[ap]\.m)\.$",
    re.IGNORECASE,
)
SHORT = re.compile(r"(?:^|\s)(?:\d{1,2}|[A-Z])\.$")
STARTER = re.compile(
    r"(?:please|can|could|would|will|let|the|this|that|i|we|you|it|if|and|but|also|thanks|what|when|who|where|how|is|are|do|bitte|ich|wir|sie|du|es|das|die|der|ein|eine|kannst|könn\w+|"
    r"würde\w*|und|aber|auch|danke|wenn|wer|was|wann|wie|gib|sag)\b",
    re.IGNORECASE,
)
BREAK = re.compile(r"(?<=[.!?…])[\"'”)]*\s+(?=\S)")


@dataclass(frozen=True)
class Sentence:
    """One sentence of a mail. `line` is the whole line or paragraph it stands in; `is_item`: that is a list item."""

    text: str
    line: str
    is_item: bool


@dataclass(frozen=True)
class MailText:
    """A mail's own words, and whom it greets (first names in lower case; empty: nobody by name)."""

    sentences: tuple[Sentence, ...]
    greeted: tuple[str, ...]
    greets_all: bool


def read_mail_text(text: str) -> MailText:
    """Sentences in order; quoted lines, greeting and closing words are left out."""
    lines = [line for line in squeezed(text[:LONGEST_TEXT]).split("\n") if not line.lstrip().startswith(">")]
    greeted: tuple[str, ...] = ()
    greets_all = False
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        greeting = GREETING.match(line)
        if greeting and len(greeting[0].strip()) <= 80:
            names = re.findall(r"[A-ZÄÖÜ][\w'’-]+", greeting["names"] or "")
            greeted = tuple(name.casefold() for name in names if not TO_ALL.fullmatch(name))
            greets_all = TO_ALL.search(greeting[0]) is not None
            lines[number] = line[greeting.end() :]
        break
    paragraphs = list(_paragraphs(_without_closing(lines)))
    found: list[Sentence] = []
    for paragraph in paragraphs:
        is_item = BULLET.match(paragraph) is not None
        words = BULLET.sub("", paragraph).strip()
        found.extend(Sentence(piece, words, is_item) for piece in split_sentences(words))
        if len(found) >= MOST_SENTENCES:
            break
    return MailText(tuple(found[:MOST_SENTENCES]), greeted, greets_all)


def split_sentences(text: str) -> Iterator[str]:
    """Sentences of a paragraph; an abbreviation or the number of a day ends none."""
    start = 0
    for at in BREAK.finditer(text):
        piece = text[start : at.start()]
        if ABBREVIATION.search(piece[-12:]) and not (SHORT.search(piece[-6:]) and STARTER.match(text, at.end())):
            continue
        if piece.strip():
            yield piece.strip()[:LONGEST_SENTENCE]
        start = at.end()
    if text[start:].strip():
        yield text[start:].strip()[:LONGEST_SENTENCE]


def _without_closing(lines: list[str]) -> list[str]:
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    for number in range(max(0, last - 8), last):
        if CLOSING.match(lines[number]) and not any("?" in line for line in lines[number:last]):
            return lines[:number]
    return lines[:last]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines joined where a mail program wrapped them; list items and labelled lines stay their own."""
    current = ""
    for line in lines:
        words = line.strip()
        begins = not words or BULLET.match(line) is not None or LABELLED.match(line) is not None
        wraps = (len(current) > 50 and current[-1] not in ".!?:;") or words[:1].islower()
        if current and (begins or not wraps):
            yield current
            current = ""
        current = f"{current} {words}".strip() if words else ""
    if current:
        yield current
