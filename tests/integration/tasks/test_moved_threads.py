"""An answer whose thread has moved is not sent: the approval is void, and a new version shows what came in."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core.database import Caller, Database
from core.errors import Conflict, Invalid, NotFound
from core.outside.mail import IncomingMail, MailAddress
from core.postgres import pool_of
from tasks import capture, functions, policies, review, runs
from tasks.drafts import Draft, ThreadMessage
from tasks.mail import mail_row
from tests.integration.tasks.permitting import allowed_by, approval_of, delivered, permitted, running

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ROOT, QUESTION, NEWER = "<1@example.com>", "<2@example.com>", "<3@example.com>"
TARGET = {"from_address": "ana@example.com", "in_reply_to": QUESTION, "references": [ROOT, QUESTION]}
ANSWER = {"to_recipients": ["john@example.com"], "subject": "Re: Friday", "body": "Friday it is.", "target": TARGET}


def mail(message_id: str, hours: float, *, references: tuple[str, ...] = (ROOT,), **more: Any) -> IncomingMail:
    values: dict[str, Any] = {
        "ref": message_id,
        "message_id": message_id,
        "thread": ROOT,
        "sender": MailAddress("john@example.com", "John"),
        "subject": "Friday",
        "text": f"text of {message_id}",
        "sent_at": NOON + timedelta(hours=hours),
        "references": references,
        "in_reply_to": references[-1] if references else None,
        "labels": frozenset({"inbox"}),
    }
    return IncomingMail(**values | more)


async def arrives(caller: Caller, *mails: IncomingMail, account: str = "ana@example.com") -> None:
    await capture.import_mail(caller, [mail_row(one, account, frozenset({"ana@example.com"})) for one in mails], [])


async def answered(ana: Caller, service: Caller, **more: Any) -> Draft:
    """An answer of the worker's in a thread of two mails."""
    await arrives(ana, mail(ROOT, 0, references=()), mail(QUESTION, 1))
    task = (await functions.create_tasks(ana, [{"title": "Answer", "execution_type": "semi_automated"}]))[0]
    await functions.queue_task_execution(ana, task.id)
    await runs.start_task_execution(service, task.id, None)
    return await review.deliver_draft(service, task.id, {**ANSWER, **more}, {"strategy": "immediate", "output": "x"})


async def approved(ana: Caller, service: Caller, **more: Any) -> Draft:
    draft = await answered(ana, service, **more)
    return await review.approve_draft(ana, draft.id, draft.digest)


async def newest(caller: Caller, draft: Draft) -> Draft:
    return (await review.list_drafts(caller, task_id=draft.task_id)).items[0]


async def approval_states(caller: Caller, draft: Draft) -> list[str]:
    every = await review.list_approvals(caller)
    return [one.state for one in every.items if one.draft_id == draft.id]


async def test_a_new_message_voids_the_approval_and_asks_anew(ana: Caller, service: Caller) -> None:
    draft = await approved(ana, service)
    assert draft.thread_tail
    assert [line.split()[0] for line in draft.thread_tail.split("\n")] == ["thread", ROOT, QUESTION]
    await arrives(ana, mail(NEWER, 2, references=(ROOT, QUESTION), text="Not Friday!"))
    before, after = await review.get_draft(ana, draft.id), await newest(ana, draft)
    assert (before.state, before.superseded_by_id) == ("superseded", after.id)
    assert await approval_states(ana, before) == ["voided"]
    assert (after.state, after.body, after.version, after.author_type) == ("draft", draft.body, 2, "agent")
    assert await approval_states(ana, after) == ["open"]
    assert after.digest != draft.digest
    assert after.thread_moved
    assert after.thread_moved.previous_draft_id == draft.id
    (moved,) = after.thread_moved.messages
    assert (moved.message_id, moved.sender, moved.text) == (NEWER, "John <john@example.com>", "Not Friday!")
    tree = await functions.get_task_tree(ana, draft.task_id)
    assert [(c.tool, c.execution_status) for c in tree.children] == [("email_send", "cancelled")]
    with pytest.raises(Conflict, match=r"The thread has moved: John .* A new draft waits") as refused:
        await review.begin_sending(service, draft.id, "<x@example.com>")
    assert refused.value.detail == review.THREAD_MOVED
    # It knows of the message now: approved, it goes.
    with pytest.raises(Conflict):
        await review.approve_draft(ana, after.id, draft.digest)
    await review.approve_draft(ana, after.id, after.digest)
    begun = await review.begin_sending(service, after.id, "<x@example.com>")
    assert begun.state == "sending"


