"""Reading Google accounts by the clock: tasks out of their mail, tokens renewed on the way, and what ends a sign-in."""

import asyncio
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.house import House, furnish
from core.database import Identity
from core.errors import StewardError
from core.outside.errors import SignInExpired, Temporary
from core.vault import Vault
from integrations.google.gmail_send import GmailSender
from jobs.google_sync import (
    is_due,
    keep_watch,
    part_of,
    read_account,
    read_due_accounts,
    read_google_mail,
    sweep_drafts,
)
from jobs.outside.google import connected_google, gmail_mailbox, open_google_account
from jobs.outside.world import Given
from jobs.worker import working
from tasks import accounts, functions, mail
from tasks.accounts import Account
from tests.emulators.google_faults import GoogleLine, error, google_line
from tests.emulators.google_sign_in import allow_at_google
from tests.emulators.outside_servers import ALEX, GOOGLE_CLIENT, ROBIN, OutsideServers, google_seed, outside

__all__ = ["outside"]
NOW = datetime.now(UTC)
SCOPES = [f"https://www.googleapis.com/auth/gmail.{name}" for name in ("readonly", "compose", "modify")]
ASKED = {
    "id": "m1",
    "user_email": ROBIN,
    "from": "Ana Lind <ana@example.com>",
    "to": f"Robin Vega <{ROBIN}>",
    "subject": "The offer",
    "body_text": "Hi Robin,\n\nplease send me the signed offer by Friday.\n\nAna",
    "message_id": "<offer@example.com>",
    "internal_date": str(int((NOW - timedelta(hours=2)).timestamp() * 1000)),
}


@pytest.fixture
def line(outside: OutsideServers) -> Generator[GoogleLine]:
    outside.reset(google=google_seed(messages=[ASKED]))
    with google_line(outside.google) as opened:
        yield opened


@pytest.fixture
def google_house(house: House, line: GoogleLine) -> House:
    """A house that is set up for Google, over the line."""
    changes = {
        "google_client_id": GOOGLE_CLIENT[0],
        "google_client_secret": GOOGLE_CLIENT[1],
        "google_base_url": line.url,
        "now": None,
        "quiet_hours": "off",  # it is the real time of day
    }
    settings = house.settings.model_validate({**house.settings.model_dump(), **changes})
    from core.clock import Clock

    return furnish(settings, Clock.from_settings(settings), house.database, house.owner)


@pytest.fixture
def given(google_house: House) -> Given:
    return Given(google_house.settings, google_house.database, google_house.clock)


async def grant(line: GoogleLine, email: str = ROBIN) -> dict[str, Any]:
    """A secret that Google gave, by a real sign-in."""
    query = f"client_id={GOOGLE_CLIENT[0]}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fapi%2Fintegrations%2Fgoogle%2Fcallback"
    back = await allow_at_google(line.url, f"{line.url}/o/oauth2/v2/auth?{query}&scope=x&state=s", email)
    given = {"grant_type": "authorization_code", "code": httpx.URL(back).params["code"]}
    client = {"client_id": GOOGLE_CLIENT[0], "client_secret": GOOGLE_CLIENT[1]}
    async with httpx.AsyncClient() as asking:
        told = (await asking.post(f"{line.url}/oauth2/token", data=given | client)).json()
    return {
        "access_token": told["access_token"],
        "refresh_token": told["refresh_token"],
        "expires_at": time.time() + 3000,
    }


async def connect(house: House, line: GoogleLine, email: str = ROBIN, **change: Any) -> Account:
    secret = await grant(line, email) | change
    vault = Vault.from_settings(house.settings)
    return await accounts.connect_account(house.caller, vault, "google", email, secret, SCOPES, {"name": "Robin Vega"})


async def fresh(house: House, account: Account) -> Account:
    return next(one for one in await accounts.list_accounts(house.caller) if one.id == account.id)


async def titles(house: House) -> list[str]:
    return [task.title for task in (await functions.list_tasks(house.caller)).items if task.source == "mail"]


