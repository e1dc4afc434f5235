""" "Remind me on Friday at 9", "until Ana replies", "tomorrow 9": when a person wants to see something again."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from agents.rules.dates import find_dates, local
from agents.rules.recurrence import find_recurrence
from core.errors import Invalid
from tasks.occurrences import RepeatsFrom, check_rule

MORNING = time(9)
LATER_HOURS = 3
LONGEST_WORDS = 200
REMIND = re.compile(r"(?<!\w)(?:remind\s+me|erinner[en]?\s+mich|erinnere?\s+mich)(?!\w)", re.IGNORECASE)
REFUSED = re.compile(
    r"(?<!\w)(?:do\s+not|don't|never|no\s+need\s+to|needn't)\s+(?:\w+\s+)?remind\s+me|(?<!\w)erinnere?\s+mich\s+(?:bitte\s+)?nicht",
    re.IGNORECASE,
)
REPLIES = re.compile(
    r"^(?:until\s+|bis\s+)?(?P<who>.{1,200}?)\s+(?:replies|replied|answers|has\s+answered|responds|writes(?:\s+back)?|antwortet|sich\s+meldet|schreibt)"
    r"(?:\s*,?\s*(?:or|at\s+the\s+latest|oder(?:\s+bis)?)\s+(?P<latest>.{1,60}))?$",
    re.IGNORECASE,
)
BARE_HOUR = re.compile(r"\s(?P<hour>\d{1,2})$")
AFTERWARDS = re.compile(
    r"\s+(?:from\s+completion|after\s+(?:completion|(?:i\s+(?:did|have\s+done|do)|i've\s+done)\s+it|it\s+is\s+done|it's\s+done|that)|nachdem\s+es\s+erledigt\s+ist)$",
    re.IGNORECASE,
)
LATER = re.compile(r"^later(?:\s+today)?$|^später$", re.IGNORECASE)
NEXT_WEEK = re.compile(r"^next\s+week$|^nächste\s+woche$", re.IGNORECASE)


@dataclass(frozen=True)
class Snooze:
    """Until a time, until somebody answers, or whichever comes first."""

    until: datetime | None = None
    reply_from: str | None = None


def reminder_of(words: str, due_at: datetime | None, *, is_all_day: bool, now: datetime) -> datetime | None:
    """When the words ask to be reminded of something due then; None where they do not, or where that is over.

    Of something due on a day one is reminded in its morning, and of something due today in a few hours.
    """
    if due_at is None or not REMIND.search(words) or REFUSED.search(words):
        return None
    day = due_at.astimezone(now.tzinfo)
    at = local(day.date(), MORNING, now) if is_all_day else day
    if is_all_day and at <= now:
        at = now.replace(second=0, microsecond=0) + timedelta(hours=LATER_HOURS)
    return at if now < at <= max(day, now) or (not is_all_day and at > now) else None


def parse_moment(words: str, now: datetime) -> datetime:
    """The moment that "friday 9:00", "tomorrow", "in 2 hours" or an ISO time mean; a day alone is its morning.

    Raises Invalid for words that name no moment, or one that is over.
    """
    text = " ".join(words.split()).removeprefix("until ").removeprefix("on ")
    if not 1 <= len(text) <= LONGEST_WORDS:
        raise Invalid(f"A time has 1 to {LONGEST_WORDS} characters")
    found = _moment(text, now)
    if found is None:
        raise Invalid(
            f"{text[:80]!r} names no time",
            detail='understood are "tomorrow 9", "friday 9:00", "monday", "later today", "next week", "in 2 hours", 2026-03-10T14:00',
        )
    if found <= now:
        raise Invalid(f"{text[:80]!r} is {found:%Y-%m-%d %H:%M}, which is over", detail=f"it is {now:%Y-%m-%d %H:%M}")
    return found


def parse_snooze(words: str, now: datetime) -> Snooze:
    """What "until Ana replies", "until Ana replies or friday" and "tomorrow 9" mean. Raises Invalid as `parse_moment`."""
    text = " ".join(words.split())[: LONGEST_WORDS * 2]
    reply = REPLIES.match(text)
    if reply is None:
        return Snooze(until=parse_moment(text, now))
    latest = reply["latest"]
    return Snooze(parse_moment(latest, now) if latest else None, reply["who"].strip(" \"'"))


def _moment(text: str, now: datetime) -> datetime | None:
    if LATER.match(text):
        return now.replace(second=0, microsecond=0) + timedelta(hours=LATER_HOURS)
    if NEXT_WEEK.match(text):
        return local(now.date() + timedelta(days=7 - now.weekday()), MORNING, now)
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        at = given if given.tzinfo else given.replace(tzinfo=now.tzinfo)
        return at if "T" in text.upper() or ":" in text else local(given.date(), MORNING, now)
    if (hour := BARE_HOUR.search(text)) and int(hour["hour"]) < 24:
        text = f"{text[: hour.start()]} {hour['hour']}:00"  # "tomorrow 9"
    mentions = find_dates(text, now)
    if not mentions:
        return None
    first = mentions[0]
    return local(first.due_at.date(), MORNING, now) if first.is_all_day else first.due_at


@dataclass(frozen=True)
class Repeat:
    """A rule, and where it begins: `first` is None where the words say no time of their own."""

    rule: str
    repeats_from: RepeatsFrom
    first: datetime | None = None
    is_all_day: bool = True

    def begins(self, due_at: datetime | None) -> tuple[datetime | None, bool | None]:
        """The date to begin with, and whether it is a whole day; None keeps the task's own date, where it has one."""
        if due_at is not None and self.is_all_day:
            return None, None
        return self.first, self.is_all_day if self.first else None


def parse_repeat(words: str, now: datetime) -> Repeat:
    """What "every Friday at 9", "every 3 days after I did it" and an RRULE mean. Raises Invalid for words that are no rule."""
    text = " ".join(words.split())
    if not 1 <= len(text) <= LONGEST_WORDS:
        raise Invalid(f"A rule has 1 to {LONGEST_WORDS} characters", hint="For example: every Friday at 9")
    repeats_from: RepeatsFrom = "due"
    if after := AFTERWARDS.search(text):
        text, repeats_from = text[: after.start()].rstrip(" ,"), "completion"
    if text.upper().startswith(("FREQ=", "RRULE:")):
        return Repeat(check_rule(text), repeats_from)
    found = find_recurrence(text, now) or find_recurrence(f"every {text}", now)
    if found is None:
        raise Invalid(
            f"{words[:80]!r} is no rule",
            detail='understood are "every Friday at 9", "every weekday", "every 2 weeks on Monday", "every 3 days after it is done", FREQ=MONTHLY;BYDAY=-1FR',
        )
    return Repeat(check_rule(found.rule), repeats_from, found.due_at, found.is_all_day)
