"""Dates and times in English and German text, by rules.

`find_dates` finds phrases ("next Tuesday at 3pm", "bis Freitag", "in two weeks", "20 March", "20.3.") and says which
moment each means, seen from `now`. What a calendar library does is left to it: month names to `dateparser`, steps of
months and days to `dateutil`. Every result is an aware wall-clock time in the zone of `now`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

import dateparser
from dateutil.relativedelta import relativedelta

Relation = Literal["by", "before", "on", "at", "in", "none"]
END_OF_DAY = time(23, 59, 59)
LONGEST_TEXT = 200_000

WEEKDAYS = {
    **dict.fromkeys(["monday", "mon", "montag", "mo"], 0),
    **dict.fromkeys(["tuesday", "tues", "tue", "dienstag", "di"], 1),
    **dict.fromkeys(["wednesday", "wed", "mittwoch", "mi"], 2),
    **dict.fromkeys(["thursday", "thurs", "thur", "thu", "donnerstag", "do"], 3),
    **dict.fromkeys(["friday", "fri", "freitag", "fr"], 4),
    **dict.fromkeys(["saturday", "sat", "samstag", "sonnabend", "sa"], 5),
    **dict.fromkeys(["sunday", "sun", "sonntag", "so"], 6),
}
LONG_DAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
)
SAFE_SHORT_DAYS = "tues|tue|thurs|thur|thu|fri"
RISKY_SHORT_DAYS = "mon|wed|sat|sun"
GERMAN_SHORT_DAYS = "Mo|Di|Mi|Do|Fr|Sa|So"
MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec|"
    "januar|februar|märz|mai|juni|juli|oktober|dezember|jän|mär|okt|dez"
)
NUMBERS = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8},
    **{"nine": 9, "ten": 10, "twelve": 12, "a couple of": 2, "ein": 1, "eine": 1, "einem": 1, "einer": 1, "einen": 1},
    **{
        "zwei": 2,
        "drei": 3,
        "vier": 4,
        "fünf": 5,
        "sechs": 6,
        "sieben": 7,
        "acht": 8,
        "neun": 9,
        "zehn": 10,
        "zwölf": 12,
    },
}
UNITS: dict[str, str] = {
    **dict.fromkeys(["minute", "minutes", "min", "mins", "minuten"], "minutes"),
    **dict.fromkeys(["hour", "hours", "hrs", "stunde", "stunden"], "hours"),
    **dict.fromkeys(["day", "days", "tag", "tage", "tagen"], "days"),
    **dict.fromkeys(["week", "weeks", "woche", "wochen"], "weeks"),
    **dict.fromkeys(["month", "months", "monat", "monate", "monaten"], "months"),
    **dict.fromkeys(["year", "years", "jahr", "jahre", "jahren"], "years"),
}
PARTS: dict[str, time] = {
    **dict.fromkeys(
        ["morning", "früh", "morgen", "vormittag", "in the morning", "morgens", "am morgen", "am vormittag"], time(9)
    ),
    **dict.fromkeys(
        ["noon", "midday", "lunchtime", "mittag", "mittags", "at noon", "at midday", "am mittag"], time(12)
    ),
    **dict.fromkeys(["afternoon", "in the afternoon", "nachmittag", "nachmittags", "am nachmittag"], time(15)),
    **dict.fromkeys(["evening", "in the evening", "abend", "abends", "am abend"], time(18)),
    **dict.fromkeys(["night", "at night", "nacht"], time(20)),
    **dict.fromkeys(["midnight", "mitternacht"], time(23, 59)),
}
PART_WORDS = "|".join(sorted(map(re.escape, PARTS), key=len, reverse=True))
BY = r"(?:no later than|not later than|due by|due on|due|by|until|till|til|bis spätestens|bis zum|bis|spätestens|fällig am|fällig|deadline)"
BEFORE = r"(?:before|vor dem|vor|ahead of)"
ON = r"(?:on|am|for|zum|an diesem|this coming|starting|ab|@)"
LEAD = re.compile(
    rf"(?:(?P<by>{BY})|(?P<before>{BEFORE})|(?P<on>{ON})|(?P<at>at|um|gegen|around)|(?P<in>in))[\s:]+(?:the\s+)?$", re.I
)


@dataclass(frozen=True)
class DateMention:
    """A phrase at [start, end) of the text, with the word that leads to it, and what it means.

    `due_at` is aware; for an all-day mention the last second of the day. `is_vague`: "next week", "this weekend".
    """

    start: int
    end: int
    due_at: datetime
    is_all_day: bool
    relation: Relation = "none"
    is_vague: bool = False


@dataclass(frozen=True)
class _Day:
    start: int
    end: int
    day: date
    at: time | None = None
    is_vague: bool = False
    exact: datetime | None = None


@dataclass(frozen=True)
class _Time:
    start: int
    end: int
    at: time


def find_dates(text: str, now: datetime) -> list[DateMention]:
    """Every date or time phrase in `text`, in order, without overlaps. `now` is aware."""
    text = text[:LONGEST_TEXT]
    days = _without_overlaps(
        [day for pattern, read in DAY_PATTERNS for match in pattern.finditer(text) if (day := read(match, now))]
    )
    taken = [(day.start, day.end) for day in days]
    times = [
        found
        for match in TIME.finditer(text)
        if (found := _read_time(match)) and not any(s < found.end and found.start < e for s, e in taken)
    ]
    return _merge(text, days, times, now)


def local(day: date, at: time, now: datetime) -> datetime:
    """That wall-clock time in the zone of `now`; a time that a clock change skips moves on by the gap."""
    return datetime.combine(day, at, now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


# Days ---------------------------------------------------------------------------------------------------------------


def _next_weekday(now: datetime, weekday: int) -> date:
    ahead = (weekday - now.weekday()) % 7
    return now.date() + timedelta(days=ahead or 7)


def _read_weekday(match: re.Match[str], now: datetime) -> _Day:
    weekday = WEEKDAYS[match["day"].casefold().rstrip(".")]
    which = (match["which"] or "").casefold()
    if which.startswith(("next", "nächst")):
        monday = now.date() - timedelta(days=now.weekday()) + timedelta(days=7)
        day = monday + timedelta(days=weekday)
    else:
        day = _next_weekday(now, weekday)
        if which.startswith(("this", "dies", "heute")) and weekday == now.weekday():
            day = now.date()
    if match["week"]:
        day = now.date() - timedelta(days=now.weekday()) + timedelta(days=7 + weekday)
    return _Day(match.start(), match.end(), day, _part(match["part"]))


def _read_relative_day(match: re.Match[str], now: datetime) -> _Day | None:
    word = match["day"].casefold()
    ahead = {
        "today": 0,
        "tonight": 0,
        "heute": 0,
        "tomorrow": 1,
        "tmrw": 1,
        "tmr": 1,
        "morgen": 1,
        "übermorgen": 2,
    }.get(word, 2)
    part = "night" if word == "tonight" else match["part"]
    return _Day(match.start(), match.end(), now.date() + timedelta(days=ahead), _part(part))


def _read_this_part(match: re.Match[str], now: datetime) -> _Day:
    return _Day(match.start(), match.end(), now.date(), _part(match["part"]))


def _read_in(match: re.Match[str], now: datetime) -> _Day | None:
    word = re.sub(r"\s+", " ", match["n"].casefold())
    unit = UNITS[match["unit"].casefold()]
    if word.startswith(("half", "einer halben")):
        exact = (now.astimezone(UTC) + timedelta(minutes=30)).astimezone(now.tzinfo)
        return _Day(match.start(), match.end(), exact.date(), exact=exact)
    number = NUMBERS.get(word) or (int(word) if word.isdigit() else 0)
    if not 0 < number <= 1000:
        return None
    if unit in {"minutes", "hours"}:
        exact = (now.astimezone(UTC) + timedelta(**{unit: number})).astimezone(now.tzinfo)
        return _Day(match.start(), match.end(), exact.date(), exact=exact)
    steps: dict[str, Callable[[], relativedelta]] = {
        "days": lambda: relativedelta(days=number),
        "weeks": lambda: relativedelta(weeks=number),
        "months": lambda: relativedelta(months=number),
        "years": lambda: relativedelta(years=number),
    }
    try:
        return _Day(match.start(), match.end(), now.date() + steps[unit]())
    except (OverflowError, ValueError):
        return None


def _read_end_of(match: re.Match[str], now: datetime) -> _Day:
    words = match[0].casefold()
    today = now.date()
    ahead = 1 if "next" in words or "nächst" in words or "kommend" in words else 0
    if re.search(r"week|woche|eow", words):
        day = today - timedelta(days=today.weekday()) + timedelta(days=4 + 7 * ahead)
        day = day + timedelta(days=7) if day < today else day
    elif re.search(r"month|monat|eom", words):
        day = today + relativedelta(day=31) if not ahead else today + relativedelta(months=1, day=31)
    elif re.search(r"quarter|quartal", words):
        last = 3 * ((today.month - 1) // 3 + 1 + ahead)
        day = date(today.year, 1, 1) + relativedelta(months=last - 1, day=31)
    elif re.search(r"year|jahr", words):
        day = date(today.year + ahead, 12, 31)
    else:
        return _Day(match.start(), match.end(), today, time(18))
    return _Day(match.start(), match.end(), day)


def _read_next_span(match: re.Match[str], now: datetime) -> _Day:
    words = match[0].casefold()
    today = now.date()
    if re.search(r"weekend|wochenende", words):
        ahead = (6 - today.weekday()) + (7 if "next" in words or "nächst" in words else 0)
        return _Day(match.start(), match.end(), today + timedelta(days=ahead), is_vague=True)
    this = re.search(r"\bthis|dies", words) is not None
    if re.search(r"month|monat", words):
        return _Day(match.start(), match.end(), today + relativedelta(months=0 if this else 1, day=31), is_vague=True)
    friday = today - timedelta(days=today.weekday()) + timedelta(days=4 if this and today.weekday() <= 4 else 11)
    return _Day(match.start(), match.end(), friday, is_vague=True)


@lru_cache(maxsize=4096)
def _parse_absolute(words: str, year: int) -> date | None:
    found = dateparser.parse(
        words,
        languages=["en", "de"],
        settings={"DATE_ORDER": "DMY", "RELATIVE_BASE": datetime(year, 1, 1), "STRICT_PARSING": True},
    ) or dateparser.parse(
        f"{words} {year}", languages=["en", "de"], settings={"DATE_ORDER": "DMY", "STRICT_PARSING": True}
    )
    return found.date() if found else None


def _read_absolute(match: re.Match[str], now: datetime) -> _Day | None:
    words = re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1", match["date"].casefold()).replace(" of ", " ").replace(",", " ")
    words = re.sub(r"(\d)\.(?=\s|$)", r"\1 ", words)
    words = re.sub(r"\s+", " ", words).strip()
    has_year = re.search(r"\b\d{4}\b", words) is not None
    day = _parse_absolute(words, now.year)
    if day is None:
        return None
    return _Day(match.start(), match.end(), _coming(day, now, has_year), _part(match.groupdict().get("part")))


def _coming(day: date, now: datetime, has_year: bool) -> date:
    if not has_year and day < now.date() - timedelta(days=1):
        try:
            return day.replace(year=day.year + 1)
        except ValueError:
            return day + timedelta(days=365)
    return day


def _read_iso(match: re.Match[str], now: datetime) -> _Day | None:
    try:
        return _Day(match.start(), match.end(), date(int(match["y"]), int(match["m"]), int(match["d"])))
    except ValueError:
        return None


def _read_dotted(match: re.Match[str], now: datetime) -> _Day | None:
    year = match["y"]
    number = int(year) + (2000 if len(year) == 2 else 0) if year else now.year
    try:
        day = date(number, int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    return _Day(match.start(), match.end(), _coming(day, now, bool(year)))


def _read_day_of_month(match: re.Match[str], now: datetime) -> _Day | None:
    number = int(match["d"])
    for ahead in range(3):
        month = now.date() + relativedelta(months=ahead, day=1)
        try:
            day = month.replace(day=number)
        except ValueError:
            continue
        if day >= now.date():
            return _Day(match.start(), match.end(), day)
    return None


def _part(word: str | None) -> time | None:
    return PARTS.get(re.sub(r"\s+", " ", word.casefold()).strip()) if word else None


IGNORE_CASE = re.IGNORECASE
WHICH = r"(?:(?P<which>next|this|coming|this coming|upcoming|nächste[nrs]?|kommende[nrs]?|diese[nrs]?|der|den|dem)\s+)?"
AFTER_PART = rf"(?:\s+(?P<part>{PART_WORDS}))?"
IN_WEEK = r"(?P<week>\s+(?:next week|of next week|nächster Woche|nächste Woche|kommender Woche))?"
DAY_PATTERNS: list[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], _Day | None]]] = [
    (re.compile(r"\b(?P<y>\d{4})[-/](?P<m>\d{2})[-/](?P<d>\d{2})\b"), _read_iso),
    (re.compile(r"(?<![\d.,/-])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4}|\d{2})?(?![\d/])"), _read_dotted),
    (
        re.compile(
            rf"\b(?P<date>\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?:{MONTHS})\b\.?(?:,?\s+\d{{4}}\b)?)(?:,?\s+(?P<part>{PART_WORDS})\b)?",
            IGNORE_CASE,
        ),
        _read_absolute,
    ),
    (
        re.compile(
            rf"\b(?P<date>(?!may\b)(?:{MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\d:.])(?:,?\s+\d{{4}}\b)?)",
            IGNORE_CASE,
        ),
        _read_absolute,
    ),
    (re.compile(r"\b(?P<date>May\s+\d{1,2}(?:st|nd|rd|th)?(?![\d:.])(?:,?\s+\d{4}\b)?)"), _read_absolute),
    (
        re.compile(r"\b(?:the\s+)?day after tomorrow\b(?P<day>)(?P<part>)", IGNORE_CASE),
        lambda m, n: _Day(m.start(), m.end(), n.date() + timedelta(days=2)),
    ),
    (
        re.compile(rf"\b(?P<day>today|tonight|tomorrow|tmrw|tmr|heute|übermorgen){AFTER_PART}\b", IGNORE_CASE),
        _read_relative_day,
    ),
    (
        re.compile(
            rf"(?<!guten )(?<!Guten )(?<!am )(?<!jeden )(?<!Jeden )\b(?P<day>morgen|Morgen(?!\s*[!,.]?$)(?=\s+\w)){AFTER_PART}\b"
        ),
        _read_relative_day,
    ),
    (re.compile(rf"\b(?:this|diesen|heute)\s+(?P<part>{PART_WORDS})\b", IGNORE_CASE), _read_this_part),
    (re.compile(rf"\b{WHICH}(?P<day>{LONG_DAYS})\b{IN_WEEK}{AFTER_PART}", IGNORE_CASE), _read_weekday),
    (re.compile(rf"\b{WHICH}(?P<day>{SAFE_SHORT_DAYS})\b\.?{IN_WEEK}{AFTER_PART}", IGNORE_CASE), _read_weekday),
    (
        re.compile(
            rf"(?:(?<=on )|(?<=by )|(?<=until )|(?<=till )|(?<=before )|(?=next |this ))\b{WHICH}(?P<day>{RISKY_SHORT_DAYS})\b\.?{IN_WEEK}{AFTER_PART}",
            IGNORE_CASE,
        ),
        _read_weekday,
    ),
    (re.compile(rf"\b{WHICH}(?P<day>Mon|Wed|Sat|Sun)\b(?!\s+(?:sat|sets)){IN_WEEK}{AFTER_PART}"), _read_weekday),
    (
        re.compile(
            rf"(?:(?<=am )|(?<=bis )|(?<=zum ))(?P<which>)(?P<week>)(?P<day>{GERMAN_SHORT_DAYS})\b\.?{AFTER_PART}"
        ),
        _read_weekday,
    ),
    (
        re.compile(
            rf"\b(?:with)?in\s+(?P<n>\d{{1,3}}|half an|einer halben|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})\s+(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))})\b",
            IGNORE_CASE,
        ),
        _read_in,
    ),
    (
        re.compile(
            r"\b(?:the\s+)?end of\s+(?:the\s+|this\s+|next\s+)?(?:business\s+)?(?:day|week|month|quarter|year)\b|\b(?:EOD|EOW|EOM|COB|close of business)\b",
            IGNORE_CASE,
        ),
        _read_end_of,
    ),
    (
        re.compile(
            r"\bEnde\s+(?:der\s+|des\s+|dieser\s+|dieses\s+|nächster\s+|nächsten\s+|kommender\s+)?(?:Woche|Monats?|Quartals?|Jahres|Jahr|Tages)\b|\b(?:Monatsende|Wochenende(?=\s+(?:fertig|fällig))|Jahresende|Quartalsende)\b",
            IGNORE_CASE,
        ),
        _read_end_of,
    ),
    (
        re.compile(
            r"\b(?:next|this|coming)\s+(?:week|month|weekend)\b|\b(?:over |at |on )?the weekend\b|\b(?:nächste[nr]?|kommende[nr]?|diese[nr]?)\s+(?:Woche|Monat|Wochenende)\b|\bam Wochenende\b",
            IGNORE_CASE,
        ),
        _read_next_span,
    ),
    (
        re.compile(
            r"(?:\b(?:on|by|until|before|due)\s+)(?:the\s+)(?P<d>\d{1,2})(?:st|nd|rd|th)\b(?!\s+(?:of|floor|time|century|edition|version|draft|anniversary|birthday))",
            IGNORE_CASE,
        ),
        _read_day_of_month,
    ),
    (
        re.compile(r"\b(?:am|bis zum|zum|bis)\s+(?P<d>\d{1,2})\.(?!\s*(?:\d|Stock|Mal))(?=\s|,|;|$|\))"),
        _read_day_of_month,
    ),
]

# Times --------------------------------------------------------------------------------------------------------------

TIME = re.compile(
    r"""(?<![\w.:/€$£#-])(?:
      (?:(?P<lead>at|um|gegen|around|ab|@)\s*)?(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?\s*(?P<ampm>a\.?m\.?|p\.?m\.?)(?!\w)
    | (?:(?:at|um|gegen|around|by|before|until|bis|ab|@)\s+)?(?P<h24>\d{1,2}):(?P<m24>\d{2})(?::\d{2})?(?:\s*(?:Uhr|h))?(?![\d%])
    | (?:(?:um|gegen|bis|ab)\s+)?(?P<huhr>\d{1,2})(?:[.:](?P<muhr>\d{2}))?\s*Uhr(?:\s+(?P<muhr2>\d{2})\b)?
    | (?:at|around|before|by|until|um)\s+(?P<bare>\d{1,2})(?:\s*o['’]?clock)?(?=\s*(?:$|[,.;!?)]|and\b|und\b|on\b|with\b|tomorrow\b|today\b|next\b))
    | half\s+past\s+(?P<half>\d{1,2}) | halb\s+(?P<halb>\d{1,2})(?!\w)
    | (?P<word>(?:at\s+)?(?:noon|midday|midnight)|mittags?|Mitternacht)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def _read_time(match: re.Match[str]) -> _Time | None:
    groups = match.groupdict()
    hour, minute = 0, 0
    if groups["h"]:
        hour, minute = int(groups["h"]), int(groups["m"] or 0)
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if groups["ampm"].casefold().startswith("p") else 0)
    elif groups["h24"]:
        hour, minute = int(groups["h24"]), int(groups["m24"])
    elif groups["huhr"]:
        hour, minute = int(groups["huhr"]), int(groups["muhr"] or groups["muhr2"] or 0)
    elif groups["bare"]:
        hour = int(groups["bare"])
        hour += 12 if 1 <= hour <= 6 else 0
    elif groups["half"]:
        hour, minute = int(groups["half"]), 30
        hour += 12 if 1 <= hour <= 6 else 0
    elif groups["halb"]:
        hour, minute = int(groups["halb"]) - 1, 30
        hour += 12 if 1 <= hour <= 6 else 0
    else:
        at = PARTS[re.sub(r"^at\s+", "", groups["word"].casefold())]
        return _Time(match.start(), match.end(), at)
    if hour == 24 and minute == 0:
        hour, minute = 23, 59
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        return None
    return _Time(match.start(), match.end(), time(hour, minute))


# Putting them together ----------------------------------------------------------------------------------------------

BETWEEN = re.compile(
    r"^[\s,]*(?:at|um|on|am|by|@|-|–|um spätestens|gegen|around|before|bis|until|,)?[\s,]*(?:the\s+)?$", re.I
)


JOINED = re.compile(r"^[\s,]+(?:den\s+|dem\s+|the\s+)?$", re.I)


def _without_overlaps(days: list[_Day]) -> list[_Day]:
    kept: list[_Day] = []
    for day in sorted(days, key=lambda d: (d.start, d.start - d.end)):
        if not kept or day.start >= kept[-1].end:
            kept.append(day)
        elif day.end - day.start > kept[-1].end - kept[-1].start:
            kept[-1] = day
    return kept


def _merge(text: str, days: list[_Day], times: list[_Time], now: datetime) -> list[DateMention]:
    free = list(times)
    mentions: list[DateMention] = []
    for day in _join_weekdays(text, days):
        after = next((t for t in free if t.start >= day.end and BETWEEN.match(text[day.end : t.start])), None)
        before = next((t for t in free if t.end <= day.start and BETWEEN.match(text[t.end : day.start])), None)
        beside = after or before
        if beside:
            free.remove(beside)
        mentions.append(_mention(text, day, beside, now))
    for alone in free:
        due = local(now.date(), alone.at, now)
        if due <= now:
            due = local(now.date() + timedelta(days=1), alone.at, now)
        start, relation = _lead(text, alone.start, alone.end)
        mentions.append(DateMention(start, alone.end, due, False, relation))
    return sorted(mentions, key=lambda m: m.start)


def _join_weekdays(text: str, days: list[_Day]) -> list[_Day]:
    """One day said twice is one: in "Wednesday, 11 March" the date says which Wednesday."""
    joined: list[_Day] = []
    for day in days:
        last = joined[-1] if joined else None
        if last and _is_bare_weekday(text[last.start : last.end]) and JOINED.match(text[last.end : day.start]):
            joined[-1] = replace(day, start=last.start, at=day.at or last.at)
        else:
            joined.append(day)
    return joined


def _mention(text: str, day: _Day, beside: _Time | None, now: datetime) -> DateMention:
    start = min(day.start, beside.start) if beside else day.start
    end = max(day.end, beside.end) if beside else day.end
    lead_start, relation = _lead(text, start, end)
    if day.exact:
        return DateMention(lead_start, end, day.exact, False, relation)
    at = beside.at if beside else day.at
    chosen = day.day
    if (
        at
        and chosen == now.date() + timedelta(days=7)
        and _is_bare_weekday(text[day.start : day.end])
        and local(now.date(), at, now) > now
    ):
        chosen = now.date()  # "Friday at 4pm", said on a Friday morning
    if at is None:
        return DateMention(lead_start, end, local(chosen, END_OF_DAY, now), True, relation, day.is_vague)
    return DateMention(lead_start, end, local(chosen, at, now), False, relation, day.is_vague)


def _is_bare_weekday(words: str) -> bool:
    return not any(c.isdigit() for c in words) and words.casefold().strip(". ").split(" ")[0].rstrip(".") in WEEKDAYS


def _lead(text: str, start: int, end: int) -> tuple[int, Relation]:
    words = text[max(0, start - 24) : start]
    inside = re.match(r"(by|until|bis|before|on|am|at|um|in|zum|due)\b", text[start:end], re.I)
    match = LEAD.search(words)
    begin = start - (len(words) - match.start()) if match else start
    word = match[0].casefold() if match else (inside[0].casefold() if inside else "")
    if (match and match["by"]) or word.startswith(("by", "until", "bis", "due")):
        return begin, "by"
    if (match and match["before"]) or word.startswith("before"):
        return begin, "before"
    if word.startswith(("at", "um", "gegen", "around")):
        return begin, "at"
    if word.startswith("in"):
        return begin, "in"
    return begin, "on" if word else "none"
