"""A title: the words of the request without what was cut out of them, in tidy form."""

import re

LONGEST_TITLE = 300
STRAY_HEAD = re.compile(r"^[\s,;:.!?–—*•>=|~_\"'“”)\]}-]+")
STRAY_TAIL = re.compile(r"[\s,;:.!?–—*|~_({\[-]+$")
DANGLING = re.compile(
    r"[\s,]+(?:by|until|till|before|due|starting|bis|zum|and|und|or|oder|then|dann|the|der|den|please|bitte|also|auch|sowie)$",
    re.IGNORECASE,
)
EMPTY_BRACKETS = re.compile(r"[(\[]\s*[,;:]?\s*[)\]]")


def clean_title(words: str) -> str:
    """Single blanks, no stray marks at the ends, a capital at the head, at most 300 characters."""
    title = " ".join(EMPTY_BRACKETS.sub(" ", words).split())
    title = re.sub(r"\s+([,.;:!?)])", r"\1", title)
    title = re.sub(r"([,;:])(?:[,;:])+", r"\1", title)
    title = STRAY_HEAD.sub("", title)
    for _ in range(4):
        shorter = DANGLING.sub("", STRAY_TAIL.sub("", title) if not _closes_bracket(title) else title)
        if shorter == title:
            break
        title = shorter
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 1].rsplit(" ", 1)[0].rstrip(",;: ")[: LONGEST_TITLE - 1] + "…"
    return title[:1].upper() + title[1:]


def _closes_bracket(title: str) -> bool:
    return title.endswith(")") and "(" in title
