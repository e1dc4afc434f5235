"""Looking ahead in an organization of several: for each member once, by their own clock, and of what is theirs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.house import House
from core.database import Caller, Identity
from core.errors import NotFound
from core.postgres import pool_of
from core.vault import Vault
from jobs.situation import share_of
from jobs.watching import watch_all, watch_for
from tasks import accounts, commitments, digests, functions, nudges, organizations, reminders, snoozing
from tasks.nudges import AttentionRules
from tasks.organizations import Organization
from tasks.own_hours import HoursChange, save_own_hours
from tests.integration.tasks.permitting import allowed_by, delivered, permitted, write
from tests.integration.tasks.test_organizations import confirmed, joins

RULES = AttentionRules(timezone="Europe/Berlin")
MORNING = datetime(2026, 3, 4, 8, 30, tzinfo=UTC)  # half past nine in Berlin, half past three in New York


@pytest.fixture
async def vega(house: House) -> Organization:
    return await organizations.create_organization(house.caller, "Vega")


@pytest.fixture
async def ben(house: House, vega: Organization) -> Caller:
    """A member in New York."""
    person = await confirmed(house.database, "ben@example.org")
    await joins(house.caller, vega, person, "ben@example.org")
    await save_own_hours(person, HoursChange.model_validate({"timezone": "America/New_York"}))
    return house.database.acting_as(replace(person.identity, organization_id=vega.id))


async def execute(house: House, statement: str, *values: object) -> None:
    async with pool_of(house.database).connection() as connection:
        await connection.execute(statement.encode(), values)


async def told(person: Caller) -> list[str]:
    page = await nudges.list_nudges(person)
    return sorted(one.title for one in page.items)


async def meeting(house: House, vega: Organization, calendar: str, title: str) -> None:
    """Tomorrow afternoon, with somebody from outside, and without an agenda."""
    people = '[{"address": "ana@else.example", "partstat": "ACCEPTED"}, {"address": "jo@else.example", "partstat": "ACCEPTED"}]'
    starts = datetime(2026, 3, 5, 14, tzinfo=UTC)
    await execute(
        house,
        "insert into calendar_events (organization_id, calendar, uid, title, starts_at, ends_at, attendees, organizer)"
        " values (%s, %s, %s, %s, %s, %s, %s::jsonb, 'ana@else.example')",
        vega.id, calendar, title, title, starts, starts + timedelta(hours=1), people,
    )  # fmt: skip


async def test_each_has_their_own_digest_at_their_own_hour(house: House, vega: Organization, ben: Caller) -> None:
    assert (await watch_for(house.given, house.caller, MORNING)).digest is not None
    assert (await watch_for(house.given, ben, MORNING)).digest is None
    later = MORNING + timedelta(hours=5)
    assert (await watch_for(house.given, ben, later)).digest is not None
    assert (await watch_for(house.given, ben, later)).digest is None
    assert (await watch_for(house.given, house.caller, later)).digest is None
    mine, theirs = [await digests.list_digests(one) for one in (house.caller, ben)]
    assert (len(mine), len(theirs)) == (1, 1)
    assert mine[0].id != theirs[0].id
    with pytest.raises(NotFound):
        await digests.read_digest(ben, mine[0].id, later)


async def test_a_digest_counts_what_is_its_readers(house: House, vega: Organization, ben: Caller) -> None:
    """Robin has much: two tasks done, one put off, a promise, one left by Robin's permission; Ben has a task that is done."""
    service = house.database.acting_as(Identity.service(vega.id))
    automated = {"execution_type": "fully_automated"}
    for person, titles in ((house.caller, ("One", "Two")), (ben, ("Three",))):
        for made in await functions.create_tasks(person, [{"title": title, **automated} for title in titles]):
            await functions.update_task(person, made.id, {"execution_status": "completed"})
    (later,) = await functions.create_tasks(house.caller, [{"title": "Later"}])
    await snoozing.snooze_task(house.caller, later.id, house.clock, until=MORNING + timedelta(days=2))
    promise = {"is_mine": True, "person_name": "Omar", "quote": "The offer", "said_at": MORNING, "due_at": MORNING}
    await commitments.record_commitments(house.caller, [commitments.NewCommitment.model_validate(promise)])
    await functions.create_tasks(house.caller, [{"title": "Unasked", "source": "proactive", **automated}])
    await execute(house, "update tasks set execution_status = 'queued' where title = 'Unasked'")
    draft = await delivered(house.caller, service, allowed_by(await permitted(house.caller)))
    assert draft.approval
    await write(house.database, "approvals", draft.approval.id, state="'used'", used_at="now()")
    told = {}
    for person in (house.caller, ben):
        (digest,) = [(await watch_for(house.given, person, MORNING + timedelta(hours=5))).digest]
        assert digest is not None
        content = (await digests.get_digest(person, digest.day)).content
        kept = content.kept
        assert kept is not None
        told[person is ben] = (
            content.done,
            len(content.by_itself),
            len(kept.snoozed),
            len(kept.promises),
            content.preparing,
        )
    assert told == {False: (2, 1, 1, 1, 1), True: (1, 0, 0, 0, 0)}


