"""What is written is read back the same, and no text becomes a line of its own."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outside.calendar import Attendee, CalendarEvent
from integrations.calendar.ics import NOT_TEXT, read_ics
from integrations.calendar.recurrence import all_occurrences
from integrations.calendar.writing import write_ics

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
YEAR = (datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2027, 1, 1, tzinfo=BERLIN))


def event(**fields: object) -> CalendarEvent:
    start = datetime(2026, 3, 5, 15, tzinfo=BERLIN)
    known: dict[str, object] = {
        "id": "a@x",
        "title": "A",
        "start": start,
        "end": start + timedelta(hours=1),
        "timezone": "Europe/Berlin",
    }
    return CalendarEvent(**(known | fields))  # pyright: ignore[reportArgumentType]


@given(
    title=st.text(max_size=200), description=st.text(max_size=500), location=st.text(max_size=100),
    minutes=st.integers(0, 3000), is_busy=st.booleans(),
)  # fmt: skip
def test_whatever_is_written_is_read_back(
    title: str, description: str, location: str, minutes: int, is_busy: bool
) -> None:
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    made = event(
        title=title,
        description=description,
        location=location,
        start=start,
        end=start + timedelta(minutes=minutes),
        is_busy=is_busy,
    )
    raw = write_ics([made], title, NOW)
    (read,) = read_ics(raw, window=YEAR)
    assert read.title == " ".join(NOT_TEXT.sub("", title.replace("\r", "\n")).split())
    assert (read.starts_at, read.ends_at, read.is_busy) == (made.start, made.end, is_busy)
    lines = raw.replace(b"\r\n ", b"").split(b"\r\n")
    assert lines.count(b"BEGIN:VEVENT") == 1
    assert [line for line in lines if line.startswith(b"ATTENDEE")] == []


@pytest.mark.parametrize("field", ["title", "description", "location"])
@pytest.mark.parametrize(
    "text", ["A\r\nBEGIN:VEVENT", "A\rEND:VCALENDAR", "A\nATTENDEE:mailto:x@y.example", "A\u2028B", "\x00A\x07"]
)
def test_a_line_break_in_a_text_is_no_line(field: str, text: str) -> None:
    raw = write_ics([event(**{field: text})], "x", NOW)
    lines = raw.replace(b"\r\n ", b"").split(b"\r\n")
    assert [line for line in lines if line in {b"END:VCALENDAR", b"BEGIN:VEVENT"}] == [
        b"BEGIN:VEVENT",
        b"END:VCALENDAR",
    ]
    assert b"\r" not in raw.replace(b"\r\n", b"")


BREAKS = "x\r\nBEGIN:VEVENT\nATTENDEE:mailto:eve@evil.example\rX;Y=1:z"


@pytest.mark.parametrize(
    "fields",
    [
        *({name: BREAKS} for name in ("id", "title", "description", "location")),
        {"url": f"https://x.example/{BREAKS}"},
        {"attendees": (Attendee(f"bo@x.example{BREAKS}", name=BREAKS),)},
        {"recurrence": (f"RRULE:FREQ=DAILY;COUNT=2\r\n{BREAKS}",)},
        {"recurrence": (f"RRULE:FREQ=DAILY;X={BREAKS}", f"EXDATE:{BREAKS}")},
    ],
)
def test_no_field_begins_a_line_of_its_own(fields: dict[str, object]) -> None:
    raw = write_ics([event(**fields), event(id="b@x")], BREAKS, NOW)
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    lines = raw.replace(b"\r\n ", b"").split(b"\r\n")
    assert lines.count(b"BEGIN:VEVENT") == 2
    assert not [line for line in lines if line.startswith((b"X;Y", b"ATTENDEE:mailto:eve"))]
    assert {read.uid for read in read_ics(raw, window=YEAR)} >= {"b@x"}


def test_a_series_keeps_its_hour_for_whoever_reads_it() -> None:
    raw = write_ics([event(recurrence=("RRULE:FREQ=WEEKLY;COUNT=6",))], "x", NOW)
    assert b"BEGIN:VTIMEZONE" in raw
    found = all_occurrences(read_ics(raw, window=YEAR), *YEAR)
    assert [o.starts_at.astimezone(BERLIN).hour for o in found] == [15] * 6


def test_days_answers_and_privacy_are_kept() -> None:
    guests = (Attendee("bo@x.example", answer="declined"),)
    made = event(start=date(2026, 3, 5), end=date(2026, 3, 7), attendees=guests, status="tentative", is_private=True)
    (read,) = read_ics(write_ics([made], "x", NOW, timedelta(hours=1)), window=YEAR, timezone=BERLIN)
    assert (read.is_all_day, read.starts_at.date(), read.ends_at.date()) == (True, date(2026, 3, 5), date(2026, 3, 7))
    assert [(guest.address, guest.partstat) for guest in read.attendees] == [("bo@x.example", "declined")]
    assert (read.status, read.is_private) == ("tentative", True)


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    assert b"URL" not in write_ics([event(url="javascript:alert(1)")], "x", NOW)
    assert b"URL:https://x.example/1" in write_ics([event(url="https://x.example/1")], "x", NOW)
