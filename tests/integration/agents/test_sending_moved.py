"""An approved answer whose thread moved where only the mailbox or the chat knows of it: it stays, and is asked anew."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from agents.services.mail import Mailbox
from app.house import House
from core.database import Caller
from core.outside.errors import Malformed, SignInExpired, Temporary
from core.outside.mail import IncomingMail, MailAddress
from core.postgres import pool_of
from core.settings import Settings
from integrations.mail.local import LocalMailbox
from jobs.outside.mail import Shelf
from jobs.outside.world import Service, World
from jobs.worker import Worker, working
from tasks import accounts, capture, functions, review
from tasks.drafts import Draft, ThreadMessage
from tasks.mail import mail_row
from tasks.models import Task
from tests.emulators.model_server import ModelServer, thinking_on
from tests.emulators.outside_servers import OutsideServers, outside
from tests.emulators.slack import SlackServer, fresh_slack
from tests.emulators.slack_house import NAMES, slack_settings, until
from tests.integration.agents.test_engine_with_model import requests_about
from tests.integration.integrations.mailbox_benches import BENCHES
from tests.scripted_mail import ScriptedSender

__all__ = ["outside"]
OWN = "robin@vega.example"
QUESTION, PHONE = "<2@example.com>", "<3@phone.example>"


def raw(message_id: str, hours: float, *, sender: str = "ana@example.com", answers: str = "") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, OWN, "Friday"
    message["Message-ID"] = message_id
    message["Date"] = format_datetime(datetime.now(UTC) + timedelta(hours=hours))
    if answers:
        message["In-Reply-To"] = message["References"] = answers
    message.set_content(f"text of {message_id}")
    return message.as_bytes()


@asynccontextmanager
async def at_work(house: House, mailbox: Mailbox | None = None) -> AsyncGenerator[None]:
    async def usual(caller: Caller, task: Task) -> Mailbox:
        assert mailbox
        return mailbox

    outside_world = house.equipment.outside
    assert isinstance(outside_world, World)
    own = World({**outside_world.services, Mailbox: Service(usual)}) if mailbox else outside_world
    async with working(Worker(house.database, replace(house.equipment, outside=own))):
        yield


async def drafted(house: House, tool: str, given: dict[str, Any]) -> Draft:
    item = {"title": "Answer", "tool": tool, "tool_input": given, "execution_type": "semi_automated"}
    task = (await functions.create_tasks(house.caller, [item]))[0]
    await functions.queue_task_execution(house.caller, task.id)

    async def look() -> Draft | None:
        found = (await review.list_drafts(house.caller, task_id=task.id)).items
        return found[0] if found else None

    draft = await until(look)
    assert isinstance(draft, Draft), (await functions.get_task(house.caller, task.id)).model_dump()
    return draft


async def newest(house: House, draft: Draft, wanted: Callable[[Draft], bool]) -> Draft:
    async def look() -> Draft | None:
        found = (await review.list_drafts(house.caller, task_id=draft.task_id)).items[0]
        return found if wanted(found) else None

    found = await until(look)
    assert isinstance(found, Draft), (await review.list_drafts(house.caller, task_id=draft.task_id)).items[0]
    return found


async def send_tasks(house: House, draft: Draft) -> list[tuple[str, str]]:
    tree = await functions.get_task_tree(house.caller, draft.task_id)
    rows = [await functions.get_task(house.caller, one.id) for one in tree.children]
    return [(one.execution_status, one.failure_reason or "") for one in rows]


@pytest.mark.parametrize("provider", ["imap", "gmail"])
async def test_a_reply_from_a_phone_a_second_ago_is_found_in_the_mailbox(
    house: House, tmp_path: Path, outside: OutsideServers, provider: str
) -> None:
    async with BENCHES[provider](house.caller, tmp_path, outside) as bench:
        await bench.deliver(raw(QUESTION, -2))
        told = (await bench.mailbox.sync(None)).messages
        await capture.import_mail(house.caller, [mail_row(one, OWN, frozenset({OWN})) for one in told], [])
        task = (await functions.create_tasks(house.caller, [{"title": "Answer", "execution_type": "semi_automated"}]))[
            0
        ]
        target: dict[str, Any] = {"from_address": OWN, "in_reply_to": QUESTION, "references": [QUESTION]}
        if provider == "gmail":  # its emulator finds no Message-ID
            target["thread_id"] = told[0].thread
        content = {
            "to_recipients": ["ana@example.com"],
            "subject": "Re: Friday",
            "body": "Friday it is.",
            "target": target,
        }
        draft = await review.create_draft(house.caller, task.id, content)
        await review.approve_draft(house.caller, draft.id, draft.digest)
        await bench.deliver(raw(PHONE, -1, sender=OWN, answers=QUESTION))
        async with at_work(house, bench.mailbox):
            moved = await newest(house, draft, lambda one: one.thread_moved is not None)
            assert moved.thread_moved
            (message,) = moved.thread_moved.messages
            assert (message.message_id, message.sender, (message.text or "").strip()) == (
                PHONE,
                OWN,
                f"text of {PHONE}",
            )

            async def ended() -> bool:
                return (await send_tasks(house, draft))[0][0] == "failed"

            assert await until(ended)
            ((_, reason),) = await send_tasks(house, draft)
            assert reason == f"The thread has moved: {OWN} wrote since this was written. A new draft waits for you"
            assert await bench.left() == []
            assert (await review.get_draft(house.caller, draft.id)).state == "superseded"
            await review.approve_draft(house.caller, moved.id, moved.digest)
            await newest(house, draft, lambda one: one.state == "sent")
        assert [one.body.strip().splitlines()[0] for one in await bench.left()] == ["Friday it is."]


@dataclass(frozen=True)
class HardToReach(LocalMailbox):
    """Reads its threads as it is told: stands in for a mailbox that fails at this very point."""

    faults: list[Exception] = field(default_factory=list[Exception])
    asked: list[str] = field(default_factory=list[str])

    async def thread(self, thread: str) -> Sequence[IncomingMail]:
        self.asked.append(thread)
        if self.faults:
            raise self.faults.pop(0)
        return await super().thread(thread)


@pytest.mark.parametrize(
    ("faults", "asked"),
    [
        ([Temporary("away")], 2),
        ([Temporary("away", retry_after_seconds=0)] * 9, 2),
        ([SignInExpired("sign in")], 1),
        ([Malformed("what")], 1),
    ],
)
async def test_a_mailbox_that_cannot_tell_keeps_no_answer_back(
    house: House, faults: list[Exception], asked: int
) -> None:
    sender = ScriptedSender()
    mailbox = HardToReach(Shelf(house.caller), sender, (MailAddress(OWN),), faults=[*faults])
    original = IncomingMail("1", QUESTION, QUESTION, MailAddress("ana@example.com"), text="Friday?")
    await capture.import_mail(house.caller, [{**mail_row(original, "local", frozenset()), "ref": None}], [])
    async with at_work(house, mailbox):
        draft = await drafted(house, "email_send", {"reply_to_message_id": QUESTION, "body": "Yes."})
        await review.approve_draft(house.caller, draft.id, draft.digest)
        async with pool_of(house.database).connection() as connection:
            await connection.execute("update public.tasks set max_retries = 1 where tool_input ? 'draft_id'")
        await newest(house, draft, lambda one: one.state == "sent")
    assert len(sender.sent) == 1
    assert len(mailbox.asked) == asked


async def test_somebody_who_wrote_in_the_chat_thread_stops_the_answer(
    settings: Settings, house: House, outside: OutsideServers
) -> None:
    slack = await fresh_slack(outside)
    for name, value in (
        Settings.model_validate(slack_settings(slack)).model_dump(include=NAMES - {"slack_user"}).items()
    ):
        object.__setattr__(house.settings, name, value)
    parent = await slack.say("shall we?")
    await slack.say("on Friday", thread_ts=parent)
    async with at_work(house):
        draft = await drafted(house, "slack_notification", {"channel": "general", "text": "yes", "thread_ts": parent})
        assert draft.thread_tail
        assert len(draft.thread_tail.split("\n")) == 3
    await review.approve_draft(house.caller, draft.id, draft.digest)
    await slack.say("rather not", thread_ts=parent)
    async with at_work(house):
        moved = await newest(house, draft, lambda one: one.thread_moved is not None)
        assert moved.thread_moved
        assert [one.text for one in moved.thread_moved.messages] == ["rather not"]
        assert await said(slack) == ["shall we?", "on Friday", "rather not"]
        await review.approve_draft(house.caller, moved.id, moved.digest)
        await newest(house, draft, lambda one: one.state == "sent")
        assert await said(slack) == ["shall we?", "on Friday", "rather not", "yes"]


async def said(slack: SlackServer) -> list[str]:
    return [str(one["text"]) for one in await slack.messages()]


async def test_a_message_that_comes_in_while_a_run_writes_is_told_with_its_draft(house: House) -> None:
    """The run read the thread when it began."""
    original = IncomingMail("1", QUESTION, QUESTION, MailAddress("ana@example.com"), text="Friday?")
    await capture.import_mail(house.caller, [{**mail_row(original, "local", frozenset()), "ref": None}], [])
    late = replace(original, message_id=PHONE, references=(QUESTION,), text="Not Friday!")
    reached = asyncio.Event()

    @dataclass(frozen=True)
    class Slow(LocalMailbox):
        async def signature(self, address: str) -> str:
            await capture.import_mail(house.caller, [{**mail_row(late, "local", frozenset()), "ref": None}], [])
            reached.set()
            return ""

    async with at_work(house, Slow(Shelf(house.caller), ScriptedSender(), (MailAddress(OWN),))):
        draft = await drafted(house, "email_send", {"reply_to_message_id": QUESTION, "body": "Yes."})
    assert reached.is_set()
    assert draft.thread_moved
    assert [one.text for one in draft.thread_moved.messages] == ["Not Friday!"]
    assert draft.thread_moved.previous_draft_id is None


async def test_an_answer_that_is_written_anew_knows_what_came_in(house: House, model_server: ModelServer) -> None:
    """Also a message that only the mailbox had; it is others' text, and lowers what the run may do."""
    original = IncomingMail("1", QUESTION, QUESTION, MailAddress("ana@example.com"), text="Friday?")
    await capture.import_mail(house.caller, [{**mail_row(original, "local", frozenset()), "ref": None}], [])
    (task,) = await functions.create_tasks(house.caller, [{"title": "Answer", "execution_type": "semi_automated"}])
    target = {"from_address": OWN, "in_reply_to": QUESTION, "references": [QUESTION]}
    content = {"to_recipients": ["ana@example.com"], "subject": "Re: Friday", "body": "Yes.", "target": target}
    draft = await review.create_draft(house.caller, task.id, content)
    service = accounts.service_of(house.caller, draft.organization_id)
    news = ThreadMessage(message_id=PHONE, sender="Ana", text="The seventeenth of never suits me")
    assert await review.move_thread(service, draft.id, [news])
    moved = await newest(house, draft, lambda one: one.thread_moved is not None)
    await review.reject_draft(house.caller, moved.id, "make it warmer")
    async with thinking_on(model_server) as thinking:
        equipment = replace(house.equipment, thinking=thinking)
        async with working(Worker(house.database, equipment)):
            anew = await newest(house, draft, lambda one: one.version == 3)
    assert requests_about(model_server, "The seventeenth of never suits me") == 1
    assert anew.thread_moved is None  # it was written with it in sight
    assert anew.thread_tail
    assert moved.thread_tail
    assert set(anew.thread_tail.split("\n")) == set(moved.thread_tail.split("\n"))
    tree = await functions.get_task_tree(house.caller, task.id)
    revision = await functions.get_task(house.caller, tree.children[0].id)
    assert (revision.tool, [one.ref for one in revision.tainted_by]) == ("revise_draft", [PHONE])
