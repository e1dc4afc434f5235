"""The picture of a day as a column: what lies where, in pixels downwards and per cent across. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from agents.day_plan import DayPlan
from app.day._planning import PlannedDay
from core.outside.calendar import CalendarEvent

PIXELS_PER_MINUTE = 1.5
HOUR = timedelta(hours=1)
SHORTEST_PIXELS = 15.0  # lower, and there is no line of text in it
TWO_LINES = 34

Kind = Literal["event", "perhaps", "free", "task", "lunch"]


@dataclass(frozen=True)
class Line:
    """One line of the day: an event, a block for a task, or the break. `task_id`: what a link leads to; `part`: "2 of 3"."""

    kind: Kind
    title: str
    start: datetime
    end: datetime
    why: str = ""
    task_id: str = ""
    part: str = ""


@dataclass(frozen=True)
class Box:
    """A line as it is drawn."""

    line: Line
    x: float
    width: float
    y: float
    height: float

    @property
    def has_two_lines(self) -> bool:
        return self.height >= TWO_LINES


@dataclass(frozen=True)
class Column:
    """The picture: hours with where they stand, stretches of working time, boxes, and where it is now (None: not here)."""

    height: float
    hours: list[tuple[float, str]]
    working: list[tuple[float, float]]
    boxes: list[Box]
    now_y: float | None


def lines_of(planned: PlannedDay) -> list[Line]:
    """Everything that has its time on the day, in order."""
    zone = planned.hours.zone
    found = [_event(one, planned) for one in planned.events if not one.is_all_day]
    found += _planned(planned.plan)
    return sorted(found, key=lambda one: (one.start.astimezone(UTC), one.end.astimezone(zone), one.title))


def column_of(planned: PlannedDay, lines: Sequence[Line]) -> Column:
    """The picture of these lines: from the first working hour to the last, or further where something is."""
    zone, day = planned.hours.zone, planned.plan.day
    working = planned.hours.on(day)
    edges = [edge for span in working for edge in span] + [edge for one in lines for edge in (one.start, one.end)]
    here = [edge.astimezone(zone) for edge in edges if edge.astimezone(zone).date() == day]
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=zone)
    first = min([*here, nine]).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    last = max([*(one.astimezone(UTC) for one in here), nine.astimezone(UTC) + 8 * HOUR])
    count = -(-(last - first) // HOUR)
    height = count * 60 * PIXELS_PER_MINUTE

    def y(at: datetime) -> float:
        return min(max((at.astimezone(UTC) - first).total_seconds() / 60 * PIXELS_PER_MINUTE, 0.0), height)

    boxes = [
        Box(line, 100 * lane / lanes, 100 / lanes, y(line.start), max(y(line.end) - y(line.start), SHORTEST_PIXELS))
        for line, lane, lanes in _in_lanes(lines)
    ]
    now_y = y(planned.now) if planned.now.astimezone(zone).date() == day else None
    return Column(
        height=height,
        hours=[(n * 60 * PIXELS_PER_MINUTE, f"{(first + n * HOUR).astimezone(zone):%H:%M}") for n in range(count)],
        working=[(y(start), y(end) - y(start)) for start, end in working],
        boxes=boxes,
        now_y=None if now_y in {0.0, height} else now_y,
    )


def _event(event: CalendarEvent, planned: PlannedDay) -> Line:
    zone = planned.hours.zone
    way = planned.ways.get(event.id)
    where = [event.location, f"{way} min on the way, there and back" if way else ""]
    kinds: dict[str | None, Kind] = {"busy": "event", "tentative": "perhaps", None: "free"}
    return Line(
        kinds[event.takes_time()],
        event.title or "(no title)",
        event.begins(zone).astimezone(zone),
        event.finishes(zone).astimezone(zone),
        "; ".join(part for part in where if part),
    )


def _planned(plan: DayPlan) -> Iterable[Line]:
    for one in plan.blocks:
        task_id = str(one.task_ids[0]) if len(one.task_ids) == 1 else ""
        part = f"{one.part[0]} of {one.part[1]}" if one.part[1] > 1 else ""
        yield Line("task", one.title, one.starts_at, one.ends_at, one.why, task_id, part)
    if plan.lunch:
        yield Line("lunch", "Break", plan.lunch.start, plan.lunch.end)


def _in_lanes(lines: Sequence[Line]) -> Iterable[tuple[Line, int, int]]:
    """Each line with its lane and how many lanes there are where it stands: what takes the same time lies side by side."""
    together: list[list[Line]] = []
    reached: datetime | None = None
    for line in lines:
        if reached is None or line.start.astimezone(UTC) >= reached:
            together.append([])
            reached = None
        together[-1].append(line)
        end = line.end.astimezone(UTC)
        reached = end if reached is None else max(reached, end)
    for group in together:
        ends: list[datetime] = []
        lanes: list[int] = []
        for line in group:
            start = line.start.astimezone(UTC)
            lane = next((n for n, end in enumerate(ends) if end <= start), len(ends))
            ends[lane : lane + 1] = [line.end.astimezone(UTC)]
            lanes.append(lane)
        yield from ((line, lane, len(ends)) for line, lane in zip(group, lanes, strict=True))
