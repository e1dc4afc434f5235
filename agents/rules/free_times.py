"""Which of the times that a mail proposes are free, and which other ones are. Pure: the calendar's busy time goes in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict, Field

from agents.availability import Person, Wish, find_times
from agents.rules.proposed_times import Option, Proposal
from core.outside.calendar import Busy, WorkingHours

LOOK_AHEAD = timedelta(days=14)
NOTICE, SHORT_NOTICE = timedelta(hours=2), timedelta(minutes=30)
LUNCH = time(12), time(13)
LONGEST_BESIDE_LUNCH = 180
MOST_INSTEAD, MOST_DAYS = 3, 14


@dataclass(frozen=True)
class OwnTime:
    """When a person works, and when they are busy."""

    hours: WorkingHours
    busy: tuple[Busy, ...] = ()


class OfferedTimes(BaseModel):
    """What to answer to a mail that proposes times: those that are free (best first), else others that are.

    Times are by the clock of the mail; `clock` is what it calls that clock.
    """

    model_config = ConfigDict(frozen=True)

    minutes: int
    clock: str = ""
    free: list[datetime] = Field(default_factory=list[datetime], max_length=12)
    instead: list[datetime] = Field(default_factory=list[datetime], max_length=MOST_INSTEAD)
    taken: list[str] = Field(default_factory=list[str])
    """Why a proposed time is none: "Tue 10 Mar 15:00: busy"."""
    proposed: int = 0
    asks_more: bool = False
    is_wide: bool = False
    """Only days, or a week, were proposed: `free` are suggestions within."""
    days_full: bool = False
    """Of the days that were asked for nothing is free any more: `instead` are times of others."""
    names_days: bool = False
    """Days were asked for, and no times of day."""

    def in_words(self) -> list[str]:
        """For a model: which times are free, by the calendar."""
        lines = [f"The mail proposes times for {self.minutes} minutes, by {self.clock or 'your own clock'}."]
        lines += [f"Not free: {one}" for one in self.taken]
        if self.free:
            lines.append("Free by your calendar: " + ", ".join(f"{at:%a %d %b %Y %H:%M}" for at in self.free))
        if self.instead:
            lines.append(
                ("Nothing is free on those days" if self.days_full else "None of them is free")
                + "; these are: "
                + ", ".join(f"{at:%a %d %b %Y %H:%M}" for at in self.instead)
            )
        return lines


def window_of(proposal: Proposal, now: datetime) -> tuple[datetime, datetime]:
    """Of which stretch the busy time has to be known."""
    last = max((one.until or one.start for one in proposal.options), default=now)
    return now, max(now + LOOK_AHEAD, last + timedelta(days=1))


def weigh_times(proposal: Proposal, own: OwnTime, now: datetime) -> OfferedTimes:
    """Which of the proposed times to accept; where none can be, up to three others inside working hours, soonest first."""
    free, taken = list[datetime](), list[str]()
    options = _narrowed(proposal.options)
    is_wide = bool(options) and all(one.width == "week" for one in options)
    for option in options:
        found, why = _in_option(option, proposal.minutes, own, now, MOST_INSTEAD if is_wide else 1)
        free += [at.astimezone(option.start.tzinfo) for at in found if at not in free]
        if not found:
            taken.append(f"{_said(option)}: {why}")
    zone = proposal.zone
    days = _days_of(options, own, now)
    instead = [] if free else _within(days, own, now, proposal.minutes)
    is_full = not free and not instead and bool(days)
    if not free and not instead:
        first = datetime.combine(days[0], time(), own.hours.zone) if days else now
        instead = _next(own, max(first, now), now, proposal.minutes) or _next(own, now, now, proposal.minutes)
    return OfferedTimes(
        minutes=proposal.minutes,
        clock=proposal.zone_words or _called(zone),
        free=free,
        instead=[at.astimezone(zone) for at in instead],
        taken=taken,
        proposed=len(options),
        asks_more=proposal.asks_more,
        is_wide=is_wide,
        days_full=is_full,
        names_days=bool(options) and all(one.width in {"day", "week"} for one in options),
    )


def is_free(start: datetime, end: datetime, busy: Sequence[Busy]) -> bool:
    """Does nothing stand there, not even something that is not certain?"""
    return all(end <= one.start or start >= one.end for one in busy)


def next_free(own: OwnTime, after: datetime, minutes: int, count: int = MOST_INSTEAD) -> list[datetime]:
    """The next free times inside working hours within two weeks, soonest first, at most two of a day."""
    return _search(own, after, after + LOOK_AHEAD, minutes, count)


def _next(own: OwnTime, after: datetime, now: datetime, minutes: int) -> list[datetime]:
    return next_free(own, max(after, now + NOTICE), minutes)


def _narrowed(options: Sequence[Option]) -> list[Option]:
    """Without the week that days within it were named of: "this week, Thursday or Friday"."""
    days = [one for one in options if one.width != "week"]
    return days or list(options)


def _days_of(options: Sequence[Option], own: OwnTime, now: datetime) -> list[date]:
    """The days that were asked for and are not over, in order."""
    zone = own.hours.zone
    found: set[date] = set()
    for one in options:
        first = one.start.astimezone(zone).date()
        last = (one.until - timedelta(seconds=1)).astimezone(zone).date() if one.until else first
        found |= {first + timedelta(days=n) for n in range(min((last - first).days + 1, MOST_DAYS))}
    return sorted(day for day in found if day >= now.astimezone(zone).date())[:MOST_DAYS]


def _within(days: Sequence[date], own: OwnTime, now: datetime, minutes: int) -> list[datetime]:
    """Free times on these days: one of each first, at most two of one."""
    by_day = [
        _search(own, max(start, now + NOTICE), start + timedelta(days=1), minutes, 2)
        for start in (datetime.combine(day, time(), own.hours.zone) for day in days)
    ]
    chosen = [found[0] for found in by_day if found] + [found[1] for found in by_day if len(found) > 1]
    return sorted(chosen[:MOST_INSTEAD])


def _in_option(option: Option, minutes: int, own: OwnTime, now: datetime, count: int) -> tuple[list[datetime], str]:
    length = timedelta(minutes=minutes)
    if (option.until or option.start) <= now:
        return [], "over"
    if option.until is not None:
        wants_lunch = option.width == "part" and _is_lunch(option, own)
        for notice in (NOTICE, SHORT_NOTICE):
            start = max(option.start, now + notice)
            if found := _search(own, start, option.until, minutes, count, with_lunch=wants_lunch):
                return found, ""
        return [], "nothing free inside working hours"
    end = option.start + length
    if not is_free(option.start, end, own.busy):
        return [], "busy"
    return ([option.start], "") if _is_working(own.hours, option.start, end) else ([], "outside working hours")


def _is_lunch(option: Option, own: OwnTime) -> bool:
    """Does what was asked for lie around noon: "between 12 and 1", "at lunchtime"?"""
    start, until = (one.astimezone(own.hours.zone) for one in (option.start, option.until or option.start))
    return time(11) <= start.time() < LUNCH[1] and until.time() <= time(14)


def _search(
    own: OwnTime, start: datetime, end: datetime, minutes: int, count: int, *, with_lunch: bool = False
) -> list[datetime]:
    """Free times within, soonest first; in the lunch hour only where that was asked for, or what is long runs over it."""
    begin, length = _half_hour(start), timedelta(minutes=minutes)
    if end.astimezone(UTC) - begin.astimezone(UTC) < length:
        return []
    busy = tuple(Busy(one.start, one.end) for one in own.busy)  # what is not certain counts
    if not with_lunch and minutes <= LONGEST_BESIDE_LUNCH:
        busy += tuple(_lunches(begin.astimezone(own.hours.zone), end.astimezone(own.hours.zone)))
    me = Person("you", own.hours, busy)
    found = find_times([me], Wish(length, begin, end, own.hours.zone, count=count))
    return sorted(slot.start for slot in found.slots if not slot.is_compromise)


def _lunches(start: datetime, end: datetime) -> Iterator[Busy]:
    for number in range((end.date() - start.date()).days + 1):
        day = start.date() + timedelta(days=number)
        yield Busy(datetime.combine(day, LUNCH[0], start.tzinfo), datetime.combine(day, LUNCH[1], start.tzinfo))


def _is_working(hours: WorkingHours, start: datetime, end: datetime) -> bool:
    day = start.astimezone(hours.zone).date()
    return any(begins <= start and end <= ends for begins, ends in hours.on(day))


def _half_hour(at: datetime) -> datetime:
    seconds = -int(at.timestamp()) % 1800
    return (at.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=seconds)).astimezone(at.tzinfo)


def _said(option: Option) -> str:
    if option.width in {"day", "week"}:
        return f"{option.start:%a %d %b}" + (" and that week" if option.width == "week" else "")
    until = f"-{option.until:%H:%M}" if option.until else ""
    return f"{option.start:%a %d %b %H:%M}{until}"


def _called(zone: tzinfo) -> str:
    key = getattr(zone, "key", "")
    return f"{key.rpartition('/')[2].replace('_', ' ')} time" if key else ""
