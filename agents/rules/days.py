"""Days in English and German text: "tomorrow", "next Tuesday", "20 March", "in zwei Wochen", "Ende des Monats".

Month names are read by `dateparser`, steps of months by `dateutil`. A time of day that belongs to the day's own words
("tomorrow evening") comes with it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

import dateparser
from dateutil.easter import easter
from dateutil.relativedelta import relativedelta

from agents.rules.calendar_words import HOLIDAYS, LONG_DAYS, MONTHS, NUMBERS, SHORT_DAYS, UNITS, WEEKDAYS
from agents.rules.times import PART_WORDS, PARTS, part_of_day

Prefer = Literal["future", "past"]
MOST_PHRASES = 2_000
EARLIEST_YEAR, LATEST_YEAR = 1900, 9_000


@dataclass(frozen=True)
class DayPhrase:
    """A day at [start, end) of the text; `exact` is set where the words name a moment ("in 20 minutes")."""

    start: int
    end: int
    day: date
    at: time | None = None
    is_vague: bool = False
    exact: datetime | None = None
    is_weekday: bool = False
    keeps_words: bool = False


@dataclass(frozen=True)
class Seen:
    """From where a phrase is read: now, and where a day without a year or week is looked for."""

    now: datetime
    prefer: Prefer

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def monday(self) -> date:
        return self.today - timedelta(days=self.now.weekday())


NUMBER = "|".join(sorted(NUMBERS, key=len, reverse=True))
UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
PART = rf"(?:,?\s+(?P<part>{PART_WORDS})\b)?"
GLUED = r"(?P<glued>früh|morgen|vormittag|mittag|nachmittag|abend|nacht)?"
WHICH = r"(?:(?P<which>this\s+coming|next|this|coming|upcoming|nächste[nrsm]?|kommende[nrsm]?|diese[nrsm]?)\s+)?"
WEEK = (
    r"(?P<week>\s+(?:of\s+)?next\s+week|\s+(?:nächste[r]?|kommende[r]?|der\s+nächsten)\s+Woche|\s+week\b|"
    r"\s+in\s+(?:a|one|einer)\s+(?:week|Woche))?"
)
NOT_PAST = r"(?<!last )(?<!past )(?<!previous )(?<!since )(?<!letzten )(?<!letzte )(?<!vergangenen )(?<!seit )"
NOT_OWNED = r"(?!['’]s\b)"


def find_days(text: str, now: datetime, prefer: Prefer) -> list[DayPhrase]:
    """Every day phrase in `text`, in order, without overlaps (the longest wins)."""
    seen = Seen(now, prefer)
    kept: list[DayPhrase] = []
    for day in sorted(_all(text, seen), key=lambda d: (d.start, d.start - d.end)):
        if not kept or day.start >= kept[-1].end:
            kept.append(day)
        elif day.end - day.start > kept[-1].end - kept[-1].start:
            kept[-1] = day
    return kept


def _all(text: str, seen: Seen) -> Iterator[DayPhrase]:
    for pattern, read in PATTERNS:
        for number, match in enumerate(pattern.finditer(text)):
            if number >= MOST_PHRASES:
                break
            try:
                day = read(match, seen)
            except (ValueError, OverflowError):
                continue  # no such day: 31 February, year 0, beyond the calendar's end
            if day and EARLIEST_YEAR <= day.day.year <= LATEST_YEAR:
                yield day


def _weekday(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    groups = match.groupdict()
    if match.string[match.end() :][:2] in {"'s", "’s"}:
        return None
    number = WEEKDAYS[groups["day"].casefold().rstrip(".")]
    which = (groups.get("which") or groups.get("week") or "").casefold()
    ahead = (number - seen.now.weekday()) % 7
    if seen.prefer == "past" and not which:
        day = seen.today - timedelta(days=(seen.now.weekday() - number) % 7 or 7)
    elif which.strip() == "week" or re.search(r"\bin\s", which):
        day = seen.today + timedelta(days=(ahead or 7) + 7)
    elif "next" in which or "nächst" in which or ("kommende" in which and "woche" in which):
        day = seen.monday + timedelta(days=7 + number)
    elif which.startswith(("this", "dies")):
        day = seen.today + timedelta(days=ahead)
    else:
        day = seen.today + timedelta(days=ahead or 7)
    part = part_of_day(groups.get("part")) or part_of_day(groups.get("glued"))
    return DayPhrase(match.start(), match.end(), day, part, is_weekday=not which and seen.prefer == "future")


def _week_then_day(match: re.Match[str], seen: Seen) -> DayPhrase:
    day = seen.monday + timedelta(days=7 + WEEKDAYS[match["day"].casefold()])
    return DayPhrase(match.start(), match.end(), day, part_of_day(match["part"]) or part_of_day(match["glued"]))


def _relative(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    word = " ".join(match["day"].casefold().split())
    if word in {"yesterday", "gestern"}:
        return DayPhrase(match.start(), match.end(), seen.today - timedelta(days=1)) if seen.prefer == "past" else None
    ahead = {"today": 0, "tonight": 0, "heute": 0}.get(word, 2 if "after" in word or word == "übermorgen" else 1)
    part = "night" if word == "tonight" else match["part"]
    return DayPhrase(match.start(), match.end(), seen.today + timedelta(days=ahead), part_of_day(part))


def _owned(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    word = match["day"].casefold()
    if word in WEEKDAYS:
        ahead = (WEEKDAYS[word] - seen.now.weekday()) % 7 or 7
    else:
        ahead = {"today": 0, "tonight": 0}.get(word, 1)
    return DayPhrase(match.start("day"), match.end(), seen.today + timedelta(days=ahead), keeps_words=True)


def _this_part(match: re.Match[str], seen: Seen) -> DayPhrase:
    return DayPhrase(match.start(), match.end(), seen.today, part_of_day(match["part"]))


def _lone_part(match: re.Match[str], seen: Seen) -> DayPhrase:
    at = part_of_day(match["part"]) or time(9)
    later = at > seen.now.time().replace(tzinfo=None)
    return DayPhrase(match.start(), match.end(), seen.today + timedelta(days=0 if later else 1), at, is_vague=True)


def _in(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    unit = UNITS[match["unit"].casefold()]
    word = " ".join(match["n"].casefold().split())
    number = int(word) if word.isdigit() else NUMBERS.get(word, 0)
    if not 0 < number <= 1000:
        return None
    if unit in {"minutes", "hours"}:
        exact = (seen.now.astimezone(UTC) + timedelta(**{unit: number})).astimezone(seen.now.tzinfo)
        return DayPhrase(match.start(), match.end(), exact.date(), exact=exact)
    steps = {
        "days": relativedelta(days=number),
        "weeks": relativedelta(weeks=number),
        "fortnights": relativedelta(weeks=2 * number),
        "months": relativedelta(months=number),
        "years": relativedelta(years=number),
    }
    return DayPhrase(match.start(), match.end(), seen.today + steps[unit])


def _half_hour(match: re.Match[str], seen: Seen) -> DayPhrase:
    exact = (seen.now.astimezone(UTC) + timedelta(minutes=30)).astimezone(seen.now.tzinfo)
    return DayPhrase(match.start(), match.end(), exact.date(), exact=exact)


def _from_day(match: re.Match[str], seen: Seen) -> DayPhrase:
    weeks = NUMBERS.get(match["n"].casefold()) or int(match["n"])
    word = match["day"].casefold()
    base = {"today": 0, "now": 0, "heute": 0, "tomorrow": 1, "morgen": 1}.get(word)
    ahead = base if base is not None else (WEEKDAYS[word] - seen.now.weekday()) % 7 or 7
    return DayPhrase(match.start(), match.end(), seen.today + timedelta(days=ahead + 7 * weeks))


def _end_of(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    words = match[0].casefold()
    ahead = 1 if re.search(r"next|nächst|kommend", words) else 0
    today = seen.today
    if re.search(r"week|woche|eow", words):
        day = seen.monday + timedelta(days=4 + 7 * ahead)
        day += timedelta(days=7 if day < today else 0)
    elif month := match.groupdict().get("month"):
        number = _month(month)
        day = date(today.year + (number < today.month), number, 1) + relativedelta(day=31)
    elif re.search(r"month|monat|eom", words):
        day = today + relativedelta(months=ahead, day=31)
    elif re.search(r"quarter|quartal", words):
        day = date(today.year, 1, 1) + relativedelta(months=3 * ((today.month - 1) // 3 + ahead) + 2, day=31)
    else:
        day = date(today.year + ahead, 12, 31)
    return DayPhrase(match.start(), match.end(), day)


def _span(match: re.Match[str], seen: Seen) -> DayPhrase:
    words = match[0].casefold()
    this = re.search(r"\bthis|dies", words) is not None
    if re.search(r"weekend|wochenende", words):
        later = 7 if re.search(r"next|nächst", words) else 0
        day = seen.monday + timedelta(days=6 + later)
    elif re.search(r"month|monat", words):
        day = seen.today + relativedelta(months=0 if this else 1, day=31)
    elif re.search(r"quarter|quartal", words):
        day = date(seen.today.year, 1, 1) + relativedelta(
            months=3 * ((seen.today.month - 1) // 3 + (not this)) + 2, day=31
        )
    elif re.search(r"year|jahr", words):
        day = date(seen.today.year + (not this), 12, 31)
    else:
        day = seen.monday + timedelta(days=4 if this and seen.now.weekday() <= 4 else 6 if this else 11)
    return DayPhrase(match.start(), match.end(), day, is_vague=True)


@lru_cache(maxsize=256)
def _month(word: str) -> int:
    word = {"mär": "märz", "sept": "sep", "jänner": "januar"}.get(word.casefold().rstrip("."), word.casefold())
    found = dateparser.parse(f"1 {word} 2000", languages=["en", "de"], settings={"DATE_ORDER": "DMY"})
    if found is None:
        raise ValueError(f"no month is called {word!r}")
    return found.month


def _named(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    month, year = _month(match["month"]), match["year"]
    at = part_of_day(match["part"])
    if year:
        return DayPhrase(match.start(), match.end(), date(int(year), month, int(match["d"])), at)
    return DayPhrase(match.start(), match.end(), _nearest(month, int(match["d"]), seen), at)


def _nearest(month: int, day: int, seen: Seen) -> date:
    """That day in this year, or the next (the last, where the past is preferred) one that has it."""
    step = 1 if seen.prefer == "future" else -1
    for year in range(seen.today.year, seen.today.year + 9 * step, step):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if (found >= seen.today) if step > 0 else (found <= seen.today):
            return found
    raise ValueError("no such day in the years around")


def _in_month(match: re.Match[str], seen: Seen) -> DayPhrase:
    number = _month(match["month"])
    year = int(match["year"]) if match["year"] else seen.today.year + (number < seen.today.month)
    word = match[0].casefold()
    day = 15 if word.startswith("mi") else 5 if word.startswith(("early", "anfang", "beginning")) else 31
    return DayPhrase(match.start(), match.end(), date(year, number, 1) + relativedelta(day=day), is_vague=True)


def _iso(match: re.Match[str], seen: Seen) -> DayPhrase:
    at = time(int(match["hour"]), int(match["minute"])) if match["hour"] else None
    return DayPhrase(match.start(), match.end(), date(int(match["y"]), int(match["m"]), int(match["d"])), at)


def _dotted(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    year, month, day = match["y"], int(match["m"]), int(match["d"])
    if NUMBERED.search(match.string[: match.start()][-20:]):
        return None
    if not year:
        return DayPhrase(match.start(), match.end(), _nearest(month, day, seen))
    number = int(year) + (2000 if len(year) == 2 else 0)
    if len(year) == 2 and not -2 <= number - seen.today.year <= 10:
        return None
    return DayPhrase(match.start(), match.end(), date(number, month, day))


def _slashed(match: re.Match[str], seen: Seen) -> DayPhrase:
    """Day first, as most of the world writes it; month first in American zones and where it must be."""
    first, second = int(match["a"]), int(match["b"])
    american = str(seen.now.tzinfo).startswith(("America/", "US/")) and first <= 12
    month, day = (first, second) if american or second > 12 else (second, first)
    if match["y"]:
        return DayPhrase(match.start(), match.end(), date(int(match["y"]), month, day))
    return DayPhrase(match.start(), match.end(), _nearest(month, day, seen))


def _day_of_month(match: re.Match[str], seen: Seen) -> DayPhrase | None:
    number, step = int(match["d"]), 1 if seen.prefer == "future" else -1
    for months in range(0, 4 * step, step):
        month = seen.today + relativedelta(months=months, day=1)
        try:
            day = month.replace(day=number)
        except ValueError:
            continue
        if (day >= seen.today) if step > 0 else (day <= seen.today):
            start = match.start("the") if match.groupdict().get("the") else match.start("d")
            return DayPhrase(start, match.end(), day, part_of_day(match.groupdict().get("part")))
    return None


def _holiday(match: re.Match[str], seen: Seen) -> DayPhrase:
    name = " ".join(match["name"].casefold().replace("’", "'").split())
    if name in {"easter", "ostern"}:
        year = seen.today.year
        day = easter(year) if easter(year) >= seen.today else easter(year + 1)
    else:
        day = _nearest(*HOLIDAYS[name], seen)
    return DayPhrase(match.start("name"), match.end(), day)


NUMBERED = re.compile(
    r"(?:version|release|ver\.?|v|build|python|node|section|chapter|§|kapitel|abschnitt|ziffer|punkt|nr\.?|no\.?|rfc|ip)\s*$",
    re.IGNORECASE,
)
ANY_CASE = re.IGNORECASE
ENGLISH_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
NOT_A_DATE_AFTER = (
    r"(?!\s+(?:of|floor|time|century|edition|version|draft|anniversary|birthday|grade|place|street|ave|row))"
)
PATTERNS: list[tuple[re.Pattern[str], Callable[[re.Match[str], Seen], DayPhrase | None]]] = [
    (re.compile(r"(?<![\w-])(?P<y>\d{4})[-/](?P<m>\d{2})[-/](?P<d>\d{2})(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::\d{2})?)?(?![\w-])"), _iso),
    (re.compile(r"(?<![\w.,/-])(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4}|\d{2}(?![\d:]))(?![\w/.]\w)"), _dotted),
    (re.compile(r"(?<![\w.,/-])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>)(?![\w/])"), _dotted),
    (re.compile(r"(?<![\w.,/-])(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4})(?![\w/])"), _slashed),
    (re.compile(r"\b(?:(?<=on )|(?<=by )|(?<=until )|(?<=before )|(?<=due ))(?P<a>\d{1,2})/(?P<b>\d{1,2})(?P<y>)(?![\w/])", ANY_CASE), _slashed),
    # "20 March", "20th of March 2026", "20. März"; the verb in "room 2 may be" is no month.
    (re.compile(rf"(?<![\w.,/-])(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?(?:\s?(?:-|–|to|until|bis(?:\s+zum)?|and|und)\s?\d{{1,2}}(?:st|nd|rd|th|\.)?)?\s+(?:of\s+)?(?P<month>{MONTHS})\b(?!\s+(?:be|not|have|need|also|take|come|go|cause|help)\b)(?:\.(?=\s*\w))?(?:,?\s+(?P<year>\d{{4}})\b)?{PART}", ANY_CASE), _named),
    (re.compile(rf"\b(?!may\s)(?P<month>{MONTHS})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:.%€$]\w|\d)(?!\s*(?:%|€|people|items|times))(?:,?\s+(?P<year>\d{{4}})\b)?{PART}", ANY_CASE), _named),
    (re.compile(rf"\b(?P<month>May)\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:.%€$]\w|\d)(?:,?\s+(?P<year>\d{{4}})\b)?{PART}"), _named),
    (re.compile(rf"\b(?P<day>(?:the\s+)?day\s+after\s+tomorrow|today|tonight|tomorrow|tmrw|tmr|yesterday|heute|übermorgen|gestern)\b{NOT_OWNED}{PART}", ANY_CASE), _relative),
    (re.compile(rf"(?<!guten )(?<!Guten )(?<!am )(?<!jeden )(?<!Jeden )(?<!heute )(?<!Heute )(?<!diesen )(?<!\w-)\b(?P<day>morgen|Morgen(?=,?\s+\w))\b{PART}"), _relative),
    (re.compile(rf"\b(?:for|before|in|during|ahead\s+of|at)\s+(?P<day>today|tonight|tomorrow|{ENGLISH_DAYS})['’]s\b", ANY_CASE), _owned),
    (re.compile(rf"\b(?:this|diesen|heute)\s+(?P<part>{'|'.join(p for p in PARTS if ' ' not in p)})\b", ANY_CASE), _this_part),
    (re.compile(r"\b(?P<part>in\s+the\s+(?:morning|afternoon|evening)|(?<!guten )am\s+(?:Vormittag|Nachmittag|Abend|Mittag))\b", ANY_CASE), _lone_part),
    (re.compile(rf"{NOT_PAST}\b{WHICH}(?P<day>{LONG_DAYS}){GLUED}\b{WEEK}{PART}", ANY_CASE), _weekday),
    (re.compile(rf"{NOT_PAST}\b{WHICH}(?P<day>{SHORT_DAYS})\b(?:\.(?=\s+\d))?{WEEK}{PART}", ANY_CASE), _weekday),
    (re.compile(rf"(?:(?<=on )|(?<=by )|(?<=until )|(?<=till )|(?<=before )|(?=next |this ))\b{WHICH}(?P<day>mon|wed|sat|sun)\b(?!,)\.?{WEEK}{PART}", ANY_CASE), _weekday),
    (re.compile(rf"\b{WHICH}(?P<day>Mon|Wed|Sat|Sun)\b(?!\s+(?:sat|sets|screen)){WEEK}{PART}"), _weekday),
    (re.compile(r"\b(?P<day>mon|wed|sat|sun)\b(?=\s+(?:at\s+)?\d{1,2}(?::\d\d|\s?[ap]m))", ANY_CASE), _weekday),
    (re.compile(rf"(?:(?<=am )|(?<=bis )|(?<=zum ))(?P<day>Mo|Di|Mi|Do|Fr|Sa|So)\b\.?{PART}"), _weekday),
    (re.compile(rf"\b(?:next\s+week|nächste\s+Woche|kommende\s+Woche),?\s+(?:on\s+|am\s+)?(?P<day>{LONG_DAYS}){GLUED}\b{PART}", ANY_CASE), _week_then_day),
    (re.compile(rf"\b(?:with)?in(?:nerhalb\s+von)?\s+(?:the\s+next\s+)?(?P<n>\d{{1,3}}|{NUMBER})\s+(?:business\s+)?(?P<unit>{UNIT})\b(?:['’]?\s+time)?", ANY_CASE), _in),
    (re.compile(rf"\b(?P<n>\d{{1,3}}|{NUMBER})\s+(?P<unit>{UNIT})\s+from\s+(?:now|today)\b", ANY_CASE), _in),
    (re.compile(r"\bin\s+(?:half\s+an\s+hour|einer\s+halben\s+Stunde)\b", ANY_CASE), _half_hour),
    (re.compile(rf"\b(?P<n>a|one|two|three)\s+weeks?\s+(?:from|on)\s+(?P<day>tomorrow|{ENGLISH_DAYS})\b", ANY_CASE), _from_day),
    (re.compile(rf"\b(?P<day>heute|morgen|{LONG_DAYS})\s+in\s+(?P<n>einer|zwei|drei|a|two)\s+(?:Wochen?|weeks?)\b", ANY_CASE), _from_day),
    (re.compile(r"\b(?:the\s+)?end\s+of\s+(?:the\s+|this\s+|next\s+)?(?:week|month|quarter|year)\b|\b(?:EOW|EOM)\b|\b(?:month|week|year|quarter)[- ]end\b", ANY_CASE), _end_of),
    (re.compile(rf"\b(?:the\s+)?(?:end\s+of|Ende)\s+(?P<month>{MONTHS})\b", ANY_CASE), _end_of),
    (re.compile(r"\bEnde\s+(?:der\s+|des\s+|dieser\s+|dieses\s+|nächster\s+|nächsten\s+|kommender\s+)?(?:Woche|Monats?|Quartals?|Jahres|Jahr)\b|\b(?:Monatsende|Jahresende|Quartalsende)\b", ANY_CASE), _end_of),
    (re.compile(r"\b(?:(?:early|mid|late(?:r)?|sometime)[- ]+)?(?:next|this|coming)\s+(?:week|month|quarter|year|weekend)\b(?!['’]s)|\b(?:over\s+|at\s+|on\s+)?the\s+weekend\b", ANY_CASE), _span),
    (re.compile(r"\b(?:(?:Anfang|Mitte)\s+)?(?:nächste[nrs]?|kommende[nrs]?|diese[nrs]?)\s+(?:Woche|Monats?|Quartal|Jahr(?:es)?|Wochenende)\b|\b(?:am|übers)\s+Wochenende\b", ANY_CASE), _span),
    (re.compile(rf"\b(?:(?:in|early|mid|im|Anfang|Mitte|beginning\s+of)[\s-]+(?:in\s+)?)(?!may\s+\w)(?P<month>{MONTHS})\b(?!\.?\s*\d{{1,2}}\b)(?:\s+(?P<year>\d{{4}})\b)?", ANY_CASE), _in_month),
    (re.compile(rf"\b(?:on|by|until|before|due)\s+(?P<the>the\s+)(?P<d>\d{{1,2}})(?:st|nd|rd|th)\b{NOT_A_DATE_AFTER}{PART}", ANY_CASE), _day_of_month),
    (re.compile(rf"\b(?P<the>(?:{LONG_DAYS})\b,?\s+(?:the|den|dem|der)\s+)(?P<d>\d{{1,2}})(?:(?:st|nd|rd|th)\b|\.(?!\s*(?:\d|(?:{MONTHS})\b))){PART}", ANY_CASE), _day_of_month),
    (re.compile(rf"\b(?:am|bis\s+zum|zum|bis|vor\s+dem)\s+(?P<d>\d{{1,2}})\.(?!\s*(?:\d|Stock|Mal|Etage|(?:{MONTHS})\b))(?=\s|,|;|$|\))", ANY_CASE), _day_of_month),
    (re.compile(rf"\b(?:on|by|until|till|before|for|over|vor|bis|an|zu|nach|after)\s+(?P<name>{'|'.join(sorted([*HOLIDAYS, 'easter', 'ostern'], key=len, reverse=True))})\b(?!\s+[a-z]*(?:present|gift|party|card|dinner|market)s?\b)", ANY_CASE), _holiday),
]  # fmt: skip
