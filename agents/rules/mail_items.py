"""Notes with items per person: "Robin: ask legal", "- Omar fixes the bug by Wednesday", "Update the page (Robin)"."""

import re
from dataclasses import dataclass

from agents.rules.mail_text import MailText, Sentence

NAME = r"@?[A-ZÄÖÜ][\w'’-]+(?:\s+[A-ZÄÖÜ][\w'’-]+)?"
HEAD = re.compile(
    rf"^(?:(?:AI|TODO|To-?do|Action|Aufgabe|ToDo)\s*[:–-]?\s+)?\[?(?P<names>{NAME}(?:\s*(?:\+|&|/|,|and|und)\s*{NAME})*)\]?\s*(?::|–|—|->|→|\s-\s)\s*(?P<what>\S.+)$"
)
ACTS = re.compile(
    r"^(?P<names>@?[A-ZÄÖÜ][\w'’-]+(?:\s*(?:\+|&|and|und)\s*@?[A-ZÄÖÜ][\w'’-]+)*)\s+(?P<mood>to|will|should|must|soll|muss|wird|sollte|is\s+going\s+to|needs\s+to|kümmert\s+sich\s+um)\s+(?P<what>\S.+)$"
)
FINITE = re.compile(
    r"^(?P<names>[A-ZÄÖÜ][\w'’-]+(?:\s+(?:and|und)\s+[A-ZÄÖÜ][\w'’-]+)?)\s+(?P<what>[a-zäöü]+s?\s+\S.+)$"
)
TAIL = re.compile(
    rf"^(?P<what>.+?)\s*(?:\((?P<in>{NAME}(?:\s*[+&/,]\s*{NAME})*)(?P<more>,[^)]*)?\)|(?:→|->|–|—)\s*(?P<out>{NAME}))\s*\.?$"
)


@dataclass(frozen=True)
class Item:
    """What somebody is to do. `names` are first names in lower case."""

    names: frozenset[str]
    what: str
    line: str


def find_items(mail: MailText, known: frozenset[str]) -> list[Item]:
    """The items that name people, in order. `known`: first names of the people of the mail, in lower case.

    A list item "Name: ..." counts for any name; elsewhere the name must be known, so that "Location: ..." is no person.
    """
    found: list[Item] = []
    for line in _lines(mail):
        item = _item(line, known)
        if item:
            found.append(item)
    return found


def _item(sentence: Sentence, known: frozenset[str]) -> Item | None:
    line = sentence.line
    if match := HEAD.match(line):
        names = _names(match["names"])
        if names & known:
            return Item(names, match["what"], line)
    if match := ACTS.match(line):
        names = _names(match["names"])
        if names & known:
            return Item(names, match["what"], line)
    if match := TAIL.match(line):
        names = _names(match["in"] or match["out"])
        if names & known and sentence.is_item:
            return Item(names, f"{match['what']}{match['more'] or ''}", line)
    if sentence.is_item and (match := FINITE.match(line)) and _names(match["names"]) & known:
        return Item(_names(match["names"]), _imperative(match["what"]), line)
    return None


def _imperative(words: str) -> str:
    """ "fixes the import bug" as a request: "fix the import bug"."""
    verb, _, rest = words.partition(" ")
    if verb.endswith(("ches", "shes", "sses", "xes", "oes")) and verb not in {"fixes"}:
        verb = verb[:-2]
    elif verb == "fixes":
        verb = "fix"
    elif verb.endswith("ies"):
        verb = f"{verb[:-3]}y"
    elif verb.endswith("s") and not verb.endswith("ss"):
        verb = verb[:-1]
    return f"{verb} {rest}"


def _names(text: str) -> frozenset[str]:
    parts = re.split(r"\s*(?:\+|&|/|,|\band\b|\bund\b)\s*", text)
    return frozenset(part.strip("@[] ").split()[0].casefold() for part in parts if part.strip("@[] "))


def _lines(mail: MailText) -> list[Sentence]:
    lines: list[Sentence] = []
    for sentence in mail.sentences:
        if not lines or lines[-1].line is not sentence.line:
            lines.append(sentence)
    return lines
