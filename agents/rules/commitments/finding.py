"""Promises in a text: "I'll get back to you by Thursday noon", "bekommst du morgen", with when they come due. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.rules.commitments import phrases
from agents.rules.dates import END_OF_DAY, DateMention, find_dates, local
from agents.rules.mail_text import read_mail_text

LONGEST_SENTENCE = 600
FARTHEST = timedelta(days=400)
MOST = 20
SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Promise:
    """What somebody promises. `title` is the promise without its date; `due_at` is aware, None where none is named."""

    quote: str
    title: str
    due_at: datetime | None = None
    due_is_all_day: bool = True


def find_promises(text: str, said_at: datetime) -> list[Promise]:
    """The promises that the writer of a text makes, in order. Quoted lines, greeting and closing words are left out.

    `said_at` is aware, in the zone of the reader: days are seen from it.
    """
    found: list[Promise] = []
    for sentence in read_mail_text(text).sentences:
        promise = read_promise(sentence.text, said_at)
        if promise and promise.quote not in {one.quote for one in found}:
            found.append(promise)
        if len(found) == MOST:
            break
    return found


def read_promise(sentence: str, said_at: datetime) -> Promise | None:
    """The promise that a sentence makes; None where it asks, doubts, denies, sets a condition or tells."""
    words = SPACE.sub(" ", sentence).strip()
    if not words or len(words) > LONGEST_SENTENCE or words.rstrip("\"'”“») ").endswith("?"):
        return None
    dates = find_dates(words, said_at)
    what = _promised(words, dates, said_at)
    if what is None:
        return None
    due = due_in(words, said_at, dates)
    title = _title(what, dates)
    return Promise(words, title or words[:200], due[0] if due else None, due[1] if due else True)


def due_in(words: str, said_at: datetime, dates: list[DateMention] | None = None) -> tuple[datetime, bool] | None:
    """When it comes due and whether all day: a deadline before any other day; what lies behind is none."""
    if found := phrases.EOB.search(words):
        return _end_of(found["day"].casefold(), said_at), True
    named = find_dates(words, said_at) if dates is None else dates
    ahead = [
        one
        for one in named
        if said_at < one.due_at < said_at + FARTHEST
        and not one.keeps_words
        and not phrases.NOT_A_DUE.search(words[: one.start])
    ]
    best = next((one for one in ahead if one.relation in {"by", "before"}), ahead[0] if ahead else None)
    if best is None:
        return None
    return _before(best) if best.relation == "before" else (best.due_at, best.is_all_day)


def _before(date: DateMention) -> tuple[datetime, bool]:
    """Before a day is the end of the day before; before a time of day is that time."""
    return (date.due_at - timedelta(days=1), True) if date.is_all_day else (date.due_at, False)


def _end_of(words: str, said_at: datetime) -> datetime:
    day = said_at.date()
    if "week" in words or "woche" in words or words == "eow":
        day += timedelta(days=(4 - day.weekday()) % 7)
    elif "month" in words or "monat" in words:
        day = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return local(day, END_OF_DAY, said_at)


def _promised(words: str, dates: list[DateMention], said_at: datetime) -> str | None:
    """What is promised, in the words of the sentence."""
    bare = phrases.QUOTED.sub(lambda match: " " * len(match[0]), words)
    for start, what, is_german in _candidates(bare, dates, said_at):
        if not _is_none(bare, start, what, is_german=is_german):
            return what or words
    return None


def _candidates(words: str, dates: list[DateMention], said_at: datetime) -> Iterator[tuple[int, str, bool]]:
    """Where a promise may begin, what it says, and whether it is German."""
    for pattern in (phrases.MINE, phrases.LET_ME, phrases.DROPPED, phrases.WILL_DO, phrases.CAN_BY, phrases.PROMISE):
        if match := pattern.search(words):
            yield match.start(), next((part for part in match.groups() if part), "").strip(), False
    has_due = due_in(words, said_at, dates) is not None
    if (match := phrases.GETS.search(words)) and (has_due or phrases.FROM_ME.search(words)):
        yield match.start(), words[match.start() :].strip(), False
    if match := phrases.ICH.search(words):
        yield match.start(), words[match.start() :].strip(), True
    if (match := phrases.BEKOMMST.search(words)) and (has_due or phrases.FROM_ME.search(words)):
        yield match.start(), words.strip(), True


def _is_none(words: str, start: int, what: str, *, is_german: bool) -> bool:
    """Is it denied, doubted, reported, on a condition, done already, or mere courtesy?"""
    before, clause = words[:start], words[start:]
    if phrases.NEGATED.search(clause.partition(",")[0]) or phrases.REPORTED.search(before):
        return True
    asking = phrases.ABOUT_IF.sub(" ", words)  # "I'll check whether it works" promises to check
    if phrases.CONDITION.search(phrases.WHETHER.sub(" ", asking)):
        return True
    doubted = asking if is_german else f"{before} {_head(clause)}"
    if phrases.DOUBTED.search(phrases.WHETHER.sub(" ", doubted)):
        return True
    if phrases.NOW.search(words):
        return True
    if is_german:
        main = clause.partition(",")[0]
        return phrases.NOT_DE.search(main) is not None or phrases.SMALL_DE.search(clause) is not None
    return phrases.SMALL.match(what) is not None


def _head(clause: str) -> str:
    """The beginning of a promise, where words of doubt count: what it is about may be doubtful."""
    return " ".join(clause.split()[:4])


def _title(what: str, dates: list[DateMention]) -> str:
    """What is promised without its date and its end."""
    title = phrases.EOB.sub(" ", what)
    for date in _written_dates(title, dates):
        title = title.replace(date, " ", 1)
    title = SPACE.sub(" ", re.sub(r"\s+([,.;!])", r"\1", title)).strip(" .,;:!–-")
    return f"{title[:1].upper()}{title[1:]}"[:200]


def _written_dates(title: str, dates: list[DateMention]) -> list[str]:
    """The phrases of dates that stand in a title, as they are written there."""
    if not dates:
        return []
    return [title[one.start : one.end] for one in find_dates(title, dates[0].due_at) if not one.keeps_words]
