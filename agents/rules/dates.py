"""Dates and times in English and German text, by rules.

`find_dates` finds phrases ("next Tuesday at 3pm", "bis Freitag", "in two weeks", "20 March", "20.3.") and says which
moment each means, seen from `now`. Days are read in `days`, times of day in `times`; here they are put together.
Every result is an aware wall-clock time in the zone of `now`.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from agents.rules.days import DayPhrase, Prefer, find_days
from agents.rules.times import TimePhrase, find_times, in_half

Relation = Literal["by", "before", "on", "at", "in", "none"]
END_OF_DAY = time(23, 59, 59)
LONGEST_TEXT = 200_000
BY = r"(?:no later than|not later than|at the latest by|due by|due on|due|by|until|till|til|bis spätestens|spätestens bis|bis zum|bis|spätestens am|spätestens|fällig am|fällig bis|fällig|deadline)"
BEFORE = r"(?:before|vor dem|vor|ahead of|prior to)"
ON = r"(?:on|am|for|für|zum|starting|from|ab|@)"
LEAD = re.compile(
    rf"(?<!\w)(?:(?P<by>{BY})|(?P<before>{BEFORE})|(?P<on>{ON})|(?P<at>at|um|gegen|around)|(?P<in>in))[\s:]\s*"
    r"(?:(?:the|den|dem|der)\s+)?$",
    re.IGNORECASE,
)
INSIDE = re.compile(
    r"(?:(?P<by>by|until|till|bis|due)|(?P<before>before|vor)|(?P<on>on|am|for|zum)|(?P<at>at|um|gegen|around|@)|(?P<in>in|within))\b",
    re.IGNORECASE,
)
BETWEEN = re.compile(
    r"[\s,]*(?:at|um|on|am|by|@|-|–|um spätestens|gegen|around|before|bis|until|of)?[\s,]*(?:the\s+)?", re.IGNORECASE
)
JOINED = re.compile(r"[\s,(]+(?:den\s+|dem\s+|der\s+|the\s+)?", re.IGNORECASE)
EVENING_MEAL = re.compile(
    r"\b(?:dinner|supper|drinks|party|concert|movie|cinema|abendessen|kino|konzert)\b", re.IGNORECASE
)
WIDEST_GAP = 24
RELATIONS: tuple[Relation, ...] = ("by", "before", "on", "at", "in")


@dataclass(frozen=True)
class DateMention:
    """A phrase at [start, end) of the text, with the word that leads to it, and what it means.

    `due_at` is aware; for an all-day mention the last second of the day. `is_vague`: "next week", "this weekend".
    `has_day`: false for a time of day alone. `keeps_words`: the words belong to something else too ("tomorrow's meeting") and are no mere date.
    """

    start: int
    end: int
    due_at: datetime
    is_all_day: bool
    relation: Relation = "none"
    is_vague: bool = False
    keeps_words: bool = False
    has_day: bool = True


def find_dates(text: str, now: datetime, *, prefer: Prefer = "future") -> list[DateMention]:
    """Every date or time phrase in `text`, in order, without overlaps. `now` is aware.

    A weekday, or a date without a year, is the coming one; with `prefer="past"` the last one. What lies beyond
    200,000 characters is not read.
    """
    if now.tzinfo is None:
        raise ValueError(f"now must be aware, got {now.isoformat()}")
    text = text[:LONGEST_TEXT]
    days = _one_day_said_twice(text, find_days(text, now, prefer))
    times = _beside(find_times(text), days)
    mentions: list[DateMention] = []
    free = iter(times)
    waiting: list[TimePhrase] = []
    following = next(free, None)
    for day in days:
        while following and following.end <= day.start:
            waiting.append(following)
            following = next(free, None)
        earlier = waiting[-1] if waiting and _touches(text, waiting[-1].end, day.start) else None
        later = following if following and _touches(text, day.end, following.start) else None
        if later:
            following = next(free, None)
        elif earlier:
            waiting.pop()
        mentions.append(_mention(text, day, later or earlier, now))
    waiting.extend([following, *free] if following else [])
    mentions.extend(_alone(text, at, now) for at in waiting if not at.is_weak)
    return sorted(mentions, key=lambda mention: mention.start)


def local(day: date, at: time, now: datetime) -> datetime:
    """That wall-clock time in the zone of `now`; a time that a clock change skips moves on by the gap."""
    return datetime.combine(day, at, now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


def _beside(times: list[TimePhrase], days: list[DayPhrase]) -> list[TimePhrase]:
    """The times that are no part of a day's own words. Both lists are in order, so one pass does."""
    kept: list[TimePhrase] = []
    number = 0
    for at in times:
        while number < len(days) and days[number].end <= at.start:
            number += 1
        if number == len(days) or days[number].start >= at.end:
            kept.append(at)
    return kept


