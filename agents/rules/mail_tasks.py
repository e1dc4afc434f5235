"""Tasks from what a mail asks: their titles, kinds and dates, in the words of the mail."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.rules.dates import DateMention, find_dates
from agents.rules.mail_invoices import Invoice
from agents.rules.mail_items import Item
from agents.rules.mail_records import Commitment, MailForTriage
from agents.rules.mail_requests import Request, main_clause, name_the_asker
from agents.rules.mail_titles import shares_a_word, with_object
from agents.rules.meaning import Meaning, meaning_of
from agents.rules.titles import clean_title
from agents.rules.verbs import find_verb
from tasks.models import ExtractedTask, Priority, TaskKind

LONGEST_QUOTE = 500
RE = re.compile(r"^(?:\s*(?:re|aw|fw|fwd|wg|antw)\s*:)+\s*", re.IGNORECASE)
URGENT = re.compile(
    r"(?<!not )(?<!nicht )\b(?:urgent(?:ly)?|asap|as soon as possible|immediately|dringend|eilt|so schnell wie möglich|umgehend|sofort)\b",
    re.IGNORECASE,
)
ACTS_ON_THEIR_OWN: frozenset[TaskKind] = frozenset(["email", "message", "reply"])
ANAPHORA = re.compile(
    r"\b(?:it|that|this|these|those|them|so|diese[rsnm]?|dies|das|es|ihn|sie|darum|dazu|damit|davon)\b", re.IGNORECASE
)
TAIL = re.compile(
    r"\s*(?:[,;]\s*(?:otherwise|or\s+else|because|so\s+that|sonst|weil|damit)\b.*|\b(?:at\s+the\s+latest|spätestens)\s*)$",
    re.IGNORECASE,
)
IS_DUE = re.compile(r"\s+(?:is|are|ist|sind)\s*$", re.IGNORECASE)
MINE = {
    **{"your": "my", "yours": "mine", "yourself": "myself", "dich": "mich", "dir": "mir"},
    **{"dein": "mein", "deine": "meine", "deinen": "meinen", "deinem": "meinem", "deiner": "meiner"},
}
YOURS = re.compile(rf"\b(?:{'|'.join(sorted(MINE, key=len, reverse=True))})\b", re.IGNORECASE)
POLITE = re.compile(r"\b(?:please|pls|kindly|bitte)\b,?", re.IGNORECASE)


@dataclass(frozen=True)
class Writer:
    """Who wrote the mail, under which subject, and when."""

    address: str
    name: str
    subject: str
    seen: datetime

    @property
    def called(self) -> str:
        return self.name or self.address

    @property
    def topic(self) -> str:
        return RE.sub("", self.subject).strip()

    @property
    def topic_is_date(self) -> bool:
        """A subject such as "Sunday" says nothing that the date does not."""
        rest = self.topic
        for date in reversed(find_dates(self.topic, self.seen)):
            rest = f"{rest[: date.start]} {rest[date.end :]}"
        return not re.search(r"[^\W\d_]{3,}", rest)

    @property
    def why(self) -> str:
        about = f"“{self.topic}”" if self.topic else "a mail without a subject"
        return f"{about} of {self.seen.day} {self.seen:%B}"


@dataclass(frozen=True)
class Occasion:
    """Something the mail invites to: "lunch on Sunday at 1"."""

    sentence: str
    date: DateMention


@dataclass(frozen=True)
class Asked:
    """A request in its sentence, with the dates there; `occasion`: what it belongs to when it has none.

    `before` is the sentence before; `points` is the list below it, where it ends with a colon.
    """

    request: Request
    sentence: str
    dates: tuple[DateMention, ...]
    occasion: Occasion | None = None
    before: str = ""
    points: tuple[str, ...] = ()

    @property
    def in_context(self) -> str:
        """The sentence, with the one before where it speaks of "it" or belongs to an occasion."""
        if self.occasion:
            return f"{self.occasion.sentence}\n{self.sentence}"
        return f"{self.before}\n{self.sentence}" if self.before and speaks_of_before(self.sentence) else self.sentence


def speaks_of_before(sentence: str) -> bool:
    """Does it say "it" or "that" of what was said before?"""
    return ANAPHORA.search(sentence) is not None


def from_request(asked: Asked, writer: Writer) -> ExtractedTask:
    """The task that a request makes: an answer, something to send, or a deed."""
    request = asked.request
    if request.ask in {"answer", "meet", "come"}:
        return _answer(asked, writer)
    if request.ask == "send":
        return _task(
            asked,
            writer,
            _titled(asked, writer),
            kind="reply",
            semi=True,
            confidence=0.8,
            does="asks you to send something",
        )
    meaning = (
        meaning_of(request.verb) if request.verb else Meaning("errand", "manual", 0.6, "Only a person can do this")
    )
    if meaning.kind in ACTS_ON_THEIR_OWN and not _names_another(request.words):
        return _task(
            asked, writer, _titled(asked, writer), kind="reply", semi=True, confidence=0.75, does="asks you to write"
        )
    title = _titled(asked, writer)
    task = _task(
        asked,
        writer,
        title,
        kind=meaning.kind,
        semi=False,
        confidence=min(meaning.confidence, 0.8),
        does="asks you to do this",
    )
    return task.model_copy(update={"execution_type": meaning.execution_type})


def from_item(item: Item, dates: Sequence[DateMention], writer: Writer, mine: frozenset[str]) -> ExtractedTask:
    """The task of an item in notes that names the owner."""
    found = find_verb(item.what.rstrip(" ."), asked=True)
    meaning = meaning_of(found) if found else Meaning("errand", "manual", 0.6, "Only a person can do this")
    due = _deadline(dates) or (dates[0] if dates else None)
    together = ", ".join(name.capitalize() for name in sorted(item.names - mine))
    title = clean_title(_without(item.what, due))
    if title:
        title = with_object(title, writer.called, "" if writer.topic_is_date else writer.topic)
    return ExtractedTask(
        title=f"{title} (with {together})"[:300] if together else title or writer.topic or "Look at this mail",
        description=item.line[:LONGEST_QUOTE],
        execution_type=meaning.execution_type,
        kind=meaning.kind,
        confidence=min(meaning.confidence, 0.8),
        why=f"{writer.called} named you in {writer.why}"[:500],
        due_at=due.due_at if due else None,
        due_is_all_day=due.is_all_day if due else True,
        recurrence=None,
        recipient=None,
        estimated_duration_minutes=None,
        quote=item.line[:LONGEST_QUOTE],
    )


def invoice_task(invoice: Invoice, writer: Writer) -> ExtractedTask:
    """Paying is a person's."""
    due = invoice.due
    sender = f"{writer.name} <{writer.address}>" if writer.name else writer.address
    title = f"Pay invoice {invoice.number}" if invoice.number else f"Pay {writer.called}: {writer.topic}"
    return ExtractedTask(
        title=clean_title(title)[:300],
        description=f"{invoice.amount}\nFrom {sender}".strip(),
        execution_type="manual",
        kind="payment",
        confidence=0.9 if due and invoice.amount else 0.75,
        why=f"{writer.called} asks for payment in {writer.why}"[:500],
        due_at=due.due_at if due else None,
        due_is_all_day=due.is_all_day if due else True,
        recurrence=None,
        recipient=None,
        estimated_duration_minutes=None,
        quote=invoice.quote,
    )


