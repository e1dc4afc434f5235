"""What fails for one mail, tenant or account fails alone: the others are read, told and learned from."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from agents.rules.mail import Owner
from app.house import House
from core.errors import Invalid
from core.outside.mail import IncomingMail, MailAddress
from core.postgres import pool_of
from jobs import watching
from jobs.apart import apart, problem_of
from jobs.mail_reading import take_in
from jobs.outside.world import Given
from jobs.watching import offer, watch_all, watch_for
from tasks import calendar, functions, nudges, reminders
from tasks.mail import find_mail
from tasks.nudges import AttentionRules, Finding

ME = Owner(("robin@vega.example",), ("Robin Vega",))
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def a_mail(number: int, text: str, sent_at: datetime | None = NOW) -> IncomingMail:
    sender, me = MailAddress("ana@example.com", "Ana Alves"), MailAddress("robin@vega.example")
    name = f"<{number}@example.com>"
    return IncomingMail(str(number), name, name, sender, (me,), subject="Report", text=text, sent_at=sent_at)


def found(number: int, kind: Any = "unanswered", **more: Any) -> Finding:
    return Finding(key=f"{kind}:{number}", kind=kind, title=f"Number {number}", why="So it is.", **more)


def given(house: House) -> Given:
    return Given(house.settings, house.database, house.clock)


async def test_what_fails_is_told_without_contents_and_ends_there() -> None:
    with capture_logs() as logs:
        async with apart("not_done", account_id="7") as outcome:
            int("a secret of others")
        async with apart("not_done") as ours:
            raise Invalid("The calendar is empty")
        async with apart("not_done") as fine:
            pass
    assert outcome.problem is not None
    assert outcome.problem.startswith("Something went wrong that nobody expected: ValueError in test_apart.py, line ")
    assert (ours.problem, fine.problem) == ("The calendar is empty", None)
    assert "secret" not in str(logs)
    assert logs[0]["account_id"] == "7"
    with pytest.raises(asyncio.CancelledError):
        async with apart("not_done"):
            raise asyncio.CancelledError
    assert problem_of(KeyError("a secret")) == "Something went wrong that nobody expected: KeyError"


async def test_a_mail_that_no_rule_can_read_is_kept_without_tasks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = "Hi Robin,\n\nplease send me the sales report by Friday.\n\nAna"
    far = datetime.max.replace(tzinfo=UTC)
    mails = [a_mail(1, asks), a_mail(2, asks, far), a_mail(3, "x" + "\n" * 100_000 + "y"), a_mail(4, "boom")]
    from agents.rules import mail as rules

    def stumbles(one: Any, **more: Any) -> Any:
        return 1 / 0 if one.text == "boom" else read(one, **more)

    read: Callable[..., Any] = rules.tasks_in_mail
    monkeypatch.setattr(rules, "tasks_in_mail", stumbles)
    with capture_logs() as logs:
        taken = await take_in(given(house), house.caller, "robin@vega.example", ME, mails)
    assert (taken.messages_added, len(taken.tasks)) == (4, 2)
    assert await find_mail(house.caller, "<4@example.com>") is not None
    (said,) = (one for one in logs if one["event"] == "mail_not_read_for_tasks")
    assert said["message_id"] == "<4@example.com>"


async def test_where_a_rule_fails_reminders_and_digest_come_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task,) = await functions.create_tasks(house.caller, [{"title": "Call the bank", "execution_type": "manual"}])
    now = house.clock.now()
    await reminders.set_reminder(house.caller, task.id, now + timedelta(minutes=1), now=now)

    def fails(*_: Any) -> NoReturn:
        raise OverflowError("date value out of range: the words of others")

    monkeypatch.setattr(watching, "watch", fails)
    with pytest.raises(OverflowError):
        await watch_for(given(house), house.caller, now + timedelta(minutes=2))
    listed = (await nudges.list_nudges(house.caller)).items
    assert [one.kind for one in listed] == ["reminder"]
    row = {"uid": "one", "title": "One", "starts_at": NOW.isoformat(), "ends_at": NOW.isoformat(), "timezone": "UTC"}
    await calendar.add_calendar_event(house.caller, row)
    with capture_logs() as logs:
        assert await watch_all(given(house)) == 1
        assert await watch_all(given(house)) == 0
    assert "words of others" not in str(logs)
    async with pool_of(house.database).connection() as connection:
        await connection.execute("reset role")
        held = await connection.execute(
            "select count(*) from public.watches where problem like '%OverflowError%' and leased_until is null"
        )
        assert await held.fetchone() == (1,)


async def test_a_flood_is_offered_piece_by_piece_the_urgent_and_soonest_first(house: House) -> None:
    rules = AttentionRules.from_settings(house.settings, "UTC")
    flood = [found(n, expires_at=NOW + timedelta(days=400 - n)) for n in range(450)]
    urgent, calm = found(9999, is_urgent=True), found(1, "rsvp")
    first = await offer(house.caller, [*flood, calm, urgent], ["unanswered", "rsvp"], NOW, rules)
    assert len(first.made) == 200
    assert {one.key for one in first.made} >= {urgent.key, flood[-1].key}
    second = await offer(house.caller, [*flood, calm], ["unanswered", "rsvp"], NOW, rules)
    assert (len(second.made), second.settled) == (201, 0)  # the urgent one may have been among those left out
    third = await offer(house.caller, [*flood, calm], ["unanswered", "rsvp"], NOW, rules)
    assert (len(third.made), third.settled) == (51, 1)
