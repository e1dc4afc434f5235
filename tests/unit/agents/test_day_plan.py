"""A planned day: nothing overlaps, deadlines come first, and what is left out says why."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.day_plan import DayPlan, Todo, plan_day
from agents.day_room import Span
from core.outside.calendar import WorkingHours, hours_from

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = WorkingHours("Europe/Berlin")
DAY = date(2026, 3, 4)  # a Wednesday
NOW = datetime(2026, 3, 4, 7, tzinfo=BERLIN)


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN)


def todo(number: int, title: str = "", minutes: int = 30, **more: object) -> Todo:
    return Todo(task_id=UUID(int=number), title=title or f"task {number}", minutes=minutes, **more)  # pyright: ignore[reportArgumentType]


def busy(start: datetime, end: datetime, *, with_others: bool = False) -> Span:
    return Span(start, end, "meeting", needs_buffer=with_others)


def plan(
    *todos: Todo, taken: tuple[Span, ...] = (), now: datetime = NOW, hours: WorkingHours = HOURS, day: date = DAY
) -> DayPlan:
    return plan_day(day, now, hours, taken, todos)


def told(made: DayPlan) -> list[str]:
    return [f"{one.starts_at:%H:%M}-{one.ends_at:%H:%M} {one.title}" for one in made.blocks]


def test_deadlines_come_before_priority_and_meetings_keep_a_margin() -> None:
    made = plan(
        todo(1, "Paint", rank=1),
        todo(2, "Report", 45, due_at=at(12), due_is_all_day=False),
        todo(3, "Rent", due_at=at(18, day=2)),
        taken=(busy(at(9, 30), at(10), with_others=True),),
    )
    assert told(made) == ["10:05-10:50 Report", "10:55-11:25 Rent", "11:30-12:00 Paint"]
    assert made.blocks[0].why == "due this day at 12:00"
    assert next(one for one in made.blocks if one.title == "Rent").why == "was due on Monday, 2 March"
    assert made.lunch == Span(at(12), at(12, 30))
    away = Span(at(9, 30), at(10), "visit", needs_buffer=True, way=timedelta(minutes=30))
    assert told(plan(todo(1), taken=(away,))) == ["10:35-11:05 task 1"]


def test_a_long_task_is_split_with_pauses_and_its_rest_goes_to_another_day() -> None:
    made = plan(todo(1, "Budget", 420), taken=(busy(at(14), at(17)),))
    assert told(made) == ["09:00-10:30 Budget", "10:40-12:00 Budget", "12:30-14:00 Budget"]
    assert [one.part for one in made.blocks] == [(1, 5), (2, 5), (3, 5)]
    (rest,) = made.left_out
    assert (rest.minutes, rest.suggested_day) == (160, date(2026, 3, 5))
    assert rest.why == "160 of 420 min do not fit any more"


def test_what_comes_before_a_deadline_of_another_is_as_urgent() -> None:
    made = plan(
        todo(1, "Urgent", 60, rank=1),
        todo(2, "Send", 30, needs=frozenset({UUID(int=3)}), due_at=at(11), due_is_all_day=False),
        todo(3, "Write", 60, rank=4),
        todo(4, "After", waits_for=("the board",)),
        todo(5, "Circle", needs=frozenset({UUID(int=6)})),
        todo(6, "Circle too", needs=frozenset({UUID(int=5)})),
    )
    assert told(made) == ["09:00-10:00 Write", "10:10-10:40 Send", "10:45-11:45 Urgent"]
    assert [(one.title, one.why) for one in made.left_out] == [
        ("After", "it waits for “the board”"),
        ("Circle", "it waits for what does not fit itself"),
        ("Circle too", "it waits for what does not fit itself"),
    ]


def test_what_waits_to_be_looked_at_is_looked_at_together() -> None:
    made = plan(*(todo(n, looked_at="draft") for n in range(1, 5)), todo(9, "Call", 7))
    assert told(made) == ["09:00-09:20 4 drafts to look at", "09:25-09:35 Call"]
    looking = next(one for one in made.blocks if "drafts" in one.title)
    assert looking.task_ids == tuple(UUID(int=n) for n in range(1, 5))
    assert told(plan(todo(1, "Choose", looked_at="question"))) == ["09:00-09:10 Look at: Choose"]


def test_what_has_a_day_of_its_own_is_planned_on_no_other() -> None:
    grandma = todo(1, "Call grandma", due_at=at(23, 59, day=7), first_day=date(2026, 3, 7))
    review = todo(2, "Call Ana", due_at=at(15, day=5), due_is_all_day=False, first_day=date(2026, 3, 5))
    bowl = todo(3, "Bring the bowl", due_at=at(13, day=5), due_is_all_day=False, first_day=DAY, is_brought=True)
    late = todo(4, "Call Jo", due_at=at(23, 59, day=2), first_day=date(2026, 3, 2))
    far, near = (
        todo(5, "Invoice", due_at=at(23, 59, day=15), rank=1),
        todo(6, "Offer", due_at=at(23, 59, day=6), rank=4),
    )
    every = (grandma, review, bowl, late, far, near)
    made = plan(*every)
    assert [one.title for one in made.blocks] == ["Call Jo", "Bring the bowl", "Offer", "Invoice"]
    assert [(one.title, one.why, one.group) for one in made.left_out] == [
        ("Call Ana", "it belongs to Thursday, 5 March at 15:00", "own_day"),
        ("Call grandma", "it belongs to Saturday, 7 March", "own_day"),
    ]
    saturday = plan(*every, day=date(2026, 3, 7)).left_out
    assert ("Call grandma", "this is its day") in [(one.title, one.why) for one in saturday]
    assert ("Bring the bowl", "it belonged to Thursday, 5 March at 13:00") in [(o.title, o.why) for o in saturday]
    assert plan(*every, day=date(2026, 3, 3)) == DayPlan(day=date(2026, 3, 3), notes=("This day is over.",))
    starting = plan(
        todo(1, "B", looked_at="start", due_at=at(12, day=6)), todo(2, "A", looked_at="start", due_at=at(12, day=5))
    )
    assert told(starting) == ["09:00-09:10 Start 2 tasks that Steward prepares"]
    assert starting.blocks[0].why == "due on Thursday, 5 March; press Execute: “A”, “B”"


def test_days_that_are_over_free_or_full_say_so() -> None:
    one = todo(1, due_at=at(12), due_is_all_day=False)
    over = plan(one, now=at(17, 30))
    assert (over.blocks, over.notes) == ((), ("The working hours of this day are over.",))
    saturday = plan(todo(1), day=date(2026, 3, 7))
    assert saturday.notes == ("No working hours on a Saturday; the next are on Monday.",)
    assert saturday.left_out[0].suggested_day == date(2026, 3, 9)
    full = plan(one, taken=(busy(at(0), at(0, day=5)),))
    assert full.notes == ("The calendar leaves no room for tasks.",)
    assert full.left_out[0].why == "it needs 30 min, and nothing is free before it is due at 12:00"
    assert full.left_out[0].suggested_day is None
    assert plan(todo(1), hours=WorkingHours("Europe/Berlin", {})).left_out[0].suggested_day is None
    assert plan().blocks == ()
    noon = plan(todo(1), taken=(busy(at(12), at(14)),))
    assert noon.notes == ("Meetings leave no room for a break between 12:00 and 14:00.",)
    assert plan(hours=hours_from("mon-fri 09:00-12:30 13:30-17:00", "Europe/Berlin")).lunch is None


def test_nothing_is_planned_into_the_past_or_lost_when_the_clock_changes() -> None:
    assert told(plan(todo(1), now=at(10, 2)))[0].startswith("10:05")
    night = hours_from("sun 00:00-06:00", "Europe/Berlin")
    spring = plan_day(date(2026, 3, 29), NOW, night, (), [todo(1, minutes=300)])  # this night has five hours
    assert sum(one.minutes for one in spring.blocks) == 270
    assert all(a.ends_at.astimezone(UTC) <= b.starts_at.astimezone(UTC) for a, b in pairwise(spring.blocks))


moments = st.integers(0, 24 * 12).map(lambda n: at(0) + timedelta(minutes=5 * n))
meetings = st.tuples(moments, st.integers(1, 180), st.booleans()).map(
    lambda found: busy(found[0], found[0] + timedelta(minutes=found[1]), with_others=found[2])
)


@st.composite
def todos(draw: st.DrawFn) -> list[Todo]:
    count = draw(st.integers(0, 8))
    return [
        todo(
            n + 1,
            minutes=draw(st.integers(1, 300)),
            due_at=draw(st.none() | moments),
            due_is_all_day=draw(st.booleans()),
            rank=draw(st.integers(1, 4)),
            needs=frozenset(UUID(int=k + 1) for k in draw(st.sets(st.integers(0, max(count - 1, 0)), max_size=2))),
            looked_at=draw(st.sampled_from(["", "", "draft", "question"])),
        )
        for n in range(count)
    ]


@settings(max_examples=120, deadline=None)
@given(todos(), st.lists(meetings, max_size=5), st.integers(5 * 60, 18 * 60), st.randoms())
def test_whatever_the_day_holds(work: list[Todo], taken: list[Span], minute: int, chance: Random) -> None:
    now = at(0) + timedelta(minutes=minute)
    made = plan_day(DAY, now, HOURS, taken, work)
    by_id = {one.task_id: one for one in work}
    ends = {
        task_id: max(b.ends_at for b in made.blocks if task_id in b.task_ids)
        for b in made.blocks
        for task_id in b.task_ids
    }
    for first, second in pairwise(made.blocks):
        assert first.ends_at <= second.starts_at
    for block in made.blocks:
        assert max(at(9), now) <= block.starts_at < block.ends_at <= at(17)
        assert 10 <= block.minutes <= 90
        assert not any(one.start < block.ends_at and one.end > block.starts_at for one in taken if one.end > one.start)
        assert not (made.lunch and made.lunch.start < block.ends_at and made.lunch.end > block.starts_at)
        for one in (by_id[task_id] for task_id in block.task_ids):
            if one.due_at and one.due_at > now and one.due_at > at(0):
                assert block.ends_at <= one.due_at
            if not one.looked_at:
                assert all(ends[need] <= block.starts_at for need in one.needs if need in ends)
    whole = {task_id for one in made.blocks for task_id in one.task_ids} | {
        t for one in made.left_out for t in one.task_ids
    }
    assert whole == by_id.keys()
    assert all(one.why and one.minutes > 0 and (one.suggested_day or DAY) >= DAY for one in made.left_out)
    chance.shuffle(work)
    chance.shuffle(taken)
    assert plan_day(DAY, now, HOURS, taken, work) == made


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(2, 18), min_size=1, max_size=6), st.lists(meetings, max_size=4))
def test_a_deadline_is_kept_where_there_is_room_for_it(lengths: list[int], taken: list[Span]) -> None:
    """What is due goes first: other tasks never take the room of one that alone would fit."""
    due = todo(1, minutes=5 * lengths[0], due_at=at(13), due_is_all_day=False, rank=4)
    others = [todo(n + 2, minutes=5 * length, rank=1) for n, length in enumerate(lengths[1:])]
    alone, among = plan(due, taken=tuple(taken)), plan(due, *others, taken=tuple(taken))
    assert [one for one in among.blocks if due.task_id in one.task_ids] == list(alone.blocks)