def with_promise(task: ExtractedTask, promise: Commitment) -> ExtractedTask:
    """The task as the owner's promise left it: due as promised."""
    why = f"{task.why}; you answered: “{promise.quote}”"[:1000]
    due = {"due_at": promise.due_at, "due_is_all_day": promise.due_is_all_day} if promise.due_at else {}
    return task.model_copy(update={"why": why, **due})


def promised_task(promise: Commitment, mail: MailForTriage) -> ExtractedTask:
    """The task of a promise that nobody asked for."""
    topic = RE.sub("", mail.subject).strip()
    to = mail.people[0] if mail.people else mail.to[0] if mail.to else mail.cc[0]
    return ExtractedTask(
        title=f"Keep your promise to {to}{f': {topic}' if topic else ''}"[:300],
        description=promise.quote,
        execution_type="semi_automated",
        kind="reply",
        confidence=0.75,
        why=f"You promised it in “{topic}”"[:500],
        due_at=promise.due_at,
        due_is_all_day=promise.due_is_all_day,
        recurrence=None,
        recipient=mail.to[0] if mail.to else None,
        quote=promise.quote[:LONGEST_QUOTE],
        estimated_duration_minutes=None,
    )


def _answer(asked: Asked, writer: Writer) -> ExtractedTask:
    ask = asked.request.ask
    does = {"meet": "proposes to meet", "come": "asks whether you come"}.get(ask, "asks you")
    about = writer.topic if writer.topic and not writer.topic_is_date else asked.sentence
    title = f"Answer {writer.called}: {about}"
    task = _task(asked, writer, title[:300], kind="reply", semi=True, confidence=0.85, does=does)
    lines = [asked.sentence]
    if ask == "meet":
        lines += [f"Proposed: {_moment(date)}" for date in asked.dates]
    return task.model_copy(update={"description": "\n".join(lines)[:2000]})


