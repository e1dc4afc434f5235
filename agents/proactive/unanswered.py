"""Somebody owes an answer: their promise is over, or a question of one's own lies unanswered."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from agents.proactive import meetings
from agents.proactive.situation import Meeting, Person, SeenMail, Situation
from agents.proactive.working_time import after_working_days, after_working_time, half_a_day
from agents.rules.commitments.absence import away_until, is_absence
from agents.rules.commitments.questions import question_in
from agents.rules.commitments.topics import topic_words
from agents.rules.mail_signs import is_bulk, is_no_reply
from agents.rules.mail_tasks import RE
from tasks.commitments import Commitment
from tasks.nudges import Finding

CONFIDENCE = 0.7
DAYS_INSIDE, DAYS_OUTSIDE = 3, 5
STALE_DAYS = 10
MOST_RECIPIENTS = 3
FEW_WORDS = 20
ME_TOO = re.compile(
    r"\bme\s+too\b|\bsame\s+here\b|(?:^|\s)\+1\b|\b(?:would|['’]d)\s+(?:also\s+)?(?:like|love|want|need)\s+to\s+(?:know|hear|see|have)\b|\b(?:also|as\s+well)\s+(?:interested|curious|waiting)\b|"
    r"\b(?:interested|curious|waiting)\s+(?:too|as\s+well)\b|\b(?:auch|ebenfalls)\s+(?:gern\w*\s+)?(?:wissen|interess\w+|hören|sehen|gespannt)\b|\binteressiert\s+mich\s+(?:auch|ebenfalls)\b|\bich\s+auch\b",
    re.IGNORECASE,
)
FEW = 1  # others at a meeting where one speaks of everything


def find(situation: Situation) -> Iterator[Finding]:
    """At most one finding for each promise and each thread; promises come first."""
    threads: dict[str, list[SeenMail]] = defaultdict(list)
    for mail in situation.mails:
        threads[mail.thread_key].append(mail)
    nudged: set[str] = set()
    for promise in situation.commitments:
        if (finding := _broken(promise, situation)) and finding.thread_key not in nudged:
            nudged |= {finding.thread_key} if finding.thread_key else set()
            yield finding
    for thread_key, mails in threads.items():
        if thread_key not in nudged and (finding := _asked(mails, situation)):
            yield finding


def _broken(promise: Commitment, situation: Situation) -> Finding | None:
    """Somebody's promise that is over for half a working day, where nothing was heard of them since."""
    if promise.is_mine or promise.state != "open" or promise.due_at is None or not promise.person_address:
        return None
    if promise.source_kind not in {"mail", "slack"} or not promise.thread_key:
        return None  # what notes say somebody does was not promised to the person
    due = promise.due_at.astimezone(situation.now.tzinfo)
    who = Person(promise.person_address, promise.person_name)
    if not (promise.is_answered or meetings.is_known(who, situation)):
        return None  # what strangers promise is nothing to remind them of: it stays among the promises
    late = after_working_time(due, half_a_day(situation.hours), situation.hours)
    tell_at = _when_back(who, promise.said_at, late, situation, promise.away_until)
    stale = after_working_days(tell_at, STALE_DAYS, situation.hours)
    if not tell_at <= situation.now < stale:
        return None
    if _heard_since(who, due, topic_words(promise.title) or topic_words(promise.subject or ""), situation) or _wrote_in(
        promise.thread_key, {who.address}, due, situation
    ):
        return None
    said = promise.said_at.astimezone(situation.now.tzinfo)
    day = f"{due:%A} {due.day} {due:%B}"
    return _finding(
        f"unanswered:promise:{promise.id}",
        who,
        subject=promise.subject or "",
        thread=(promise.thread_key, promise.message_id or "", ()),
        why=f"{who.called} wrote on {said.day} {said:%B}: “{promise.quote}” It was due {day}, and nothing has come.",
        reminder={"of": "promise", "quote": promise.quote, "at": said.date().isoformat()},
        times=(tell_at, stale),
        more={"commitment_id": str(promise.id), **situation.account_of(promise.thread_key)},
    )


def _asked(mails: Sequence[SeenMail], situation: Situation) -> Finding | None:
    """One's own question, the last thing one wrote in a thread, that nobody it was put to has answered for some working days."""
    last = next((one for one in reversed(mails) if one.is_from_me and not _is_automatic(one)), None)
    if last is None or _wrote_in(last.thread_key, {one.address for one in last.to}, last.sent_at, situation):
        return None
    question = question_in(last.text)
    who = _whom(last, situation)
    if question is None or who is None or is_bulk("", last.text, has_unsubscribe=False, precedence=""):
        return None
    sent = last.sent_at.astimezone(situation.now.tzinfo)
    days = DAYS_OUTSIDE if situation.is_outside(who) else DAYS_INSIDE
    tell_at = _when_back(who, sent, after_working_days(sent, days, situation.hours), situation)
    stale = after_working_days(tell_at, STALE_DAYS, situation.hours)
    if not tell_at <= situation.now < stale or _heard_since(
        who, sent, topic_words(last.subject) or topic_words(question), situation
    ):
        return None
    references = tuple(one.message_id for one in mails)
    return _finding(
        f"unanswered:{last.thread_key}"[:300],
        who,
        subject=last.subject,
        thread=(last.thread_key, last.message_id, references),
        why=f"You asked {who.called} on {sent:%A} {sent.day} {sent:%B}: “{question}” No answer has come in {days} working days.",
        reminder={"of": "question", "quote": question, "at": sent.date().isoformat()},
        times=(tell_at, stale),
        more=situation.account_of(last.thread_key),
    )


