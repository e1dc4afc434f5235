"""When the occurrences of calendar entries are: by the clock of their zone, with exceptions and changes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from functools import lru_cache
from math import prod
from zoneinfo import ZoneInfo

import structlog
from dateutil.rrule import rrulestr

from core.outside.recurrence import is_impossible
from integrations.calendar.ics import CalendarEntry

MOST_OCCURRENCES = 2_000
MOST_STEPS = 50_000  # daily for more than a century
LONGEST = timedelta(days=400)
UNTIL = re.compile(r"UNTIL=(?P<day>\d{8})(?:T(?P<time>\d{6})(?P<utc>Z)?)?", re.IGNORECASE)
FREQUENCY = re.compile(r"FREQ=(?P<often>[A-Z]+)", re.IGNORECASE)
IN_THE_DAY = re.compile(r"BY(?P<of>HOUR|MINUTE|SECOND)=(?P<listed>[\d,\s]*)", re.IGNORECASE)
MOST_A_DAY = 24
# What a rule of this frequency may be narrowed by: a library looks for a day that never comes up to the year 9999.
RARE = re.compile(r"BY(?P<what>YEARDAY|WEEKNO|EASTER|SETPOS)=", re.IGNORECASE)
NARROWED = {"YEARLY": {"YEARDAY", "WEEKNO", "EASTER", "SETPOS"}, "MONTHLY": {"SETPOS"}, "WEEKLY": {"SETPOS"}}
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Occurrence:
    """One time an entry takes place. `entry` is the series, or the change that stands in its place."""

    entry: CalendarEntry
    starts_at: datetime
    ends_at: datetime


def occurrences(
    entry: CalendarEntry, start: datetime, end: datetime, changes: Sequence[CalendarEntry] = ()
) -> list[Occurrence]:
    """The occurrences that touch [start, end), in order; at most 2,000.

    `changes` are the entries of the same uid with a `recurrence_id`: each stands in for the occurrence it names; a
    cancelled one removes it. A cancelled entry has none. A rule that cannot be read, or comes more than 24 times a day,
    is taken as a single event. An occurrence lasts 400 days at most. Raises OverflowError or ValueError for an entry at
    the ends of time.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end must be aware")
    changed = {_moment(change.recurrence_id): change for change in changes if change.uid == entry.uid}
    length = min(entry.ends_at - entry.starts_at, LONGEST)
    excluded = {moment.astimezone(UTC) for moment in entry.excluded_starts if _is_within(moment)} | changed.keys()
    found = [
        Occurrence(entry, at, _ends(entry, at, length))
        for at in _starts(entry, start - length - timedelta(days=1), end)
        if at.astimezone(UTC) not in excluded and entry.status != "cancelled"
    ]
    found += [
        Occurrence(c, c.starts_at, min(c.ends_at, c.starts_at + LONGEST))
        for c in changed.values()
        if c.status != "cancelled"
    ]
    touching = [o for o in found if o.starts_at < end and (o.ends_at > start or o.starts_at >= start)]
    return sorted(touching, key=lambda o: o.starts_at)[:MOST_OCCURRENCES]


def all_occurrences(entries: Iterable[CalendarEntry], start: datetime, end: datetime) -> list[Occurrence]:
    """The occurrences of many entries that touch [start, end), in order; changes find their series by uid.

    An entry whose times cannot be reckoned with (beyond the year 9999, before the first) is left out, and logged.
    """
    masters: list[CalendarEntry] = []
    changes: dict[str, list[CalendarEntry]] = {}
    for entry in entries:
        if entry.recurrence_id:
            changes.setdefault(entry.uid, []).append(entry)
        else:
            masters.append(entry)
    found = [o for master in masters for o in _of_one(master, start, end, changes.pop(master.uid, []))]
    for orphans in changes.values():  # a change whose series is not in the file stands for itself
        for orphan in orphans:
            found += _of_one(orphan.model_copy(update={"recurrence_id": ""}), start, end, [])
    return sorted(found, key=lambda o: o.starts_at)


