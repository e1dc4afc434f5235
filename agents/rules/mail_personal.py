"""What a mail from one person to another asks of the owner."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile

from agents.rules.dates import DateMention, find_dates
from agents.rules.mail_items import find_items
from agents.rules.mail_people import Owner, addressed_to_owner, first_names
from agents.rules.mail_records import CalendarSlot, LinkedEvent, MailForTriage
from agents.rules.mail_requests import find_requests
from agents.rules.mail_signs import is_no_reply
from agents.rules.mail_tasks import Asked, Occasion, Writer, from_item, from_request, speaks_of_before
from agents.rules.mail_text import MailText, Sentence, read_mail_text
from tasks.models import ExtractedTask

MOST_TASKS = 10
LONGEST_POINT, MOST_POINTS = 80, 8
RE_AGENDA = re.compile(r"^(?:\s*(?:re|aw|antw)\s*:)+\s*(?:agenda|tagesordnung)\s*:\s*\S", re.IGNORECASE)
ADDS = re.compile(
    r"^(?:(?:could|can|should|may|shall|might|would)\s+(?:we|you|i)\s+|(?:können|könnten|sollten|kannst|könntest)\s+(?:wir|du|sie)\s+)?"
    r"(?:(?:please|also|maybe|perhaps|still|just|bitte|noch|auch|vielleicht)\s+)*(?:add|include|put|append|squeeze\s+in|ergänz\w*|füg\w*|nimm|nehmen|setz\w*|pack\w*)\b"
    r"|\b(?:ergänzen|hinzufügen|aufnehmen|auf\s+die\s+(?:agenda|tagesordnung)(?:\s+(?:setzen|nehmen))?|(?:to|on)\s+(?:the|our)\s+agenda)\s*[?.!:]*$",
    re.IGNORECASE,
)
NO_POINT = re.compile(
    r"\b(?:invit\w+|calendar|kalender\w*|einlad\w+|attendees?|guests?|teilnehmer\w*|recipients?|cc|link|attach\w*|anhang|anhäng\w*|file|datei|list|liste|wiki|jira|crm)\b",
    re.IGNORECASE,
)
NOTES = re.compile(
    r"\b(?:notes|(?<!\d )(?<!\d-)minutes|protokoll|recap|notizen|mitschrift|ergebnisprotokoll|gesprächsnotiz\w*)\b",
    re.IGNORECASE,
)
SECOND_PERSON = re.compile(
    r"\b(?:you|your|yours|du|dir|dich|dein\w*|ihnen|euch|euer|eure\w*|ihr)\b|\bSie\b|\b(?:let\s+me\s+know|please|bitte)\b",
    re.IGNORECASE,
)
DUE = re.compile(r"\b(?:due|expires?|deadline|ends?|valid|fällig|frist|läuft|endet|gültig)\b", re.IGNORECASE)


def read_personal_mail(
    mail: MailForTriage, writer: Writer, me: Owner, calendar: Sequence[CalendarSlot]
) -> tuple[list[ExtractedTask], list[LinkedEvent]]:
    """The tasks that a mail makes for the owner, and its lines that are in the calendar already."""
    seen = writer.seen
    read = read_mail_text(mail.text)
    others = first_names([mail.from_name, *mail.people]) - me.first_names
    tasks: list[ExtractedTask] = []
    linked: list[LinkedEvent] = []
    taken: set[str] = set()
    for item in find_items(read, others | me.first_names):
        taken.add(item.line)
        if not item.names & me.first_names:
            continue
        dates = find_dates(item.what, seen)
        if slot := _in_calendar(item.what, dates, calendar):
            linked.append(LinkedEvent(slot.uid, slot.title, item.line))
        else:
            tasks.append(from_item(item, dates, writer, me.first_names))
    directed = _directed(mail, read, me, others)
    wanted = _asked([sentence for sentence in directed if sentence.line not in taken], seen, me)
    for asked in wanted:
        if _is_for_agenda(asked, mail, seen) or _is_of_notes(asked, mail, me):
            continue
        slot = _in_calendar(asked.sentence, asked.dates, calendar) if asked.request.ask in {"do", "come"} else None
        if slot:
            linked.append(LinkedEvent(slot.uid, slot.title, asked.sentence))
            continue
        tasks.append(from_request(replace(asked, points=_points(asked.sentence, read)), writer))
    if is_no_reply(mail.from_address):  # nobody reads answers there; what has no deadline is a form of words
        tasks = [task for task in tasks if task.due_at and task.kind not in {"reply", "schedule"}]
    return _one_answer(tasks)[:MOST_TASKS], linked


def _is_for_agenda(asked: Asked, mail: MailForTriage, seen: datetime) -> bool:
    """Is it a point for an agenda that was sent, of a meeting to come? A new version of that takes it in."""
    if not RE_AGENDA.match(mail.subject) or not ADDS.search(asked.request.words) or NO_POINT.search(asked.sentence):
        return False
    return any(date.due_at.date() >= seen.date() for date in find_dates(mail.subject, seen))


def _is_of_notes(asked: Asked, mail: MailForTriage, me: Owner) -> bool:
    """Is it a question that notes of a meeting hold, and nobody asks of the owner?"""
    if asked.request.ask not in {"answer", "meet", "come"} or not NOTES.search(mail.subject):
        return False
    words = asked.sentence
    is_named = any(re.search(rf"\b{re.escape(name)}\b", words, re.IGNORECASE) for name in me.first_names)
    return not is_named and SECOND_PERSON.search(words) is None


def _points(sentence: str, read: MailText) -> tuple[str, ...]:
    """The list below a sentence that ends with a colon."""
    if not sentence.endswith(":"):
        return ()
    texts = [one.text for one in read.sentences]
    if sentence not in texts:
        return ()
    below = islice(takewhile(lambda one: one.is_item, read.sentences[texts.index(sentence) + 1 :]), MOST_POINTS)
    return tuple(one.text.strip(" .,;")[:LONGEST_POINT] for one in below)


def _directed(mail: MailForTriage, read: MailText, me: Owner, others: frozenset[str]) -> list[Sentence]:
    """The sentences said to the owner."""
    is_direct = not mail.to or any(me.is_me(address) for address in mail.to)
    return [s for s in read.sentences if addressed_to_owner(s, read, me, others, is_direct=is_direct)]


def _asked(sentences: Sequence[Sentence], seen: datetime, me: Owner) -> list[Asked]:
    """What is asked, in order. A request without a date of its own takes the occasion just spoken of."""
    found: list[Asked] = []
    occasion: Occasion | None = None
    due_before: Occasion | None = None
    before = ""
    for sentence in sentences:
        dates = tuple(find_dates(sentence.text, seen))
        for request in find_requests(_without_vocative(sentence, me)):
            own = None
            if request.ask in {"do", "send"} and not dates:
                own = due_before if due_before and speaks_of_before(sentence.text) else occasion
            if own and own is due_before and found and found[-1].sentence == own.sentence:
                found.pop()  # "Your training is due on Friday. Please complete it": one task
            found.append(Asked(request, sentence.text, dates, own, before))
            if request.ask == "come" and dates:
                occasion = Occasion(sentence.text, dates[0])
        deadline = next((d for d in dates if d.relation in {"by", "before"} or DUE.search(sentence.text)), None)
        due_before = Occasion(sentence.text, deadline) if deadline else None
        before = sentence.text
    return found


def _without_vocative(sentence: Sentence, me: Owner) -> str:
    names = "|".join(re.escape(name) for name in sorted(me.first_names))
    return (
        re.sub(rf"^\s*@?(?:{names})\s*[,:–—-]\s*", "", sentence.text, flags=re.IGNORECASE) if names else sentence.text
    )


def _one_answer(tasks: list[ExtractedTask]) -> list[ExtractedTask]:
    """Several questions of one mail are one answer: the first, with the earliest date, and all that was asked."""
    answers = [task for task in tasks if task.title.startswith("Answer ")]
    if len(answers) < 2:
        return tasks
    dated = sorted((task for task in answers if task.due_at), key=lambda task: str(task.due_at))
    lines = dict.fromkeys(line for task in answers for line in task.description.splitlines())
    first = answers[0].model_copy(
        update={
            "description": "\n".join(lines),
            "due_at": dated[0].due_at if dated else None,
            "due_is_all_day": dated[0].due_is_all_day if dated else True,
        }
    )
    rest = [task for task in tasks if task not in answers]
    return [first, *rest]


def _in_calendar(words: str, dates: Sequence[DateMention], calendar: Sequence[CalendarSlot]) -> CalendarSlot | None:
    """The event that a line speaks of: it begins at that time, and shares a word with the line."""
    stems = {word[:6] for word in re.findall(r"[^\W\d_]{4,}", words.casefold())}
    for date in dates:
        for slot in calendar:
            same = slot.starts_at == date.due_at if not date.is_all_day else (
                slot.starts_at.astimezone(date.due_at.tzinfo).date() == date.due_at.date()
            )  # fmt: skip
            shared = stems & {word[:6] for word in re.findall(r"[^\W\d_]{4,}", slot.title.casefold())}
            if same and len(shared) >= (2 if date.is_all_day else 1):
                return slot
    return None
