"""When an answer that says only until when is right: until a deadline for the answer, and once. Pure."""

import re
from datetime import datetime

from agents.rules.commitments.finding import find_promises
from agents.rules.commitments.phrases import EOB
from agents.rules.dates import find_dates
from agents.strategist import TaskContext, ThreadMessage

LONGEST_READ = 4_000
WANTS_AN_ANSWER = re.compile(
    r"\b(?:tell|let|know|confirm\w*|answer\w*|reply|respond|response|hear|say|get\s+back|come\s+back|send|give|share|need\w*|provide|forward|decide|decision|feedback|update|sign|return|"
    r"sag\w*|bescheid|rückmeld\w*|meld\w*|antwort\w*|bestätig\w*|schick\w*|send\w*|zusend\w*|mitteil\w*|teil\w*|gib|geben|brauch\w*|benötig\w*|entscheid\w*|liefer\w*|wissen|rückgabe|unterschr\w*)\b",
    re.IGNORECASE,
)


def is_answer_due(context: TaskContext, last: ThreadMessage, now: datetime) -> bool:
    """Is the task due at a deadline for its answer, which is ahead? The time of what a mail speaks of is none."""
    due = context.task.due_at
    if due is None or due <= now:
        return False
    words = [str(context.task.source_ref.get("quote") or ""), context.task.description]
    seen = (last.sent_at or now).astimezone(now.tzinfo)
    sentences = "\n".join(word for word in words if word.strip()) or last.text
    return any(
        WANTS_AN_ANSWER.search(line) is not None and _names_deadline(line, due, seen, context.task.due_is_all_day)
        for line in re.split(r"\n|(?<=[.!?])\s", sentences[:LONGEST_READ])
    )


def _names_deadline(words: str, due: datetime, seen: datetime, is_all_day: bool) -> bool:
    """Does a sentence say "by" that moment?"""
    if is_all_day and EOB.search(words):
        return True
    return any(
        date.relation in {"by", "before"}
        and (date.due_at.date() == due.astimezone(seen.tzinfo).date() if is_all_day else date.due_at == due)
        for date in find_dates(words, seen)
    )


def has_held(context: TaskContext, last: ThreadMessage) -> bool:
    """Has the person answered the last mail of the thread, or promised in it what is due with the task?"""
    position = next((place for place, mail in enumerate(context.thread) if mail is last), -1)
    if any(mail.is_from_me for mail in context.thread[position + 1 :]):
        return True
    due = context.task.due_at
    if due is None:
        return False
    zone = due.tzinfo
    return any(
        promise.due_at is not None
        and (promise.due_at == due or (promise.due_is_all_day and promise.due_at.date() == due.date()))
        for mail in context.thread
        if mail.is_from_me and mail.sent_at
        for promise in find_promises(mail.text[:LONGEST_READ], mail.sent_at.astimezone(zone))
    )
