"""Reading mailboxes by the clock: mail kept, tasks found, mail that came back told; and what goes wrong meanwhile."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from pydantic import SecretStr

from app.house import House
from core.database import Caller
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from core.outside.mail import IncomingMail
from core.vault import Vault
from integrations.mail.incoming import incoming_mail
from jobs.mail_sync import is_due, read_account, read_all, read_own_mailbox
from jobs.outside.world import Given
from tasks import accounts, capture, functions, mail, review
from tests.emulators.imap_server import ImapServer, running_imap_server
from tests.emulators.smtp_server import Handler, serving

NOW = datetime.now(UTC)


@pytest.fixture
async def imap() -> AsyncGenerator[ImapServer]:
    async with running_imap_server() as server:
        yield server


def given(house: House, imap: ImapServer) -> Given:
    settings = house.settings.model_copy(update={"imap_url": SecretStr(imap.url), "private_hosts": "127.0.0.1"})
    return Given(settings, house.database, house.clock)


async def service_of(house: House) -> Caller:
    profile = await capture.get_profile(house.caller)
    return accounts.service_of(house.caller, UUID(profile["organization"]["id"]))


def a_mail(subject: str, body: str, number: int = 1, **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ana Alves <ana@example.com>", "robin@vega.example", subject
    message["Date"], message["Message-ID"] = NOW - timedelta(hours=1), f"<{number}@example.com>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes().replace(b"\n", b"\r\n")


def a_report(message_id: str, address: str, *, action: str = "failed", headers_only: bool = False) -> bytes:
    original = f"Message-ID: {message_id}\r\nSubject: Hi\r\n\r\n" + ("" if headers_only else "Hi\r\n")
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: robin@vega.example\r\nSubject: Undelivered\r\n"
        f"Message-ID: <report-{action}-{address}@mx.example>\r\nDate: Wed, 04 Mar 2026 10:00:00 +0100\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\nAuto-Submitted: auto-replied\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user here\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{original}\r\n--b--\r\n"
    ).encode()


async def test_new_mail_is_kept_and_its_tasks_are_found_once(house: House, imap: ImapServer) -> None:
    imap.add(a_mail("Report", "Hi Robin,\n\nplease send me the sales report by Friday.\n\nAna\n"))
    first = await read_own_mailbox(given(house, imap), house.owner)
    assert first.messages_added == 1
    assert first.tasks_added == 1
    again = await read_own_mailbox(given(house, imap), house.owner)
    assert (again.messages_added, again.tasks_added) == (0, 0)
    (task,) = (await functions.list_tasks(house.caller)).items
    assert (task.source, task.source_ref["message_id"]) == ("mail", "<1@example.com>")
    found = await mail.find_mail(house.caller, "<1@example.com>")
    assert found
    assert found.labels == {"inbox", "unread"}


async def test_a_folder_that_was_rebuilt_is_read_again_and_makes_nothing_twice(house: House, imap: ImapServer) -> None:
    imap.add(a_mail("Report", "Please send me the sales report by Friday."))
    await read_own_mailbox(given(house, imap), house.owner)
    imap.rebuild("INBOX")
    imap.add(a_mail("Other", "Please call me tomorrow.", 2))
    again = await read_own_mailbox(given(house, imap), house.owner)
    assert again.messages_added == 1
    assert len({str(one.id) for one in await capture.list_mail(house.caller)}) == 2


async def test_a_broken_mail_does_not_hide_those_behind_it(house: House, imap: ImapServer) -> None:
    imap.add(b"\x00\xff no mail at all")
    imap.add(b"")
    imap.add(b"Subject: =?x-unknown?b?!!!?=\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe\x00words\r\n")
    imap.add(
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed\r\n"
    )
    imap.add(a_mail("Behind", "Please call me tomorrow.", 9))
    await read_own_mailbox(given(house, imap), house.owner)
    assert "Behind" in {one.subject for one in await capture.list_mail(house.caller)}


async def test_two_mails_of_one_message_id_are_one(house: House, imap: ImapServer) -> None:
    imap.add(a_mail("One", "Please call me tomorrow."))
    imap.add(a_mail("The same id", "Please call me tomorrow."))
    await read_own_mailbox(given(house, imap), house.owner)
    assert len(await capture.list_mail(house.caller)) == 1


async def test_a_huge_mail_is_read_at_its_beginning(house: House, imap: ImapServer) -> None:
    head = (
        b"From: ana@example.com\r\nTo: robin@vega.example\r\nSubject: Film\r\nMessage-ID: <film@example.com>\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee the film\r\n"
        b"--x\r\nContent-Type: video/mp4\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=film.mp4\r\n\r\n"
    )
    imap.add(head, filler=140_000_000)
    reading = await read_own_mailbox(given(house, imap), house.owner)
    assert reading.messages_added == 1
    found = await mail.find_mail(house.caller, "<film@example.com>")
    assert found
    assert found.text.strip() == "See the film"
    assert [one.name for one in found.attachments] == ["film.mp4"]


async def sent_draft(house: House, state: str = "sent") -> UUID:
    """A draft that left some time ago, as the database keeps it."""
    task = (await functions.create_tasks(house.caller, [{"title": "Write to John", "kind": "email"}]))[0]
    content = {"to_recipients": ["john@example.com", "ana@example.com"], "subject": "Hi", "body": "Hi"}
    draft = await review.create_draft(house.caller, task.id, content)
    await review.approve_draft(house.caller, draft.id, draft.digest)
    service = await service_of(house)
    await review.begin_sending(service, draft.id, f"<{draft.id}@vega.example>")
    await review.finish_sending(service, draft.id, "sent", {"provider": "smtp"})
    return draft.id


@pytest.mark.parametrize("headers_only", [True, False])
async def test_mail_that_came_back_finds_its_draft_and_tells_the_person_once(
    house: House, imap: ImapServer, headers_only: bool
) -> None:
    draft_id = await sent_draft(house)
    imap.add(a_report(f"<{draft_id}@vega.example>", "john@example.com", headers_only=headers_only))
    reading = await read_own_mailbox(given(house, imap), house.owner)
    assert reading.bounces == 1
    imap.rebuild("INBOX")
    assert (await read_own_mailbox(given(house, imap), house.owner)).bounces == 0
    tasks = [one for one in (await functions.list_tasks(house.caller)).items if "bounced" in one.labels]
    assert [one.title for one in tasks] == ["Your mail did not reach john@example.com"]
    assert "no such user here" in (await functions.get_task(house.caller, tasks[0].id)).description
    assert tasks[0].source_ref["draft_id"] == str(draft_id)
    draft = await review.get_draft(house.caller, draft_id)
    assert draft.state == "sent"
    assert [(one.address, one.status) for one in draft.bounces] == [("john@example.com", "5.1.1")]


@pytest.mark.parametrize("action", ["delayed", "delivered"])
async def test_a_report_that_is_no_failure_tells_nobody(house: House, imap: ImapServer, action: str) -> None:
    draft_id = await sent_draft(house)
    imap.add(a_report(f"<{draft_id}@vega.example>", "john@example.com", action=action))
    assert (await read_own_mailbox(given(house, imap), house.owner)).bounces == 0


async def test_a_report_about_somebody_elses_mail_tells_nobody(house: House, imap: ImapServer, ana: Caller) -> None:
    draft_id = await sent_draft(house)
    profile = await capture.get_profile(ana)
    other = accounts.service_of(ana, UUID(profile["organization"]["id"]))
    report = report_about(draft_id).delivery_report
    assert report
    assert await mail.record_bounce(other, report) is None
    imap.add(a_report("<unknown@vega.example>", "john@example.com"))
    assert (await mail.record_bounce(other, replace(report, message_id=None))) is None


def report_about(draft_id: UUID) -> IncomingMail:
    return incoming_mail(a_report(f"<{draft_id}@vega.example>", "john@example.com"), ref="x")


@pytest.mark.parametrize(
    ("refuses", "breaks", "error"),
    [
        ({"LOGIN": "NO [AUTHENTICATIONFAILED] wrong"}, set[str](), SignInExpired),
        ({"LOGIN": "NO [UNAVAILABLE] try later"}, set[str](), Temporary),
        ({"LOGIN": "NO too many simultaneous connections"}, set[str](), Temporary),
        ({}, {"LOGIN"}, Temporary),
        ({}, {"UID FETCH"}, Temporary),
        ({}, {"UID SEARCH"}, Temporary),
        ({"UID SEARCH": "BAD what"}, set[str](), Malformed),
    ],
)
async def test_what_goes_wrong_is_told_and_kept_beside_the_mark(
    house: House, imap: ImapServer, refuses: dict[str, str], breaks: set[str], error: type[Exception]
) -> None:
    imap.add(a_mail("Report", "Please send me the sales report by Friday."))
    imap.refuses, imap.breaks = refuses, breaks
    with pytest.raises(error) as caught:
        await read_own_mailbox(given(house, imap), house.owner)
    assert "not-a-password" not in f"{caught.value!r} {getattr(caught.value, 'problem', dict)()}"
    service = await service_of(house)
    known = await mail.get_mail_cursor(service, "imap")
    assert known
    assert known.problem
    imap.refuses, imap.breaks = {}, set()
    assert (await read_own_mailbox(given(house, imap), house.owner)).messages_added == 1
    known = await mail.get_mail_cursor(service, "imap")
    assert known
    assert known.problem is None


async def test_a_connected_account_is_read_and_one_with_a_wrong_password_expires(
    house: House, imap: ImapServer
) -> None:
    async with serving(Handler()) as place:
        world = given(house, imap)
        vault = Vault.from_settings(house.settings)
        secret = {"imap_url": imap.url, "smtp_url": f"smtp://{place}"}
        account = await accounts.connect_account(house.caller, vault, "imap", "robin@vega.example", secret)
        imap.add(a_mail("Report", "Please send me the sales report by Friday."))
        assert (await read_account(world, account)).messages_added == 1
        account = (await accounts.list_accounts(house.caller, "imap"))[0]
        assert account.sync["mail"]["cursor"]
        assert (await read_account(world, account)).messages_added == 0
        imap.refuses = {"LOGIN": "NO [AUTHENTICATIONFAILED] wrong"}
        account = (await accounts.list_accounts(house.caller, "imap"))[0]
        with pytest.raises(SignInExpired):
            await read_account(world, account)
    assert (await accounts.list_accounts(house.caller, "imap"))[0].state == "expired"


async def test_one_mailbox_that_fails_does_not_hold_up_the_others(house: House, imap: ImapServer) -> None:
    vault = Vault.from_settings(house.settings)
    broken = {"imap_url": "imap://a:b@127.0.0.1:1", "smtp_url": "smtp://127.0.0.1:1"}
    await accounts.connect_account(house.caller, vault, "imap", "other@vega.example", broken)
    imap.add(a_mail("Report", "Please send me the sales report by Friday."))
    assert await read_all(given(house, imap), house.owner) == 1


def test_a_mailbox_is_read_as_often_as_the_settings_say(house: House) -> None:
    every = house.settings.model_copy(update={"mail_sync_seconds": 300})
    assert [minute for minute in range(11) if is_due(every, minute * 60)] == [0, 5, 10]
    often = house.settings.model_copy(update={"mail_sync_seconds": 20})
    assert [tick for tick in range(6) if is_due(often, tick * 10)] == [0, 2, 4]


async def test_a_server_in_the_private_network_is_not_connected_to(house: House, imap: ImapServer) -> None:
    vault = Vault.from_settings(house.settings)
    secret = {"imap_url": imap.url, "smtp_url": "smtp://127.0.0.1:25"}
    account = await accounts.connect_account(house.caller, vault, "imap", "robin@vega.example", secret)
    with pytest.raises(Refused, match="not an address of the open internet"):
        await read_account(Given(house.settings, house.database, house.clock), account)
    assert imap.seen == []
