"""A scale from time to place on which long stretches without work are short."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from app._view.words import span

BREAK = 46  # what a long stretch without work is drawn as
IDLE_SHARE = 0.2  # of the work's time: a longer stretch without work is drawn short
NEAREST = 62  # between the words of two ticks
STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400]
MOST_STEPS = 10
Spell = tuple[datetime, datetime]


@dataclass(frozen=True)
class Tick:
    """A moment on the axis."""

    x: float
    words: str


@dataclass(frozen=True)
class Break:
    """A stretch without work that is drawn short; how long it was, in words."""

    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Scale:
    """Knots of moment and place, in order; between two of them it is straight."""

    knots: list[tuple[datetime, float]]
    breaks: list[Break]

    def at(self, moment: datetime) -> float:
        """The place of a moment; before the first knot and after the last the end of the scale."""
        number = bisect_right([knot for knot, _ in self.knots], moment)
        if number == 0:
            return self.knots[0][1]
        if number == len(self.knots):
            return self.knots[-1][1]
        (start, low), (end, high) = self.knots[number - 1], self.knots[number]
        share = (moment - start) / (end - start) if end > start else 0
        return round(low + (high - low) * share, 2)

    def ticks(self, zone: tzinfo | None) -> list[Tick]:
        """Round moments in a person's zone, not closer than their words are wide, none in a break."""
        first, last = self.knots[0][0].astimezone(zone), self.knots[-1][0].astimezone(zone)
        drawn = sum((end - start).total_seconds() for (start, _), (end, _) in self._drawn())
        step = next((one for one in STEPS if drawn / one <= MOST_STEPS), STEPS[-1])
        found = [Tick(0, _clock(first, step))]
        for moment in self._round_moments(step, zone):
            x = self.at(moment)
            is_shown = x - found[-1].x >= NEAREST and not any(one.x < x < one.x + one.width for one in self.breaks)
            if is_shown and moment <= last:
                is_new_day = moment.date() != first.date() and not found[-1].words.startswith(f"{moment:%a}")
                found.append(Tick(x, f"{moment:%a} {_clock(moment, step)}" if is_new_day else _clock(moment, step)))
        return found

    def _drawn(self) -> list[tuple[tuple[datetime, float], tuple[datetime, float]]]:
        """The stretches that are at scale."""
        pairs = pairwise(self.knots)
        return [pair for pair in pairs if not any(one.x == pair[0][1] for one in self.breaks)]

    def _round_moments(self, step: int, zone: tzinfo | None) -> Iterable[datetime]:
        for (start, _), (end, _) in self._drawn():
            here = start.astimezone(zone)
            midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
            passed = (here - midnight).total_seconds()
            moment = midnight + timedelta(seconds=(passed // step + 1) * step)
            while moment <= end:
                yield moment
                moment += timedelta(seconds=step)


def scale_of(start: datetime, end: datetime, busy: Iterable[Spell], width: float) -> Scale:
    """A scale of this width. Where nothing of `busy` is, for longer than a share of all the work, it is short."""
    spells = _joined(busy)
    work = sum((last - first).total_seconds() for first, last in spells)
    longest = max(work * IDLE_SHARE, 1.0)
    edges = [start, *(moment for spell in spells for moment in spell), end]
    pieces = [
        (first, last, number % 2 == 0 and (last - first).total_seconds() > longest and bool(spells))
        for number, (first, last) in enumerate(pairwise(edges))
        if last > first
    ]
    breaks = sum(is_break for _, _, is_break in pieces)
    room = width - BREAK * breaks
    short = room < width / 3  # so many breaks that nothing else would be seen
    break_width = width * 2 / 3 / breaks if short else BREAK
    room = width / 3 if short else room
    seconds = sum((last - first).total_seconds() for first, last, is_break in pieces if not is_break) or 1.0
    x, knots, found = 0.0, [(start, 0.0)], list[Break]()
    for first, last, is_break in pieces:
        wide = break_width if is_break else room * (last - first).total_seconds() / seconds
        if is_break:
            found.append(Break(round(x, 2), round(wide, 2), span((last - first).total_seconds())))
        x = round(x + wide, 2)
        knots.append((last, x))
    return Scale(knots, found)


def _joined(busy: Iterable[Spell]) -> list[Spell]:
    """The spells in order, those that touch as one."""
    found: list[Spell] = []
    for first, last in sorted(busy):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        elif last > first:
            found.append((first, last))
    return found


def _clock(moment: datetime, step: int) -> str:
    return f"{moment:%H:%M:%S}" if step < 60 else f"{moment:%H:%M}"
