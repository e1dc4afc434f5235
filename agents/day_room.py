"""The room that a day has for work: what working hours leave beside busy times, and how it is taken. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.outside.calendar import WorkingHours, at_clock

BUFFER = timedelta(minutes=5)  # before and after a meeting with others, and to spare on the way to a place
STEP = timedelta(minutes=5)
LUNCH_FROM, LUNCH_UNTIL, LUNCH = time(12), time(14), timedelta(minutes=30)


@dataclass(frozen=True)
class Span:
    """A stretch of time, aware. `needs_buffer`: others are there, one does not step from it into work at once.

    `way`: to the place where it is, and back.
    """

    start: datetime
    end: datetime
    title: str = ""
    needs_buffer: bool = False
    way: timedelta = timedelta()

    @property
    def margin(self) -> timedelta:
        """What is kept free before and after."""
        return self.way + (BUFFER if self.needs_buffer or self.way else timedelta())


class Room:
    """Stretches of time, in order, that are free for work. They begin at full five minutes."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]]) -> None:
        self._gaps = [(start, end) for begin, end in spans if (start := _on_grid(begin)) < end]

    @property
    def minutes(self) -> int:
        """How many are free in all."""
        return self.minutes_between(None, None)

    def minutes_between(self, after: datetime | None, before: datetime | None) -> int:
        """How many are free between two moments."""
        return sum(int((end - start).total_seconds() // 60) for start, end in self._within(after, before))

    def whole(self, length: timedelta, after: datetime | None, before: datetime | None) -> Span | None:
        """The first stretch of this length."""
        for start, end in self._within(after, before):
            if end - start >= length:
                return Span(start, start + length)
        return None

    def parts(
        self,
        length: timedelta,
        after: datetime | None,
        before: datetime | None,
        shortest: timedelta,
        longest: timedelta,
        pause: timedelta,
    ) -> list[Span]:
        """Stretches from the first on, together as long or as near to it as there is room; none is shorter than `shortest`."""
        found: list[Span] = []
        rest = length
        for start, end in self._within(after, before):
            at = start
            while rest and end - at >= min(shortest, rest):
                piece = min(_whole_steps(end - at), longest, rest)
                if timedelta() < rest - piece < shortest:
                    piece = rest - shortest  # what is left is long enough, too
                if piece < min(shortest, rest):
                    break
                found.append(Span(at, at + piece))
                rest -= piece
                at += piece + pause
        return found

    def take(self, start: datetime, end: datetime) -> None:
        """From now on this stretch is not free."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        left = [piece for gap in self._gaps for piece in ((gap[0], min(gap[1], start)), (max(gap[0], end), gap[1]))]
        self._gaps = sorted({(_on_grid(begin), finish) for begin, finish in left if _on_grid(begin) < finish})

    def _within(self, after: datetime | None, before: datetime | None) -> Iterable[tuple[datetime, datetime]]:
        for start, end in self._gaps:
            first = max(start, _on_grid(after)) if after else start
            last = min(end, before.astimezone(UTC)) if before else end
            if last > first:
                yield first, last


def room_on(day: date, now: datetime, hours: WorkingHours, busy: Sequence[Span]) -> Room:
    """The working time of a day that is not over and not taken."""
    here = now.astimezone(UTC).replace(second=0, microsecond=0)  # the minute that has begun can still be used
    room = Room((max(start.astimezone(UTC), here), end.astimezone(UTC)) for start, end in hours.on(day))
    for one in busy:
        room.take(one.start - one.margin, one.end + one.margin)
    return room


def lunch_on(day: date, hours: WorkingHours, room: Room) -> tuple[Span | None, bool]:
    """The break at noon, and whether one is wanted: not where the working hours leave one out, or touch noon little."""
    start, end = at_clock(day, LUNCH_FROM, hours.zone), at_clock(day, LUNCH_UNTIL, hours.zone)
    works = [(first.astimezone(UTC), last.astimezone(UTC)) for first, last in hours.on(day)]
    through = [one for one in works if one[0] < start.astimezone(UTC) and one[1] >= end.astimezone(UTC)]
    if not through:
        return None, False
    return room.whole(LUNCH, start, end), True


def _on_grid(at: datetime) -> datetime:
    """The next full five minutes, in UTC."""
    here = at.astimezone(UTC)
    over = timedelta(minutes=here.minute % 5, seconds=here.second, microseconds=here.microsecond)
    return here + (STEP - over) if over else here


def _whole_steps(length: timedelta) -> timedelta:
    return length - length % STEP
