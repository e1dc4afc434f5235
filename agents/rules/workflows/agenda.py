"""An agenda without a model: points that stand somewhere, each with its source, or a plain frame that says so."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from agents.proactive.meeting_context import MeetingContext, fresh_part
from agents.proactive.situation import Person, SeenMail
from agents.rules.workflows import outline
from agents.rules.workflows.meeting_points import (
    Point,
    from_mails,
    from_tasks,
    greeting,
    left_open,
    open_with_people,
    say_day,
    say_span,
    wishes_of,
)
from agents.rules.workflows.wording import say_date
from agents.strategist import Blocked, DraftContent, Immediate, TaskContext, ThreadMessage

FRAME = (
    ("Where we stand", "What is open", "Who does what until when"),
    ("Wo wir stehen", "Was offen ist", "Wer was bis wann tut"),
)
GONE = Blocked(
    reason="The meeting is not in the calendar any more",
    unblocked_by="Put it back, or cancel this task",
    message="The meeting is gone",
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """Markdown for the person, and a mail to those who come; a new version is for the person alone."""
    found = context.meeting
    if found is None:
        return GONE if "event" in context.task.source_ref else outline.decide(context, now)
    german = found.is_german
    if context.task.source_ref.get("agenda_task_id"):
        return _new_version(context, found, german=german)
    left, mails, tasks = (
        left_open(found, now, german=german),
        from_mails(found, now, german=german),
        from_tasks(found, german=german),
    )
    points = [*mails, *tasks]
    aside = list(open_with_people(found, german=german))
    output = _document(found, left, points, aside, german=german)
    sources = len({one.source for one in (*left, *points)})
    is_frame = not left and not points
    if is_frame:
        message = "A plain frame: nothing was found in mail, tasks or notes about it"
    else:
        message = (
            f"{len(left) + len(points)} points from {sources} {'source' if sources == 1 else 'sources'}, each named"
        )
    return Immediate(
        output=output,
        format="markdown",
        confidence=0.55 if is_frame else 0.7,
        draft=_mail(context, found, [*left, *points], german=german) if found.people else None,
        message=message,
    )


def _document(
    found: MeetingContext, left: list[Point], points: list[Point], aside: list[Point], *, german: bool
) -> str:
    """The agenda as the person sees it: with sources, and what is not for the others below a line."""
    names = ", ".join(found.called(one) for one in found.people)
    lines = [f"# Agenda: {found.meeting.title}", "", f"{say_span(found, german=german)} · {names}", ""]
    if left:
        lines += [
            f"## {'Offen vom letzten Mal' if german else 'Open from last time'}",
            *(_line(one, german=german) for one in left),
            "",
        ]
    lines.append(f"## {'Themen' if german else 'Topics'}")
    if points:
        lines += [_line(one, german=german) for one in points]
        lines += ["", f"## {'Zum Schluss' if german else 'To close'}", f"- {FRAME[german][2]}", ""]
    else:
        lines += [f"{number}. {one}" for number, one in enumerate(FRAME[german], 1)]
        lines += ["", f"*{_nothing(is_left=bool(left), german=german)}*", ""]
    if aside:
        title = "Für dich: außerdem offen mit denen, die kommen" if german else "For you: also open with those who come"
        lines += [f"## {title}", *(f"- {one.text}{f' ({one.source})' if one.source else ''}" for one in aside), ""]
    return "\n".join(lines)


def _nothing(*, is_left: bool, german: bool) -> str:
    if german:
        return (
            "Mehr fand sich nicht."
            if is_left
            else "In Mails, Aufgaben und Notizen fand sich nichts dazu; das ist nur der Rahmen."
        )
    return (
        "Nothing more was found."
        if is_left
        else "Nothing was found about it in mail, tasks or notes; this is only the frame."
    )


def _line(point: Point, *, german: bool) -> str:
    alone = "" if point.is_shared else ("; nicht in der Mail" if german else "; not in the mail")
    return f"- {point.text} ({point.source}{alone})"


def _mail(context: TaskContext, found: MeetingContext, points: list[Point], *, german: bool) -> DraftContent:
    """The agenda as those who come get it: the points that all of them may read, without sources."""
    shared = [re.sub(r"\s*[.;]+$", "", one.text) for one in points if one.is_shared]
    listed = [*shared, FRAME[german][2]] if shared else list(FRAME[german])
    at = say_date(found.meeting.starts_at, german=german, with_time=True)
    if german:
        first, last = (
            f"hier ist die Agenda für „{found.meeting.title}“ am {at}:",
            "Fehlt etwas? Dann antworte bitte vorher auf diese Mail.",
        )
    else:
        first, last = (
            f"here is the agenda for “{found.meeting.title}” on {at}:",
            "Is something missing? Please answer this mail before we meet.",
        )
    numbered = "\n".join(f"{number}. {one}" for number, one in enumerate(dict.fromkeys(listed), 1))
    body = "\n\n".join(filter(None, [greeting(found, german=german), first, numbered, last, context.sender_name]))
    subject = f"Agenda: {found.meeting.title}, {say_date(found.meeting.starts_at, german=german, with_time=False)}"
    return DraftContent(to=[one.address for one in found.people], subject=" ".join(subject.split()), body=body)


def _new_version(context: TaskContext, found: MeetingContext, *, german: bool) -> Immediate | Blocked:
    """The agenda that was sent, with the points of those who answered."""
    added: list[str] = []
    for message in context.thread:
        if message.is_from_me:
            continue
        mail = _as_seen(message)
        who, day = mail.sender.called, say_day(mail.sent_at, german=german) if message.sent_at else ""
        wishes = wishes_of(mail, found.meeting.title) if _has_points(mail) else [" ".join(mail.text.split())[:400]]
        source = f"{who}, {'Antwort vom' if german else 'answer of'} {day}" if day else who
        added += [f"- {one} ({source})" for one in wishes if one]
    if not added:
        return Blocked(reason="The answers to the agenda hold no point", unblocked_by="Read them, then tick this off")
    before = found.earlier.strip() or f"# Agenda: {found.meeting.title}\n\n{say_span(found, german=german)}"
    heading = "Dazugekommen" if german else "Added by those who answered"
    note = "Eine neue Fassung; sie ist nicht verschickt." if german else "A new version; it has not been sent."
    output = "\n".join([before, "", f"## {heading}", *dict.fromkeys(added), "", f"*{note}*", ""])
    return Immediate(
        output=output,
        format="markdown",
        confidence=0.65,
        message=f"Taken in from those who answered, in their words: {len(added)}",
    )


def _has_points(mail: SeenMail) -> bool:
    return bool(wishes_of(replace(mail, subject=""), ""))


def _as_seen(message: ThreadMessage) -> SeenMail:
    return SeenMail(
        message_id=message.message_id,
        thread_key="",
        account="",
        sender=Person(message.from_address, message.from_name),
        subject=message.subject,
        text=fresh_part(message.text),
        sent_at=message.sent_at or datetime.min.replace(tzinfo=UTC),
    )
