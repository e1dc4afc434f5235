"""Spans of a day in English and German text: "between 2 and 4", "from 9:30 to 11", "14-16 Uhr", "2-4pm"."""

import re
from dataclasses import dataclass
from datetime import time

CLOCK = r"(?P<{0}h>\d{{1,2}})(?:[:.](?P<{0}m>\d{{2}}))?\s?(?P<{0}half>[ap]\.?m\b\.?)?(?P<{0}uhr>\s?(?:Uhr|h|o['’]?clock)\b)?"
DAYS = r"mon|tue|wed|thu|fri|sat|sun|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|tomorrow|today|morgen|heute|next|this"
FOLLOWED = rf"(?=\s*(?:$|[,.;:?!()/–-]|(?:on|am|or|oder|and|und|at|in|for|für|work|works|suit|would|passen|passt|ginge|zeit|frei|{DAYS}|[A-Z]{{2,4}}\b)))"
RANGE = re.compile(
    rf"\b(?P<lead>between|from|zwischen|von)\s+{CLOCK.format('a')}\s*(?:and|to|until|till|und|bis|-|–)\s*{CLOCK.format('b')}{FOLLOWED}"
    rf"|(?<![\w.:/-]){CLOCK.format('c')}\s*(?:-|–|to|until|till|bis)\s*{CLOCK.format('d')}(?![\w.:/]*\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class TimeRange:
    """A span of one day at [start, end) of the text. `is_between`: something lies within it, rather than fills it."""

    start: int
    end: int
    begins: time
    ends: time
    is_between: bool = False


def find_ranges(text: str) -> list[TimeRange]:
    """Every span in `text`, in order. Days ("10-12 March") and amounts ("2 to 4 weeks") are none."""
    return [found for match in RANGE.finditer(text) if (found := _read(match))]


def _read(match: re.Match[str]) -> TimeRange | None:
    first, last = ("a", "b") if match["lead"] else ("c", "d")
    marks = [match[f"{one}{what}"] for one in (first, last) for what in ("m", "half", "uhr")]
    if not match["lead"] and not any(marks):
        return None
    ends = _clock(match, last, match[f"{last}half"])
    begins = _clock(match, first, match[f"{first}half"] or match[f"{last}half"])
    if begins and ends and begins >= ends and not match[f"{first}half"]:
        begins = _clock(match, first, "am")  # "11-1pm"
    if begins is None or ends is None:
        return None
    if not match[f"{last}half"] and not match[f"{last}uhr"] and ends <= begins and ends.hour < 12:
        ends = ends.replace(hour=ends.hour + 12)  # "from 10 to 2"
    is_open = not any(match[f"{one}{what}"] for one in (first, last) for what in ("half", "uhr"))
    if is_open and begins.hour < 7 and ends.hour < 8 and not match[f"{first}h"].startswith("0"):
        # "between 2 and 4": nobody meets at night
        begins, ends = begins.replace(hour=begins.hour + 12), ends.replace(hour=ends.hour + 12)
    is_between = (match["lead"] or "").casefold() in {"between", "zwischen"}
    return TimeRange(match.start(), match.end(), begins, ends, is_between) if begins < ends else None


def _clock(match: re.Match[str], which: str, half: str | None) -> time | None:
    hour, minute = int(match[f"{which}h"]), int(match[f"{which}m"] or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.casefold().startswith("p") else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
