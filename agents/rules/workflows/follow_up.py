"""A follow-up without a model: the notes in short, who took on what, and a mail to those who were there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from agents.proactive.gatherings import NOTES
from agents.proactive.meeting_context import MeetingContext, Notes
from agents.rules.workflows import meeting_summary
from agents.rules.workflows.action_items import checklist_line, find_action_items
from agents.rules.workflows.agenda import GONE
from agents.rules.workflows.meeting_points import greeting, may_be_sent, say_span
from agents.rules.workflows.wording import capitalised, say_date, sentences
from agents.strategist import Blocked, DraftContent, Immediate, TaskContext
from tasks.own_words import CARRIES_NOTHING, stem, tokens_of

JOINED = re.compile(r"\s+(?:and|und|&)\s+|\s*\+\s*|\s*/\s*|,\s*")
PLUS = re.compile(r"(?m)(^|[-*•]\s+|\b)([A-ZÄÖÜ][\w'’-]+)\s*\+\s*([A-ZÄÖÜ][\w'’-]+)(?=\s*:)")
ALIKE = 0.5
MOST_NOTED = 12
SECTIONS = (
    ("Decisions", "Action items", "Noted", "Open questions"),
    ("Entscheidungen", "Aufgaben", "Festgehalten", "Offene Fragen"),
)


@dataclass(frozen=True)
class NotedItem:
    """What somebody took on, in the words of the notes. `linked_to`: the task or event that stands for it already."""

    who: str
    what: str
    quote: str
    is_mine: bool
    address: str = ""
    due_at: datetime | None = None
    has_time: bool = False
    linked_to: str | None = None

    def as_row(self) -> dict[str, Any]:
        """The person's own as a part to be done."""
        return {
            "title": capitalised(self.what)[:300],
            "description": self.quote[:2000],
            "kind": "errand",
            "execution_type": "manual",
            "due_at": self.due_at.isoformat() if self.due_at else None,
            "due_is_all_day": not self.has_time,
            "on_failure": "skip",
        }


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """Markdown for the person, and a mail to those who were there. Blocked where the notes are gone."""
    found = context.meeting
    if found is None:
        return GONE if "event" in context.task.source_ref else meeting_summary.decide(context, now)
    if found.notes is None:
        return Blocked(
            reason="The notes of this meeting are gone",
            unblocked_by="Paste them into the description, then execute it again",
        )
    german = found.is_german
    summary = "\n".join(_summary(found.notes, now, german=german))
    items = noted_items(found, now)
    lines = [
        f"# {found.meeting.title}",
        "",
        f"{say_span(found, german=german)} · {'Notizen von' if german else 'notes by'} {found.notes.written_by}",
        "",
    ]
    lines += [summary.strip(), ""]
    if items:
        lines += [
            f"## {'Was daraus wird' if german else 'What becomes of it'}",
            *(_becomes(one, german=german) for one in items),
            "",
        ]
    is_own_mail = found.notes.mail is not None and found.notes.mail.is_from_me
    draft = None if is_own_mail or not found.people else _mail(context, found, summary, now, german=german)
    done = (
        "the mail with the notes was yours, so none is drafted"
        if is_own_mail
        else "a mail to those who were there is drafted"
    )
    return Immediate(
        output="\n".join(lines), format="markdown", confidence=0.65, draft=draft,
        message=f"{len(items)} action {'item' if len(items) == 1 else 'items'} out of the notes; {done}",
    )  # fmt: skip


def _summary(notes: Notes, now: datetime, *, german: bool) -> Iterator[str]:
    """The notes in their own lines, sorted: what was decided, what was noted besides, who does what, what is open."""
    at = notes.at.astimezone(now.tzinfo)
    told, asked, text = meeting_summary.labelled(without_plus(notes.text))
    lines = [one for one in sentences(text) if not _is_title(one)]
    questions = [one for one in lines if meeting_summary.QUESTION.search(one)]
    decisions = [one for one in lines if meeting_summary.DECISION.search(one) and one not in questions]
    taken = {*questions, *decisions}
    noted = [one for one in lines if one not in taken and not find_action_items(one, at)]
    actions = [checklist_line(one, german=german) for one in find_action_items(text, at)]
    for name, rows in zip(
        SECTIONS[german],
        (
            [f"- {one}" for one in (*told, *decisions)],
            actions,
            [f"- {one}" for one in noted[:MOST_NOTED]],
            [f"- {one}" for one in (*asked, *questions)],
        ),
        strict=True,
    ):
        if rows:
            yield from (f"## {name}", *rows, "")


def _is_title(line: str) -> bool:
    """Does a line only say that these are the notes?"""
    return len(line) < 90 and NOTES.match(line.strip("#* ")) is not None


