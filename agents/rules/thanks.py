"""The day of what somebody is thanked for: "thank him for the meeting on Tuesday" is not due on Tuesday."""

import re
from itertools import chain

from agents.rules.dates import DateMention

GOES_ON = r"(?:and|und|&|then|dann|but|aber|or|oder)\s+(?-i:[^A-ZÄÖÜ])"
WORD = rf"(?!{GOES_ON})(?:(?:Dr|Mr|Mrs|Ms|Prof)\.|[^\s,;:!?]*[^\s,;:!?.])"
THANKS = (
    r"(?:thank(?:s|ing)?(?![\s-]you\b)|thank[\s-]you(?:\s+(?:e-?mail|mail|note|letter|message))?(?=\s+(?:to|for)\b)|"
    r"(?:be)?dank(?:e|en|st|t)?)"
)
THANKED_FOR = re.compile(rf"\b{THANKS}(?:\s+{WORD}){{0,5}}?\s+(?P<object>(?:for|für)\b)", re.IGNORECASE)
OBJECT_THEN_THANKS = re.compile(r"(?<!\w)(?P<object>für)\b", re.IGNORECASE)
OBJECT = re.compile(rf"(?:for|für)(?:\s+{WORD}){{1,6}}?", re.IGNORECASE)
ITS_DAY = re.compile(r"(?:on|of|from|am|vom|von)\b", re.IGNORECASE)
THE_DAY_ITSELF = re.compile(r"(?:for|für)\b", re.IGNORECASE)
LEADS = re.compile(r"\s+(?:of|vom|von)(?:\s+(?:the|dem|den))?\s*$", re.IGNORECASE)
TO_COME = re.compile(r"\b(?:tomorrow|morgen|übermorgen|next|coming|upcoming|nächste\w*|kommende\w*)\b", re.IGNORECASE)
THANKS_AT_TAIL = re.compile(r"\s+(?:zu\s+|sich\s+)?(?:be)?danken\b", re.IGNORECASE)


def without_thanked_days(text: str, dates: list[DateMention]) -> list[DateMention]:
    """The dates of `text` without those of what is thanked for, in their order.

    Of such an object it is the first date, led to by "on", "of" or "from" ("am", "von", "vom"), or the object itself
    ("thank her for Tuesday"). A bare day ("for the gift tomorrow"), one with "by", and one to come are when to thank.
    """
    told: set[int] = set()
    for found in chain(THANKED_FOR.finditer(text), OBJECT_THEN_THANKS.finditer(text)):
        at = found.start("object")
        date = next((one for one in dates if one.start >= at), None)
        if date and _is_of_object(text, at, date) and (found.re is THANKED_FOR or THANKS_AT_TAIL.match(text, date.end)):
            told.add(date.start)
    return [date for date in dates if date.start not in told]


def _is_of_object(text: str, at: int, date: DateMention) -> bool:
    """Is this the day of what is named from `at` on?"""
    words = text[date.start : date.end].strip()
    if not date.has_day or TO_COME.search(words):
        return False
    if date.start == at:
        return THE_DAY_ITSELF.match(words) is not None
    before = text[at : date.start]
    lead = LEADS.search(before)
    if lead:
        before = before[: lead.start()]
    elif not ITS_DAY.match(words):
        return False
    return OBJECT.fullmatch(before.rstrip()) is not None
