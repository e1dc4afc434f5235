"""What repeats: "every Friday at 4pm", "jeden ersten Montag im Monat", "monthly", as RFC 5545 rules."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from dateutil.rrule import rrulestr

from agents.rules.calendar_words import LONG_DAYS, NUMBERS, WEEKDAYS
from agents.rules.dates import END_OF_DAY, find_dates, local
from agents.rules.times import PARTS, find_times, in_half, part_of_day

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = {
    **dict.fromkeys(("day", "tag"), "DAILY"),
    **dict.fromkeys(("week", "woche"), "WEEKLY"),
    **dict.fromkeys(("month", "monat"), "MONTHLY"),
    **dict.fromkeys(("year", "jahr"), "YEARLY"),
}
ADVERBS = {
    **dict.fromkeys(("daily", "täglich"), "FREQ=DAILY"),
    **dict.fromkeys(("weekly", "wöchentlich", "once a week", "einmal pro woche", "einmal die woche"), "FREQ=WEEKLY"),
    **dict.fromkeys(("biweekly", "bi-weekly", "fortnightly", "zweiwöchentlich"), "FREQ=WEEKLY;INTERVAL=2"),
    **dict.fromkeys(("monthly", "monatlich", "once a month", "einmal im monat", "einmal pro monat"), "FREQ=MONTHLY"),
    **dict.fromkeys(("quarterly", "vierteljährlich", "quartalsweise"), "FREQ=MONTHLY;INTERVAL=3"),
    **dict.fromkeys(("yearly", "annually", "jährlich", "once a year", "einmal im jahr"), "FREQ=YEARLY"),
    **dict.fromkeys(("werktags", "on weekdays"), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
}
ORDINALS = {
    **dict.fromkeys(("first", "1st", "ersten", "erster"), 1),
    **dict.fromkeys(("second", "2nd", "zweiten"), 2),
    **dict.fromkeys(("third", "3rd", "dritten"), 3),
    **dict.fromkeys(("fourth", "4th", "vierten"), 4),
    **dict.fromkeys(("last", "letzten"), -1),
}
SHORT = "mon|tues|tue|wed|thurs|thu|fri|sat|sun"
DAY = rf"(?:{LONG_DAYS}|{SHORT})"
DAY_LIST = rf"{DAY}s?(?:\s*(?:,|and|und|&)\s*{DAY}s?)*"
NUMBER = "|".join(n.replace(" ", r"\s+") for n in sorted(NUMBERS, key=len, reverse=True) if len(n) > 2)
ORDINAL = "|".join(ORDINALS)
ADVERB = "|".join(words.replace(" ", r"\s+") for words in sorted(ADVERBS, key=len, reverse=True))
PART = "|".join(p for p in PARTS if " " not in p)
EVERY = re.compile(
    rf"""(?<![\w-])(?:
      (?:(?:on\s+)?(?:the\s+)?(?P<nth>{ORDINAL})\s+(?P<nthday>{DAY})\s+(?:of|in)\s+(?:every|each)\s+month)
    | (?:every|each|jede[nr]?)\s+(?P<nth2>{ORDINAL})\s+(?P<nthday2>{DAY})\s+(?:of|in|im|des)\s+(?:the\s+)?(?:month|Monats?)
    | (?:on\s+)?(?:the\s+)?(?:(?P<monthday>\d{{1,2}})(?:st|nd|rd|th)|(?P<edge>first|last)(?:\s+day)?)\s+of\s+(?:every|each)\s+month
    | am\s+(?P<monthday2>\d{{1,2}}|ersten)\.?\s+(?:jeden|jedes)\s+Monats?
    | (?:every|each|jede[nrs]?|alle)\s+(?P<other>other\s+|second\s+|2nd\s+|zweite[nrs]?\s+)?(?:(?P<n>\d{{1,2}}|{NUMBER})\s+)?(?:
        (?P<days>{DAY_LIST})(?:\s?(?P<part>{PART}))?
      | (?P<weekday>weekdays?|workdays?|working\s+days?|business\s+days?|werktage?|arbeitstage?)
      | (?P<unit>day|week|month|year|quarter|tage?n?|wochen?|monate?|jahre?|quartale?)s?
      | (?P<daypart>{PART}))
    | (?P<adverb>{ADVERB})
    | (?:on\s+)?(?P<plural>(?:{LONG_DAYS})s(?:\s+(?:and|und)\s+(?:{LONG_DAYS})s)*)
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
ON_THE = re.compile(
    r",?\s+(?:on\s+the|am)\s+(?:(?P<d>\d{1,2})(?:st|nd|rd|th|\.)|(?P<first>first|ersten)|(?P<last>last\s+day|letzten))(?!\w)",
    re.IGNORECASE,
)
ON_DAYS = re.compile(rf",?\s+(?:on|am)\s+(?P<days>{DAY_LIST})(?!\w)", re.IGNORECASE)
# "the weekly report" names a thing: an English adverb counts where nothing that it could describe follows.
AFTER_ADVERB = re.compile(
    r"\s*(?:$|[,.;:!?)]|(?:at|on|in|by|from|starting|to|for|with|p[1-4]|[#@])(?!\w)|\d)", re.IGNORECASE
)
GERMAN = re.compile(r"lich|weise|werk|einmal", re.IGNORECASE)
LONGEST_TEXT = 100_000
NEAR = 48


@dataclass(frozen=True)
class Recurrence:
    """A rule at [start, end) of the text, and the first time it happens (aware)."""

    start: int
    end: int
    rule: str
    due_at: datetime
    is_all_day: bool


def find_recurrence(text: str, now: datetime) -> Recurrence | None:
    """The first repeating phrase of the text with the time of day beside it; None where nothing repeats."""
    text = text[:LONGEST_TEXT]
    for match in EVERY.finditer(text):
        if match["adverb"] and not _is_rule(match, text):
            continue
        if rule := _rule(match):
            return _with_time(text, match, rule, now)
    return None


def first_time(rule: str, at: time | None, now: datetime) -> datetime:
    """When the rule first happens from `now` on: at `at`, or by the end of the day where that is None."""
    begin = datetime.combine(now.date(), at or END_OF_DAY)
    if begin <= now.replace(tzinfo=None):
        begin += timedelta(days=1)
    # The first Friday of "every other Friday" is the next one, whatever week it lies in.
    soonest = re.sub(r";INTERVAL=\d+", "", rule) if "BYDAY" in rule else rule
    found = rrulestr(soonest, dtstart=begin).after(begin, inc=True) or begin
    return local(found.date(), found.time(), now)


def _is_rule(match: re.Match[str], text: str) -> bool:
    if GERMAN.search(match["adverb"]) or " " in match["adverb"]:
        return True
    return AFTER_ADVERB.match(text, match.end()) is not None


def _with_time(text: str, match: re.Match[str], rule: str, now: datetime) -> Recurrence:
    start, end = match.start(), match.end()
    if rule.startswith("FREQ=MONTHLY") and "BY" not in rule and (on := ON_THE.match(text, end)):
        day = -1 if on["last"] else 1 if on["first"] else int(on["d"])
        rule, end = f"{rule};BYMONTHDAY={day}", on.end()
    elif rule.startswith("FREQ=WEEKLY") and "BY" not in rule and (on := ON_DAYS.match(text, end)):
        rule, end = f"{rule};BYDAY={_days(on['days'])}", on.end()
    at = part_of_day(match["part"]) or part_of_day(match["daypart"])
    near = text[end : end + NEAR]
    after = next((m for m in find_dates(near, now) if m.start <= 2), None)
    hour = next((t for t in find_times(near) if t.start <= 2), None)
    if after and rule == "FREQ=YEARLY":
        rule = f"{rule};BYMONTH={after.due_at.month};BYMONTHDAY={after.due_at.day}"
        end += after.end
        at = None if after.is_all_day else after.due_at.time()
    elif hour:
        at, end = in_half(hour.at, at) if hour.is_open and at else hour.at, end + hour.end
    else:
        begin = max(0, start - NEAR)
        before = next(
            (
                m
                for m in find_dates(text[begin:start], now)
                if not m.is_all_day and not text[begin + m.end : start].strip()
            ),
            None,
        )
        if before:
            at, start = before.due_at.time(), begin + before.start
    return Recurrence(start, end, rule, first_time(rule, at, now), at is None)


def _days(words: str) -> str:
    found = (WEEKDAYS[day.casefold()] for day in re.findall(DAY, words, re.IGNORECASE))
    return ",".join(CODES[number] for number in sorted(set(found)))


def _rule(match: re.Match[str]) -> str | None:
    groups = match.groupdict()
    if groups["adverb"]:
        return ADVERBS[" ".join(groups["adverb"].casefold().split())]
    if groups["plural"]:
        return f"FREQ=WEEKLY;BYDAY={_days(groups['plural'])}"
    for nth, day in (("nth", "nthday"), ("nth2", "nthday2")):
        if groups[nth]:
            return f"FREQ=MONTHLY;BYDAY={ORDINALS[groups[nth].casefold()]}{_days(groups[day])}"
    if groups["edge"]:
        return f"FREQ=MONTHLY;BYMONTHDAY={1 if groups['edge'].casefold() == 'first' else -1}"
    if monthday := groups["monthday"] or groups["monthday2"]:
        number = int(monthday) if monthday.isdigit() else 1
        return f"FREQ=MONTHLY;BYMONTHDAY={number}" if 1 <= number <= 31 else None
    number = (groups["n"] or "").casefold()
    interval = 2 if groups["other"] else int(number) if number.isdigit() else NUMBERS.get(number, 1)
    every = f";INTERVAL={interval}" if interval > 1 else ""
    if not 1 <= interval <= 60:
        return None
    if groups["days"]:
        return f"FREQ=WEEKLY{every};BYDAY={_days(groups['days'])}"
    if groups["weekday"]:
        return "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    if groups["daypart"]:
        return f"FREQ=DAILY{every}"
    unit = groups["unit"].casefold()
    if unit.startswith("quart"):
        return f"FREQ=MONTHLY;INTERVAL={3 * interval}"
    return next(f"FREQ={frequency}{every}" for word, frequency in FREQUENCIES.items() if unit.startswith(word))