def noted_items(found: MeetingContext, now: datetime) -> list[NotedItem]:
    """Who took on what: one entry for each person, the person's own with what stands for it already."""
    notes = found.notes
    if notes is None:
        return []
    items: list[NotedItem] = []
    _, _, text = meeting_summary.labelled(without_plus(notes.text))
    for item in find_action_items(text, notes.at.astimezone(now.tzinfo)):
        for who in [one for one in JOINED.split(item.who) if one]:
            name = _writer(found) if who.casefold() in {"i", "ich"} else who
            is_mine = name.casefold().split()[0] in found.owner.first_names if name else False
            person = None if is_mine else _person(found, name)
            if is_mine or person:
                made = NotedItem(
                    name, item.what, f"{item.who}: {item.what}", is_mine, person or "", item.due, item.has_time
                )
                items.append(replace(made, linked_to=_stands_for(found, made) if is_mine else None))
    return items


def without_plus(text: str) -> str:
    """ "Robin + Lena:" as "Robin and Lena:"."""
    return PLUS.sub(r"\1\2 and \3", text)


def _writer(found: MeetingContext) -> str:
    notes = found.notes
    if notes is None or notes.mail is None:
        return ""
    return next(iter(sorted(found.owner.first_names)), "") if notes.mail.is_from_me else notes.mail.sender.name


def _person(found: MeetingContext, name: str) -> str | None:
    """The address of the one person who was there that has this first name."""
    if not name:
        return None
    first = name.split(maxsplit=1)[0].casefold()
    fits = [
        one.address
        for one in found.people
        if first in {found.called(one).casefold().split()[0], one.address.partition("@")[0].partition(".")[0]}
    ]
    return fits[0] if len(fits) == 1 else None


def _stands_for(found: MeetingContext, item: NotedItem) -> str | None:
    """The task or event that an action item is already: one that the notes made, one like it, or an event at its time."""
    notes = found.notes
    notes_id = notes.mail.message_id if notes and notes.mail else None
    for task in found.tasks:
        least = ALIKE if notes_id and task.source_ref.get("message_id") == notes_id else 0.75
        if _likeness(item.what, task.title) >= least:
            return f"“{task.title}”"
    for event in found.around:
        is_then = item.due_at is not None and (
            abs(event.starts_at - item.due_at) < timedelta(minutes=1)
            if item.has_time
            else event.starts_at.astimezone(item.due_at.tzinfo).date() == item.due_at.date()
        )
        if is_then and _words(item.what) & _words(event.title):
            return f"“{event.title}”"
    return None


def _words(text: str) -> set[str]:
    return {stem(one) for one in tokens_of(text) if one not in CARRIES_NOTHING and one[0].isalnum()}


def _likeness(one: str, other: str) -> float:
    """The share of the shorter one's words that the other has."""
    first, second = _words(one), _words(other)
    return len(first & second) / max(min(len(first), len(second)), 1)


def _becomes(item: NotedItem, *, german: bool) -> str:
    who = ("Du" if german else "You") if item.is_mine else item.who
    due = (
        f" ({'bis' if german else 'due'} {say_date(item.due_at, german=german, with_time=item.has_time)})"
        if item.due_at
        else ""
    )
    if not item.is_mine:
        what = "als Zusage gemerkt" if german else "kept as a promise of theirs"
    elif item.linked_to:
        what = f"schon da: {item.linked_to}" if german else f"there already: {item.linked_to}"
    else:
        what = "eine Aufgabe von dir" if german else "a task of yours"
    return f"- {who}: {item.what}{due}, {what}"


def _mail(context: TaskContext, found: MeetingContext, summary: str, now: datetime, *, german: bool) -> DraftContent:
    """The summary as a mail: what has a link or a deadline that is over stays out."""
    kept = [line for line in summary.splitlines() if may_be_sent(line, now)]
    plain = re.sub(r"\*\*|^- \[ \] |^## ", "", "\n".join(kept).replace("- [ ] ", "- "), flags=re.MULTILINE).strip()
    day = say_date(found.meeting.starts_at, german=german, with_time=False)
    if german:
        first, last = (
            f"das nehmen wir aus „{found.meeting.title}“ vom {day} mit:",
            "Fehlt etwas oder stimmt etwas nicht? Dann antworte bitte.",
        )
    else:
        first, last = (
            f"this is what we take from “{found.meeting.title}” on {day}:",
            "Is something missing or wrong? Please answer this mail.",
        )
    body = "\n\n".join(filter(None, [greeting(found, german=german), first, plain, last, context.sender_name]))
    return DraftContent(
        to=[one.address for one in found.people],
        subject=" ".join(f"Follow-up: {found.meeting.title}, {day}".split()),
        body=body,
    )