async def test_each_is_reminded_of_what_they_asked_for(house: House, vega: Organization, ben: Caller) -> None:
    for person, title in ((house.caller, "Mine"), (ben, "Ben's")):
        (task,) = await functions.create_tasks(person, [{"title": title}])
        await reminders.set_reminder(person, task.id, MORNING, now=MORNING - timedelta(days=1))
    for _ in range(2):
        for person in (house.caller, ben):
            await watch_for(house.given, person, MORNING + timedelta(minutes=1))
    for person, title in ((house.caller, "Mine"), (ben, "Ben's")):
        (seen,) = await told(person)
        assert title in seen


async def test_what_is_in_a_calendar_of_ones_own_is_told_to_its_person_and_makes_no_shared_task(
    house: House, vega: Organization, ben: Caller
) -> None:
    account = await accounts.connect_account(
        ben, Vault.from_settings(house.settings), "google", "ben@own.example", {}, ["https://www.googleapis.com/auth/calendar"]
    )  # fmt: skip
    await meeting(house, vega, f"google:{account.id}", "Salary")
    await meeting(house, vega, "local", "Planning")
    noon = MORNING + timedelta(hours=7)
    for person in (house.caller, ben, house.caller, ben):
        await watch_for(house.given, person, noon)
    mine, bens = await told(house.caller), await told(ben)
    assert any("Planning" in title for title in mine)
    assert any("Salary" in title for title in bens)
    assert not any("Salary" in title for title in mine)
    assert not any("Planning" in title for title in bens)
    for person in (house.caller, ben):
        page = await functions.list_tasks(person)
        assert not any("Salary" in task.title for task in page.items)


async def test_a_colleague_who_does_the_task_settles_its_nudge(house: House, vega: Organization, ben: Caller) -> None:
    await meeting(house, vega, "local", "Planning")
    await watch_for(house.given, house.caller, MORNING + timedelta(hours=1))
    page = await nudges.list_nudges(house.caller)
    prepared = next(one for one in page.items if one.task_id)
    assert prepared.task_id
    await functions.cancel_task(ben, prepared.task_id)
    assert (await nudges.get_nudge(house.caller, prepared.id)).state == "dismissed"
    with pytest.raises(NotFound):
        await nudges.get_nudge(ben, prepared.id)


async def test_what_one_mutes_and_chooses_is_not_the_others(house: House, vega: Organization, ben: Caller) -> None:
    for person, most in ((house.caller, 3), (ben, 7)):
        await nudges.save_attention(person, {"daily_nudges": most})
        await nudges.mute_nudges(person, MORNING, kind="agenda")
    for person, most in ((house.caller, 3), (ben, 7)):
        found = await nudges.get_attention(person, MORNING, RULES)
        assert (found.rules.daily_nudges, len(found.mutes)) == (most, 1)


async def test_the_clock_looks_for_each_member_once_and_for_nobody_who_left(
    house: House, vega: Organization, ben: Caller
) -> None:
    assert ben.identity.user_id
    for person in (house.caller, ben):
        (task,) = await functions.create_tasks(person, [{"title": "Call"}])
        await reminders.set_reminder(person, task.id, MORNING, now=MORNING - timedelta(days=1))
    for _ in range(2):
        await execute(house, "insert into watches (organization_id) values (%s) on conflict (organization_id) do update set changed_at = clock_timestamp()", vega.id)  # fmt: skip
        assert await watch_all(house.given) >= 1
    assert (len(await told(house.caller)), len(await told(ben))) == (1, 1)
    await organizations.remove_member(house.caller, vega.id, ben.identity.user_id)
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select count(*) from nudges where user_id = %s", (ben.identity.user_id,))
        assert await cursor.fetchone() == (0,)
    await execute(house, "update watches set changed_at = clock_timestamp()")
    await watch_all(house.given)
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select count(*) from digests where user_id = %s and organization_id = %s", (ben.identity.user_id, vega.id))  # fmt: skip
        assert await cursor.fetchone() == (0,)


async def test_what_was_found_for_somebody_who_left_is_the_first_owners(
    house: House, vega: Organization, ben: Caller
) -> None:
    lead, member = await share_of(house.caller), await share_of(ben)
    mine, bens = house.caller.identity.user_id, ben.identity.user_id
    for found_for, is_leads, is_bens in (
        (mine, True, False),
        (bens, False, True),
        (None, True, False),
        (uuid4(), True, False),
    ):
        assert (lead.has_of(found_for), member.has_of(found_for)) == (is_leads, is_bens)