async def test_a_mail_becomes_a_task_of_its_person_once(google_house: House, given: Given, line: GoogleLine) -> None:
    account = await connect(google_house, line)
    reading = await read_google_mail(given, account)
    assert (reading.messages_added, reading.tasks_added) == (1, 1)
    [task] = [one for one in (await functions.list_tasks(google_house.caller)).items if one.source == "mail"]
    assert task.created_by == google_house.owner.user_id
    assert task.source_ref["thread_id"].startswith("thr_")
    account = await fresh(google_house, account)
    assert part_of(account, "mail")["cursor"].startswith("history:")
    assert (await read_google_mail(given, account)).messages_added == 0
    assert len(await titles(google_house)) == 1


async def test_a_deleted_task_does_not_come_back_when_its_mail_is_read_in_gmail(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line)
    await read_google_mail(given, account)
    [task] = [one for one in (await functions.list_tasks(google_house.caller)).items if one.source == "mail"]
    await functions.delete_task(google_house.caller, task.id)
    service = accounts.service_of(google_house.caller, account.organization_id)
    mailbox = await gmail_mailbox(given, service)
    await mailbox.mark("m1", is_unread=False)
    await read_google_mail(given, await fresh(google_house, account))
    assert await titles(google_house) == []
    [kept] = await mail.search_mail(google_house.caller, mail.MailQuery(subject="offer"))
    assert not kept.is_unread


async def test_a_token_that_ended_on_the_way_is_renewed(google_house: House, given: Given, line: GoogleLine) -> None:
    account = await connect(google_house, line)
    line.on(r"GET .*/messages/m1\?.*raw", answer=error(401, "authError"))
    assert (await read_google_mail(given, account)).messages_added == 1
    assert line.count("POST /oauth2/token") == 2, "one sign-in, one renewal"


async def test_a_token_that_is_about_to_end_is_renewed_before(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line, access_token="worn out", expires_at=time.time() + 5)
    assert (await read_google_mail(given, account)).messages_added == 1


async def test_of_many_who_need_a_new_token_at_once_one_asks_google(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line, access_token="worn out", expires_at=0)
    service = accounts.service_of(google_house.caller, account.organization_id)
    clients = [await open_google_account(given, service, account) for _ in range(4)]
    tokens = await asyncio.gather(*(one.tokens.current() for one in clients for _ in range(2)))
    assert len(set(tokens)) == 1
    assert tokens[0] != "worn out"
    assert line.count("POST /oauth2/token") == 2, "one sign-in, one renewal"


async def test_a_permission_that_was_withdrawn_expires_the_account_and_says_why(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line, refresh_token="withdrawn", expires_at=0)
    with pytest.raises(SignInExpired, match="withdrawn, or has expired") as caught:
        await read_google_mail(given, account)
    assert "/settings#google" in (caught.value.hint or "")
    account = await fresh(google_house, account)
    assert account.state == "expired"
    assert "withdrawn" in (account.reason or "")
    service = accounts.service_of(google_house.caller, account.organization_id)
    with pytest.raises(SignInExpired):
        await connected_google(given, service, "mail_read")


async def test_google_out_of_order_leaves_the_account_connected_and_the_problem_said(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line)
    line.on("GET .*/messages", answer=error(429, "rateLimitExceeded", Retry_After="600"), times=None)
    with pytest.raises(Temporary):
        await read_google_mail(given, account)
    account = await fresh(google_house, account)
    assert account.state == "connected"
    assert "asks to wait" in part_of(account, "mail")["problem"]
    line.rules.clear()
    await read_google_mail(given, account)
    assert "problem" not in part_of(await fresh(google_house, account), "mail")


async def test_of_two_accounts_a_broken_one_does_not_hold_up_the_other(
    google_house: House, given: Given, line: GoogleLine, outside: OutsideServers
) -> None:
    both = [ASKED, ASKED | {"id": "m2", "user_email": ALEX, "to": ALEX, "message_id": "<two@example.com>"}]
    outside.reset(google=google_seed(messages=both))
    good = await connect(google_house, line, ALEX)
    bad = await connect(google_house, line, ROBIN, refresh_token="withdrawn", expires_at=0)
    assert await read_due_accounts(given) == 2
    assert (await fresh(google_house, bad)).state == "expired"
    assert part_of(await fresh(google_house, good), "mail")["cursor"].startswith("history:")
    assert await read_due_accounts(given) == 0, "it was read a moment ago"


