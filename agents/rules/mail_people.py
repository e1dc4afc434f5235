"""Who a mail speaks to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.rules.mail_text import MailText, Sentence

VOCATIVE = re.compile(r"^\s*@?(?P<names>[A-ZÄÖÜ][\w'’-]+(?:\s*(?:,|&|\+|and|und)\s*@?[A-ZÄÖÜ][\w'’-]+)*)\s*[,:–—-]\s")
MENTION = re.compile(r"@([A-ZÄÖÜ]?[\w'’-]+)")


@dataclass(frozen=True)
class Owner:
    """The person whose mailbox it is: addresses in lower case, and the names they go by ("Robin Vega")."""

    addresses: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def first_names(self) -> frozenset[str]:
        """In lower case; from the address too where it reads like a name (robin.vega@...)."""
        return first_names(self.names) | first_names([a.partition("@")[0].replace(".", " ") for a in self.addresses])

    def is_me(self, address: str) -> bool:
        return address.casefold() in {own.casefold() for own in self.addresses}


def first_names(names: Sequence[str]) -> frozenset[str]:
    """The first names of people, in lower case ("Vega, Robin" is Robin)."""
    found: set[str] = set()
    for name in names:
        words = re.findall(r"[^\W\d_][\w'’-]+", name.partition(",")[2] or name)
        if words:
            found.add(words[0].casefold())
    return frozenset(found)


def addressed_to_owner(
    sentence: Sentence, mail: MailText, me: Owner, others: frozenset[str], *, is_direct: bool
) -> bool:
    """Is this sentence said to the owner? One that calls somebody else by name is not.

    `others`: first names of the other people of the mail. `is_direct`: the owner is among those it was sent To.
    """
    mine = me.first_names
    called = _called(sentence, others | mine)
    if called:
        return bool(called & mine)
    greeted = frozenset(mail.greeted)
    if greeted and not mail.greets_all and not greeted & mine and greeted & others:
        return False
    return is_direct or bool(greeted & mine)


def _called(sentence: Sentence, known: frozenset[str]) -> frozenset[str]:
    mentioned = {name.casefold() for name in MENTION.findall(sentence.text)} & known
    if match := VOCATIVE.match(sentence.text):
        mentioned |= {name.casefold() for name in re.findall(r"[A-ZÄÖÜ][\w'’-]+", match["names"])} & known
    if tail := re.search(r",\s*([A-ZÄÖÜ][\w'’-]+)\s*[?.!]*$", sentence.text):
        mentioned |= {tail[1].casefold()} & known
    return frozenset(mentioned)
