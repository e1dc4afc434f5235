"""Sending an approved draft, once and only once.

The Message-ID is a function of the draft's id and is stored, with the state `sending`, before anything leaves. A run
that comes again after a crash asks the sender whether that message left; where nobody can know, the draft becomes
`uncertain` and a person decides. The database uses the approval up when the state becomes `sending`.
"""

from uuid import UUID

from agents.protocols import MailSender, OutgoingMessage, Receipt, SendRefused, SendTemporary, SendUncertain
from core.clock import Clock
from core.database import Caller
from core.errors import Conflict
from tasks import functions, review
from tasks.models import Draft, Task
from tasks.review import DraftBeingSent


def outgoing_message(draft: Draft, message_id: str, clock: Clock) -> OutgoingMessage:
    """The mail that a draft is, word for word."""
    target = draft.target
    return OutgoingMessage(
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
    )


async def send_approved_draft(caller: Caller, task: Task, sender: MailSender, clock: Clock) -> None:
    """Send the draft that `task.tool_input["draft_id"]` names, and leave draft and task in the right state.

    Raises SendTemporary when it certainly did not leave and may be tried again.
    """
    draft_id = UUID(str(task.tool_input["draft_id"]))
    message_id = f"<{draft_id}@{sender.sender_domain}>"
    try:
        draft = await review.begin_sending(caller, draft_id, message_id)
    except Conflict as error:
        # Edited or withdrawn after the approval: the approval is void, and so is this task.
        await functions.fail_task_execution(caller, task.id, error.message, should_retry=False)
        return
    if draft.was in {"sent", "failed", "uncertain"}:
        await _close(caller, task, draft)
        return
    try:
        receipt = await _find_earlier(sender, draft, message_id) or await sender.send(
            outgoing_message(draft, message_id, clock)
        )
    except SendTemporary:
        await review.release_sending(caller, draft_id)
        if task.retry_count >= task.max_retries:
            await review.finish_sending(caller, draft_id, "failed", reason="The mail server could not be reached")
        raise
    except SendRefused as error:
        reason = f"{error.message}: {error.detail}" if error.detail else error.message
        done = await review.finish_sending(caller, draft_id, "failed", reason=reason)
    except SendUncertain as error:
        done = await review.finish_sending(caller, draft_id, "uncertain", reason=error.message)
    else:
        done = await review.finish_sending(caller, draft_id, "sent", receipt.as_json())
    await _close(caller, task, done)


async def _find_earlier(sender: MailSender, draft: DraftBeingSent, message_id: str) -> Receipt | None:
    return await sender.find(message_id) if draft.was == "sending" and draft.attempt_unknown else None


async def _close(caller: Caller, task: Task, draft: Draft) -> None:
    if draft.state == "sent":
        result = {"strategy": "immediate", "output": "Sent", "receipt": draft.receipt}
        await functions.complete_task_execution(caller, task.id, result)
    elif draft.state == "failed":
        await functions.fail_task_execution(
            caller, task.id, draft.failure_reason or "The message was not sent", should_retry=False
        )
    else:
        await functions.block_task_execution(
            caller,
            task.id,
            f"Nobody knows whether the message was sent: {draft.failure_reason}",
            unblocked_by="Look for it, then say on the review page whether it arrived",
        )
