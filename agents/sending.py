"""Sending an approved draft, once and only once.

The Message-ID is a function of the draft's id and is stored, with the state `sending`, before anything leaves. A run
that comes again after a crash asks the sender whether that message left; where nobody can know, the draft becomes
`uncertain` and a person decides. The database uses the approval up when the state becomes `sending`.

An answer whose thread has moved does not leave: a new draft, which shows what came in, waits for a person.
"""

import hashlib
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import UUID

from agents.equipment import Run
from agents.journal import StepUncertain, insist
from agents.sending_threads import news_in_mailbox
from agents.services.mail import Mailbox, Mailboxes
from agents.tools.tool import Done, Outcome, Settled, Waiting
from core.clock import Clock
from core.errors import Conflict, Invalid, NotFound, StewardError
from core.objects import ContentLost
from core.outside.errors import Malformed, NotConnected, Refused, Temporary
from core.outside.mail import HandOver, MailAttachment, OutgoingMail
from tasks import review, runs
from tasks.artifacts import get_artifact
from tasks.drafts import Draft
from tasks.models import Evidence, Verification
from tasks.review import DraftBeingSent

LEASE_SECONDS = 8.0  # shorter than the silence after which another worker takes over
STALE = "stale run"
HELD = "held"  # by a standing permission, to be undone until then


def outgoing_mail(draft: Draft, message_id: str, clock: Clock) -> OutgoingMail:
    """The mail that a draft is, word for word; its attachments are still to be read."""
    target = draft.target
    return OutgoingMail(
        message_id=message_id,
        from_address=str(target.get("from_address", "")),
        from_name=str(target.get("from_name", "")),
        to=tuple(draft.to_recipients),
        cc=tuple(draft.cc_recipients),
        bcc=tuple(draft.bcc_recipients),
        subject=draft.subject,
        body=draft.body,
        date=clock.now(),
        in_reply_to=target.get("in_reply_to"),
        references=tuple(target.get("references", ())),
        thread=target.get("thread_id"),
    )


async def send_approved_draft(run: Run, draft_id: UUID) -> Outcome:
    """Send an approved draft from its account, and leave draft and task in the right state.

    Raises Temporary, Malformed or NotConnected when it certainly did not leave and may be tried again.
    """
    caller, task = run.caller, run.task
    known = await review.get_draft(caller, draft_id)
    mailbox = await mailbox_of(run, known)
    if moved := await news_in_mailbox(run, known, mailbox):
        await runs.fail_task_execution(caller, task.id, moved, should_retry=False)
        return Settled()
    message_id = f"<{draft_id}@{mailbox.sender_domain}>"
    try:
        draft = await insist(lambda: review.begin_sending(caller, draft_id, message_id))
    except Conflict as error:
        if error.detail == STALE:
            raise
        if error.detail == HELD:
            raise Temporary(error.message) from error
        # Edited or withdrawn after the approval, or its thread has moved: the approval is void, and so is this task.
        await runs.fail_task_execution(caller, task.id, error.message, should_retry=False)
        return Settled()
    if draft.was in {"sent", "failed", "uncertain"}:
        return await _close(run, draft, mailbox)
    try:
        message = outgoing_mail(draft, draft.message_id or message_id, run.equipment.clock)
        receipt = await _deliver(run, mailbox, draft, message)
    except (Temporary, Malformed, NotConnected) as error:
        if not draft.attempt_unknown:
            await insist(lambda: review.release_sending(caller, draft_id))
        if not isinstance(error, NotConnected) and task.retry_count >= task.max_retries:
            reason = f"The mail could not be handed over: {error.message}"
            outcome = "uncertain" if draft.attempt_unknown else "failed"
            await insist(lambda: review.finish_sending(caller, draft_id, outcome, reason=reason))
        raise
    except (Refused, Invalid) as error:
        reason = f"{error.message}: {error.detail}" if error.detail else error.message
        done = await insist(lambda: review.finish_sending(caller, draft_id, "failed", reason=reason))
    except StepUncertain as error:
        reason = error.message
        done = await insist(lambda: review.finish_sending(caller, draft_id, "uncertain", reason=reason))
    else:
        done = await insist(lambda: review.finish_sending(caller, draft_id, "sent", receipt))
    return await _close(run, done, mailbox)


