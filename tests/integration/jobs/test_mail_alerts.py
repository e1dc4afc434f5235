"""Mails to whom the settings name: what waits for a yes, what failed, what waits for an account; once each, on a real mail server."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

import pytest
from aiosmtpd.smtp import Envelope
from pydantic import SecretStr, ValidationError

from app.house import House
from core.database import Identity
from core.errors import Forbidden
from core.settings import Settings
from jobs.mail_alerts import FOREIGN, send_mail_alerts
from jobs.outside.world import Given
from tasks import capture, functions, runs
from tasks.mail_alerts import list_mail_alerts
from tests.conftest import house_with, sign_up
from tests.emulators.smtp_server import Handler, serving


def given(house: House, place: str, recipients: str = "ana@example.org, oncall@example.org") -> Given:
    changed = {"smtp_url": SecretStr(f"smtp://{place}"), "alert_recipients": recipients}
    return Given(house.settings.model_copy(update=changed), house.database, house.clock)


def mail_in(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    return message_from_bytes(envelope.content, policy=default)


async def asked(house: House, title: str) -> UUID:
    """A gate that waits for a yes."""
    item = {
        "title": title,
        "tool": "approval_gate",
        "execution_type": "fully_automated",
        "tool_input": {"question": title},
    }
    made = (await functions.create_tasks(house.caller, [item]))[0]
    await functions.queue_task_execution(house.caller, made.id)
    await house.work_until(made.id)
    return made.id


async def failed(house: House, title: str, source: str = "manual") -> UUID:
    """A task that failed for good."""
    profile = await capture.get_profile(house.caller)
    service = house.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
    maker = house.caller if source == "manual" else service
    item = {"title": title, "execution_type": "fully_automated", "source": source}
    made = (await functions.create_tasks(maker, [item]))[0]
    await functions.queue_task_execution(house.caller, made.id)
    await runs.start_task_execution(service, made.id, None)
    await runs.fail_task_execution(service, made.id, "It cannot be done", should_retry=False)
    return made.id


async def test_what_waits_and_what_failed_is_told_once_and_in_no_words_of_others(house: House) -> None:
    gate = await asked(house, "Deploy to production?")
    own, foreign = await failed(house, "Build the page"), await failed(house, "Click http://evil.example now", "mail")
    handler = Handler()
    async with serving(handler) as place:
        assert await send_mail_alerts(given(house, place), house.owner, waited_seconds=0) == 3
        assert await send_mail_alerts(given(house, place), house.owner, waited_seconds=0) == 0
        assert [one.rcpt_tos for one in handler.taken] == [["ana@example.org", "oncall@example.org"]]
        mail = mail_in(handler.taken[0])
        assert mail["Subject"] == "Steward: 1 waiting for your yes, 2 failed"
        text = mail.get_content()
        assert "Deploy to production?" in text
        assert "Build the page" in text
        assert FOREIGN in text
        assert "evil" not in text
        assert all(f"/tasks/{one}" in text for one in (gate, own, foreign))
        await failed(house, "Another one")
        assert await send_mail_alerts(given(house, place), house.owner) == 1
    assert [mail_in(one)["Subject"] for one in handler.taken[1:]] == ["Steward: 1 failed"]


async def test_what_was_decided_within_the_minute_is_not_told(house: House) -> None:
    await asked(house, "Paint it blue?")
    handler = Handler()
    async with serving(handler) as place:
        assert await send_mail_alerts(given(house, place), house.owner) == 0
        assert await send_mail_alerts(given(house, place, recipients=""), house.owner, waited_seconds=0) == 0
    assert handler.taken == []


async def test_a_server_that_is_away_is_asked_again_and_one_that_refuses_is_not(house: House) -> None:
    await failed(house, "Build the page")
    handler = Handler(data="451 later")
    async with serving(handler) as place:
        assert await send_mail_alerts(given(house, place), house.owner) == 0
        handler.data = "550 no"
        assert await send_mail_alerts(given(house, place), house.owner) == 1
        handler.data = "250 taken"
        assert await send_mail_alerts(given(house, place), house.owner) == 0
    assert handler.taken == []


async def test_nobody_elses_things_are_told_and_only_a_worker_asks(house: House) -> None:
    other = house.database.acting_as(await sign_up(house.database, "ben@example.com"))
    made = (await functions.create_tasks(other, [{"title": "Ben's", "execution_type": "fully_automated"}]))[0]
    service = house.database.acting_as(Identity.service(made.organization_id))
    await functions.queue_task_execution(other, made.id)
    await runs.start_task_execution(service, made.id, None)
    await runs.fail_task_execution(service, made.id, "No", should_retry=False)
    handler = Handler()
    async with serving(handler) as place:
        assert await send_mail_alerts(given(house, place), house.owner) == 0
    assert [one.task_id for one in await list_mail_alerts(service)] == [made.id]
    with pytest.raises(Forbidden):
        await list_mail_alerts(other)


async def test_a_worker_tells_where_somebody_is_named(house: House) -> None:
    assert "mail_alerts" not in (await house.worker()).app.tasks
    named = house.settings.model_copy(update={"alert_recipients": "ana@example.org"})
    assert "mail_alerts" in (await house_with(house, settings=named).worker()).app.tasks
    with pytest.raises(ValidationError, match="no mail address"):
        Settings(alert_recipients="ana@example.org, nobody")
