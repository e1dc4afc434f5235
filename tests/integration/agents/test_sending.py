"""Sending what a person approved: from the right mailbox, once, and every outcome in the right state of draft and task."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from agents.executor import STEWARD_AGENT_ID
from agents.sending import outgoing_mail
from app.house import House, furnish
from core.errors import Invalid
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import IncomingMail, MailAddress
from core.postgres import pool_of
from core.vault import Vault
from jobs.worker import Worker, working
from tasks import accounts, artifacts, capture, functions, review, runs, steps
from tasks.drafts import Draft
from tasks.mail import mail_row
from tasks.models import Task
from tests.emulators.imap_server import ImapServer, running_imap_server
from tests.emulators.smtp_server import Handler, serving
from tests.scripted_mail import ScriptedSender, equipment_sending_by

MAIL = {"to": ["john@example.com"], "subject": "Hi", "body": "Hi John"}


@asynccontextmanager
async def at_work(house: House, sender: ScriptedSender | None = None) -> AsyncGenerator[None]:
    equipment = equipment_sending_by(house, sender) if sender else house.equipment
    async with working(Worker(house.database, equipment)):
        yield


def with_settings(house: House, **changes: Any) -> House:
    settings = house.settings.model_copy(update=changes)
    return furnish(settings, house.clock, house.database, house.owner)


async def asked_for(house: House, given: dict[str, Any], **more: Any) -> Task:
    """A task of a plan that is to send a mail, queued."""
    item = {"title": "Write", "tool": "email_send", "tool_input": given, "execution_type": "semi_automated"}
    task = (await functions.create_tasks(house.caller, [{**item, "max_retries": 2, **more}]))[0]
    await functions.queue_task_execution(house.caller, task.id)
    return task


async def settled(house: House, task_id: UUID, *wanted: str, seconds: float = 20) -> Task:
    task = await functions.get_task(house.caller, task_id)
    for _ in range(int(seconds / 0.05)):
        if task.execution_status in wanted:
            return task
        await asyncio.sleep(0.05)
        task = await functions.get_task(house.caller, task_id)
    raise AssertionError(f"the task stays {task.execution_status}: {task.blocked_reason or task.failure_reason}")


async def drafted(house: House, given: dict[str, Any], **more: Any) -> Draft:
    task = await settled(house, (await asked_for(house, given, **more)).id, "blocked")
    assert task.open_draft_id, task.blocked_reason
    return await review.get_draft(house.caller, task.open_draft_id)


async def approved(house: House, given: dict[str, Any]) -> Draft:
    draft = await drafted(house, given)
    return await review.approve_draft(house.caller, draft.id, draft.digest)


async def becomes(house: House, draft_id: UUID, *wanted: str) -> Draft:
    draft = await review.get_draft(house.caller, draft_id)
    for _ in range(400):
        if draft.state in wanted:
            return draft
        await asyncio.sleep(0.05)
        draft = await review.get_draft(house.caller, draft_id)
    raise AssertionError(f"the draft stays {draft.state}")


async def send_task(house: House, draft: Draft) -> Task:
    tree = await functions.get_task_tree(house.caller, draft.task_id)
    return await functions.get_task(house.caller, next(c.id for c in tree.children if c.tool == "email_send"))


async def test_a_plans_mail_waits_for_a_person_and_leaves_once_with_its_file(house: House) -> None:
    handler = Handler()
    async with serving(handler) as place:
        house = with_settings(house, smtp_url=SecretStr(f"smtp://{place}"), mail_signature="Robin Vega\nVega GmbH")
        task = (await functions.create_tasks(house.caller, [{"title": "Plan"}]))[0]
        file = await artifacts.save_artifact(house.caller, task.id, "plan.txt", "text/plain", b"the plan")
        given = {**MAIL, "cc": ["ana@example.com"], "bcc": ["eve@example.com"], "attachments": [str(file.id)]}
        async with at_work(house):
            draft = await drafted(house, given)
            assert handler.taken == []
            assert (draft.subject, draft.to_recipients, draft.bcc_recipients) == (
                "Hi",
                ["john@example.com"],
                ["eve@example.com"],
            )
            assert draft.body == "Hi John\n\n-- \nRobin Vega\nVega GmbH\n"
            assert [one.sha256 for one in draft.attachments] == [file.sha256]
            await review.approve_draft(house.caller, draft.id, draft.digest)
            sent = await becomes(house, draft.id, "sent")
            parent = await settled(house, draft.task_id, "completed")
    (envelope,) = handler.taken
    assert envelope.rcpt_tos == ["john@example.com", "ana@example.com", "eve@example.com"]
    message = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)  # pyright: ignore[reportArgumentType]
    assert isinstance(message, EmailMessage)
    assert message["From"].addresses[0].addr_spec == "robin@vega.example"
    assert [part.get_content() for part in message.iter_attachments()] == ["the plan"]
    assert sent.receipt
    assert sent.receipt["provider"] == "smtp"
    assert parent.result["sent"]["draft_id"] == str(draft.id)


async def test_an_answer_goes_to_whoever_wrote_in_the_same_thread(house: House) -> None:
    original = IncomingMail(
        ref="1",
        message_id="<2@example.com>",
        thread="<1@example.com>",
        sender=MailAddress("ana@example.com", "Ana"),
        to=(MailAddress("robin@vega.example"),),
        reply_to=(MailAddress("desk@example.com"),),
        subject="Termin",
        text="Passt es am Freitag?",
        references=("<1@example.com>",),
    )
    row = {**mail_row(original, "local", frozenset()), "ref": None}
    await capture.import_mail(house.caller, [row], [])
    async with at_work(house):
        draft = await drafted(house, {"reply_to_message_id": "<2@example.com>", "body": "Ja."})
        unknown = await asked_for(house, {"reply_to_message_id": "<9@example.com>", "body": "Ja."}, max_retries=0)
        failed = await settled(house, unknown.id, "failed", "blocked")
    assert (draft.to_recipients, draft.subject) == (["desk@example.com"], "Re: Termin")
    assert draft.target["in_reply_to"] == "<2@example.com>"
    assert draft.target["references"] == ["<1@example.com>", "<2@example.com>"]
    assert draft.thread_tail
    assert [line.split()[0] for line in draft.thread_tail.split("\n")] == [
        "thread",
        "<1@example.com>",
        "<2@example.com>",
    ]
    assert "<9@example.com>" in (failed.failure_reason or failed.blocked_reason or "")


DEV = "dev@lists.example"
BUSY = IncomingMail(
    ref="1",
    message_id="<3@example.com>",
    thread="<3@example.com>",
    sender=MailAddress("ana@example.com", "Zoë Álvarez"),
    to=tuple(map(MailAddress, ["robin@vega.example", "bo@example.com", DEV])),
    cc=tuple(map(MailAddress, ["robin@other.example", "robin+x@vega.example", "cy@example.com", "bo@example.com"])),
    reply_to=(MailAddress(DEV),),
    list_post=(DEV,),
    subject="Plan",
)


@pytest.mark.parametrize(
    ("title", "given", "to", "cc"),
    [
        ("Write", {}, ["ana@example.com"], []),
        ("Write", {"reply_all": True}, [DEV], ["bo@example.com", "cy@example.com"]),
        ("Reply to all that it is fine", {}, [DEV], ["bo@example.com", "cy@example.com"]),
        ("Write", {"reply_all": True, "to": ["Bo@example.com"], "cc": ["di@example.com"]}, ["Bo@example.com"], ["di@example.com", DEV, "cy@example.com"]),
        ("Write", {"reply_all": True, "bcc": ["cy@example.com"]}, [DEV], ["bo@example.com"]),
    ],
)  # fmt: skip
async def test_everybody_is_answered_on_request_without_oneself(
    house: House, title: str, given: dict[str, Any], to: list[str], cc: list[str]
) -> None:
    vault = Vault.from_settings(house.settings)
    await accounts.connect_account(house.caller, vault, "github", "robin@other.example", {"token": "x"})
    await capture.import_mail(house.caller, [{**mail_row(BUSY, "local", frozenset()), "ref": None}], [])
    async with at_work(house):
        draft = await drafted(house, {"reply_to_message_id": "<3@example.com>", "body": "Ja.", **given}, title=title)
    assert (draft.to_recipients, draft.cc_recipients) == (to, cc)


async def test_a_reply_of_the_rules_follows_the_headers_that_were_kept(house: House) -> None:
    await capture.import_mail(house.caller, [{**mail_row(BUSY, "local", frozenset()), "ref": None}], [])
    ref = {"thread_key": "<3@example.com>", "message_id": "<3@example.com>"}
    item = {"kind": "reply", "execution_type": "semi_automated", "source_ref": ref}
    titles = ("Reply to Zoë that it is fine", "Reply all that it is fine")
    async with at_work(house):
        found: list[Draft] = []
        for title in titles:
            task = (await functions.create_tasks(house.caller, [{**item, "title": title}]))[0]
            await functions.queue_task_execution(house.caller, task.id)
            task = await settled(house, task.id, "blocked")
            assert task.open_draft_id, task.blocked_reason
            found.append(await review.get_draft(house.caller, task.open_draft_id))
    assert [one.to_recipients for one in found] == [["ana@example.com"], [DEV]]
    assert [one.cc_recipients for one in found] == [[], ["bo@example.com", "robin@other.example", "cy@example.com"]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({**MAIL, "reply_all": True}, "reply_all needs"),
        ({**MAIL, "to": ["john@example.com, eve@example.net"]}, "not one bare address"),
        ({**MAIL, "to": ["john@example.com\r\nBcc: eve@example.net"]}, "line break"),
        ({**MAIL, "to": ["John <john@example.com>"]}, "not one bare address"),
        ({**MAIL, "to": "john@example.com"}, "list"),
        ({**MAIL, "to": []}, "no recipient"),
        ({**MAIL, "subject": "Hi\r\nBcc: eve@example.net"}, "line break"),
        ({**MAIL, "subject": "  "}, "subject is empty"),
        ({**MAIL, "body": " \n"}, "body is empty"),
        ({**MAIL, "attachments": ["nothing.pdf"]}, "nothing.pdf"),
        ({**MAIL, "attachments": [str(UUID(int=7))]}, "is not there"),
        ({**MAIL, "account": str(UUID(int=7))}, "not connected any more"),
        ({**MAIL, "draft_id": str(UUID(int=7))}, "either draft_id"),
        ({**MAIL, "reply_to_message_id": "2@example.com"}, "of the right form"),
        ({**MAIL, "priority": "high"}, "no part of it"),
    ],
)  # fmt: skip
async def test_a_mail_that_cannot_be_is_told_before_anybody_is_asked(
    house: House, given: dict[str, Any], said: str
) -> None:
    async with at_work(house):
        task = await settled(house, (await asked_for(house, given, max_retries=0)).id, "failed", "blocked")
    assert said in f"{task.failure_reason} {task.blocked_reason}"
    assert (await review.list_drafts(house.caller)).items == []


Broken = Callable[[], Exception]


@pytest.mark.parametrize(
    ("entering", "outcomes", "state", "task_state", "said"),
    [
        ([lambda: Refused("no such mailbox", detail="550")], [], "failed", "failed", "no such mailbox: 550"),
        ([], [lambda: Refused("too big", detail="552")], "failed", "failed", "too big: 552"),
        ([lambda: Invalid("the to is wrong")], [], "failed", "failed", "the to is wrong"),
        ([lambda: Temporary("away")], [], "sent", "completed", ""),
        ([lambda: Malformed("what is that")], [], "sent", "completed", ""),
        ([], [lambda: Temporary("later", detail="451")], "sent", "completed", ""),
        ([], [lambda: Uncertain("the line broke")], "uncertain", "blocked", "the line broke"),
    ],
)  # fmt: skip
async def test_each_outcome_leads_to_its_state(
    house: House, entering: list[Broken], outcomes: list[Broken], state: str, task_state: str, said: str
) -> None:
    sender = ScriptedSender([*outcomes], [*entering])
    async with at_work(house, sender):
        draft = await becomes(house, (await approved(house, MAIL)).id, state)
        task = await settled(house, (await send_task(house, draft)).id, task_state)
    assert len(sender.sent) == (1 if state == "sent" else 0)
    assert said in f"{draft.failure_reason} {task.failure_reason} {task.blocked_reason}"
    parent = await functions.get_task(house.caller, draft.task_id)
    assert (parent.execution_status, parent.blocked_on) == (
        ("completed", None) if state == "sent" else ("blocked", "person")
    )


async def test_a_server_that_stays_away_fails_the_draft_with_the_reason(house: House) -> None:
    sender = ScriptedSender(entering=[lambda: Temporary("nobody answers")] * 9)
    async with at_work(house, sender):
        draft = await approved(house, MAIL)
        async with pool_of(house.database).connection() as connection:
            await connection.execute("update public.tasks set max_retries = 1 where tool_input ? 'draft_id'")
        failed = await becomes(house, draft.id, "failed")
    assert "nobody answers" in (failed.failure_reason or "")
    assert sender.sent == []


async def test_a_sign_in_that_ended_waits_for_the_account_and_then_sends(house: House) -> None:
    sender = ScriptedSender(entering=[lambda: SignInExpired("sign in again", hint="Connect it again")])
    async with at_work(house, sender):
        draft = await approved(house, MAIL)
        await becomes(house, draft.id, "sending")
        task = await settled(house, (await send_task(house, draft)).id, "blocked")
        assert (task.blocked_on, task.unblocked_by) == ("account", "Connect it again")
        assert sender.sent == []
        vault = Vault.from_settings(house.settings)
        await accounts.connect_account(house.caller, vault, "slack", "vega", {"token": "x"})  # any account wakes it
        await becomes(house, draft.id, "sent")
    assert len(sender.sent) == 1


async def test_the_draft_at_the_provider_is_made_once_and_kept_before_it_is_sent(house: House) -> None:
    sender = ScriptedSender([lambda: Temporary("later")], keeps_drafts=True)
    async with at_work(house, sender):
        draft = await becomes(house, (await approved(house, MAIL)).id, "sent")
    assert len(sender.prepared) == 1
    assert draft.provider_ref == "draft-1"


async def test_a_file_that_is_not_the_one_approved_is_not_sent(house: House) -> None:
    task = (await functions.create_tasks(house.caller, [{"title": "Plan"}]))[0]
    file = await artifacts.save_artifact(house.caller, task.id, "plan.txt", "text/plain", b"the plan")
    sender = ScriptedSender()
    async with at_work(house, sender):
        draft = await drafted(house, {**MAIL, "attachments": [str(file.id)]})
        async with pool_of(house.database).connection() as connection:
            await connection.execute("update public.artifacts set content = 'another' where id = %s", (file.id,))
        await review.approve_draft(house.caller, draft.id, draft.digest)
        failed = await becomes(house, draft.id, "failed")
    assert "is not the one that was approved" in (failed.failure_reason or "")
    assert sender.sent == []


@pytest.mark.parametrize("is_named", [True, False])
async def test_mail_is_sent_from_the_account_that_the_draft_names(house: House, is_named: bool) -> None:
    house = with_settings(house, private_hosts="127.0.0.1")
    handler, server = Handler(), ImapServer()
    async with serving(handler) as place, running_imap_server(server):
        secret = {"imap_url": server.url, "smtp_url": f"smtp://{place}"}
        vault = Vault.from_settings(house.settings)
        account = await accounts.connect_account(
            house.caller, vault, "imap", "robin@other.example", secret, settings={"name": "Robin"}
        )
        async with at_work(house):
            draft = await drafted(house, {**MAIL, **({"account": str(account.id)} if is_named else {})})
            assert draft.target["from_address"] == "robin@other.example"
            assert draft.target["account_id"] == str(account.id)
            await review.approve_draft(house.caller, draft.id, draft.digest)
            sent = await becomes(house, draft.id, "sent")
            await settled(house, (await send_task(house, draft)).id, "completed")
    assert [one.mail_from for one in handler.taken] == ["robin@other.example"]
    assert [len(server.folders[name].mails) for name in ("Gesendet", "Entw&APw-rfe")] == [1, 0]
    assert sent.message_id == f"<{draft.id}@other.example>"
    task = await send_task(house, draft)
    assert task.verification == "verified"


async def test_an_account_of_another_tenant_cannot_be_named(house: House, ana: Any) -> None:
    vault = Vault.from_settings(house.settings)
    secret = {"imap_url": "imap://a:b@127.0.0.1:1", "smtp_url": "smtp://127.0.0.1:1"}
    account = await accounts.connect_account(ana, vault, "imap", "ana@example.com", secret)
    async with at_work(house):
        task = await settled(house, (await asked_for(house, {**MAIL, "account": str(account.id)})).id, "blocked")
    assert task.blocked_on == "account"


async def test_the_mailbox_of_the_settings_serves_the_owner_alone(house: House, ana: Any) -> None:
    async with at_work(house):
        item = {"title": "Write", "tool": "email_send", "tool_input": MAIL, "execution_type": "semi_automated"}
        task = (await functions.create_tasks(ana, [item]))[0]
        await functions.queue_task_execution(ana, task.id)
        for _ in range(200):
            task = await functions.get_task(ana, task.id)
            if task.execution_status == "blocked":
                break
            await asyncio.sleep(0.05)
    assert (task.execution_status, task.blocked_on) == ("blocked", "account")


async def test_mail_is_searched_and_read_by_tools(house: House) -> None:
    mails = [
        IncomingMail(
            ref=str(n),
            message_id=f"<{n}@example.com>",
            thread="<1@example.com>",
            sender=MailAddress("ana@example.com", "Ana"),
            subject=f"Invoice {n}",
            text="pay " * 10_000,
            sent_at=house.clock.now() + timedelta(hours=n),
            references=("<1@example.com>",) if n > 1 else (),
        )
        for n in (1, 2)
    ]
    rows = [{**mail_row(one, "local", frozenset()), "ref": None} for one in mails]
    await capture.import_mail(house.caller, rows, [])
    async with at_work(house):
        item = {"title": "Find", "execution_type": "fully_automated", "max_retries": 0}
        given = [("mail_search", {"subject": "invoice 2"}), ("mail_read", {"thread": "<1@example.com>"}), ("mail_read", {"ref": str(uuid4())})]  # fmt: skip
        made = [
            (await functions.create_tasks(house.caller, [{**item, "tool": tool, "tool_input": one}]))[0]
            for tool, one in given
        ]
        for task in made:
            await functions.queue_task_execution(house.caller, task.id)
        found, read, missing = [await settled(house, task.id, "completed", "failed", "blocked") for task in made]
    assert [one["subject"] for one in found.result["output"]["mails"]] == ["Invoice 2"]
    assert len(found.result["output"]["mails"][0]["text"]) == 300
    assert [one["message_id"] for one in read.result["output"]["mails"]] == ["<1@example.com>", "<2@example.com>"]
    assert read.result["output"]["mails"][0]["is_cut"]
    assert missing.execution_status != "completed"


@pytest.mark.parametrize(("left", "state"), [(True, "sent"), (False, "failed")])
async def test_a_no_to_a_second_attempt_does_not_deny_the_first(house: House, left: bool, state: str) -> None:
    """A run that died in the middle of sending comes again, and the server refuses this time."""
    sender = ScriptedSender(entering=[lambda: Refused("no such mailbox")] * 5)
    async with at_work(house, sender):
        draft = await drafted(house, MAIL)
    await review.approve_draft(house.caller, draft.id, draft.digest)
    service = accounts.service_of(house.caller, draft.organization_id)
    task = await send_task(house, draft)
    await runs.start_task_execution(service, task.id, STEWARD_AGENT_ID)
    message_id = f"<{draft.id}@vega.example>"
    begun = await review.begin_sending(service, draft.id, message_id)
    if left:
        await steps.begin_step(service, task.id, f"send draft {draft.id}/0", "act", f"send draft {draft.id}")
        await sender.send(outgoing_mail(begun, message_id, house.clock))
    async with pool_of(house.database).connection() as connection:
        await connection.execute("delete from jobs.procrastinate_jobs")
        await connection.execute("update public.tasks set updated_at = now() - interval '1 minute'")
    async with at_work(house, sender):
        await becomes(house, draft.id, state)
    assert len(sender.sent) == (1 if left else 0)
