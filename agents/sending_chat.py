"""Posting an approved chat message, once and only once.

Our key goes with the message in its metadata: it is the draft's id, stored with the state `sending` before anything
leaves. A run that comes again after a crash looks for the key where the message would be; where nobody can know, the
draft becomes `uncertain` and a person decides.
"""

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.equipment import Run
from agents.journal import StepUncertain, insist
from agents.sending_threads import news_in_chat
from agents.services.chat import Chat
from agents.tools.tool import Done, Outcome, Settled, Waiting
from core.errors import Conflict, Invalid, NotFound
from core.outside.chat import ChatPost, ChatPosted
from core.outside.errors import NotConnected, Refused, Temporary
from tasks import review, runs
from tasks.drafts import Draft
from tasks.models import Evidence
from tasks.review import DraftBeingSent

LEASE_SECONDS = 8.0  # shorter than the silence after which another worker takes over
STALE = "stale run"
HELD = "held"  # by a standing permission, to be undone until then


def chat_post(draft: Draft, key: str, not_before: datetime | None) -> ChatPost:
    """The message that a draft is, word for word."""
    target = draft.target
    return ChatPost(
        key=key,
        channel=str(target.get("channel", "")),
        text=draft.body,
        thread=target.get("thread_ts"),
        mentions=dict(target.get("mentions") or {}),
        not_before=not_before,
    )


async def post_approved_draft(run: Run, draft_id: UUID) -> Outcome:
    """Post an approved draft, and leave draft and task in the right state.

    Raises Temporary or NotConnected when it certainly did not leave and may be tried again.
    """
    caller, task = run.caller, run.task
    chat = await run.reach(Chat)
    try:
        known = await review.get_draft(caller, draft_id)
        if moved := await news_in_chat(run, known, chat):
            await runs.fail_task_execution(caller, task.id, moved, should_retry=False)
            return Settled()
        draft = await insist(lambda: review.begin_sending(caller, draft_id, f"slack:{draft_id}"))
    except NotFound as error:
        raise Invalid(error.message, detail=error.detail) from error
    except Conflict as error:
        if error.detail == STALE:
            raise
        if error.detail == HELD:
            raise Temporary(error.message) from error
        # Edited or withdrawn after the approval, or its thread has moved: the approval is void, and so is this task.
        await runs.fail_task_execution(caller, task.id, error.message, should_retry=False)
        return Settled()
    if draft.was in {"sent", "failed", "uncertain"}:
        return await _close(run, draft)
    try:
        receipt = await _deliver(run, chat, draft)
    except (Temporary, NotConnected) as error:
        await insist(lambda: review.release_sending(caller, draft_id))
        if isinstance(error, Temporary) and task.retry_count >= task.max_retries:
            reason = f"Slack could not be reached: {error.message}"
            await insist(lambda: review.finish_sending(caller, draft_id, "failed", reason=reason))
        raise
    except Refused as error:
        reason = f"{error.message}. {error.hint}" if error.hint else error.message
        done = await insist(lambda: review.finish_sending(caller, draft_id, "failed", reason=reason))
    except StepUncertain as error:
        reason = error.message
        done = await insist(lambda: review.finish_sending(caller, draft_id, "uncertain", reason=reason))
    else:
        done = await insist(lambda: review.finish_sending(caller, draft_id, "sent", receipt))
    return await _close(run, done)


async def _deliver(run: Run, chat: Chat, draft: DraftBeingSent) -> dict[str, Any]:
    """Post it, through the journal. An attempt that an earlier run began and did not end is looked up, never repeated blindly."""
    message = chat_post(draft, str(draft.id), draft.decided_at)
    lease = time.monotonic() + LEASE_SECONDS

    async def post() -> dict[str, Any]:
        if time.monotonic() > lease:
            # Frozen meanwhile: another run may have asked a person already. The next attempt looks first.
            raise Temporary("The worker was held up before it could post")
        return _receipt(await chat.post(message))

    async def look() -> dict[str, Any] | None:
        found = await chat.find(message)
        return _receipt(found) if found else None

    return await run.journal.use_tool("act", f"send draft {draft.id}", post, look)


def _receipt(posted: ChatPosted) -> dict[str, Any]:
    return {
        "provider": posted.provider,
        "message_id": posted.message_id,
        "channel": posted.channel,
        "location": posted.link or f"{posted.channel}/{posted.message_id}",
        "accepted_at": posted.posted_at.isoformat(),
    }


async def _close(run: Run, draft: Draft) -> Outcome:
    if draft.state == "sent":
        receipt = draft.receipt or {}
        what = "Slack has it" if receipt.get("message_id") else "A person says that it is there"
        evidence = Evidence(kind="receipt", what=what, where=receipt.get("location"))
        output = {key: receipt.get(key) for key in ("channel", "message_id", "location")}
        verified = "verified" if receipt.get("message_id") else "claimed"
        return Done(output, verified, [evidence], {"receipt": draft.receipt})
    if draft.state == "failed":
        reason = draft.failure_reason or "The message was not posted"
        await runs.fail_task_execution(run.caller, run.task.id, reason, should_retry=False)
        return Settled()
    return Waiting(
        "person",
        f"Nobody knows whether the message was posted: {draft.failure_reason}",
        "Look for it in Slack, then say on the review page whether it is there",
    )
