"""The names that mail and calendar know of an address. Others wrote them: only what is plainly a person's name is taken."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from agents.rules.workflows.letter import GIVEN_NAMES, NOT_NAMES, TITLE

LONGEST = 60
MOST_WORDS = 4
SHORTEST_PIECE = 3
LETTERS = r"[^\W\d_\u115f\u1160\u3164\uffa0]"  # but for the fillers, letters by name that look like a space
WORD = rf"{LETTERS}{{1,24}}(?:['’-]{LETTERS}{{1,24}}){{0,2}}"
PERSON = re.compile(rf"{WORD}(?: {WORD}){{0,{MOST_WORDS - 1}}}")
TITLED, FIRST = re.compile(rf"{WORD}(?: {WORD})?"), re.compile(WORD)
NOBODY = frozenset(
    """
    account accounts accounting admin alerts app billing board booking bot buchhaltung bureau calendar care club company
    contact customer daily daemon desk digest events feedback group gruppe hello help helpdesk hr info information invoice
    kundenservice letter mail mailer management market marketing monthly news newsletter no noreply notification
    notifications office order orders post press redaktion rechnung reply robot sales security service services shop store
    support system team tickets update updates verein versand via vertrieb weekly zentrale gmbh ag inc ltd llc kg
    """.split()  # noqa: SIM905 - a table is easier to read
)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def names_of_people(found: Mapping[str, Sequence[str]], *, only_as_in_address: bool) -> dict[str, str]:
    """Of each address the first name that is a person's, in lower case.

    `only_as_in_address`: after something of others was read, a greeting says no more than the address itself does.
    """
    chosen: dict[str, str] = {}
    for address, names in found.items():
        for name in names:
            if (person := as_person(name, address)) and (not only_as_in_address or _leads(person, address)):
                chosen[address.casefold()] = person
                break
    return chosen


def greeted_as(name: str) -> str:
    """What somebody who is answered is called in a greeting; "" where that is not spelled as a name.

    "Ortiz, Dana" is turned round, a title stays with one or two names, "Dana J. Ortiz" is "Dana". Letters, hyphens and
    apostrophes alone: no sentence, digit or sign gets in.
    """
    name = _turned(name)
    if titled := TITLE.match(name):
        return name if len(name) <= LONGEST and TITLED.fullmatch(titled["family"]) else ""
    first = name.split(" ", maxsplit=1)[0]
    if not FIRST.fullmatch(first) or first.casefold() in NOT_NAMES:
        return ""
    return name if len(name) <= LONGEST and PERSON.fullmatch(name) else first


def said_by_address(name: str, address: str) -> str:
    """The first name where the address itself says it ("Dana" of dana.ortiz@); else "". It may go without being asked about."""
    person = as_person(_turned(name), address)
    return person.split(" ", maxsplit=1)[0] if person and _leads(person, address) else ""


def as_person(name: str, address: str) -> str:
    """The name where it looks like one and fits the address ("Chiara Rossi" of chiara@, rossi@, cr@ or info@); else ""."""
    name = unicodedata.normalize("NFC", name).strip(" ")
    if len(name) > LONGEST or not PERSON.fullmatch(name) or TITLE.match(name):
        return ""
    words = name.casefold().split(" ")
    first = name.split(" ")[0]
    if len(first) < 2 or not first[0].isupper() or (first.isupper() and len(first) > 2):
        return ""
    if any(word in NOBODY for word in words) or words[0] in NOT_NAMES:
        return ""
    return name if words[0] in GIVEN_NAMES or _fits(words, address) else ""


def _turned(name: str) -> str:
    """A name as it is spoken: "Ortiz, Dana" as "Dana Ortiz"."""
    family, _, given = unicodedata.normalize("NFC", name).strip(" ").partition(",")
    return f"{given.strip(' ')} {family}" if given.strip(" ") else family


def _fits(words: Sequence[str], address: str) -> bool:
    local = _local(address)
    pieces = re.split(r"[._+-]", local)
    is_in = any(len(word) >= SHORTEST_PIECE and _plain(word) in local for word in words)
    return is_in or (len(words) > 1 and "".join(word[0] for word in words) in pieces)


def _leads(name: str, address: str) -> bool:
    """Is the word that a greeting uses one that the address is made of?"""
    return name.split(" ", maxsplit=1)[0].casefold() in re.split(r"[._+-]", address.partition("@")[0].casefold())


def _local(address: str) -> str:
    return _plain(address.partition("@")[0].casefold())


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.translate(UMLAUTS))
    return "".join(one for one in folded if not unicodedata.combining(one))
