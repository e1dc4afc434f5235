"""Google Calendar by its own client: the contract, and what only a service far away does."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from core.outside.calendar import Busy, EventChange
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain
from integrations.google.calendar import GoogleCalendar
from tests.emulators.google_calendar_fake import GoogleCalendarFake
from tests.integration.integrations.calendar.contract import (
    BERLIN,
    GUEST,
    ID,
    WEEK,
    CalendarContract,
    berlin,
    meeting,
    standup,
    titles,
)

ROBIN = "robin@vega.example"
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)


class TestGoogleCalendar(CalendarContract):
    """The contract, on the fake."""


async def test_who_is_written_to_is_said_with_every_change(
    calendar: GoogleCalendar, google: GoogleCalendarFake
) -> None:
    await calendar.create_event(ID, meeting(attendees=(ROBIN, GUEST)), "all")
    await calendar.update_event(ID, EventChange(title="New"), "external")
    await calendar.update_event(ID, EventChange(title="Newer"), "none")
    await calendar.cancel_event(ID, "all")
    assert google.mails == [("invited", ID, (GUEST,)), ("changed", ID, (GUEST,)), ("cancelled", ID, (GUEST,))]
    said = [params["sendUpdates"] for method, params, _ in google.calls if method != "events.get"]
    assert said == ["all", "externalOnly", "none", "all"]
    created = google.called("events.insert")[0]
    assert created[1]["conferenceDataVersion"] == "0"
    assert created[2] is not None
    assert "conferenceData" not in created[2]


async def test_answering_changes_ones_own_answer_alone(
    calendar: GoogleCalendar, alex: GoogleCalendar, google: GoogleCalendarFake
) -> None:
    await calendar.create_event(ID, meeting(attendees=(ROBIN, GUEST)), "none")
    answered = await alex.respond(ID, "tentative", "Perhaps", "all")
    assert answered.own_answer == "tentative"
    assert {g.address: g.answer for g in answered.attendees} == {ROBIN: "accepted", GUEST: "tentative"}
    with pytest.raises(Refused):
        await alex.update_event(ID, EventChange(title="Mine"), "none")


async def test_busy_of_others_is_seen_without_what_they_do(calendar: GoogleCalendar, alex: GoogleCalendar) -> None:
    await alex.create_event(ID, meeting("Secret"), "none")
    known, unknown = await calendar.free_busy([GUEST, "nobody@else.example"], *WEEK)
    assert known.busy == (Busy(berlin(4, 15), berlin(4, 16)),)
    assert "not shared" in unknown.unknown_because


async def test_a_long_window_of_busy_times_is_asked_for_in_parts(
    calendar: GoogleCalendar, google: GoogleCalendarFake
) -> None:
    await calendar.free_busy([f"p{n}@vega.example" for n in range(60)], berlin(1), berlin(20, month=5))
    assert len(google.called("freebusy.query")) == 4


async def test_pages_are_read_to_the_end(calendar: GoogleCalendar, google: GoogleCalendarFake) -> None:
    google.page_size = 7
    for number in range(20):
        google.put(
            ROBIN, f"e{number:05d}", f"2026-03-04T{number:02d}:00:00+01:00", f"2026-03-04T{number:02d}:30:00+01:00"
        )
    assert len(await calendar.list_events(*WEEK)) == 20
    assert len(google.called("events.list")) == 3


# Sync


async def test_the_first_sync_brings_all_and_the_next_only_what_changed(
    calendar: GoogleCalendar, google: GoogleCalendarFake
) -> None:
    google.page_size = 2
    await calendar.create_event("stgone0", meeting("Gone"), "none")
    await calendar.create_event("stkept0", meeting("Kept", 5), "none")
    await calendar.create_event(ID, standup(), "none")
    first = await calendar.changes(None, NOW)
    assert first.is_full
    assert sorted(e.title for e in first.events) == ["Gone", "Kept", "Stand-up"]
    assert (await calendar.changes(first.token, NOW)).events == []
    await calendar.cancel_event("stgone0", "none")
    occurrence = (await calendar.list_events(*WEEK))[0]
    await calendar.cancel_event(occurrence.id, "none")
    second = await calendar.changes(first.token, NOW)
    assert not second.is_full
    assert second.gone == ["stgone0"]
    assert [(e.series_id, e.status, e.original_start) for e in second.events] == [(ID, "cancelled", berlin(2, 9))]
    assert second.token != first.token


async def test_a_token_that_google_forgot_begins_anew(calendar: GoogleCalendar, google: GoogleCalendarFake) -> None:
    await calendar.create_event(ID, meeting(), "none")
    first = await calendar.changes(None, NOW)
    google.forget_tokens()
    again = await calendar.changes(first.token, NOW)
    assert again.is_full
    assert [e.id for e in again.events] == [ID]
    assert (await calendar.changes("nonsense", NOW)).is_full


# What goes wrong


async def test_a_sign_in_that_is_not_accepted_is_said(stranger: GoogleCalendar) -> None:
    with pytest.raises(SignInExpired):
        await stranger.list_events(*WEEK)
    with pytest.raises(SignInExpired):
        await stranger.create_event(ID, meeting(), "none")


@pytest.mark.parametrize(("status", "reason"), [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")])
async def test_a_limit_says_how_long_to_wait_and_nothing_is_done(
    calendar: GoogleCalendar, google: GoogleCalendarFake, status: int, reason: str
) -> None:
    google.fail("events.insert", status, reason=reason, headers={"retry-after": "17"})
    with pytest.raises(Temporary) as limited:
        await calendar.create_event(ID, meeting(), "none")
    assert limited.value.retry_after_seconds == 17
    assert google.events == {}


async def test_a_read_is_tried_again(calendar: GoogleCalendar, google: GoogleCalendarFake) -> None:
    google.fail("events.list", 503, times=2)
    assert await calendar.list_events(*WEEK) == []
    google.fail("events.list", 500, times=9)
    with pytest.raises(Temporary):
        await calendar.list_events(*WEEK)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": None}])
@pytest.mark.parametrize("after", [True, False])
async def test_a_line_that_breaks_leaves_it_open_and_the_id_tells(
    calendar: GoogleCalendar, google: GoogleCalendarFake, fault: dict[str, Any], after: bool
) -> None:
    google.fail("events.insert", after=after, **fault)
    with pytest.raises(Uncertain):
        await calendar.create_event(ID, meeting(), "none")
    assert (await calendar.get_event(ID) is not None) is after
    assert len(google.called("events.insert")) == after
    assert (await calendar.create_event(ID, meeting(), "none")).id == ID
    assert await titles(calendar) == ["Planning"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"items": {}}', b'{"items": 3}', b"\xff\xfe", b'{"items": null, "nextPageToken": 5}'],
)
async def test_an_answer_that_makes_no_sense_is_told(
    calendar: GoogleCalendar, google: GoogleCalendarFake, body: bytes
) -> None:
    google.fail("events.list", 200, body=body, times=9)
    if body == b"":
        assert await calendar.list_events(*WEEK) == []
        return
    with pytest.raises(Malformed):
        await calendar.list_events(*WEEK)


async def test_an_event_that_makes_no_sense_is_passed_over(
    calendar: GoogleCalendar, google: GoogleCalendarFake
) -> None:
    rows = (
        '{"id": "a"}, {"id": 5}, 7, {"id": "b", "start": {"dateTime": "soon"}}, {"id": "c", "start": {"date": "2026-13-01"}},'
        '{"id": "d", "start": {"dateTime": "2026-03-04T10:00:00+01:00", "timeZone": "Mars/Base"}, "attendees": [3, {}],'
        ' "end": {"dateTime": "2026-03-04T09:00:00+01:00"}, "recurrence": "x", "status": "odd"},'
        '{"id": "e", "start": {"date": "2026-03-04"}, "end": {"date": "2026-03-04"}}'
    )
    google.fail("events.list", 200, body=f'{{"items": [{rows}]}}'.encode())
    found = await calendar.list_events(*WEEK)
    assert [event.id for event in found] == ["e", "d"]
    assert found[1].start == found[1].end
    assert found[1].timezone == "Europe/Berlin"


async def test_pages_that_never_end_are_stopped(calendar: GoogleCalendar, google: GoogleCalendarFake) -> None:
    google.fail("events.list", 200, body=b'{"items": [], "nextPageToken": "same"}', times=5)
    with pytest.raises(Malformed, match="does not end"):
        await calendar.list_events(*WEEK)


async def test_google_refuses_what_is_wrong_in_its_own_words(calendar: GoogleCalendar) -> None:
    with pytest.raises(Refused, match="refused"):
        await calendar.create_event("Not Allowed", meeting(), "none")
    with pytest.raises(Refused):
        await replace(calendar, calendar_id="other@vega.example").create_event(ID, meeting(), "none")


async def test_a_dead_server_is_temporary_for_everything(calendar: GoogleCalendar) -> None:
    from integrations.google.places import GooglePlaces
    from tests.conftest import free_port
    from tests.emulators.google_client import open_google

    nowhere = GooglePlaces.at(f"http://127.0.0.1:{free_port()}")
    async with open_google("t", nowhere, pauses_seconds=()) as client:
        away = replace(calendar, client=client)
        with pytest.raises(Temporary):
            await away.list_events(*WEEK)
        with pytest.raises(Temporary):
            await away.create_event(ID, meeting(), "none")
        with pytest.raises(Temporary):
            await away.cancel_event(ID, "none")
