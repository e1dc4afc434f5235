"""Finding a time: what is found suits, what suits is found, and where nothing suits that is said."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.availability import Person, Slot, Wish, busy_from, find_times
from core.errors import Invalid
from core.outside.calendar import Attendee, Busy, BusyKind, CalendarEvent, WorkingHours, hours_from

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
HOUR = timedelta(hours=1)


def berlin(day: int, hour: int = 0, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def person(name: str = "ana", zone: str = "Europe/Berlin", *busy: Busy, **more: object) -> Person:
    return Person(name, WorkingHours(zone), tuple(busy), **more)  # pyright: ignore[reportArgumentType]


def wish(start: datetime | None = None, end: datetime | None = None, **more: object) -> Wish:
    given_parts: dict[str, object] = {"duration": HOUR, "zone": BERLIN} | more
    return Wish(start=start or berlin(4, 9), end=end or berlin(7), **given_parts)  # pyright: ignore[reportArgumentType]


def starts(found: tuple[Slot, ...]) -> list[str]:
    return [f"{slot.start:%d %H:%M}" for slot in found]


def event(start: object, end: object, **more: object) -> CalendarEvent:
    return CalendarEvent("id", "x", start, end, **more)  # pyright: ignore[reportArgumentType]


def test_the_first_free_time_comes_first_and_days_are_varied() -> None:
    found = find_times([person("ana", "Europe/Berlin", Busy(berlin(4, 9), berlin(4, 12)))], wish())
    assert starts(found.slots) == ["04 12:00", "04 13:00", "05 09:00", "05 10:00", "06 09:00"]
    assert found.summary == "5 times that suit everybody."
    assert not found.is_compromise
    assert found.slots[0].reasons == ("free",)


def test_two_people_in_different_zones_meet_where_their_days_overlap() -> None:
    found = find_times([person(), person("bo", "America/New_York")], wish(count=3))
    assert starts(found.slots) == ["04 15:00", "04 16:00", "05 15:00"]
    assert found.slots[0].reasons == ("everybody is free",)


def test_zones_that_never_overlap_give_a_compromise_that_says_so() -> None:
    found = find_times([person(), person("kim", "Pacific/Auckland")], wish(berlin(4), berlin(5)))
    assert found.is_compromise
    assert all(slot.is_compromise for slot in found.slots)
    assert found.summary.startswith("No time in the window suits everybody. The best compromise is ")
    assert any("outside the working hours of" in reason for reason in found.slots[0].reasons)


def test_nobody_free_names_who_would_give_way_and_prefers_optional_people() -> None:
    whole = Busy(berlin(4), berlin(5))
    found = find_times([person("ana", "Europe/Berlin", whole)], wish(berlin(4), berlin(5)))
    assert found.slots[0].clashes == ("ana",)
    assert found.summary.endswith("ana would have to give way.")
    must, may = person("ana"), person("bo", "Europe/Berlin", whole, is_optional=True)
    kept = find_times([must, may], wish(berlin(4, 9), berlin(5)))
    assert not kept.is_compromise
    assert "bo is busy then, and need not come" in kept.slots[0].reasons


def test_what_is_not_certain_is_avoided_where_there_is_something_else() -> None:
    perhaps = Busy(berlin(4, 9), berlin(4, 12), "tentative")
    found = find_times([person("ana", "Europe/Berlin", perhaps)], wish(count=1))
    assert starts(found.slots) == ["04 12:00"]
    only = find_times([person("ana", "Europe/Berlin", perhaps)], wish(end=berlin(4, 12), count=1))
    assert not only.is_compromise
    assert "ana has something then that is not certain" in only.slots[0].reasons


def test_room_is_kept_around_other_meetings() -> None:
    busy = Busy(berlin(4, 10), berlin(4, 11))
    found = find_times([person("ana", "Europe/Berlin", busy)], wish(buffer=timedelta(minutes=15), count=1))
    assert starts(found.slots) == ["04 11:30"]


def test_preferred_parts_of_the_day_come_first() -> None:
    found = find_times([person()], wish(preferred=("afternoon",), count=2))
    assert starts(found.slots) == ["04 12:00", "04 13:00"]
    assert found.slots[0].reasons[:2] == ("free", "in the afternoon, as preferred")


def test_of_whom_nothing_is_known_is_said() -> None:
    found = find_times([person(), person("bo", unknown_because="not shared")], wish(count=1))
    assert found.summary == "1 time that suits everybody. Nothing is known of when bo is busy."
    assert "whether bo is free is not known: not shared" in found.slots[0].reasons


def test_weekends_are_not_working_days_but_hours_may_say_so() -> None:
    assert find_times([person()], wish(berlin(7), berlin(9))).is_compromise
    weekend = Person("ana", hours_from("sat 10:00-12:00", "Europe/Berlin"))
    assert starts(find_times([weekend], wish(berlin(7), berlin(9))).slots)[0] == "07 10:00"


def test_an_hour_that_the_clocks_skip_is_not_offered() -> None:
    night = Person("ana", hours_from("sun 01:00-04:00", "Europe/Berlin"))
    found = find_times([night], wish(berlin(29), berlin(29, 6), count=9))
    good = [slot for slot in found.slots if not slot.is_compromise]
    assert starts(tuple(good)) == ["29 01:00", "29 03:00"]
    assert {slot.end.astimezone(UTC) - slot.start.astimezone(UTC) for slot in good} == {HOUR}


def test_an_hour_that_comes_twice_is_offered_twice() -> None:
    night = Person("ana", hours_from("sun 02:00-03:00", "Europe/Berlin"))
    found = find_times([night], wish(berlin(25, month=10), berlin(25, 6, month=10), count=9))
    assert [(f"{s.start:%H:%M}", s.start.utcoffset()) for s in found.slots if not s.is_compromise] == [
        ("02:00", timedelta(hours=2)), ("02:00", timedelta(hours=1)),
    ]  # fmt: skip


def test_zones_with_odd_offsets_begin_on_their_own_quarters() -> None:
    found = find_times([person("asha", "Asia/Kathmandu")], wish(zone=ZoneInfo("Asia/Kathmandu"), count=2))
    assert [slot.start.minute for slot in found.slots] == [0, 0]


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (event(date(2026, 3, 4), date(2026, 3, 5)), "busy"),
        (event(date(2026, 3, 4), date(2026, 3, 5), is_busy=False), None),
        (event(berlin(4, 9), berlin(4, 10), status="cancelled"), None),
        (event(berlin(4, 9), berlin(4, 10), status="tentative"), "tentative"),
        (event(berlin(4, 9), berlin(4, 10), attendees=(Attendee("me", is_self=True, answer="declined"),)), None),
        (event(berlin(4, 9), berlin(4, 10), attendees=(Attendee("me", is_self=True),)), "tentative"),
        (event(berlin(4, 9), berlin(4, 10), attendees=(Attendee("you"),)), "busy"),
        (event(berlin(4, 9), berlin(4, 9)), None),
    ],
)
def test_what_an_event_takes_of_the_time(made: CalendarEvent, kind: str | None) -> None:
    assert [busy.kind for busy in busy_from([made], BERLIN)] == ([kind] if kind else [])


def test_an_all_day_event_is_the_day_of_its_persons_zone() -> None:
    (busy,) = busy_from([event(date(2026, 3, 29), date(2026, 3, 30))], BERLIN)
    assert busy.end.astimezone(UTC) - busy.start.astimezone(UTC) == timedelta(hours=23)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"duration": timedelta()}, "cannot be placed"),
        ({"duration": timedelta(hours=25)}, "24 hours"),
        ({"end": berlin(4, 9, 30)}, "no window"),
        ({"end": berlin(3)}, "no window"),
        ({"end": berlin(30, month=7)}, "92 days"),
        ({"buffer": timedelta(hours=5)}, "buffer"),
        ({"start": datetime(2026, 3, 4)}, "zone"),
    ],
)
def test_a_wish_that_makes_no_sense_names_what_is_allowed(parts: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid) as error:
        wish(**parts)  # pyright: ignore[reportArgumentType]
    assert said in f"{error.value.message} {error.value.detail}"


def test_nobody_cannot_meet() -> None:
    with pytest.raises(Invalid, match="Nobody"):
        find_times([], wish())


@pytest.mark.parametrize(
    "text", ["", "mon-fri 09:00-17:00", "mon 09:00-12:30 13:30-17:00; sat 10:00-12:00", "SUN 00:00-00:00"]
)
def test_working_hours_are_read(text: str) -> None:
    assert hours_from(text, "Europe/Berlin").timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    "text", ["mon", "9-17", "mon 25:00-26:00", "fri-mon 09:00-10:00", "xyz 09:00-10:00", "mon 17:00-09:00", "mon 09:00"]
)
def test_working_hours_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(Invalid):
        hours_from(text, "Europe/Berlin")


def test_a_zone_that_does_not_exist_is_told_with_the_nearest() -> None:
    with pytest.raises(Invalid) as error:
        WorkingHours("Europe/Berlln")
    assert error.value.hint == "Perhaps Europe/Berlin."


def test_ten_thousand_events_are_looked_through() -> None:
    many = tuple(
        Busy(berlin(4) + timedelta(minutes=5 * n), berlin(4) + timedelta(minutes=5 * n + 2)) for n in range(10_000)
    )
    assert find_times([person("ana", "Europe/Berlin", *many)], wish(end=berlin(30))).is_compromise


# Properties

zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC", "America/St_Johns"]
)
# Over both changes of the clocks of 2026 in Europe, and those of America
days = st.sampled_from([date(2026, 3, 27), date(2026, 3, 6), date(2026, 10, 23), date(2026, 10, 30), date(2026, 6, 1)])


@st.composite
def people(draw: st.DrawFn) -> tuple[list[Person], Wish]:
    zone, day = ZoneInfo(draw(zones)), draw(days)
    start = datetime.combine(day, time(draw(st.integers(0, 23)), draw(st.integers(0, 59))), zone).astimezone(UTC)
    minutes = draw(st.integers(1, 240))
    window = draw(st.integers(minutes, 4 * 1440))
    found: list[Person] = []
    for number in range(draw(st.integers(1, 3))):
        busy: list[Busy] = []
        for _ in range(draw(st.integers(0, 4))):
            begin = start + timedelta(minutes=draw(st.integers(-300, window)))
            kind: BusyKind = draw(st.sampled_from(["busy", "tentative"]))
            busy.append(Busy(begin, begin + timedelta(minutes=draw(st.integers(1, 600))), kind))
        hours = draw(st.sampled_from(["mon-sun 00:00-00:00", "mon-fri 09:00-17:00", "mon-sun 08:00-12:00 14:00-20:00"]))
        found.append(Person(f"p{number}", hours_from(hours, draw(zones)), tuple(busy), is_optional=draw(st.booleans())))
    wanted = Wish(
        timedelta(minutes=minutes), start, start + timedelta(minutes=window), zone,
        timedelta(minutes=draw(st.sampled_from([0, 10]))), count=draw(st.integers(1, 6)),
    )  # fmt: skip
    return found, wanted


def suits(one: Person, start: datetime, wanted: Wish) -> bool:
    """The plain truth, minute by minute where it matters: may this person come then?"""
    room = wanted.buffer
    end = start + wanted.duration
    free = not any(
        b.kind == "busy" and b.start.astimezone(UTC) < end + room and b.end.astimezone(UTC) > start - room
        for b in one.busy
    )
    first = start.astimezone(one.hours.zone).date() - timedelta(days=1)
    spans = [s for n in range(5) for s in one.hours.on(first + timedelta(days=n))]
    at, works = start, True
    while at < end and works:
        works = any(s.astimezone(UTC) <= at < e.astimezone(UTC) for s, e in spans)
        at += timedelta(minutes=1)
    return free and works


@settings(max_examples=120, deadline=None)
@given(people())
def test_whatever_is_found_is_what_it_says(case: tuple[list[Person], Wish]) -> None:
    everybody, wanted = case
    found = find_times(everybody, wanted)
    seen: list[tuple[datetime, datetime]] = []
    for slot in found.slots:
        start, end = slot.start.astimezone(UTC), slot.end.astimezone(UTC)
        assert end - start == wanted.duration
        assert wanted.start <= start
        assert end <= wanted.end
        assert all(end <= s or start >= e for s, e in seen)
        seen.append((start, end))
        if not slot.is_compromise:
            assert all(suits(one, start, wanted) for one in everybody if not one.is_optional)
        for one in everybody:
            is_busy = any(b.kind == "busy" and b.start < end and b.end > start for b in one.busy)
            assert (one.name in slot.clashes) == is_busy
    assert [slot.cost for slot in found.slots] == sorted(slot.cost for slot in found.slots)
    assert len(found.slots) <= wanted.count
    assert found.is_compromise == (bool(found.slots) and all(slot.is_compromise for slot in found.slots))


@settings(max_examples=60, deadline=None)
@given(people())
def test_a_time_that_suits_all_is_never_missed(case: tuple[list[Person], Wish]) -> None:
    everybody, wanted = case
    must = [one for one in everybody if not one.is_optional]
    at = wanted.start
    is_there = False
    while at + wanted.duration <= wanted.end and not is_there:
        on_grid = at == wanted.start or (at.minute % 15 == 0 and at.second == 0)
        is_there = on_grid and all(suits(one, at, wanted) for one in must)
        at += timedelta(minutes=1)
    assert bool([slot for slot in find_times(everybody, wanted).slots if not slot.is_compromise]) == is_there


@settings(max_examples=40, deadline=None)
@given(people(), st.randoms())
def test_the_order_of_people_and_of_what_they_do_changes_nothing(
    case: tuple[list[Person], Wish], random: object
) -> None:
    everybody, wanted = case
    turned = [Person(p.name, p.hours, p.busy[::-1], p.unknown_because, p.is_optional) for p in everybody[::-1]]
    one, other = find_times(everybody, wanted), find_times(turned, wanted)
    assert [(s.start, s.cost, set(s.clashes)) for s in one.slots] == [
        (s.start, s.cost, set(s.clashes)) for s in other.slots
    ]
