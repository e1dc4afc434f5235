"""Rules of recurrence (RFC 5545) as people and models write them: which ones can be understood."""

import re
from collections.abc import Sequence
from datetime import datetime

from core.errors import Invalid

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
LONGEST_MONTH = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


def check_recurrence(lines: Sequence[str]) -> None:
    """Raises Invalid unless these are lines RRULE:, EXDATE: or RDATE: (RFC 5545) that some occurrence follows from."""
    from dateutil.rrule import rrulestr  # only where a rule is written

    for line in lines:
        name, _, value = line.partition(":")
        kind = name.partition(";")[0].upper()
        if kind not in {"RRULE", "EXDATE", "RDATE"} or not value or re.search(r"[\x00-\x1f\x7f]", line):
            raise Invalid(f"{line[:80]!r} is no line of a recurrence", detail='allowed is one like "RRULE:FREQ=WEEKLY"')
        if kind != "RRULE":
            continue
        parts = rule_parts(value)
        if parts.get("FREQ") not in FREQUENCIES:
            raise Invalid(f"The rule {value[:80]!r} has no FREQ of {', '.join(FREQUENCIES)}")
        if "COUNT" in parts and "UNTIL" in parts:
            raise Invalid(f"The rule {value[:80]!r} has both COUNT and UNTIL; it may have one of them")
        try:
            rrulestr(re.sub(r"(UNTIL=\d{8}T\d{6})Z", r"\1", value.upper()), dtstart=datetime(2000, 1, 1))  # noqa: DTZ001
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise Invalid(f"The rule {value[:80]!r} cannot be understood", detail=str(error)[:200]) from error
        if is_impossible(value):
            raise Invalid(f"The rule {value[:80]!r} names a day that no month has")


def rule_parts(rule: str) -> dict[str, str]:
    """The parts of an RRULE by name, in upper case."""
    return dict(part.upper().split("=", 1) for part in rule.split(";") if "=" in part)


def is_impossible(rule: str) -> bool:
    """Days that no month of the rule has (30 February): a library would look for one up to the year 9999."""
    parts = rule_parts(rule)
    try:
        months = [int(m) for m in parts.get("BYMONTH", "").split(",") if m]
        days = [int(d) for d in parts.get("BYMONTHDAY", "").split(",") if d]
    except ValueError:
        return True
    if not days:
        return False
    return all(abs(day) > LONGEST_MONTH.get(month, 0) for month in months or LONGEST_MONTH for day in days)