async def test_what_moves_a_thread_and_what_does_not(ana: Caller, service: Caller, mallory: Caller) -> None:
    draft = await answered(ana, service)
    still = [
        mail(QUESTION, 1),  # known
        mail("<0@example.com>", -30),  # the past, read late
        mail("<4@example.com>", 3, references=("<other@example.com>",)),
        mail("<5@example.com>", 3, labels=frozenset({"drafts"})),
        mail("<6@example.com>", 3, labels=frozenset({"spam", "unread"})),
    ]
    await arrives(ana, *still)
    await arrives(ana, mail(QUESTION, 1), account="local")  # the same mail in another mailbox
    await arrives(mallory, mail(NEWER, 2))
    assert (await newest(ana, draft)).id == draft.id
    # One's own reply from elsewhere, by a clock that is wrong, which names only the mail that it answers.
    own = mail("<7@phone.example>", 0.5, references=(), in_reply_to=QUESTION, sender=MailAddress("ana@example.com"))
    await arrives(service, own)
    moved = await newest(ana, draft)
    assert moved.thread_moved
    assert [one.sender for one in moved.thread_moved.messages] == ["ana@example.com"]
    # Its answer, and a draft that lay in the mailbox and was sent: nobody has decided, so the earlier is still told.
    await arrives(ana, mail("<8@example.com>", 4, references=(QUESTION, "<7@phone.example>")))
    await arrives(ana, mail("<5@example.com>", 3, labels=frozenset({"sent"})))
    moved = await newest(ana, draft)
    assert moved.thread_moved
    assert [one.message_id for one in moved.thread_moved.messages] == [
        "<7@phone.example>",
        "<8@example.com>",
        "<5@example.com>",
    ]
    assert (moved.version, moved.thread_moved.previous_draft_id) == (4, draft.id)


async def test_what_the_mailbox_alone_has_moves_it_too_once(ana: Caller, service: Caller) -> None:
    draft = await approved(ana, service)
    seen = ThreadMessage(message_id=NEWER, sender="John", sent_at=NOON + timedelta(hours=2), text="x" * 3000)
    known = ThreadMessage(message_id=QUESTION)
    assert await review.move_thread(service, draft.id, [known]) is None
    said = await review.move_thread(service, draft.id, [known, seen, seen])
    assert said
    assert said.startswith("The thread has moved: John wrote")
    assert await review.move_thread(service, draft.id, [seen]) is None  # it is superseded
    moved = await newest(ana, draft)
    assert moved.thread_moved
    assert [len(one.text or "") for one in moved.thread_moved.messages] == [2000]
    await arrives(ana, mail(NEWER, 2))  # read in later: known by now
    assert (await newest(ana, draft)).id == moved.id
    assert await review.move_thread(service, moved.id, [seen]) is None
    with pytest.raises(Invalid, match="messages is an array"):
        await service.call("thread_moved", draft_id=moved.id, messages=[{"text": "x"}])
    with pytest.raises(NotFound):
        await service.call("thread_moved", draft_id=UUID(int=7), messages=[])


async def test_a_message_that_slipped_by_is_seen_when_sending_begins(
    ana: Caller, service: Caller, database: Database
) -> None:
    draft = await approved(ana, service)
    async with pool_of(database).connection() as connection:
        await connection.execute("alter table public.mail_messages disable trigger mail_messages_30_moves")
    await arrives(ana, mail(NEWER, 2))
    with pytest.raises(Conflict) as refused:
        await review.begin_sending(service, draft.id, "<x@example.com>")
    assert refused.value.detail == review.THREAD_MOVED
    before, after = await review.get_draft(ana, draft.id), await newest(ana, draft)
    assert (before.state, before.message_id, after.state) == ("superseded", None, "draft")
    assert await approval_states(ana, before) == ["voided"]


async def test_what_has_begun_to_leave_is_left_alone(ana: Caller, service: Caller) -> None:
    draft = await approved(ana, service)
    await review.begin_sending(service, draft.id, "<x@example.com>")
    await arrives(ana, mail(NEWER, 2))
    assert await review.move_thread(service, draft.id, [ThreadMessage(message_id="<9@example.com>")]) is None
    assert (await review.begin_sending(service, draft.id, "<x@example.com>")).was == "sending"
    # What it sent itself comes back from the mailbox, and is no news to the next version; the other message is.
    await arrives(ana, mail("<x@example.com>", 3, sender=MailAddress("ana@example.com")))
    await review.finish_sending(service, draft.id, "failed", reason="refused")
    again = await review.revise_draft(ana, draft.id, {})
    assert again.state == "draft"
    assert again.thread_moved
    assert [one.message_id for one in again.thread_moved.messages] == [NEWER]


async def test_older_drafts_keep_working(ana: Caller, service: Caller, database: Database) -> None:
    """Their tail is the text of a mail, or nothing: what was stored later is new."""
    draft = await approved(ana, service)
    async with pool_of(database).connection() as connection:
        await connection.execute("alter table public.drafts disable trigger user")
        await connection.execute("alter table public.approvals disable trigger user")
        await connection.execute("update public.drafts set thread_tail = 'Is Friday fine?'")
        await connection.execute("update public.drafts d set digest = private.draft_digest(d)")
        await connection.execute("update public.approvals a set digest = d.digest from public.drafts d")
        await connection.execute("alter table public.drafts enable trigger user")
        await connection.execute("alter table public.approvals enable trigger user")
    await arrives(ana, mail(NEWER, 2))
    moved = await newest(ana, draft)
    assert moved.thread_moved
    assert [one.message_id for one in moved.thread_moved.messages] == [NEWER]
    assert moved.thread_tail
    assert NEWER in moved.thread_tail