def _task(
    asked: Asked, writer: Writer, title: str, *, kind: TaskKind, semi: bool, confidence: float, does: str
) -> ExtractedTask:
    due = _due(asked)
    return ExtractedTask(
        title=title,
        description=asked.in_context,
        execution_type="semi_automated" if semi else "manual",
        kind=kind,
        confidence=confidence,
        why=f"{writer.called} {does} in {writer.why}"[:500],
        due_at=due.due_at if due else None,
        due_is_all_day=due.is_all_day if due else True,
        recurrence=None,
        estimated_duration_minutes=None,
        priority=_priority(f"{writer.subject} {asked.sentence}"),
        recipient=(writer.address or None) if semi else None,
        quote=asked.sentence[:LONGEST_QUOTE],
    )


def _due(asked: Asked) -> DateMention | None:
    """A deadline wins; else a date of the request itself, not one in what it asks about; else the day spoken of."""
    ask = asked.request.ask
    if ask == "meet":
        return None
    if deadline := _deadline(asked.dates):
        return deadline
    if ask == "come":
        return asked.dates[0] if asked.dates else None
    head = len(main_clause(asked.sentence)) if ask == "answer" else len(asked.sentence)
    own = [date for date in asked.dates if date.start < head and not date.keeps_words]
    if ask == "answer" and asked.request.words == asked.sentence:
        own = []  # a bare question: its date is what it asks about
    return own[0] if own else asked.occasion.date if asked.occasion else None


def _deadline(dates: Sequence[DateMention]) -> DateMention | None:
    return next((date for date in dates if date.relation in {"by", "before"}), None)


def _titled(asked: Asked, writer: Writer) -> str:
    """The request in its own words without its date, and what the mail is about where the words don't say."""
    words = asked.request.words
    said = words.removeprefix("Send me ").removeprefix("Schick mir ")
    found = said in asked.sentence
    at = asked.sentence.find(said) - (len(words) - len(said))
    for date in sorted(asked.dates, key=lambda date: date.start, reverse=True):
        due = _due(asked)
        if found and due is date and date.start >= at and not date.keeps_words:
            words = f"{words[: date.start - at]} {words[date.end - at :]}"
    words = POLITE.sub(" ", words.rstrip(" .?!"))
    for pattern in (TAIL, TAIL, IS_DUE):
        words = pattern.sub("", words)
    words = name_the_asker(words, writer.called)
    words = YOURS.sub(lambda found: MINE[found[0].casefold()], words)
    title = clean_title(re.sub(r"[?!]+\s*$", "", words)) or f"Answer {writer.called}"
    if asked.points and len(title.split()) < 3:
        return f"{title} {', '.join(asked.points)}"[:300]
    if (whole := with_object(title, writer.called, "" if writer.topic_is_date else writer.topic)) != title:
        return whole[:300]
    if writer.topic and not writer.topic_is_date and not shares_a_word(title, writer.topic):
        title = f"{title} ({writer.topic})"
    return title[:300]


def _without(words: str, date: DateMention | None) -> str:
    return f"{words[: date.start]} {words[date.end :]}" if date and not date.keeps_words else words


def _names_another(words: str) -> bool:
    return (
        re.search(
            r"\b(?:to|an|with|mit)\s+(?!me\b|us\b|mich\b|uns\b)(?:[A-ZÄÖÜ]\w+|\S+@\S+|the\s+\w+|him|her|them)", words
        )
        is not None
    )


def _moment(date: DateMention) -> str:
    day = f"{date.due_at:%A} {date.due_at.day} {date.due_at:%B %Y}"
    return day if date.is_all_day else f"{day}, {date.due_at:%H:%M}"


def _priority(text: str) -> Priority:
    return "high" if URGENT.search(text) else "medium"