def _whom(mail: SeenMail, situation: Situation) -> Person | None:
    """Whom the question was put to; None where that is nobody in particular."""
    to = [one for one in mail.to if not situation.owner.is_me(one.address)]
    everyone = [one for one in (*mail.to, *mail.cc) if not situation.owner.is_me(one.address)]
    if (
        not to
        or len(everyone) > MOST_RECIPIENTS
        or is_no_reply(to[0].address)
        or is_bulk(to[0].address, "", has_unsubscribe=False, precedence="")
    ):
        return None
    known = (one.sender for one in reversed(situation.mails) if one.sender.address == to[0].address and one.sender.name)
    return next(known, to[0])


def _is_automatic(mail: SeenMail) -> bool:
    is_automatic = mail.auto_submitted not in {"", "no", "false"}
    return is_automatic or is_absence(mail.subject, mail.text, auto_submitted=is_automatic)


def _when_back(
    who: Person, since: datetime, otherwise: datetime, situation: Situation, known: datetime | None = None
) -> datetime:
    """When it is time: as it would be, or half a working day after they are back."""
    backs = [known] if known else []
    for mail in situation.mails:
        if mail.sender.address == who.address and mail.sent_at >= since and _is_automatic(mail):
            sent = mail.sent_at.astimezone(situation.now.tzinfo)
            backs.append(away_until(mail.subject, mail.text, sent, auto_submitted=True) or sent)
    if not backs:
        return otherwise
    back = max(backs).astimezone(situation.now.tzinfo)
    return max(otherwise, after_working_time(back, half_a_day(situation.hours), situation.hours))


def _heard_since(who: Person, since: datetime, topic: frozenset[str], situation: Situation) -> bool:
    """Did it go on elsewhere: did they write about it since, or did the two meet, or many about this?"""
    wrote = any(
        mail.sender.address == who.address
        and mail.sent_at > since
        and not _is_automatic(mail)
        and (not topic or _is_about(topic, f"{mail.subject} {mail.text[:2_000]}"))
        for mail in situation.mails
    )
    return wrote or any(_met(meeting, who, since, topic, situation) for meeting in situation.meetings)


def _met(meeting: Meeting, who: Person, since: datetime, topic: frozenset[str], situation: Situation) -> bool:
    if not since < meeting.starts_at <= situation.now or meeting.status == "cancelled" or meeting.is_all_day:
        return False
    others = {one.address: one for one in (*_organizer(meeting.organizer), *meeting.people)}
    others = {address: one for address, one in others.items() if not situation.owner.is_me(address)}
    if who.address not in others or others[who.address].answer == "declined" or meeting.own_answer == "declined":
        return False
    return len(others) <= FEW or (bool(topic) and _is_about(topic, meeting.title))


def _is_about(topic: frozenset[str], text: str) -> bool:
    """Has a text two of the words of a topic, or its only one?"""
    return len(topic & topic_words(text)) >= min(2, len(topic))


def _organizer(person: Person | None) -> tuple[Person, ...]:
    return (person,) if person else ()


def _wrote_in(thread_key: str, whose: Collection[str], since: datetime, situation: Situation) -> bool:
    """Has the person asked after it already, or did those write who owe it? What others say in the thread answers nothing."""
    return any(
        mail.thread_key == thread_key
        and mail.sent_at > since
        and (mail.is_from_me or (mail.sender.address in whose and not _only_joins_in(mail)))
        and not _is_automatic(mail)
        for mail in situation.mails
    )


def _only_joins_in(mail: SeenMail) -> bool:
    """ "I would like to know that as well" answers nothing, even of somebody who was asked too."""
    return len(mail.text.split()) <= FEW_WORDS and ME_TOO.search(mail.text) is not None


def _finding(
    key: str,
    who: Person,
    *,
    subject: str,
    thread: tuple[str, str, Sequence[str]],
    why: str,
    reminder: dict[str, Any],
    times: tuple[datetime, datetime],
    more: dict[str, Any] | None = None,
) -> Finding:
    thread_key, message_id, references = thread
    topic = RE.sub("", subject).strip()
    title = f"Remind {who.called}{f': {topic}' if topic else ''}"[:300]
    reminder = {**reminder, "address": who.address, "name": who.name}
    ref: dict[str, Any] = {
        "message_id": message_id,
        "thread_key": thread_key,
        "references": list(references) or [message_id],
        "subject": subject,
        "from": who.address,
        "reminder": reminder,
        **(more or {}),
    }
    return Finding(
        key=key,
        kind="unanswered",
        title=title,
        why=why[:2000],
        person=who.address[:320],
        thread_key=thread_key[:1000],
        source_ref=ref,
        tell_at=times[0],
        expires_at=times[1],
        confidence=CONFIDENCE,
        executes=True,
        task={
            "title": title,
            "description": f"Ask how it stands: “{reminder['quote']}”",
            "kind": "reply",
            "execution_type": "semi_automated",
            "recipient": who.address,
            "ai_confidence": CONFIDENCE,
            "ai_context": why[:2000],
            "source_ref": ref,
        },
    )
