"""The points of a meeting, each with where it comes from: what last time left open, what mails about it ask, own tasks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agents.proactive.gatherings import is_about, topic_words
from agents.proactive.meeting_context import MeetingContext, is_own_task
from agents.proactive.situation import SeenMail
from agents.rules.dates import find_dates
from agents.rules.mail_text import read_mail_text
from agents.rules.workflows.action_items import find_action_items
from agents.rules.workflows.known_names import said_by_address
from agents.rules.workflows.wording import MONTHS_DE, MONTHS_EN, say_date
from tasks.origins import addresses_in, urls_in

TO_DISCUSS = re.compile(
    r"\b(?:discuss|talk (?:about|through)|go (?:over|through)|decide|agree on|clarify|sort out|align on|add(?:ed)? to the agenda|on the agenda"
    r"|besprechen|bereden|klären|entscheiden|abstimmen|auf die (?:agenda|tagesordnung))\b",
    re.IGNORECASE,
)
SUBJECT_MARKS = re.compile(r"^\s*(?:(?:re|aw|fwd?|wg)\s*:\s*)+", re.IGNORECASE)
MOST_POINTS, MOST_OF_A_MAIL, LONGEST = 10, 5, 240


@dataclass(frozen=True)
class Point:
    """A point and its source in words. `is_shared`: everybody who comes may read it."""

    text: str
    source: str
    is_shared: bool


def left_open(found: MeetingContext, now: datetime, *, german: bool) -> list[Point]:
    """What the notes of last time left to do or to answer, in their words."""
    notes = found.notes
    if notes is None:
        return []
    is_shared = notes.mail is None or found.saw(notes.mail)
    source = f"{'Notizen von' if german else 'notes by'} {notes.written_by}, {say_day(notes.at, german=german)}"
    items = [f"{one.who}: {one.what}" if one.who else one.what for one in find_action_items(notes.text, notes.at)]
    open_ones = [one.text for one in read_mail_text(notes.text).sentences if one.text.endswith("?")]
    texts = list(dict.fromkeys(" ".join(one.split())[:LONGEST] for one in (*items, *open_ones)))
    return [Point(text, source, is_shared and may_be_sent(text, now)) for text in texts[:MOST_POINTS]]


def from_mails(found: MeetingContext, now: datetime, *, german: bool) -> list[Point]:
    """What the mails about the meeting want talked about: their lists, questions and wishes, else what they are about."""
    points: list[Point] = []
    for mail in found.mails:
        if mail.is_from_me:
            source = f"{'deine Mail vom' if german else 'your mail of'} {say_day(mail.sent_at, german=german)}"
        else:
            source = (
                f"{mail.sender.called}, {'Mail vom' if german else 'mail of'} {say_day(mail.sent_at, german=german)}"
            )
        is_shared = found.saw(mail)
        points += [
            Point(text, source, is_shared and may_be_sent(text, now)) for text in wishes_of(mail, found.meeting.title)
        ]
    return _once(points)[:MOST_POINTS]


def wishes_of(mail: SeenMail, title: str) -> list[str]:
    """The points of one mail, in its words."""
    sentences = read_mail_text(mail.text).sentences
    items = [one.text for one in sentences if one.is_item]
    asked = [one.text for one in sentences if one.text.endswith("?") or TO_DISCUSS.search(one.text)]
    subject = SUBJECT_MARKS.sub("", mail.subject).strip()
    is_telling = bool(topic_words(subject) - topic_words(title) - topic_words("agenda"))
    found = items or asked or ([subject] if subject and is_telling else [])
    return list(dict.fromkeys(" ".join(one.split())[:LONGEST] for one in found))[:MOST_OF_A_MAIL]


def from_tasks(found: MeetingContext, *, german: bool) -> list[Point]:
    """Open tasks that speak of the meeting. Where somebody from outside comes, they are for the person alone."""
    source = "deine Aufgabe" if german else "your task"
    about = [one for one in found.tasks if is_about(found.meeting.title, f"{one.title}\n{one.description[:2000]}")]
    return [
        Point(task.title, source, not found.guests and may_be_sent(task.title, None))
        for task in sorted(about, key=is_own_task, reverse=True)[:MOST_POINTS]
    ]


def open_with_people(found: MeetingContext, *, german: bool) -> Iterator[Point]:
    """What else is open with those who come; never for their eyes."""
    for promise in found.commitments:
        said = say_day(promise.said_at, german=german)
        if german:
            who = (
                f"Du hast {promise.called} am {said} versprochen"
                if promise.is_mine
                else f"{promise.called} hat am {said} versprochen"
            )
        else:
            who = (
                f"You promised {promise.called} on {said}"
                if promise.is_mine
                else f"{promise.called} promised on {said}"
            )
        due = ""
        if promise.due_at:
            at = say_date(
                promise.due_at.astimezone(found.meeting.starts_at.tzinfo),
                german=german,
                with_time=not promise.due_is_all_day,
            )
            due = f" ({'bis' if german else 'due'} {at})"
        yield Point(f"{who}: “{promise.quote[:LONGEST]}”{due}", "", is_shared=False)
    for task in found.tasks:
        if not is_about(found.meeting.title, f"{task.title}\n{task.description[:2000]}"):
            due = task.due_at.astimezone(found.meeting.starts_at.tzinfo) if task.due_at else None
            when = (
                f" ({'bis' if german else 'due'} {say_date(due, german=german, with_time=not task.due_is_all_day)})"
                if due
                else ""
            )
            yield Point(f"{task.title}{when}", "deine Aufgabe" if german else "your task", is_shared=False)


def may_be_sent(text: str, now: datetime | None) -> bool:
    """May a point go into a mail: no link, no address, no deadline that is over?"""
    if urls_in(text) or addresses_in(text):
        return False
    return now is None or not any(
        one.relation in {"by", "before"} and one.due_at < now for one in find_dates(text, now)
    )


def say_day(at: datetime, *, german: bool) -> str:
    """ "2 March", "2. März"."""
    return f"{at.day}. {MONTHS_DE[at.month - 1]}" if german else f"{at.day} {MONTHS_EN[at.month - 1]}"


def say_span(found: MeetingContext, *, german: bool) -> str:
    """ "Thursday 5 March 2026, 14:00-15:00"."""
    one = found.meeting
    day = say_date(one.starts_at, german=german, with_time=False)
    return f"{day}, {one.starts_at:%H:%M}–{one.ends_at:%H:%M}"


def greeting(found: MeetingContext, *, german: bool) -> str:
    """Everybody by first name where there are few and the address of each says it: what they call themselves is their word."""
    names = [said_by_address(one.name, one.address) for one in found.people]
    if not names or len(names) > 4 or not all(names):
        return "Hallo zusammen," if german else "Hello everyone,"
    *first, last = names
    said = f"{', '.join(first)} {'und' if german else 'and'} {last}" if first else last
    return f"{'Hallo' if german else 'Hello'} {said},"


def _once(points: list[Point]) -> list[Point]:
    found: dict[str, Point] = {}
    for point in points:
        found.setdefault(point.text.casefold().strip(" .?!"), point)
    return list(found.values())