async def attachments_of(run: Run, draft: Draft) -> tuple[MailAttachment, ...]:
    """The files of a draft, byte for byte those that a person approved. Raises Refused."""
    found: list[MailAttachment] = []
    for approved in draft.attachments:
        if approved.artifact_id is None:
            raise Refused(f"The file {approved.name} of this draft is not kept here")
        try:
            file = await get_artifact(run.caller, approved.artifact_id)
        except NotFound as error:
            raise Refused(f"The file {approved.name} of this draft is gone") from error
        except ContentLost as error:
            raise Refused(f"The file {approved.name} is not the one that was approved", detail=error.message) from error
        content = file.content or b""
        if hashlib.sha256(content).hexdigest() != approved.sha256:
            raise Refused(f"The file {approved.name} is not the one that was approved")
        found.append(MailAttachment(approved.name, approved.media_type, content))
    return tuple(found)


async def mailbox_of(run: Run, draft: Draft) -> Mailbox:
    """The mailbox that a draft is sent from: that of its account, else the person's usual one."""
    account_id = draft.target.get("account_id")
    if account_id is None:
        return await run.reach(Mailbox)
    return await (await run.reach(Mailboxes)).open(str(account_id))


async def _deliver(run: Run, mailbox: Mailbox, draft: DraftBeingSent, message: OutgoingMail) -> dict[str, object]:
    """Hand the message over, through the journal: a draft at the provider first where it keeps drafts, then that draft.

    Everything that has no effect (connecting, naming the parties) comes before the journal's step, so that a run that
    dies there leaves no doubt. An attempt that an earlier run began and did not end is looked up first, and never
    repeated blindly.
    """
    draft_at_provider = draft.provider_ref
    lease = 0.0

    async def look() -> dict[str, object] | None:
        found = await mailbox.find(message.message_id, draft_at_provider)
        return found.as_json() if found else None

    async with AsyncExitStack() as stack:
        ready: HandOver | StewardError
        try:
            message = replace(message, attachments=await attachments_of(run, draft))
            if draft_at_provider is None:
                draft_at_provider = await _prepared(run, mailbox, draft, message)
            ready = await stack.enter_async_context(mailbox.sending(message, draft_at_provider))
        except (Refused, Invalid, Temporary, Malformed, NotConnected) as error:
            if not draft.attempt_unknown:
                raise
            ready = error  # an earlier attempt may have handed it over: what the journal knows of that comes first

        async def send() -> dict[str, object]:
            if isinstance(ready, StewardError):
                raise ready
            if time.monotonic() > lease:
                # Frozen meanwhile: another run may have asked a person already. The next attempt looks first.
                raise Temporary("The worker was held up before it could send")
            return (await ready()).as_json()

        lease = time.monotonic() + LEASE_SECONDS
        return await run.journal.use_tool("act", f"send draft {draft.id}", send, look)


async def _prepared(run: Run, mailbox: Mailbox, draft: Draft, message: OutgoingMail) -> str | None:
    """The id of the draft made at the provider, kept before that draft is sent; None where none is kept there."""
    made = await mailbox.prepare(message)
    if made is not None:
        await insist(lambda: review.store_provider_draft(run.caller, draft.id, made))
    return made


async def _close(run: Run, draft: Draft, mailbox: Mailbox) -> Outcome:
    if draft.state == "sent":
        verification, evidence = await _evidence(mailbox, draft)
        return Done("Sent", verification, evidence, {"receipt": draft.receipt})
    if draft.state == "failed":
        reason = draft.failure_reason or "The message was not sent"
        await runs.fail_task_execution(run.caller, run.task.id, reason, should_retry=False)
        return Settled()
    return Waiting(
        "person",
        f"Nobody knows whether the message was sent: {draft.failure_reason}",
        "Look for it, then say on the review page whether it arrived",
    )


async def _evidence(mailbox: Mailbox, draft: Draft) -> tuple[Verification, list[Evidence]]:
    """What shows that the message left: found where sent mail lies, or only the server's word."""
    receipt = draft.receipt or {}
    try:
        found = await mailbox.find(draft.message_id or "", draft.provider_ref)
    except StewardError:
        found = None  # this provider cannot be asked; its receipt is its word
    if found is not None:
        what = f"Found among the sent mail ({found.provider})"
        return "verified", [Evidence(kind="receipt", what=what, where=found.location, at=found.accepted_at)]
    what = f"The mail server took it ({receipt.get('provider', 'unknown')}); it keeps no list that could be looked at"
    return "claimed", [Evidence(kind="receipt", what=what, where=str(receipt.get("location") or draft.message_id))]
