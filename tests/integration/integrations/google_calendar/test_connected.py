"""A house whose owner has connected a Google calendar: tools act on it, its copy is kept in sync, faults are told."""

import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from app.house import House, furnish
from core.settings import Settings
from core.vault import Vault
from jobs.calendar_sync import sync_account, sync_calendars
from jobs.outside.world import Given
from tasks import accounts, calendar, review
from tasks.accounts import Account
from tasks.models import Task
from tests.emulators.google_calendar_fake import GoogleCalendarFake
from tests.integration.agents.growing import at_work, is_state, until
from tests.integration.agents.test_calendar_tools import asked, ended, output, use
from tests.integration.integrations.calendar.contract import WEEK

ROBIN, GUEST = "robin@vega.example", "alex@vega.example"
SCOPES = ["https://www.googleapis.com/auth/calendar"]
OPEN = is_state("blocked", "completed", "failed")


@pytest.fixture
async def connected(house: House, google: GoogleCalendarFake) -> House:
    """The house with Robin's Google account, whose calendar is on the fake."""
    given: dict[str, Any] = {
        "google_client_id": "client", "google_client_secret": "not-a-secret", "google_base_url": google.url,
    }  # fmt: skip
    settings = Settings.model_validate(house.settings.model_dump() | given)
    made = furnish(settings, house.clock, house.database, house.owner)
    await connect(made)
    return made


async def connect(house: House, token: str = "token-of-robin", seconds: float = 3600) -> Account:
    secret = {"access_token": token, "refresh_token": "r", "expires_at": time.time() + seconds}
    vault = Vault.from_settings(house.settings)
    return await accounts.connect_account(house.caller, vault, "google", ROBIN, secret, SCOPES)


def given_of(house: House) -> Given:
    return Given(house.settings, house.database, house.clock)


async def approved(house: House, task: Task, before_yes: Callable[[], object] = lambda: None) -> Task:
    """The task after its question was answered with yes."""
    await until(house, task.id, OPEN)
    question = await asked(house, task.id)
    before_yes()
    await review.decide_approval(house.caller, question.id, approved=True)
    return await until(house, task.id, lambda t: t.execution_status != "blocked" or t.blocked_on != "approval")


async def invite(house: House, **more: Any) -> Task:
    wanted: dict[str, Any] = {
        "action": "create",
        "title": "Planning",
        "start": "2026-03-05T15:00",
        "attendees": [GUEST],
    }
    return await use(house, "calendar_event", **(wanted | more))


@pytest.fixture
async def working(connected: House) -> AsyncGenerator[House]:
    async with at_work(connected):
        yield connected


async def test_an_invitation_is_sent_once_after_the_yes(working: House, google: GoogleCalendarFake) -> None:
    task = await invite(working)
    await until(working, task.id, is_state("blocked"))
    question = await asked(working, task.id)
    assert dict(question.payload["facts"])["invitations"] == "sent to all attendees"
    assert dict(question.payload["facts"])["calendar"] == f"Google Calendar of {ROBIN}"
    assert google.mails == []
    done = await until(working, (await approved(working, task)).id, is_state("completed", "failed"))
    assert done.verification == "verified"
    event_id = f"st{task.id.hex}"
    assert google.mails == [("invited", event_id, (GUEST,))]
    assert done.evidence[0].where == google.events[event_id]["htmlLink"]


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("status", [None, 503])
async def test_a_line_that_breaks_ends_in_one_invitation(
    working: House, google: GoogleCalendarFake, after: bool, status: int | None
) -> None:
    google.fail("events.insert", status, after=after)
    task = await use(
        working, "calendar_event", action="create", title="Planning", start="2026-03-05T15:00", attendees=[GUEST]
    )
    done = await approved(working, task)
    if after:
        done = await until(working, done.id, is_state("completed", "failed"))
        assert done.verification == "verified"
        assert len(google.mails) == 1
    else:
        failed = await until(working, done.id, is_state("completed", "failed"))
        assert failed.execution_status == "failed"
        assert "did not take effect" in (failed.failure_reason or "")
        assert google.mails == []


