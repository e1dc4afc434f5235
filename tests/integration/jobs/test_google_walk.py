"""The whole way through Google: a mail comes in, becomes a task, is answered in its thread, approved, and sent once."""

import asyncio
from collections.abc import Awaitable, Callable

from app.house import House
from core.outside.mail import MailQuery
from jobs.google_sync import read_google_mail
from jobs.outside.google import gmail_mailbox
from jobs.outside.world import Given
from jobs.worker import working
from tasks import accounts, functions, review
from tasks.models import Task
from tests.emulators.google_faults import GoogleLine
from tests.emulators.outside_servers import ALEX, ROBIN, outside
from tests.integration.jobs.test_google_sync import connect, given, google_house, line

__all__ = ["given", "google_house", "line", "outside"]


async def until(look: Callable[[], Awaitable[object]]) -> None:
    """Wait until it is there."""
    async with asyncio.timeout(30):
        while not await look():
            await asyncio.sleep(0.05)


async def drafted(house: House, given: Given, line: GoogleLine) -> tuple[Task, review.Draft]:
    """A mail came in, and its task was executed up to a draft."""
    await read_google_mail(given, await connect(house, line))
    [task] = [one for one in (await functions.list_tasks(house.caller)).items if one.source == "mail"]
    await functions.update_task(house.caller, task.id, {"kind": "reply", "execution_type": "semi_automated"})
    await functions.queue_task_execution(house.caller, task.id)

    async def is_there() -> bool:
        return bool((await review.list_drafts(house.caller, states=["draft"])).items)

    await until(is_there)
    return task, (await review.list_drafts(house.caller, states=["draft"])).items[0]


async def test_a_mail_is_answered_in_its_thread_once(google_house: House, given: Given, line: GoogleLine) -> None:
    async with working(await google_house.worker()):
        _, draft = await drafted(google_house, given, line)
        await review.approve_draft(google_house.caller, draft.id, draft.digest or "")

        async def is_sent() -> bool:
            return (await review.get_draft(google_house.caller, draft.id)).state == "sent"

        await until(is_sent)
    account = (await accounts.list_accounts(google_house.caller))[0]
    mailbox = await gmail_mailbox(given, accounts.service_of(google_house.caller, account.organization_id))
    thread = await mailbox.thread((await mailbox.get("m1")).thread)
    answers = [mail for mail in thread if mail.sender.address == ROBIN]
    assert [[one.address for one in mail.to] for mail in answers] == [["ana@example.com"]]
    assert answers[0].in_reply_to == "<offer@example.com>"
    assert line.count("drafts/send") == 1
    sent = await review.get_draft(google_house.caller, draft.id)
    assert sent.receipt is not None
    assert sent.receipt["provider"] == "gmail"


async def test_a_line_that_breaks_as_it_is_taken_sends_it_once_and_finds_it(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    line.on("drafts/send", cut=True, is_taken=True)
    async with working(await google_house.worker()):
        _, draft = await drafted(google_house, given, line)
        await review.approve_draft(google_house.caller, draft.id, draft.digest or "")

        async def is_settled() -> bool:
            return (await review.get_draft(google_house.caller, draft.id)).state in {"sent", "failed", "uncertain"}

        await until(is_settled)
    settled = await review.get_draft(google_house.caller, draft.id)
    assert settled.state == "sent"
    assert line.count("drafts/send") == 1


async def test_of_two_accounts_an_answer_leaves_from_the_one_that_was_written_to(
    google_house: House, given: Given, line: GoogleLine
) -> None:
    await connect(google_house, line, ALEX)  # the older one: the usual one
    async with working(await google_house.worker()):
        _, draft = await drafted(google_house, given, line)
        assert draft.target["from_address"] == ROBIN
        await review.approve_draft(google_house.caller, draft.id, draft.digest or "")

        async def is_sent() -> bool:
            return (await review.get_draft(google_house.caller, draft.id)).state == "sent"

        await until(is_sent)
    account = next(one for one in await accounts.list_accounts(google_house.caller) if one.address == ROBIN)
    service = accounts.service_of(google_house.caller, account.organization_id)
    mailbox = await gmail_mailbox(given, service, account_id=account.id)
    sent = await mailbox.search(MailQuery(from_address=ROBIN))
    assert [mail.in_reply_to for mail in sent] == ["<offer@example.com>"]
