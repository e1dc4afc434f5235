"""Google tells of changes by itself where there is a public address; whoever else posts there is told nothing."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from app.house import House, furnish
from app.main import create_app
from core.keys import Keys
from core.settings import Settings
from jobs.calendar_sync import sync_calendars
from tasks import accounts, calendar
from tests.emulators.google_calendar_fake import GoogleCalendarFake
from tests.integration.integrations.calendar.contract import WEEK
from tests.integration.integrations.google_calendar.test_connected import ROBIN, connect, connected, given_of

__all__ = ["connected"]
PUBLIC = "https://steward.example"


@pytest.fixture
def public(connected: House) -> House:
    """The connected house, reached from the internet."""
    settings = Settings.model_validate(connected.settings.model_dump() | {"public_url": PUBLIC})
    return furnish(settings, connected.clock, connected.database, connected.owner)


@pytest.fixture
async def door(public: House) -> AsyncGenerator[httpx.AsyncClient]:
    """A client without any sign-in."""
    transport = httpx.ASGITransport(create_app(public, Keys.load(public.settings.home)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


def notice(google: GoogleCalendarFake, **headers: str) -> dict[str, str]:
    (channel,) = google.channels.values()
    told = {
        "x-goog-channel-id": channel["id"],
        "x-goog-channel-token": channel["token"],
        "x-goog-resource-state": "exists",
    }
    return told | headers


async def test_without_a_public_address_the_calendar_is_polled(connected: House, google: GoogleCalendarFake) -> None:
    assert await sync_calendars(given_of(connected)) == 1
    assert google.channels == {}


async def test_a_change_is_there_as_soon_as_google_tells(
    public: House, door: httpx.AsyncClient, google: GoogleCalendarFake
) -> None:
    await sync_calendars(given_of(public))
    (channel,) = google.channels.values()
    assert channel["address"] == f"{PUBLIC}/api/calendar/push"
    assert (
        await door.post("/api/calendar/push", headers=notice(google, **{"x-goog-resource-state": "sync"}))
    ).status_code == 204
    google.put(ROBIN, "new00", "2026-03-05", "2026-03-06")
    assert (await door.post("/api/calendar/push", headers=notice(google))).status_code == 204
    assert [row.uid for row in await calendar.list_calendar(public.caller, WEEK[1], WEEK[0])] == ["new00"]
    await sync_calendars(given_of(public))
    assert len(google.called("events.watch")) == 1


async def test_a_forged_notice_is_refused(public: House, door: httpx.AsyncClient, google: GoogleCalendarFake) -> None:
    await sync_calendars(given_of(public))
    right = notice(google)
    for wrong in (
        right | {"x-goog-channel-token": right["x-goog-channel-token"][:-1] + "_"},
        right | {"x-goog-channel-token": "x"},
        right | {"x-goog-channel-token": ".".join(["0" * 32] * 2 + ["x"])},
        right | {"x-goog-channel-id": "another"},
    ):
        assert (await door.post("/api/calendar/push", headers=wrong)).status_code == 404
    assert (await door.post("/api/calendar/push")).status_code == 422
    assert len(google.called("events.list")) == 1
    account = (await accounts.list_accounts(public.caller))[0]
    assert right["x-goog-channel-token"] not in str(account)


async def test_a_channel_that_ends_soon_is_replaced(public: House, google: GoogleCalendarFake) -> None:
    await sync_calendars(given_of(public))
    (first,) = google.channels
    account = (await accounts.list_accounts(public.caller))[0]
    known = account.sync["calendar_push"]
    service = accounts.service_of(public.caller, account.organization_id)
    await accounts.save_sync_state(
        service, account.id, known, known | {"expires_at": "2026-01-01T00:00:00+00:00"}, "calendar_push"
    )
    await sync_calendars(given_of(public))
    assert list(google.channels) != [first]
    assert len(google.channels) == 1


async def test_a_channel_that_cannot_be_opened_leaves_the_polling(public: House, google: GoogleCalendarFake) -> None:
    google.put(ROBIN, "mine0", "2026-03-05", "2026-03-06")
    google.fail("events.watch", 403, reason="forbidden", times=9)
    assert await sync_calendars(given_of(public)) == 1
    assert len(await calendar.list_calendar(public.caller, WEEK[1], WEEK[0])) == 1


async def test_an_account_that_was_disconnected_hears_nothing(
    public: House, door: httpx.AsyncClient, google: GoogleCalendarFake
) -> None:
    await sync_calendars(given_of(public))
    told = notice(google)
    account = (await accounts.list_accounts(public.caller))[0]
    await accounts.disconnect_account(public.caller, account.id)
    assert (await door.post("/api/calendar/push", headers=told)).status_code == 404
    await connect(public)
