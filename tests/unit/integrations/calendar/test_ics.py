"""Calendars as files really are: zones by any name, missing ends, changes of a series, and what is no calendar."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core.errors import Invalid, NotFound, StewardError, TooLarge
from integrations.calendar.ics import CalendarEntry, read_ics
from integrations.calendar.recurrence import all_occurrences, occurrences

SAMPLE = Path(__file__).parents[3] / "data/samples/calendar.ics"
BERLIN = ZoneInfo("Europe/Berlin")
MARCH = (datetime(2026, 3, 1, tzinfo=BERLIN), datetime(2026, 4, 1, tzinfo=BERLIN))


def calendar(*events: str, head: str = "") -> bytes:
    blocks = [f"BEGIN:VEVENT\nUID:{n}@x\n{event.strip()}\nEND:VEVENT" for n, event in enumerate(events)]
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//t//EN", head.strip(), *blocks, "END:VCALENDAR"])
    return "\r\n".join(line for line in text.split("\n") if line).encode()


def one(event: str, head: str = "") -> CalendarEntry:
    (entry,) = read_ics(calendar(event, head=head), window=MARCH)
    return entry


def berlin(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def test_the_sample_is_read_whole() -> None:
    entries = {entry.uid.partition("@")[0]: entry for entry in read_ics(SAMPLE, window=MARCH)}
    assert len(entries) == 7
    demo = entries["demo"]
    assert (demo.title, demo.starts_at, demo.ends_at) == ("Demo rehearsal", berlin(3, 5, 15), berlin(3, 5, 16))
    assert demo.description == "Agenda\n1. Dry run\n2. Questions\n3. Fallback plan"
    assert demo.organizer == "robin@vega.example"
    assert [(a.name, a.address) for a in demo.attendees] == [("Lena", "lena@vega.example")]
    assert entries["standup"].recurrence == "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    assert entries["dentist"].timezone == "Europe/Berlin"


def test_a_window_leaves_out_what_does_not_touch_it() -> None:
    entries = read_ics(SAMPLE, window=(berlin(3, 5), berlin(3, 6)))
    assert [entry.uid for entry in entries] == ["standup@cal.example", "quarterly@cal.example", "demo@cal.example"]


@pytest.mark.parametrize(
    ("start", "moment", "zone"),
    [
        ("DTSTART:20260305T140000", berlin(3, 5, 14), "Europe/Berlin"),
        ("DTSTART:20260305T140000Z", datetime(2026, 3, 5, 14, tzinfo=UTC), "UTC"),
        ("DTSTART;TZID=Europe/London:20260305T140000", berlin(3, 5, 15), "Europe/London"),
        ("DTSTART;TZID=W. Europe Standard Time:20260305T140000", berlin(3, 5, 14), "Europe/Berlin"),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/London:20260305T140000", berlin(3, 5, 15), "Europe/London"),
        ("DTSTART;TZID=Nowhere/Atlantis:20260305T140000", berlin(3, 5, 14), "Europe/Berlin"),
        ("DTSTART;TZID=../../etc/passwd:20260305T140000", berlin(3, 5, 14), "Europe/Berlin"),
        ("DTSTART;VALUE=DATE:20260305", berlin(3, 5), "Europe/Berlin"),
    ],
)  # fmt: skip
def test_a_start_is_read_in_its_zone(start: str, moment: datetime, zone: str) -> None:
    entry = one(start)
    assert entry.starts_at == moment
    assert entry.timezone == zone


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ("DTSTART:20260305T140000\nDTEND:20260305T150000", berlin(3, 5, 15)),
        ("DTSTART:20260305T140000\nDURATION:PT90M", berlin(3, 5, 15, 30)),
        ("DTSTART:20260305T140000", berlin(3, 5, 14)),
        ("DTSTART:20260305T140000\nDTEND:20260305T130000", berlin(3, 5, 14)),
        ("DTSTART;VALUE=DATE:20260305", berlin(3, 6)),
        ("DTSTART;VALUE=DATE:20260305\nDTEND;VALUE=DATE:20260308", berlin(3, 8)),
        ("DTSTART;VALUE=DATE:20260328\nDURATION:P2D", berlin(3, 30)),
    ],
)
def test_an_end_is_found_or_derived(lines: str, end: datetime) -> None:
    assert one(lines).ends_at == end


def test_a_series_keeps_its_hour_when_the_clocks_change() -> None:
    entry = one("DTSTART;TZID=Europe/Berlin:20260323T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY")
    found = occurrences(entry, berlin(3, 20), berlin(4, 10))
    assert [o.starts_at.hour for o in found] == [9, 9, 9]
    assert [o.starts_at.astimezone(UTC).hour for o in found] == [8, 7, 7]
    assert found[1].ends_at == berlin(3, 30, 10)


def test_exceptions_are_left_out_and_additions_come_in() -> None:
    entry = one(
        "DTSTART;TZID=Europe/Berlin:20260302T090000\nRRULE:FREQ=DAILY;COUNT=4\n"
        "EXDATE;TZID=Europe/Berlin:20260303T090000,20260304T090000\nRDATE;TZID=Europe/Berlin:20260310T110000"
    )
    assert [o.starts_at for o in occurrences(entry, *MARCH)] == [berlin(3, 2, 9), berlin(3, 5, 9), berlin(3, 10, 11)]


def test_a_change_stands_in_for_its_occurrence_and_a_cancelled_one_removes_it() -> None:
    series = "DTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"
    moved = (
        "RECURRENCE-ID;TZID=Europe/Berlin:20260303T090000\nDTSTART;TZID=Europe/Berlin:20260303T160000\nSUMMARY:Later"
    )
    gone = "RECURRENCE-ID:20260304T080000Z\nDTSTART;TZID=Europe/Berlin:20260304T090000\nSTATUS:CANCELLED"
    raw = calendar(series, moved, gone).replace(b"UID:1@x", b"UID:0@x").replace(b"UID:2@x", b"UID:0@x")
    found = all_occurrences(read_ics(raw, window=MARCH), *MARCH)
    assert [(o.starts_at, o.entry.title) for o in found] == [(berlin(3, 2, 9), ""), (berlin(3, 3, 16), "Later")]


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("FREQ=DAILY;UNTIL=20260304T080000Z", 3),
        ("FREQ=DAILY;UNTIL=20260304", 3),
        ("FREQ=DAILY;UNTIL=20260304T085959", 2),
        ("FREQ=MONTHLY;BYDAY=1MO", 1),
        ("FREQ=SECONDLY", 1),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", 1),
        ("FREQ=YEARLY;BYMONTHDAY=32", 1),
    ],
)
def test_a_rule_runs_as_far_as_it_says_and_an_endless_search_never_begins(rule: str, count: int) -> None:
    entry = one(f"DTSTART;TZID=Europe/Berlin:20260302T090000\nRRULE:{rule}")
    assert len(occurrences(entry, *MARCH)) == count


def test_an_old_daily_series_is_found_today() -> None:
    entry = one("DTSTART;TZID=Europe/Berlin:19900101T090000\nRRULE:FREQ=DAILY")
    assert [o.starts_at for o in occurrences(entry, berlin(3, 4), berlin(3, 5))] == [berlin(3, 4, 9)]


def test_a_broken_rule_leaves_a_single_event() -> None:
    entry = one("DTSTART:20260302T090000\nRRULE:FREQ=NEVER;BYDAY=XX")
    assert len(occurrences(entry, *MARCH)) == 1


def test_an_event_without_a_start_is_passed_over() -> None:
    assert [e.uid for e in read_ics(calendar("SUMMARY:No start", "DTSTART:20260305T140000"), window=MARCH)] == ["1@x"]


@pytest.mark.parametrize("line", ["DTSTART:soon", "DTSTART:20260305T140000\nRECURRENCE-ID:soon", "DTSTART:00000000"])
def test_an_event_whose_time_is_broken_is_passed_over(line: str) -> None:
    assert read_ics(calendar(line), window=MARCH) == []


@pytest.mark.parametrize(
    "line", ["DTEND:soon", "DURATION:long", "RRULE:often", "EXDATE:never", "RDATE:0", "ATTENDEE:x"]
)
def test_another_broken_value_is_as_good_as_not_there(line: str) -> None:
    entry = one(f"DTSTART:20260305T140000\n{line}")
    assert [o.starts_at for o in occurrences(entry, *MARCH)] == [berlin(3, 5, 14)]


def test_controls_and_unknown_values_do_no_harm() -> None:
    entry = one(
        "DTSTART:20260305T140000\nSUMMARY:A\\nB\x00\x07\nSTATUS:PERHAPS\nATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Ana@X.example\nORGANIZER:"
    )
    assert entry.title == "A B"
    assert entry.status == "confirmed"
    assert (entry.attendees[0].address, entry.attendees[0].partstat) == ("ana@x.example", "accepted")
    assert entry.organizer == ""


def test_the_last_of_two_versions_counts() -> None:
    raw = calendar("DTSTART:20260305T140000\nSUMMARY:Old", "DTSTART:20260305T150000\nSUMMARY:New")
    (entry,) = read_ics(raw.replace(b"UID:1@x", b"UID:0@x"), window=MARCH)
    assert entry.title == "New"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is empty"),
        (b"  \r\n", "is empty"),
        (b"From: a\n\nb", "no BEGIN:VCALENDAR"),
        (b"\x00\xff" * 50, "no BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260305", "not a whole calendar"),
    ],
)
def test_what_is_no_calendar_is_told(raw: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read_ics(raw, window=MARCH)


def test_a_file_that_is_too_large_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_ics(tmp_path / "no.ics", window=MARCH)
    with pytest.raises(Invalid):
        read_ics(tmp_path, window=MARCH)
    with pytest.raises(TooLarge):
        read_ics(b"x" * (21 << 20), window=MARCH)
    with pytest.raises(TooLarge, match="events"):
        read_ics(b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 50_001 + b"END:VCALENDAR", window=MARCH)


def test_a_window_must_be_aware() -> None:
    with pytest.raises(Invalid, match="aware"):
        read_ics(b"BEGIN:VCALENDAR", window=(datetime(2026, 3, 1), datetime(2026, 3, 2)))


@given(lines=st.lists(st.text(max_size=60), max_size=8))
def test_any_event_is_read_or_refused(lines: list[str]) -> None:
    try:
        entries = read_ics(calendar("DTSTART:20260305T140000\n" + "\n".join(lines)), window=MARCH)
        all_occurrences(entries, *MARCH)
    except StewardError as error:
        assert error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("event", "touching"),
    [
        ("DTSTART:20260305T100000Z\nDTEND:99991231T000000Z", 1),
        ("DTSTART;TZID=Europe/Berlin:20260305T100000\nDTEND;TZID=Europe/Berlin:99991231T000000", 1),
        ("DTSTART;VALUE=DATE:20260305\nDTEND;VALUE=DATE:99991231", 1),
        ("DTSTART:20260305T100000Z\nDURATION:P999999D", 1),
        ("DTSTART:20260305T100000Z\nDTEND:99991230T000000Z\nRRULE:FREQ=WEEKLY", 4),
        ("DTSTART:00010101T100000Z\nDTEND:20260305T110000Z", 0),
        ("DTSTART;TZID=Europe/Berlin:00010101T100000\nDTEND:20260305T110000Z\nRRULE:FREQ=YEARLY", 1),
        ("DTSTART:20260305T100000Z\nDTEND:20260305T110000Z\nRDATE:99991231T235959Z", 1),
        ("DTSTART:20260305T100000Z\nDTEND:20260305T110000Z\nEXDATE;TZID=Europe/Berlin:00010101T000000", 1),
        ("DTSTART:20260305T100000Z\nRRULE:FREQ=HOURLY;BYMINUTE=0,5,10", 1),
        ("DTSTART:20260305T100000Z\nRRULE:FREQ=DAILY;BYHOUR=8,9,10,11,12,13;BYMINUTE=0,10,20,30,40", 1),
        ("DTSTART:20260305T100000Z\nRRULE:FREQ=HOURLY;BYYEARDAY=366;BYMONTH=1", 1),
        ("DTSTART:20260331T000000Z\nRRULE:FREQ=HOURLY", 22),
        ("DTSTART:20260330T000000Z\nRRULE:FREQ=DAILY;BYHOUR=9,17", 5),
        ("DTSTART:16040305T100000Z\nRRULE:FREQ=YEARLY", 1),
        ("DTSTART:20240101T100000Z\nDTEND:20280101T100000Z", 0),
    ],
)
def test_entries_at_the_ends_of_time_end_no_calendar(event: str, touching: int) -> None:
    fine = "DTSTART:20260310T090000Z\nDTEND:20260310T100000Z"
    found = all_occurrences(read_ics(calendar(event, fine), window=MARCH), *MARCH)
    assert len([one for one in found if one.entry.uid == "0@x"]) == touching
    assert [one.starts_at for one in found if one.entry.uid == "1@x"] == [datetime(2026, 3, 10, 9, tzinfo=UTC)]
    assert all(one.ends_at - one.starts_at <= timedelta(days=400, hours=1) for one in found)


def test_an_entry_that_cannot_be_reckoned_with_is_left_out_and_logged_without_its_words() -> None:
    fine = one("DTSTART:20260310T090000Z\nSUMMARY:Fine")
    last = datetime.max.replace(tzinfo=UTC)
    far = fine.model_copy(
        update={"uid": "far", "title": "A secret", "starts_at": last, "ends_at": last, "timezone": "Europe/Berlin"}
    )
    lost = fine.model_copy(update={"uid": "lost", "timezone": "Nowhere/At_all"})
    always = (datetime.min.replace(tzinfo=UTC) + timedelta(days=500), last)
    with capture_logs() as logs:
        for _ in range(2):
            assert [found.entry.uid for found in all_occurrences([far, lost, fine], *always)] == [fine.uid]
    assert [(said["uid"], said["event"]) for said in logs] == [
        ("far", "calendar_entry_left_out"),
        ("lost", "calendar_entry_left_out"),
    ]
    assert "secret" not in str(logs)
