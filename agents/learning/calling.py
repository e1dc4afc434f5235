"""Whom a greeting calls: one by name, several, a group, or nobody."""

import re

from agents.learning.letters import TO_SEVERAL
from agents.rules.mail_text import GREETING as ANY_GREETING
from agents.rules.workflows.letter import GIVEN_NAMES

CALLS_NOBODY = re.compile(
    r"^(?:hi|hello|hey|hallo|moin|servus|good (?:morning|afternoon|evening)|guten (?:tag|morgen|abend))\s*[,!.–-]*$",
    re.IGNORECASE,
)
TO_GROUP = re.compile(
    r"^(?:hi|hello|hey|dear|hallo|moin|liebe|good (?:morning|afternoon|evening)|guten (?:tag|morgen|abend)) "
    r"(?P<group>all|everyone|everybody|team|folks|both|zusammen|alle)\s*[,!.–-]*$",
    re.IGNORECASE,
)
TITLE = re.compile(r"\b(?:mr|mrs|ms|dr|prof|herrn?|frau|professor)\b\.?", re.IGNORECASE)


def name_in(greeting: str) -> str:
    """The one first name that a greeting calls; "" for several, a title, or none."""
    match = ANY_GREETING.match(greeting)
    words = (match["names"] or "").strip() if match else _called(greeting)
    named = re.findall(r"[A-ZÄÖÜ][\w'’-]*", words)
    if (
        not words
        or TITLE.search(words)
        or len(named) not in {1, 2}
        or "," in words
        or re.search(r"\band\b|\bund\b|&", words)
    ):
        return ""
    return named[0]


def named_in(greeting: str) -> str:
    """Whom a greeting calls, as it stands there: "Ana", "Ana, Ben and Eva", "all"; "" for a title, or nobody."""
    several = TO_SEVERAL.match(greeting)
    if several:
        return "" if TITLE.search(several["names"]) else several["names"]
    if group := TO_GROUP.match(greeting):
        return group["group"]
    return name_in(greeting)


def _called(greeting: str) -> str:
    """Whom a greeting of one's own making calls: "Ciao Ana,", "Ana,"."""
    words = greeting.strip(" ,!").split()
    if len(words) == 1:
        return words[0] if words[0].casefold() in GIVEN_NAMES else ""
    return words[-1] if words and words[-1][:1].isupper() else ""