async def test_an_edit_goes_on_telling_until_somebody_has_decided(
    ana: Caller, service: Caller, database: Database
) -> None:
    draft = await approved(ana, service)
    await arrives(ana, mail(NEWER, 2))
    moved = await newest(ana, draft)
    edited = await review.revise_draft(ana, moved.id, {"body": "Thursday, then."})
    assert (edited.thread_moved, edited.author_type) == (moved.thread_moved, "user")
    await review.approve_draft(ana, edited.id, edited.digest)
    again = await review.revise_draft(ana, edited.id, {"body": "Thursday."})
    assert again.thread_moved is None
    assert again.thread_tail == edited.thread_tail
    async with pool_of(database).connection() as connection:
        with pytest.raises(psycopg.Error, match="not rewritten"):
            await connection.execute("update public.drafts set thread_moved = null where id = %s", (moved.id,))


async def test_mail_and_sending_at_once_never_send_what_did_not_know(ana: Caller, service: Caller) -> None:
    """Whichever is first: either it had begun to leave, or it has a successor that knows."""
    for number in range(6):
        draft = await approved(ana, service)
        news = mail(f"<n{number}@example.com>", 3 + number)
        _, begun = await asyncio.gather(
            arrives(ana, news),
            review.begin_sending(service, draft.id, f"<s{number}@example.com>"),
            return_exceptions=True,
        )
        after = await newest(ana, draft)
        if isinstance(begun, BaseException):
            assert isinstance(begun, Conflict)
            assert (begun.detail, after.state) == (review.THREAD_MOVED, "draft")
        else:
            assert (after.id, after.state) == (draft.id, "sending")


async def test_drafts_that_answer_nothing_have_no_tail(ana: Caller, service: Caller) -> None:
    draft = await answered(ana, service, target={"from_address": "ana@example.com"})
    await arrives(ana, mail(NEWER, 2))
    assert (await newest(ana, draft)).id == draft.id
    assert draft.thread_tail is None


async def test_no_part_of_an_approved_draft_can_be_changed(ana: Caller, service: Caller, database: Database) -> None:
    draft = await approved(ana, service)
    file = """[{"name": "x", "media_type": "x/y", "size_bytes": 1, "sha256": "0"}]"""
    changes = ["subject = 'x'", "body = 'x'", "to_recipients = '{x@example.net}'", "cc_recipients = '{x@example.net}'",
               "bcc_recipients = '{x@example.net}'", f"attachments = '{file}'", "target = target - 'references'",
               "target = jsonb_set(target, '{from_address}', '\"x@example.net\"')", "thread_tail = thread_tail || 'x'", "channel = 'slack'"]  # fmt: skip
    async with pool_of(database).connection() as connection:
        for change in changes:
            with pytest.raises(psycopg.Error, match="never changes"):
                async with connection.transaction():
                    await connection.execute(f"update public.drafts set {change} where id = %s".encode(), (draft.id,))
    assert (await review.begin_sending(service, draft.id, "<x@example.com>")).digest == draft.digest


async def test_what_was_sent_from_here_is_no_news_to_the_next_draft(ana: Caller, service: Caller) -> None:
    first = await approved(ana, service)
    await review.begin_sending(service, first.id, "<sent@example.com>")
    await review.finish_sending(service, first.id, "sent", {"location": "x.eml"})
    second = await approved(ana, service)
    await arrives(ana, mail("<sent@example.com>", 2, sender=MailAddress("ana@example.com")))
    assert (await newest(ana, second)).id == second.id
    assert (await review.begin_sending(service, second.id, "<y@example.com>")).state == "sending"


async def test_an_answer_that_did_not_know_rides_on_no_permission(
    ana: Caller, service: Caller, database: Database
) -> None:
    allowed = allowed_by(await permitted(ana))
    await arrives(ana, mail(ROOT, 0, references=()), mail(QUESTION, 1))
    # Held, and the thread moves: it asks, and its permission stays as it is.
    held = await delivered(ana, service, allowed, **ANSWER)
    assert held.state == "approved"
    await arrives(ana, mail(NEWER, 2))
    asks = await newest(ana, held)
    assert (asks.state, asks.approval and asks.approval.state) == ("draft", "open")
    said = await approval_of(ana, asks)
    assert said.decision.verdict == "ask"
    assert [one.code for one in said.decision.reasons] == ["thread_moved"]
    await review.reject_draft(ana, asks.id)
    assert (await policies.list_policies(ana)).items[0].is_enabled
    # A message that comes in while a run writes: its draft asks at once.
    task = await running(ana, service)
    assert task.run_id
    run = database.acting_as(replace(service.identity, run=(task.id, task.run_id)))
    await arrives(ana, mail("<late@example.com>", 3))
    late = await review.deliver_draft(run, task.id, ANSWER, {"output": "x"}, decision=allowed)
    assert (late.state, late.approval and late.approval.state) == ("draft", "open")
    assert late.thread_moved
    assert [one.message_id for one in late.thread_moved.messages] == ["<late@example.com>"]
    again = await delivered(ana, service, allowed, **ANSWER)
    assert again.state == "approved", "by now it is known"
