"""What repeats: "every Friday at 4pm", "jeden Montag", "monthly" as RFC 5545 rules."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from agents.rules.dates import END_OF_DAY, LONG_DAYS, NUMBERS, WEEKDAYS, find_dates, local

CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
UNIT_CODES = {
    "day": "DAILY",
    "tag": "DAILY",
    "week": "WEEKLY",
    "woche": "WEEKLY",
    "month": "MONTHLY",
    "monat": "MONTHLY",
    "year": "YEARLY",
    "jahr": "YEARLY",
}
DAY_LIST = rf"(?:{LONG_DAYS})s?(?:\s*(?:,|and|und|&)\s*(?:{LONG_DAYS})s?)*"
EVERY = re.compile(
    rf"""\b(?:
      (?:every|each|jede[nrs]?|alle)\s+(?P<other>other|second|zweite[nrs]?)?\s*(?:(?P<n>\d{{1,2}}|{"|".join(sorted((n for n in NUMBERS if len(n) > 1), key=len, reverse=True))})\s+)?
      (?:(?P<days>{DAY_LIST})|(?P<weekday>weekdays?|workdays?|working\s+days?|werktags?|werktage?|arbeitstage?)|(?P<unit>day|week|month|year|quarter|tage?n?|wochen?|monate?|jahre?|quartale?)s?)
    | (?P<adverb>daily|weekly|biweekly|fortnightly|monthly|quarterly|yearly|annually|täglich|wöchentlich|monatlich|jährlich|werktags)
    | (?:on\s+)?(?P<plural>mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|montags|dienstags|mittwochs|donnerstags|freitags|samstags|sonntags)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
ADVERBS = {
    "daily": "FREQ=DAILY", "täglich": "FREQ=DAILY", "weekly": "FREQ=WEEKLY", "wöchentlich": "FREQ=WEEKLY",
    "biweekly": "FREQ=WEEKLY;INTERVAL=2", "fortnightly": "FREQ=WEEKLY;INTERVAL=2", "monthly": "FREQ=MONTHLY",
    "monatlich": "FREQ=MONTHLY", "quarterly": "FREQ=MONTHLY;INTERVAL=3", "yearly": "FREQ=YEARLY", "annually": "FREQ=YEARLY",
    "jährlich": "FREQ=YEARLY", "werktags": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
}  # fmt: skip
ON_THE = re.compile(r"\s+(?:on\s+the|am)\s+(?P<d>\d{1,2})(?:st|nd|rd|th|\.)", re.IGNORECASE)
NOT_A_RULE = re.compile(
    r"^\s*(?:report|update|newsletter|standup|stand-up|sync|meeting|review|digest|bericht|summary|plan)", re.I
)


@dataclass(frozen=True)
class Recurrence:
    """A rule at [start, end) of the text, and the first time it happens (aware)."""

    start: int
    end: int
    rule: str
    due_at: datetime
    is_all_day: bool


def find_recurrence(text: str, now: datetime) -> Recurrence | None:
    """The first repeating phrase of the text with the time of day that follows it; None where nothing repeats."""
    for match in EVERY.finditer(text[:100_000]):
        rule = _rule(match)
        if rule is None:
            continue
        if match["adverb"] and NOT_A_RULE.match(text[match.end() :]):
            continue  # "the weekly report" names a thing
        end = match.end()
        if "MONTHLY" in rule and (on := ON_THE.match(text, end)):
            rule, end = f"{rule};BYMONTHDAY={int(on['d'])}", on.end()
        mention = next((d for d in find_dates(text[end : end + 40], now) if d.start <= 2 and not d.is_all_day), None)
        at = mention.due_at.timetz().replace(tzinfo=None) if mention else None
        return Recurrence(match.start(), end + (mention.end if mention else 0), rule, _first(rule, at, now), at is None)
    return None


def _rule(match: re.Match[str]) -> str | None:
    if match["adverb"]:
        return ADVERBS[match["adverb"].casefold()]
    if match["plural"]:
        return f"FREQ=WEEKLY;BYDAY={CODES[WEEKDAYS[match['plural'].casefold().removesuffix('s')]]}"
    number = (match["n"] or "").casefold()
    interval = 2 if match["other"] else (int(number) if number.isdigit() else NUMBERS.get(number, 1))
    every = f";INTERVAL={interval}" if interval > 1 else ""
    if match["days"]:
        names = re.findall(LONG_DAYS, match["days"].casefold())
        codes = sorted({WEEKDAYS[name] for name in names})
        return f"FREQ=WEEKLY{every};BYDAY={','.join(CODES[c] for c in codes)}"
    if match["weekday"]:
        return "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    unit = match["unit"].casefold()
    if unit.startswith("quart"):
        return f"FREQ=MONTHLY;INTERVAL={3 * interval}"
    code = next((c for word, c in UNIT_CODES.items() if unit.startswith(word)), None)
    return f"FREQ={code}{every}" if code and interval <= 60 else None


def _first(rule: str, at: time | None, now: datetime) -> datetime:
    from dateutil.rrule import rrulestr

    begin = datetime.combine(now.date(), at or END_OF_DAY)
    if begin <= now.replace(tzinfo=None):
        begin = begin + timedelta(days=1)
    first_rule = re.sub(r";INTERVAL=\d+", "", rule) if "BYDAY" in rule else rule  # the first one is the next one
    found = rrulestr(first_rule, dtstart=begin).after(begin, inc=True) or begin
    return local(found.date(), found.time(), now)
