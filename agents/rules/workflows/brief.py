"""A brief without a model: who comes from outside, what they wrote, what is open with them. Nothing is sent."""

from datetime import datetime

from agents.proactive.gatherings import people_of
from agents.proactive.meeting_context import MeetingContext
from agents.proactive.situation import Person
from agents.rules.workflows import needs_model
from agents.rules.workflows.agenda import GONE
from agents.rules.workflows.meeting_points import left_open, open_with_people, say_day, say_span, wishes_of
from agents.strategist import Blocked, Immediate, TaskContext

MOST_SUBJECTS = 6
NAMES = (
    ("Who comes from outside", "Also there", "What they wrote about", "Open between you", "From last time"),
    ("Wer von außen kommt", "Außerdem dabei", "Worüber sie schrieben", "Offen zwischen euch", "Vom letzten Mal"),
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """One page in Markdown, every line from a mail, a task, a promise or notes; it says where nothing was found."""
    found = context.meeting
    if found is None:
        return GONE if "event" in context.task.source_ref else needs_model.decide(context, now)
    german = found.is_german
    names = NAMES[german]
    guests = found.guests or found.people
    inside = [one for one in found.people if one not in guests]
    lines = [f"# Brief: {found.meeting.title}", "", say_span(found, german=german), "", f"## {names[0]}"]
    lines += [_who(found, one, german=german) for one in guests]
    if inside:
        lines += ["", f"{names[1]}: {', '.join(found.called(one) for one in inside)}"]
    written = _written(found, german=german)
    open_points = [
        f"- {one.text}{f' ({one.source})' if one.source else ''}" for one in open_with_people(found, german=german)
    ]
    last = [f"- {one.text} ({one.source})" for one in left_open(found, now, german=german)]
    for name, rows in ((names[2], written), (names[3], open_points), (names[4], last)):
        if rows:
            lines += ["", f"## {name}", *rows]
    if not written and not open_points and not last:
        nothing = (
            "In Mails, Aufgaben und Notizen der letzten Wochen fand sich nichts über sie."
            if german
            else "Nothing was found about them in the mail, tasks and notes of the last weeks."
        )
        lines += ["", f"*{nothing}*"]
    is_known = bool(written or open_points)
    return Immediate(
        output="\n".join([*lines, ""]),
        format="markdown",
        confidence=0.7 if is_known else 0.5,
        message=f"From {_count(len(found.mails), 'mail')}, {_count(len(found.tasks), 'task')} and {_count(len(found.commitments), 'promise')}; for you alone",
    )


def _count(number: int, noun: str) -> str:
    """ "1 mail", "3 mails"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _who(found: MeetingContext, person: Person, *, german: bool) -> str:
    """ "- **Dana Ortiz** (dana@northwind.example): last wrote on 3 March"."""
    line = f"- **{found.called(person)}** ({person.address})"
    theirs = [mail for mail in found.mails if mail.sender.address == person.address]
    mine = [mail for mail in found.mails if mail.is_from_me and person.address in people_of(mail)]
    said: list[str] = []
    if theirs:
        day = say_day(theirs[-1].sent_at, german=german)
        said.append(f"schrieb zuletzt am {day}" if german else f"last wrote on {day}")
    if mine:
        day = say_day(mine[-1].sent_at, german=german)
        said.append(f"du schriebst zuletzt am {day}" if german else f"you last wrote on {day}")
    if not said:
        said.append("keine Mail der letzten Wochen" if german else "no mail in the last weeks")
    return f"{line}: {', '.join(said)}"


def _written(found: MeetingContext, *, german: bool) -> list[str]:
    """Their mails by subject, the newest first, with what each asks."""
    rows: dict[str, str] = {}
    guests = {one.address for one in found.guests or found.people}
    for mail in reversed(found.mails):
        if mail.sender.address not in guests or mail.thread_key in rows:
            continue
        asked = wishes_of(mail, mail.subject)
        about = f": {asked[0]}" if asked else ""
        rows[mail.thread_key] = (
            f"- {say_day(mail.sent_at, german=german)}, {mail.sender.called}, “{mail.subject}”{about}"
        )
    return list(rows.values())[:MOST_SUBJECTS]