async def test_an_event_that_moved_after_the_yes_is_left_alone(working: House, google: GoogleCalendarFake) -> None:
    google.put(ROBIN, "meeting0", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00", summary="Planning")
    task = await use(working, "calendar_event", action="cancel", event_id="meeting0")

    def move() -> None:
        google.events["meeting0"]["start"]["dateTime"] = "2026-03-05T14:00:00+01:00"
        google._keep(google.events["meeting0"])  # pyright: ignore[reportPrivateUsage]

    failed = await until(working, (await approved(working, task, move)).id, is_state("failed", "completed"))
    assert failed.failure_reason is not None
    assert "was changed after you said yes: it is now Thu 5 Mar 2026 14:00-16:00" in failed.failure_reason
    assert google.events["meeting0"]["status"] == "confirmed"


async def test_a_change_and_an_answer_and_a_cancellation_are_done_and_verified(
    working: House, google: GoogleCalendarFake
) -> None:
    guests = [{"email": ROBIN, "responseStatus": "needsAction"}, {"email": GUEST, "responseStatus": "accepted"}]
    google.put(ROBIN, "mine0", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00", attendees=guests)
    changes: list[dict[str, Any]] = [
        {"action": "respond", "event_id": "mine0", "answer": "accepted", "comment": "Gladly"},
        {"action": "update", "event_id": "mine0", "start": "2026-03-06T10:00", "duration_minutes": 30},
        {"action": "cancel", "event_id": "mine0", "notify": "all"},
    ]
    for given in changes:
        done = await approved(working, await use(working, "calendar_event", **given))
        done = await until(working, done.id, is_state("completed", "failed"))
        assert done.verification == "verified", done.failure_reason
    assert google.events["mine0"]["status"] == "cancelled"
    assert [kind for kind, _, _ in google.mails] == ["changed", "changed", "cancelled"]


async def test_a_sign_in_that_has_ended_blocks_until_it_is_connected_again(
    connected: House, google: GoogleCalendarFake
) -> None:
    google.put(ROBIN, "mine0", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00")
    await connect(connected, "token-that-nobody-knows")
    account = (await accounts.list_accounts(connected.caller))[0]
    async with at_work(connected):
        task = await use(connected, "calendar_read", start="2026-03-04", end="2026-03-08")
        waits = await until(connected, task.id, OPEN)
        assert (waits.execution_status, waits.blocked_on) == ("blocked", "account")
        assert account.address == ROBIN
        await connect(connected)
        done = await until(connected, task.id, is_state("completed", "failed"))
    assert [event["id"] for event in output(done)["events"]] == ["mine0"]


async def test_a_time_is_found_across_two_calendars(connected: House, google: GoogleCalendarFake) -> None:
    google.put(ROBIN, "mine0", "2026-03-05T09:00:00+01:00", "2026-03-05T12:00:00+01:00")
    google.put(GUEST, "their0", "2026-03-05T13:00:00+01:00", "2026-03-05T16:00:00+01:00", summary="Secret")
    task = await ended(
        connected, "find_time", attendees=[GUEST], duration_minutes=60, start="2026-03-05", end="2026-03-06",
        zones={GUEST: "Europe/Lisbon"},
    )  # fmt: skip
    found = output(task)
    assert [slot["start"][11:16] for slot in found["slots"]] == ["12:00", "16:00"]
    assert found["slots"][0]["local"][GUEST] == "Thu 05 Mar 11:00 Europe/Lisbon"
    assert "Secret" not in str(task.result)


async def test_the_copy_follows_the_calendar(connected: House, google: GoogleCalendarFake) -> None:
    service = await worker_of(connected)

    async def copied() -> list[tuple[str, str, str]]:
        rows = await calendar.list_calendar(service, WEEK[1], WEEK[0])
        return [(row.uid, row.recurrence_id, row.status) for row in rows]

    google.put(ROBIN, "mine0", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00")
    google.put(
        ROBIN, "daily", "2026-03-02T09:00:00+01:00", "2026-03-02T09:15:00+01:00", recurrence=["RRULE:FREQ=DAILY"]
    )
    google.put(
        ROBIN, "odd00", "2026-03-03", "2026-03-04", summary="\x00A\x07", recurrence=["RRULE:FREQ=DAILY", "EXDATE:x"]
    )
    assert await sync_calendars(given_of(connected)) == 1
    assert await copied() == [("daily", "", "confirmed"), ("odd00", "", "confirmed"), ("mine0", "", "confirmed")]
    google.answer("DELETE", "/calendar/v3/calendars/primary/events/mine0", HEAD, b"")
    google.answer("DELETE", "/calendar/v3/calendars/primary/events/daily_20260304T080000Z", HEAD, b"")
    assert await sync_calendars(given_of(connected)) == 1
    assert await copied() == [
        ("daily", "", "confirmed"), ("odd00", "", "confirmed"), ("daily", "2026-03-04T08:00:00+00:00", "cancelled"),
    ]  # fmt: skip
    assert len(google.called("events.list")) == 2
    google.forget_tokens()
    google.put(ROBIN, "new00", "2026-03-06", "2026-03-07")
    assert await sync_calendars(given_of(connected)) == 1
    assert len(await copied()) == 4


async def test_two_syncs_at_once_end_in_the_newest(connected: House, google: GoogleCalendarFake) -> None:
    account = (await accounts.list_accounts(connected.caller))[0]
    google.put(ROBIN, "first0", "2026-03-05", "2026-03-06")
    await sync_account(given_of(connected), account)
    google.put(ROBIN, "second", "2026-03-05", "2026-03-06", guestsCanModify=True)
    synced = await sync_account(given_of(connected), account)  # begins where the first one began
    assert synced.kept == 2
    rows = await calendar.list_calendar(connected.caller, WEEK[1], WEEK[0])
    assert sorted((row.uid, row.guests_can_modify) for row in rows) == [("first0", False), ("second", True)]


async def test_a_sync_that_fails_is_told_and_holds_nobody_up(connected: House, google: GoogleCalendarFake) -> None:
    google.fail("events.list", 500, times=99)
    assert await sync_calendars(given_of(connected)) == 0
    google.faults.clear()
    await connect(connected, "token-that-nobody-knows")
    assert await sync_calendars(given_of(connected)) == 0
    assert (await accounts.list_accounts(connected.caller))[0].state == "expired"


async def test_the_copy_goes_with_its_account(connected: House, google: GoogleCalendarFake) -> None:
    google.put(ROBIN, "mine0", "2026-03-05", "2026-03-06")
    await sync_calendars(given_of(connected))
    account = (await accounts.list_accounts(connected.caller))[0]
    assert len(await calendar.list_calendar(connected.caller, WEEK[1], WEEK[0])) == 1
    await accounts.disconnect_account(connected.caller, account.id)
    assert await calendar.list_calendar(connected.caller, WEEK[1], WEEK[0]) == []


async def test_ten_thousand_events_are_copied_at_once(connected: House, google: GoogleCalendarFake) -> None:
    for number in range(10_000):
        google.put(ROBIN, f"e{number:05d}", "2026-03-05T15:00:00+01:00", "2026-03-05T16:00:00+01:00")
    account = (await accounts.list_accounts(connected.caller))[0]
    assert (await sync_account(given_of(connected), account)).kept == 10_000


HEAD = {"authorization": "Bearer token-of-robin"}


async def worker_of(house: House) -> Any:
    profile = await house.caller.call("get_profile")
    from uuid import UUID

    from core.database import Identity

    return house.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
