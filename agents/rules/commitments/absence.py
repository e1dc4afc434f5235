"""Automatic answers: "I am away until 12 March" says until when somebody is away. Pure."""

import re
from datetime import datetime, time, timedelta

from agents.rules.dates import DateMention, find_dates, local
from agents.rules.mail_signs import AWAY

LONGEST_TEXT = 4_000
LONGEST_AWAY = timedelta(days=200)
ABSENT = re.compile(
    r"\b(?:out\s+of\s+(?:the\s+)?office|ooo|away\s+(?:from|until|till|on)|on\s+(?:annual\s+|parental\s+|sick\s+)?(?:leave|vacation|holiday)|currently\s+(?:away|travelling|unavailable|not\s+in)|not\s+in\s+the\s+office|(?:am|is)\s+away|"
    r"no\s+access\s+to\s+(?:my\s+)?e?-?mails?|limited\s+access|i\s+will\s+be\s+back|back\s+(?:on|in\s+the\s+office)|return\s+(?:on|to\s+the\s+office)|nicht\s+(?:im\s+büro|im\s+haus|erreichbar|da)|im\s+urlaub|abwesend|abwesenheit\w*|außer\s+haus|"
    r"wieder\s+(?:erreichbar|da|im\s+büro)|in\s+elternzeit|auf\s+(?:dienst|geschäfts)?reise)\b",
    re.IGNORECASE,
)
BACK = re.compile(
    r"\b(?:(?:be\s+|am\s+|are\s+)?back(?:\s+(?:in|at)\s+(?:the\s+)?(?:office|work|my\s+desk))?(?:\s+again)?|return(?:ing)?(?:\s+to\s+(?:the\s+)?(?:office|work))?|reachable\s+again|available\s+again|wieder(?:\s+(?:erreichbar|da|im\s+büro|für\s+(?:sie|dich|euch)\s+da|zurück))?|zurück)"
    r"\s*(?:on|from|by|am|ab(?:\s+dem)?|zum|:)?\s*(?:the\s+)?$|\b(?:ab|from)\s+(?:dem\s+)?$",
    re.IGNORECASE,
)
UNTIL = re.compile(
    r"(?:\b(?:until|till|til|through|thru|to|up\s+to|bis(?:\s+(?:einschließlich|einschl\.?|zum|inklusive))?|[–—-]))\s*(?:and\s+including\s+)?(?:the\s+)?$",
    re.IGNORECASE,
)
AGAIN = re.compile(r"^\s*(?:wieder|zurück|back)\b", re.IGNORECASE)
INSIDE_UNTIL = re.compile(r"^\s*(?:until|till|bis|by)\b", re.IGNORECASE)
ON_DUTY_AGAIN = time(9)


def is_absence(subject: str, text: str, *, auto_submitted: bool) -> bool:
    """Is this the automatic answer of somebody who is away?"""
    if AWAY.search(subject):
        return True
    return auto_submitted and ABSENT.search(f"{subject}\n{text[:LONGEST_TEXT]}") is not None


def away_until(subject: str, text: str, sent_at: datetime, *, auto_submitted: bool) -> datetime | None:
    """The moment from which somebody is back, by their automatic answer; None where it is none or names no day.

    "Until 12 March" is away through that day; "back on 12 March" is back that morning. Days are seen from `sent_at`.
    """
    if not is_absence(subject, text, auto_submitted=auto_submitted):
        return None
    words = " ".join(f"{subject}. {text[:LONGEST_TEXT]}".split())
    backs: list[datetime] = []
    for one in find_dates(words, sent_at):
        back = _back(words, one, sent_at)
        if back and sent_at < back < sent_at + LONGEST_AWAY:
            backs.append(back)
    return max(backs, default=None)


def _back(words: str, date: DateMention, sent_at: datetime) -> datetime | None:
    """When they are back by one date of the text; None where it says something else."""
    before = words[max(0, date.start - 60) : date.start]
    day = date.due_at.date()
    if AGAIN.match(words[date.end :]):
        return local(day, ON_DUTY_AGAIN, sent_at) if date.is_all_day else date.due_at
    led = words[date.start : date.end]
    if BACK.search(before) or (BACK.search(f"{before}{led.split()[0]} ") and not INSIDE_UNTIL.match(led)):
        return local(day, ON_DUTY_AGAIN, sent_at) if date.is_all_day else date.due_at
    if date.relation == "by" or UNTIL.search(before) or INSIDE_UNTIL.match(led):
        return local(day + timedelta(days=1), ON_DUTY_AGAIN, sent_at) if date.is_all_day else date.due_at
    return None