def _of_one(entry: CalendarEntry, start: datetime, end: datetime, changes: Sequence[CalendarEntry]) -> list[Occurrence]:
    try:
        found = occurrences(entry, start, end, changes)
        _ = [(one.starts_at.astimezone(UTC), one.ends_at.astimezone(UTC)) for one in found]  # so that others may
    except (OverflowError, ValueError, KeyError, OSError) as error:  # the latter for zones that there are not
        _log_left_out(entry.uid, type(error).__name__)
        return []
    return found


@lru_cache(maxsize=1_000)
def _log_left_out(uid: str, error: str) -> None:
    """Once for an entry, however often it is looked at."""
    log.warning("calendar_entry_left_out", uid=uid[:200], error=error)


def _starts(entry: CalendarEntry, begin: datetime, end: datetime) -> list[datetime]:
    zone = ZoneInfo(entry.timezone)
    by_rule = [entry.starts_at, *filter(_is_within, entry.added_starts)]
    if entry.recurrence and _is_sensible(entry.recurrence):
        # The rule runs on the clock of the zone, so that nine o'clock stays nine o'clock when the clocks change.
        wall = entry.starts_at.astimezone(zone).replace(tzinfo=None)
        try:
            rule = rrulestr(_local_until(entry.recurrence, zone), dtstart=wall)
            last = end.astimezone(zone).replace(tzinfo=None)
            first = begin.astimezone(zone).replace(tzinfo=None)
            for step, at in enumerate(rule):
                if at >= last or step >= MOST_STEPS or len(by_rule) > MOST_OCCURRENCES:
                    break
                if at >= first:
                    by_rule.append(_on_clock(at, zone))
        except (ValueError, TypeError, KeyError, OverflowError):
            return sorted(set(by_rule))  # the file's rule cannot be read: the event itself still stands
    return sorted({at.astimezone(UTC): at for at in by_rule}.values())


def _is_within(at: datetime) -> bool:
    """Does the moment have a neighbour in every zone?"""
    return MINYEAR < at.year < MAXYEAR


def _is_sensible(rule: str) -> bool:
    """Can its days be found in no time, and are there at most 24 occurrences on one?"""
    often = {found["often"].upper() for found in FREQUENCY.finditer(rule)}
    if often & {"SECONDLY", "MINUTELY"} or is_impossible(rule):
        return False
    times = {"HOUR": 24} if "HOURLY" in often else {}
    times |= {found["of"].upper(): found["listed"].count(",") + 1 for found in IN_THE_DAY.finditer(rule)}
    narrowed = {found["what"].upper() for found in RARE.finditer(rule)}
    return prod(times.values()) <= MOST_A_DAY and all(narrowed <= NARROWED.get(one, set()) for one in often)


def _on_clock(at: datetime, zone: ZoneInfo) -> datetime:
    """That wall-clock time; one that a clock change skips moves on by the gap."""
    return at.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)


def _ends(entry: CalendarEntry, at: datetime, length: timedelta) -> datetime:
    zone = ZoneInfo(entry.timezone)
    if entry.is_all_day:
        days = min(entry.ends_at.replace(tzinfo=None) - entry.starts_at.replace(tzinfo=None), LONGEST).days
        return _on_clock(at.replace(tzinfo=None) + timedelta(days=days), zone)
    return (at.astimezone(UTC) + length).astimezone(zone)


def _local_until(rule: str, zone: ZoneInfo) -> str:
    """UNTIL as a wall-clock time of the zone, as the start is; a mere day counts to its end."""

    def local(match: re.Match[str]) -> str:
        if not match["time"]:
            return f"UNTIL={match['day']}T235959"
        at = datetime.strptime(f"{match['day']}{match['time']}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return f"UNTIL={at.astimezone(zone) if match['utc'] else at:%Y%m%dT%H%M%S}"

    return UNTIL.sub(local, rule)


def _moment(recurrence_id: str) -> datetime:
    return datetime.fromisoformat(recurrence_id).astimezone(UTC) if recurrence_id else datetime.min.replace(tzinfo=UTC)
