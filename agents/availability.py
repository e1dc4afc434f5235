"""Finding a time: when several people can meet, across zones. Pure: what is known goes in, ranked slots come out.

Every start on a grid is weighed; what everybody can keep comes first. Where nobody finds a time that suits all, the best
compromise is said plainly to be one, with who would have to give way.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from core.errors import Invalid
from core.outside.calendar import DAY, Busy, CalendarEvent, WorkingHours

PartOfDay = Literal["early_morning", "morning", "midday", "afternoon", "evening"]
PARTS: dict[PartOfDay, tuple[time, time]] = {
    "early_morning": (time(6), time(9)),
    "morning": (time(8), time(12)),
    "midday": (time(11), time(14)),
    "afternoon": (time(12), time(17)),
    "evening": (time(17), time(21)),
}
STEP = timedelta(minutes=15)
LONGEST_WINDOW = timedelta(days=92)
LONGEST_MEETING = timedelta(hours=24)
MOST_PER_DAY = 2
# What a slot costs. A clash of somebody who must come outweighs everything else.
CLASH, OPTIONAL_CLASH, TENTATIVE, OFF_HOURS, NIGHT, NO_BUFFER, NOT_PREFERRED, LATER = 1000, 60, 40, 80, 200, 15, 10, 1
ODD_MINUTE = {0: 0.0, 30: 0.005}  # others cost 0.02: a little later at the full hour is better
NIGHT_ENDS, NIGHT_BEGINS = 7, 22

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Person:
    """Somebody who is to meet. `unknown_because`: nothing is known of when they are busy."""

    name: str
    hours: WorkingHours
    busy: tuple[Busy, ...] = ()
    unknown_because: str = ""
    is_optional: bool = False


@dataclass(frozen=True)
class Wish:
    """What is looked for: so long, within [start, end), with room around it, best at these parts of the day.

    `zone` is that of the person who asks. Raises Invalid that names the field.
    """

    duration: timedelta
    start: datetime
    end: datetime
    zone: ZoneInfo
    buffer: timedelta = timedelta()
    preferred: tuple[PartOfDay, ...] = ()
    count: int = 5

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise Invalid("The window needs times with a zone", detail=f"{self.start}, {self.end}")
        if not timedelta(minutes=1) <= self.duration <= LONGEST_MEETING:
            raise Invalid(f"A meeting of {self.duration} cannot be placed", detail="allowed: 1 minute to 24 hours")
        if not timedelta() <= self.buffer <= timedelta(hours=4):
            raise Invalid(f"A buffer of {self.buffer} cannot be kept", detail="allowed: 0 to 4 hours")
        if not self.duration <= _utc(self.end) - _utc(self.start) <= LONGEST_WINDOW:
            raise Invalid(
                f"{self.start.isoformat()} to {self.end.isoformat()} is no window for {self.duration}",
                detail=f"allowed: from the duration up to {LONGEST_WINDOW.days} days",
            )


@dataclass(frozen=True)
class Slot:
    """A time that was found, in the zone of who asked. `clashes`: names of those who would have to give way."""

    start: datetime
    end: datetime
    cost: float
    reasons: tuple[str, ...]
    clashes: tuple[str, ...] = ()
    is_compromise: bool = False


@dataclass(frozen=True)
class Found:
    """The slots, best first, and in a sentence what they are worth. No slot where the window holds no start at all."""

    slots: tuple[Slot, ...]
    summary: str
    is_compromise: bool = False


def find_times(people: Sequence[Person], wish: Wish) -> Found:
    """Ranked slots for the people. Those that everybody can keep, else the best compromises, marked as such.

    Slots do not overlap, and at most two are of one day as long as other days have some. Raises Invalid without people.
    """
    if not people:
        raise Invalid("Nobody is to meet", detail="people is empty")
    weighed = [_Weighed(person, wish) for person in people]
    candidates = [slot for at in _grid(wish) if (slot := _weigh(weighed, wish, at))]
    good = [slot for slot in candidates if not slot.is_compromise]
    chosen = _choose(good or candidates, wish.count)
    return Found(tuple(chosen), _summary(people, wish, chosen, bool(good)), is_compromise=bool(chosen) and not good)


def busy_from(events: Iterable[CalendarEvent], zone: ZoneInfo) -> tuple[Busy, ...]:
    """When events keep their person busy; all-day ones from midnight to midnight of the zone.

    Declined and cancelled events and those shown as free do not count; open invitations are tentative.
    """
    return tuple(
        Busy(event.begins(zone), event.finishes(zone), kind)
        for event in events
        if (kind := event.takes_time()) and event.finishes(zone) > event.begins(zone)
    )


class _Weighed:
    """A person with their time laid out for quick looking: merged and sorted, in UTC."""

    def __init__(self, person: Person, wish: Wish) -> None:
        self.person = person
        self.buffer = wish.buffer
        self.taken = _merged((b.start, b.end) for b in person.busy if b.kind == "busy")
        self.perhaps = _merged((b.start, b.end) for b in person.busy if b.kind == "tentative")
        first = wish.start.astimezone(person.hours.zone).date() - DAY
        days = (wish.end.astimezone(person.hours.zone).date() - first).days + 2
        self.working = _merged(span for n in range(days) for span in person.hours.on(first + n * DAY))

    @cached_property
    def zone(self) -> ZoneInfo:
        return self.person.hours.zone

    def off_hours(self, start: datetime, end: datetime) -> timedelta:
        """How much of the slot lies outside the working hours."""
        inside = sum((min(end, e) - max(start, s) for s, e in _touching(self.working, start, end)), timedelta())
        return end - start - inside

    def is_at_night(self, start: datetime, end: datetime) -> bool:
        here, last = start.astimezone(self.zone), (end - timedelta(seconds=1)).astimezone(self.zone)
        return (
            here.hour < NIGHT_ENDS or here.hour >= NIGHT_BEGINS or last.hour < NIGHT_ENDS or last.date() > here.date()
        )


def _weigh(people: Sequence[_Weighed], wish: Wish, start: datetime) -> Slot | None:
    """The slot that begins at a moment (UTC), with what it costs and why. None where its end is outside the window."""
    end = start + wish.duration
    if end > _utc(wish.end) or start < _utc(wish.start):
        return None
    cost, reasons, clashes, gives = 0.0, list[str](), list[str](), False
    for one in people:
        name, must = one.person.name, not one.person.is_optional
        if _touching(one.taken, start, end):
            clashes.append(name)
            cost += CLASH if must else OPTIONAL_CLASH
            gives |= must
            reasons.append(f"{name} is busy then" + ("" if must else ", and need not come"))
        elif wish.buffer and _touching(one.taken, start - wish.buffer, end + wish.buffer):
            cost += NO_BUFFER
            gives |= must
            minutes = int(wish.buffer.total_seconds() // 60)
            reasons.append(f"less than {minutes} minutes to {name}'s next or last meeting")
        if _touching(one.perhaps, start, end):
            cost += TENTATIVE
            reasons.append(f"{name} has something then that is not certain")
        if off := one.off_hours(start, end):
            cost += (NIGHT if one.is_at_night(start, end) else 0) + OFF_HOURS * (off / wish.duration)
            gives |= must
            reasons.append(f"{_minutes(off)} outside the working hours of {name} ({_clock(start, one.zone)} there)")
        if one.person.unknown_because:
            reasons.append(f"whether {name} is free is not known: {one.person.unknown_because}")
    part = _part(wish, start, end)
    if wish.preferred and part is None:
        cost += NOT_PREFERRED
    if part:
        reasons.insert(0, f"in the {part.replace('_', ' ')}, as preferred")
    if not clashes and not any(one.person.unknown_because for one in people):
        reasons.insert(0, "everybody is free" if len(people) > 1 else "free")
    cost += LATER * (start - _utc(wish.start)) / timedelta(days=1)
    here = (start.astimezone(wish.zone), end.astimezone(wish.zone))
    cost += ODD_MINUTE.get(here[0].minute, 0.02)
    return Slot(*here, round(cost, 4), tuple(reasons), tuple(clashes), is_compromise=gives)


def _choose(slots: Sequence[Slot], count: int) -> list[Slot]:
    """The cheapest, none overlapping another, first at most two of a day; then whatever else there is."""
    ranked = sorted(slots, key=lambda slot: (slot.cost, _utc(slot.start)))
    chosen: list[Slot] = []
    for per_day in (MOST_PER_DAY, len(ranked)):
        for slot in ranked:
            if len(chosen) >= count:
                break
            same_day = sum(1 for one in chosen if one.start.date() == slot.start.date())
            if same_day < per_day and all(
                _utc(slot.end) <= _utc(c.start) or _utc(slot.start) >= _utc(c.end) for c in chosen
            ):
                chosen.append(slot)
    return sorted(chosen, key=lambda slot: (slot.cost, _utc(slot.start)))


def _summary(people: Sequence[Person], wish: Wish, chosen: Sequence[Slot], is_good: bool) -> str:
    unknown = [person.name for person in people if person.unknown_because]
    caveat = f" Nothing is known of when {_listed(unknown)} {_are(unknown)} busy." if unknown else ""
    if not chosen:
        return "No slot of that length begins in the window." + caveat
    if is_good:
        return (
            f"{len(chosen)} time{'s' if len(chosen) > 1 else ''} that suit{'' if len(chosen) > 1 else 's'} everybody."
            + caveat
        )
    best = chosen[0]
    what = f"{_listed(best.clashes)} would have to give way" if best.clashes else best.reasons[-1]
    whom = "you" if len(people) == 1 else "everybody"
    return f"No time in the window suits {whom}. The best compromise is {best.start:%a %d %b %H:%M}: {what}." + caveat


def _part(wish: Wish, start: datetime, end: datetime) -> PartOfDay | None:
    """The preferred part of the day that holds the slot, in the zone of who asks."""
    here, last = start.astimezone(wish.zone), end.astimezone(wish.zone)
    for part in wish.preferred:
        begins, ends = PARTS[part]
        if here.date() == last.date() and begins <= here.time() and last.time() <= ends:
            return part
    return None


def _grid(wish: Wish) -> Iterable[datetime]:
    """Starts at full quarters of an hour by UTC, which are quarters in every zone there is; and the window's own start."""
    begin, end = _utc(wish.start), _utc(wish.end)
    since = begin - datetime.combine(begin.date(), time(), UTC)
    at = begin + (-since % STEP)
    if at != begin:
        yield begin
    while at + wish.duration <= end:
        yield at
        at += STEP


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """In UTC, sorted, overlapping and adjoining ones as one."""
    merged: list[Stretch] = []
    for start, end in sorted((_utc(s), _utc(e)) for s, e in stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _touching(stretches: Sequence[Stretch], start: datetime, end: datetime) -> list[Stretch]:
    """Those of the merged stretches that overlap [start, end)."""
    at = bisect_left(stretches, start, key=lambda stretch: stretch[1])
    found: list[Stretch] = []
    while at < len(stretches) and stretches[at][0] < end:
        if stretches[at][1] > start:
            found.append(stretches[at])
        at += 1
    return found


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M} {zone.key}"


def _minutes(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
