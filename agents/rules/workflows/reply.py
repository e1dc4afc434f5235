"""An answer in a thread: to the writer of the last mail (or to all, on request), saying what the task says and no more."""

import re
from datetime import datetime

from agents.recipients import Answered, Recipients, wants_all, whom_to_answer, without_all
from agents.rules.free_times import OfferedTimes
from agents.rules.workflows import needs_model
from agents.rules.workflows.holding import has_held, is_answer_due
from agents.rules.workflows.known_names import greeted_as
from agents.rules.workflows.letter import Recipient, letter, recipient_of
from agents.rules.workflows.phrases import word_it
from agents.rules.workflows.purposes import read_purposes, speaks_of_them
from agents.rules.workflows.reminder import draft_reminder
from agents.rules.workflows.times_answer import answer_times
from agents.rules.workflows.wording import is_german, say_date
from agents.strategist import Blocked, DraftContent, Immediate, TaskContext, ThreadMessage

HEAD = re.compile(
    r"^\s*(?:please\s+|bitte\s+)?(?:(?:draft|write|send|prepare|schreib\w*|entw[ie]rf\w*)\s+(?:an?|the|eine?)?\s*(?:\w+\s+)?)?"
    r"(?:reply|answer|respond|response|antwort\w*|beantwort\w*)\b\s*",
    re.IGNORECASE,
)
SAYS = {
    "tell_clause",
    "that",
    "thank",
    "apologise",
    "confirm",
    "decline",
    "accept",
    "ask",
    "remind",
    "invite",
    "congratulate",
}
TO_SAY = "Write in the task what the answer should say, then execute it again"
RE = re.compile(r"^(?:(?:re|aw|fw|fwd|wg)\s*:\s*)+", re.IGNORECASE)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A draft; a holding answer when only a deadline for it is known; Blocked when nothing says what to answer."""
    if reminder := draft_reminder(context):
        return reminder
    task = context.task
    last = next((m for m in reversed(context.thread) if not m.is_from_me), None)
    german = is_german(last.text if last else task.title)
    recipient = _recipient(context, last)
    reply_all = context.in_own_words and wants_all(f"{task.title}\n{task.description}")
    answered = _whom_to_answer(context, last, reply_all=reply_all)
    if last and last.from_address and not answered.to:
        return Blocked(
            reason="The mail comes from a mailing list, and names nobody else to answer",
            unblocked_by="Write “reply to all” in the task to answer the list, or set the recipient of the task",
            message="A list is answered only on request",
        )
    if _needs_grammar(context):
        return needs_model.blocked("Turning these words into an address")
    said = _what_to_say(context)
    if said:
        subject, paragraphs = said
        draft = _addressed(letter(context, recipient, _subject(last, subject), paragraphs, german=german), answered)
        message = f"Drafted for {recipient.called or 'the sender'} from the words of the task"
        return Immediate(output=draft.body, format="text", confidence=0.75, draft=draft, message=message)
    if context.times and last:
        return _times(context, context.times, recipient, last, german, answered)
    who = recipient.called or "the sender"
    if last and is_answer_due(context, last, now):
        if has_held(context, last):
            return Blocked(
                reason=f"You told {who} already when they hear from you; the task does not say what to answer",
                unblocked_by=TO_SAY,
                message="What you have said already is not said again",
            )
        return _holding(context, recipient, last, german, answered)
    return Blocked(
        reason=f"The task does not say what to answer {who}",
        unblocked_by=TO_SAY,
        message="An answer without content is not drafted",
    )


def _recipient(context: TaskContext, last: ThreadMessage | None) -> Recipient:
    if last and last.from_address:
        return Recipient(greeted_as(last.from_name), last.from_address)
    return recipient_of(context, HEAD.sub("", context.task.title))


def _whom_to_answer(context: TaskContext, last: ThreadMessage | None, *, reply_all: bool) -> Recipients:
    if last is None:
        return Recipients([], [])
    mail = Answered(
        last.from_address, last.reply_to_addresses, last.to_addresses, last.cc_addresses, last.list_addresses
    )
    sent = [message.from_address for message in context.thread if message.is_from_me]
    own = {*context.own_addresses, context.owner_address, *sent} - {""}
    return whom_to_answer(mail, own, reply_all=reply_all)


def _addressed(draft: DraftContent, answered: Recipients) -> DraftContent:
    """The draft to those whom the thread names; without a thread it keeps those whom the task names."""
    return draft.model_copy(update={"to": answered.to, "cc": answered.cc}) if answered.to else draft


def _subject(last: ThreadMessage | None, otherwise: str) -> str:
    return f"Re: {RE.sub('', last.subject)}" if last and last.subject else otherwise


def _needs_grammar(context: TaskContext) -> bool:
    title = without_all(context.task.title)
    return context.in_own_words and is_german(title) and speaks_of_them(read_purposes(HEAD.sub("", title), german=True))


def _what_to_say(context: TaskContext) -> tuple[str, list[str]] | None:
    if not context.in_own_words:
        return None  # the words of the task are those of a mail: they don't say what to answer
    words = HEAD.sub("", without_all(context.task.title))
    in_german = is_german(context.task.title)
    wordings = [
        word_it(p, context.sender_name, german=in_german)
        for p in read_purposes(words, german=in_german)
        if p.is_clause or p.kind.removesuffix("_to") in SAYS
    ]
    own = context.task.description.strip()
    if not wordings and not own:
        return None
    paragraphs = [" ".join(w.paragraphs) for w in wordings] + ([own] if own else [])
    return (wordings[0].subject if wordings else own.splitlines()[0][:80]), paragraphs


def _times(
    context: TaskContext,
    times: OfferedTimes,
    recipient: Recipient,
    last: ThreadMessage,
    german: bool,
    answered: Recipients,
) -> Immediate | Blocked:
    said = answer_times(times, german=german)
    if said is None:
        return Blocked(
            reason=f"None of the times that {recipient.called or 'the sender'} proposes is free, nor any in the next two weeks",
            unblocked_by="Write in the task which time to propose, then execute it again",
            message="No free time was found on your calendar",
        )
    draft = _addressed(letter(context, recipient, _subject(last, "Re:"), said[0], german=german), answered)
    more = ". The mail asks other things too, which this answer leaves out" if times.asks_more else ""
    confidence = 0.5 if times.asks_more else 0.8 if times.free else 0.7
    return Immediate(output=draft.body, format="text", confidence=confidence, draft=draft, message=said[1] + more)


def _holding(
    context: TaskContext, recipient: Recipient, last: ThreadMessage, german: bool, answered: Recipients
) -> Immediate:
    due = context.task.due_at
    assert due is not None  # nosec B101 # narrows the type
    when = say_date(due, german=german, with_time=not context.task.due_is_all_day)
    about = RE.sub("", last.subject).strip()
    if german:
        sentences = f"vielen Dank für Ihre Nachricht{f' zu „{about}“' if about else ''}. Ich melde mich bis {when}."
    else:
        sentences = (
            f"Thank you for your message{f' about “{about}”' if about else ''}. I will get back to you by {when}."
        )
    draft = _addressed(letter(context, recipient, _subject(last, about), [sentences], german=german), answered)
    return Immediate(
        output=draft.body,
        format="text",
        confidence=0.5,
        draft=draft,
        message="A holding answer: the task does not say what to answer, only until when",
    )
