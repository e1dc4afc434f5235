"""What came into the thread of an approved draft since it was written, as the mailbox or the chat itself tells it.

The database knows of what was stored, and looks at that when sending begins. A reply from a phone a second ago lies
only where it was sent from: so that place is asked first. One that cannot tell is no reason to keep an answer back.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from agents.equipment import Run
from agents.journal import insist
from agents.services.chat import Chat
from agents.services.mail import Mailbox
from core.errors import NotFound, StewardError
from core.outside.chat import ChatMessage
from core.outside.errors import Temporary
from core.outside.mail import DRAFTS, SPAM, TRASH, IncomingMail
from tasks import review
from tasks.drafts import Draft, ThreadMessage

NOT_SENT_OR_SEEN = frozenset({DRAFTS, SPAM, TRASH})
WRONG_CLOCKS = timedelta(days=1)  # written earlier than the answered mail by more than this: the past, read late
LONGEST_QUOTE = 2000
TAIL = "thread v1"
STAMP = re.compile(r"\d{1,12}\.\d{1,6}")  # Slack's name of a message


async def news_in_mailbox(run: Run, draft: Draft, mailbox: Mailbox) -> str | None:
    """Why an approved answer does not leave: its thread has moved in the mailbox, and a new draft waits. Else None.

    Raises Temporary while the task may be tried again; then what is stored decides, as for a mailbox that cannot tell.
    """
    if draft.state != "approved" or not draft.target.get("in_reply_to"):
        return None
    try:
        mails = await _thread(draft, mailbox)
    except Temporary:
        if run.task.retry_count < run.task.max_retries:
            raise
        return None
    except StewardError:
        return None  # not signed in, not allowed to read, no such thread
    found = [_as_message(mail) for mail in mails if _may_be_news(mail, draft, mails)]
    return await _moved(run, draft, found)


async def news_in_chat(run: Run, draft: Draft, chat: Chat) -> str | None:
    """Why an approved answer in a thread is not posted: somebody wrote there since. Else None. Raises as for a mailbox."""
    thread = draft.target.get("thread_ts")
    if draft.state != "approved" or not thread:
        return None
    after = max(_named_in(draft.thread_tail), key=float, default=f"{draft.created_at.timestamp():.6f}")
    try:
        said = await chat.read(str(draft.target.get("channel", "")), thread=str(thread), newer_than=after)
    except Temporary:
        if run.task.retry_count < run.task.max_retries:
            raise
        return None
    except StewardError:
        return None
    newer = [one for one in said if float(one.id) > float(after)]
    found = [
        ThreadMessage(message_id=one.id, sender=one.author, sent_at=one.sent_at, text=one.text[:LONGEST_QUOTE])
        for one in newer
    ]
    return await _moved(run, draft, found)


def chat_tail(messages: Sequence[ChatMessage]) -> str | None:
    """What was known of a chat thread when an answer was written, for the draft's `thread_tail`."""
    return "\n".join([TAIL, *(f"{one.id} -" for one in messages)]) if messages else None


async def _moved(run: Run, draft: Draft, found: Sequence[ThreadMessage]) -> str | None:
    if not found:
        return None
    return await insist(lambda: review.move_thread(run.caller, draft.id, found))


async def _thread(draft: Draft, mailbox: Mailbox) -> Sequence[IncomingMail]:
    """The thread by the provider's own name of it, else by the Message-IDs that it is known by."""
    target = draft.target
    names = [target.get("thread_id"), *target.get("references", ())[:1], target["in_reply_to"]]
    for name in dict.fromkeys(str(one) for one in names if one):
        try:
            return await mailbox.thread(name)
        except NotFound:
            continue
    return []


def _may_be_news(mail: IncomingMail, draft: Draft, thread: Sequence[IncomingMail]) -> bool:
    if mail.labels & NOT_SENT_OR_SEEN:
        return False
    answered = next((one.sent_at for one in thread if one.message_id == draft.target["in_reply_to"]), None)
    return answered is None or mail.sent_at is None or mail.sent_at > answered - WRONG_CLOCKS


def _as_message(mail: IncomingMail) -> ThreadMessage:
    name, address = mail.sender.name, mail.sender.address
    return ThreadMessage(
        message_id=mail.message_id,
        sender=f"{name} <{address}>" if name else address,
        sent_at=mail.sent_at,
        text=mail.text[:LONGEST_QUOTE],
    )


def _named_in(tail: str | None) -> list[str]:
    """The messages of a chat that a tail names."""
    lines = (tail or "").split("\n")
    named = [line.rpartition(" ")[0] for line in lines[1:]] if lines[0] == TAIL else []
    return [one for one in named if STAMP.fullmatch(one)]
