"""When a repeating task comes next, and its rule in words. Pure.

The rules are RRULEs (RFC 5545) by day, week, month or year; the time of day is that of the task's own date, by the clock
on the person's wall: "every day at 09:00" stays at 09:00 when the clocks change.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.errors import Invalid
from core.outside.recurrence import check_recurrence, rule_parts

PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST")
LONGEST_RULE = 500
MOST_INTERVAL = 1000
MOST_COUNT = 10_000
UNTIL = re.compile(r"[12]\d{7}(T\d{6}Z?)?")
NUMBERS = {
    "BYMONTH": range(1, 13),
    "BYMONTHDAY": range(-31, 32),
    "BYSETPOS": range(-366, 367),
}
RepeatsFrom = Literal["due", "completion"]

# The calendar is the same again after 400 years, weekdays included. The library looks for an occurrence up to the year
# 9999, some seconds long where there is none; counted late in its calendar, it is through at once.
CYCLE = 400
LAST_YEAR = 9999


@dataclass(frozen=True)
class Occurrence:
    """One date of a series; `number` counts the occurrences of the rule from 1, those that nobody saw too."""

    due_at: datetime
    number: int


def check_rule(rule: str) -> str:
    """The rule as it is kept, without RRULE: before it. Raises Invalid for one that no task can follow."""
    kept = rule.strip().removeprefix("RRULE:").strip().upper()
    if not kept or len(kept) > LONGEST_RULE:
        raise Invalid(
            f"recurrence is a rule of 1 to {LONGEST_RULE} characters", hint="For example: FREQ=WEEKLY;BYDAY=FR"
        )
    check_recurrence([f"RRULE:{kept}"])
    names = [part.partition("=")[0] for part in kept.split(";")]
    for name in names:
        if name not in PARTS or names.count(name) > 1:
            raise Invalid(
                f"The rule {kept[:80]!r} has {name[:20]!r} {'twice' if name in PARTS else 'in it'}",
                detail=f"allowed, once each: {', '.join(PARTS)}",
                hint="The time of day is that of the task's date.",
            )
    parts = rule_parts(kept)
    for name, most in (("INTERVAL", MOST_INTERVAL), ("COUNT", MOST_COUNT)):
        if name in parts and not (parts[name].isdecimal() and 1 <= int(parts[name]) <= most):
            raise Invalid(f"The rule {kept[:80]!r} has {name}={parts[name][:20]}; allowed is 1 to {most}")
    _check_days(kept, parts)
    every = re.sub(r"INTERVAL=\d+;?", "", kept).rstrip(";")  # every 7 days on Friday depends on where it begins
    if next(_later(every, datetime(2000, 1, 1)), None) is None:  # noqa: DTZ001 - by the wall clock
        raise Invalid(f"The rule {kept[:80]!r} never happens")
    return kept


def _check_days(rule: str, parts: dict[str, str]) -> None:
    """What the library takes in silence and makes something else of."""
    if parts["FREQ"] in {"DAILY", "WEEKLY"} and ("BYSETPOS" in parts or re.search(r"\d", parts.get("BYDAY", ""))):
        raise Invalid(f"The rule {rule[:80]!r} numbers its days, which goes with MONTHLY and YEARLY alone")
    for name, allowed in NUMBERS.items():
        wrong = [one for one in parts.get(name, "").split(",") if one and not (_is_whole(one) and int(one) in allowed)]
        if wrong:
            raise Invalid(
                f"The rule {rule[:80]!r} has {name}={wrong[0][:20]}",
                detail=f"allowed are whole numbers from {allowed[0]} to {allowed[-1]}",
            )
    if "UNTIL" in parts:
        try:
            is_moment = UNTIL.fullmatch(parts["UNTIL"]) and _until(parts["UNTIL"])
        except ValueError:
            is_moment = None
        if not is_moment:
            raise Invalid(
                f"The rule {rule[:80]!r} has UNTIL={parts['UNTIL'][:20]}",
                detail="allowed is 20261231 or 20261231T170000Z",
            )


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdecimal() and text.isascii()


def next_occurrence(
    rule: str, *, starts_at: datetime, occurs_at: datetime, after: datetime, zone: ZoneInfo
) -> Occurrence | None:
    """The first occurrence after `occurs_at` that is not over at `after`; None where COUNT or UNTIL end the series.

    `starts_at` is the first of the series and counts as its number 1, whether the rule names it or not (RFC 5545, DTSTART).
    Raises Invalid for a rule that cannot be understood.
    """
    kept = check_rule(rule)
    count, until = _end(kept, zone)
    over = max(occurs_at, after)
    for number, naive in enumerate(_later(kept, _on_wall(starts_at, zone)), start=2):
        if number > count or naive > until:
            return None
        if (due_at := _moment(naive, zone)) > over:
            return Occurrence(due_at, number)
    return None


def next_after_completion(
    rule: str, *, occurs_at: datetime, number: int, completed_at: datetime, after: datetime, zone: ZoneInfo
) -> Occurrence | None:
    """The first occurrence when the rule counts from the day on which it was done, at the time of day of `occurs_at`."""
    kept = check_rule(rule)
    count, until = _end(kept, zone)
    begin = datetime.combine(_on_wall(completed_at, zone).date(), _on_wall(occurs_at, zone).time())
    for naive in _later(kept, begin):
        if number + 1 > count or naive > until:
            return None
        if (due_at := _moment(naive, zone)) > max(after, completed_at):
            return Occurrence(due_at, number + 1)
    return None


def _later(rule: str, start: datetime) -> Iterator[datetime]:
    """What the rule has after `start`, without its end. `start` has no zone, nor have these."""
    from dateutil.rrule import rrulestr  # where a rule is followed

    endless = ";".join(part for part in rule.split(";") if not part.startswith(("COUNT=", "UNTIL=")))
    years = (LAST_YEAR - start.year) // CYCLE * CYCLE
    begin = start.replace(year=start.year + years, microsecond=0)
    for found in rrulestr(endless, dtstart=begin):
        if found > begin:
            yield found.replace(year=found.year - years)


def _end(rule: str, zone: ZoneInfo) -> tuple[float, datetime]:
    """How many occurrences there are, and the last moment of one, on the wall."""
    parts = rule_parts(rule)
    count = float(parts.get("COUNT", "inf"))
    until = parts.get("UNTIL")
    if until is None:
        return count, datetime.max  # noqa: DTZ901 - by the wall clock, for ever
    moment = _until(until)
    return count, _on_wall(moment.replace(tzinfo=UTC), zone) if until.endswith("Z") else moment


def _until(text: str) -> datetime:
    """Without a zone; a day is there to its end."""
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d") + timedelta(hours=23, minutes=59, seconds=59)  # noqa: DTZ007 - by the wall clock
    return datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - by the wall clock


def _on_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _moment(naive: datetime, zone: ZoneInfo) -> datetime:
    """A time that a clock change skips moves on by the gap."""
    return naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)


# In words -------------------------------------------------------------------------------------------------------------

DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday"}  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second last"}
WEEKDAYS = {"MO", "TU", "WE", "TH", "FR"}


def describe_recurrence(rule: str, repeats_from: RepeatsFrom = "due") -> str:
    """A rule in words: "every Friday", "every 2 months on the 31st, 5 times"; the rule itself where it has none."""
    try:
        parts = rule_parts(check_rule(rule))
    except Invalid:
        return f"by the rule {rule}"
    interval, unit = int(parts.get("INTERVAL", "1")), UNITS[parts["FREQ"]]
    words = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    on = _days_in_words(parts)
    if on == "weekday" and interval == 1:
        words = "every weekday"
    elif parts["FREQ"] == "WEEKLY" and on and interval == 1:
        words = f"every {on}"
    elif on:
        words += f" on {'weekdays' if on == 'weekday' else on}"
    if "BYMONTH" in parts and not (parts["FREQ"] == "YEARLY" and "BYMONTHDAY" in parts):
        words += f" in {_list(MONTHS[int(month) - 1] for month in parts['BYMONTH'].split(','))}"
    words += " after it is done" if repeats_from == "completion" else ""
    if "COUNT" in parts:
        words += ", once" if parts["COUNT"] == "1" else f", {parts['COUNT']} times"
    if "UNTIL" in parts:
        day = datetime.strptime(parts["UNTIL"][:8], "%Y%m%d")  # noqa: DTZ007 - by the wall clock
        words += f" until {day.day} {MONTHS[day.month - 1]} {day.year}"
    return words


def _days_in_words(parts: dict[str, str]) -> str:
    days = [day for day in parts.get("BYDAY", "").split(",") if day]
    if set(days) == WEEKDAYS and parts.get("BYSETPOS") is None:
        return "weekday"
    which = [int(number) for number in parts.get("BYSETPOS", "").split(",") if number]
    if which and days:
        kind = "weekday" if set(days) == WEEKDAYS else " or ".join(DAYS[day[-2:]] for day in days)
        return f"the {_list(NTH.get(number, _ordinal(number)) for number in which)} {kind}"
    if days:
        return _list(
            f"the {NTH.get(int(day[:-2]), _ordinal(int(day[:-2])))} {DAYS[day[-2:]]}" if day[:-2] else DAYS[day]
            for day in days
        )
    dates = [int(number) for number in parts.get("BYMONTHDAY", "").split(",") if number]
    if not dates:
        return ""
    if parts["FREQ"] == "YEARLY" and "BYMONTH" in parts:
        months = _list(MONTHS[int(month) - 1] for month in parts["BYMONTH"].split(","))
        return f"{_list('the last day of' if date == -1 else str(date) for date in dates)} {months}"
    return "the " + _list("last day" if date == -1 else _ordinal(date) for date in dates)


def _ordinal(number: int) -> str:
    if number < 0:
        return f"{_ordinal(-number)} last"
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _list(words: Iterator[str]) -> str:
    found = list(words)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