def _touches(text: str, start: int, end: int) -> bool:
    return end - start <= WIDEST_GAP and BETWEEN.fullmatch(text, start, end) is not None


def _one_day_said_twice(text: str, days: list[DayPhrase]) -> list[DayPhrase]:
    """In "Wednesday, 11 March" the date says which Wednesday; in "Friday evening, 6 March" the evening stays."""
    joined: list[DayPhrase] = []
    for day in days:
        last = joined[-1] if joined else None
        if (
            last
            and last.is_weekday
            and day.start - last.end <= WIDEST_GAP
            and JOINED.fullmatch(text, last.end, day.start)
        ):
            joined[-1] = replace(day, start=last.start, at=day.at or last.at)
        else:
            joined.append(day)
    return joined


def _mention(text: str, day: DayPhrase, beside: TimePhrase | None, now: datetime) -> DateMention:
    start = min(day.start, beside.start) if beside else day.start
    end = max(day.end, beside.end) if beside else day.end
    start, relation = _lead(text, start, end)
    if day.exact:
        return DateMention(start, end, day.exact, False, relation)
    at = _time(text, beside, day.at) if beside else day.at
    if at is None:
        due_at = local(day.day, END_OF_DAY, now)
        return DateMention(start, end, due_at, True, relation, day.is_vague, day.keeps_words)
    chosen = day.day
    if day.is_weekday and chosen == now.date() + timedelta(days=7) and local(now.date(), at, now) > now:
        chosen = now.date()  # "Friday at 4pm", said on a Friday morning
    return DateMention(start, end, local(chosen, at, now), False, relation, day.is_vague, day.keeps_words)


def _time(text: str, phrase: TimePhrase, part: time | None) -> time:
    if not phrase.is_open:
        return phrase.at
    if part:
        return in_half(phrase.at, part)
    if 5 <= phrase.at.hour <= 11 and EVENING_MEAL.search(text[max(0, phrase.start - 200) : phrase.end + 200]):
        return in_half(phrase.at, time(18))
    return phrase.at


def _alone(text: str, phrase: TimePhrase, now: datetime) -> DateMention:
    """A time without a day: today, or tomorrow where it is over."""
    at = _time(text, phrase, None)
    due_at = local(now.date(), at, now)
    if due_at <= now and phrase.is_open and at.hour in {7, 8}:
        due_at = local(now.date(), in_half(at, time(18)), now)  # "call mom at 7", said at noon
    if due_at <= now:
        due_at = local(now.date() + timedelta(days=1), at, now)
    start, relation = _lead(text, phrase.start, phrase.end)
    return DateMention(start, phrase.end, due_at, False, relation, has_day=False)


def _lead(text: str, start: int, end: int) -> tuple[int, Relation]:
    """Where the phrase begins with the word that leads to it, and what that word says."""
    before = text[max(0, start - 32) : start]
    match = LEAD.search(before)
    begin = start - (len(before) - match.start()) if match else start
    found = match or INSIDE.match(text, start, end)
    for relation in RELATIONS:
        if found and found[relation]:
            return begin, relation
    return begin, "none"
