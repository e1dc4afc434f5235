"""One's own promise comes due, and there is no task by which it is kept."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from agents.proactive.situation import Situation
from agents.proactive.working_time import DAY, after_working_days, last_working_day, morning_of
from agents.rules.mail_tasks import RE
from core.outside.calendar import at_clock
from tasks.commitments import Commitment
from tasks.nudges import Finding

CONFIDENCE = 0.8
NOON, AFTERNOON = time(12), time(14)
STALE_DAYS = 2
ENDED = frozenset({"completed", "failed", "cancelled"})


def find(situation: Situation) -> Iterator[Finding]:
    """One finding for each of one's own promises, from the right time on until two working days after it was due."""
    for promise in situation.commitments:
        if not promise.is_mine or promise.state != "open" or promise.due_at is None:
            continue
        due = promise.due_at.astimezone(situation.now.tzinfo)
        stale = after_working_days(due, STALE_DAYS, situation.hours)
        tell_at = tell_before(due, situation, is_all_day=promise.due_is_all_day)
        if tell_at <= situation.now < stale and not _has_task(promise, situation):
            yield _finding(promise, due, tell_at, stale, situation)


def tell_before(due: datetime, situation: Situation, *, is_all_day: bool) -> datetime:
    """The morning of the working day on which it is due; the afternoon of the one before where it is due before noon."""
    hours = situation.hours
    day = last_working_day(due.date(), hours)
    if not is_all_day and day == due.date() and due.time() < NOON:
        return at_clock(last_working_day(day - DAY, hours), AFTERNOON, hours.zone).astimezone(due.tzinfo)
    return morning_of(day, hours).astimezone(due.tzinfo)


def _has_task(promise: Commitment, situation: Situation) -> bool:
    """Is there a task of the person for it? One that was made by this rule is none."""
    if promise.task_id is not None:
        return True
    return any(
        task.source != "proactive"
        and task.parent_task_id is None
        and task.execution_status not in ENDED
        and promise.thread_key is not None
        and task.source_ref.get("thread_key") == promise.thread_key
        # To answer the mail before is done where the promise is that answer.
        and not (task.kind == "reply" and task.source_ref.get("message_id") not in {None, promise.message_id})
        for task in situation.tasks
    )


def _finding(promise: Commitment, due: datetime, tell_at: datetime, stale: datetime, situation: Situation) -> Finding:
    topic = RE.sub("", promise.subject or "").strip()
    to = f" to {promise.called}" if promise.person_name or promise.person_address else ""
    title = f"Keep your promise{to}: {promise.title or topic or promise.quote}"[:300]
    when = f"{due:%A} {due.day} {due:%B}" + ("" if promise.due_is_all_day else f", {due:%H:%M}")
    said = promise.said_at.astimezone(situation.now.tzinfo)
    was = "was" if due < situation.now else "is"
    why = f"It {was} due {when}. On {said.day} {said:%B} you wrote{to}: “{promise.quote}”"
    ref: dict[str, Any] = {"commitment_id": str(promise.id)}
    is_mail = promise.source_kind == "mail" and promise.message_id is not None
    if is_mail:
        ref |= {"message_id": promise.message_id, "references": [promise.message_id], "from": promise.person_address}
        ref |= situation.account_of(promise.thread_key)
    if promise.thread_key:
        ref |= {"thread_key": promise.thread_key, "subject": promise.subject or ""}
    return Finding(
        key=f"promise:{promise.id}",
        kind="promise",
        title=title,
        why=why[:2000],
        person=promise.person_address or None,
        thread_key=promise.thread_key,
        source_ref=ref,
        tell_at=tell_at,
        expires_at=stale + timedelta(seconds=1),
        is_urgent=True,
        confidence=CONFIDENCE,
        task={
            "title": title,
            "description": promise.quote,
            "kind": "reply" if is_mail else "errand",
            "execution_type": "semi_automated" if is_mail else "manual",
            "due_at": due.isoformat(),
            "due_is_all_day": promise.due_is_all_day,
            "recipient": promise.person_address or promise.person_name or None,
            "ai_confidence": CONFIDENCE,
            "ai_context": why[:2000],
            "source_ref": ref,
        },
    )