async def test_a_person_never_gets_anothers_account(google_house: House, given: Given, line: GoogleLine) -> None:
    account = await connect(google_house, line)
    service = accounts.service_of(google_house.caller, account.organization_id)
    with pytest.raises(StewardError):
        await connected_google(given, service, "mail_read", user_id=uuid4())
    elsewhere = google_house.database.acting_as(Identity.service(uuid4()))
    with pytest.raises(StewardError):
        await open_google_account(given, elsewhere, account)


async def test_an_account_without_the_permission_says_what_to_allow(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line)
    service = accounts.service_of(google_house.caller, account.organization_id)
    with pytest.raises(StewardError, match="Read and change your calendar") as caught:
        await connected_google(given, service, "calendar")
    assert "/settings#google" in (caught.value.hint or "")


async def test_a_worker_reads_an_account_as_soon_as_it_is_asked_to(google_house: House, line: GoogleLine) -> None:
    account = await connect(google_house, line)
    assert await accounts.request_reading(google_house.caller, "google", ROBIN) == 1
    assert await accounts.request_reading(google_house.caller, "google", ROBIN) == 0, "it waits already"
    async with working(await google_house.worker()):
        async with asyncio.timeout(20):
            while not await titles(google_house):
                await asyncio.sleep(0.05)
    assert part_of(await fresh(google_house, account), "mail")


async def test_an_account_that_is_gone_is_not_read(google_house: House, given: Given, line: GoogleLine) -> None:
    account = await connect(google_house, line)
    await accounts.disconnect_account(google_house.caller, account.id)
    asked = len(line.asked)
    await read_account(given, account.id, account.organization_id)
    assert len(line.asked) == asked


async def test_drafts_that_were_left_behind_are_swept_and_others_stay(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    from core.outside.mail import OutgoingMail
    from tasks import review

    account = await connect(google_house, line)
    service = accounts.service_of(google_house.caller, account.organization_id)
    client = await open_google_account(given, service, account)
    sender = GmailSender(client)
    [task] = await functions.create_tasks(google_house.caller, [{"title": "Answer Ana"}])
    content = {"to_recipients": ["ana@example.com"], "subject": "Hi", "body": "Hello"}
    over = await review.create_draft(google_house.caller, task.id, content)
    await review.reject_draft(google_house.caller, over.id)

    def outgoing(draft_id: object) -> OutgoingMail:
        return OutgoingMail(f"<{draft_id}@vega.example>", ROBIN, "", ("ana@example.com",), "Hi", "Hello", NOW)

    await sender.prepare(outgoing(over.id))
    kept = await sender.prepare(outgoing(uuid4()))
    assert await sweep_drafts(service, account, client) == 1
    assert [ref for ref, _ in await sender.our_drafts()] == [kept]
    client.close()


async def test_google_is_asked_to_tell_of_new_mail_where_it_can_reach_us(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    account = await connect(google_house, line)
    assert not await keep_watch(given, account)
    told = {"public_url": "https://steward.example.org", "google_push_topic": "projects/p/topics/t"}
    settings = given.settings.model_validate({**given.settings.model_dump(), **told})
    assert await keep_watch(Given(settings, given.database, given.clock), account)
    assert part_of(await fresh(google_house, account), "watch")["ends_at"] > time.time()
    assert line.count("POST .*/watch") == 1


def test_an_account_that_is_watched_is_read_once_an_hour() -> None:
    def read(seconds_ago: float) -> Account:
        return Account.model_validate(
            {
                "id": uuid4(),
                "organization_id": uuid4(),
                "user_id": uuid4(),
                "provider": "google",
                "address": "a",
                "mail_name": "a",
                "state": "connected",
                "sync": {"mail": {"at": 10_000 - seconds_ago}},
                "connected_at": NOW,
                "created_at": NOW,
                "updated_at": NOW,
            }
        )

    assert is_due(read(301), 300, is_watched=False, now=10_000)
    assert not is_due(read(200), 300, is_watched=False, now=10_000)
    assert not is_due(read(301), 300, is_watched=True, now=10_000)
    assert is_due(read(3601), 300, is_watched=True, now=10_000)
