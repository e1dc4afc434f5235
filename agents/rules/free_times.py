"""Which of the times that a mail proposes are free, and which other ones are. Pure: the calendar's busy time goes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict, Field

from agents.availability import Person, Wish, find_times
from agents.rules.proposed_times import Option, Proposal
from core.outside.calendar import Busy, WorkingHours

LOOK_AHEAD = timedelta(days=14)
NOTICE = timedelta(hours=2)
MOST_INSTEAD = 3


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

    def in_words(self) -> list[str]:
        """For a model: which times are free, by the calendar."""
        lines = [f"The mail proposes times for {self.minutes} minutes, by {self.clock or 'your own clock'}."]
        lines += [f"Not free: {one}" for one in self.taken]
        if self.free:
            lines.append("Free by your calendar: " + ", ".join(f"{at:%a %d %b %Y %H:%M}" for at in self.free))
        if self.instead:
            lines.append(
                "None of them is free; these are: " + ", ".join(f"{at:%a %d %b %Y %H:%M}" for at in self.instead)
            )
        return lines


def window_of(proposal: Proposal, now: datetime) -> tuple[datetime, datetime]:
    """Of which stretch the busy time has to be known."""
    last = max((one.until or one.start for one in proposal.options), default=now)
    return now, max(now + LOOK_AHEAD, last + timedelta(days=1))


def weigh_times(proposal: Proposal, own: OwnTime, now: datetime) -> OfferedTimes:
    """Which of the proposed times to accept; where none can be, up to three others inside working hours, soonest first."""
    free, taken = list[datetime](), list[str]()
    is_wide = bool(proposal.options) and all(one.width == "week" for one in proposal.options)
    for option in proposal.options:
        found, why = _in_option(option, proposal.minutes, own, now, MOST_INSTEAD if is_wide else 1)
        free += [at.astimezone(option.start.tzinfo) for at in found if at not in free]
        if not found:
            taken.append(f"{_said(option)}: {why}")
    zone = proposal.zone
    return OfferedTimes(
        minutes=proposal.minutes,
        clock=proposal.zone_words or _called(zone),
        free=free,
        instead=[] if free else [at.astimezone(zone) for at in _next(own, now, proposal.minutes)],
        taken=taken,
        proposed=len(proposal.options),
        asks_more=proposal.asks_more,
        is_wide=is_wide,
    )


def is_free(start: datetime, end: datetime, busy: Sequence[Busy]) -> bool:
    """Does nothing stand there, not even something that is not certain?"""
    return all(end <= one.start or start >= one.end for one in busy)


def next_free(own: OwnTime, after: datetime, minutes: int, count: int = MOST_INSTEAD) -> list[datetime]:
    """The next free times inside working hours within two weeks, soonest first, at most two of a day."""
    return _search(own, after, after + LOOK_AHEAD, minutes, count)


def _next(own: OwnTime, now: datetime, minutes: int) -> list[datetime]:
    return next_free(own, now + NOTICE, minutes)


def _in_option(option: Option, minutes: int, own: OwnTime, now: datetime, count: int) -> tuple[list[datetime], str]:
    length = timedelta(minutes=minutes)
    if (option.until or option.start) <= now:
        return [], "over"
    if option.until is not None:
        return _search(own, max(option.start, now), option.until, minutes, count), "nothing free inside working hours"
    end = option.start + length
    if not is_free(option.start, end, own.busy):
        return [], "busy"
    return ([option.start], "") if _is_working(own.hours, option.start, end) else ([], "outside working hours")


def _search(own: OwnTime, start: datetime, end: datetime, minutes: int, count: int) -> list[datetime]:
    begin, length = _half_hour(start), timedelta(minutes=minutes)
    if end.astimezone(UTC) - begin.astimezone(UTC) < length:
        return []
    me = Person("you", own.hours, tuple(Busy(one.start, one.end) for one in own.busy))  # what is not certain counts
    found = find_times([me], Wish(length, begin, end, own.hours.zone, count=count))
    return sorted(slot.start for slot in found.slots if not slot.is_compromise)


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
