"""Language, names, sentences and dates as the rules read and write them. English and German."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from agents.rules.dates import find_dates
from agents.strategist import TaskContext

GERMAN = re.compile(
    r"\b(?:der|die|das|den|dem|ein|eine|einen|einer|und|oder|mit|für|von|vom|zum|zur|bitte|an|auf|dass|wegen|über|bis|ich|wir|"
    r"nicht|ist|sind|im|am|schreib\w*|entw[ie]rf\w*|verfass\w*|antwort\w*|bedank\w*|erstell\w*|fass\w*|plane\w*|organisier\w*|"
    r"e-mail an|mail an|lad\w*|danke|herrn?|frau)\b|[äöüß]",
    re.IGNORECASE,
)
ENGLISH = re.compile(
    r"\b(?:the|a|an|to|for|of|and|or|with|about|that|please|on|is|are|we|i|not|by|him|her|them|draft|write|send|reply|"
    r"email|from|plan|organi[sz]e|summari[sz]e|prepare|create|in|my|our)\b",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.!?])(?<!\b[A-ZÄÖÜ]\.)(?<!\b(?:Dr|Mr|Ms|St|Nr)\.)(?<!\d\.)(?<!z\.B\.)\s+(?=[^\s])|\n+")
BULLET = re.compile(r"^\s*(?:[-*•–—]|\d{1,2}[.)]|\[[ xX]?\]|[-*] \[[ xX]?\])\s+")
MONTHS_DE = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
DAYS_DE = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]
MONTHS_EN = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS_EN = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def is_german(text: str) -> bool:
    """Is the text more German than English?"""
    return len(GERMAN.findall(text)) > len(ENGLISH.findall(text))


def material(context: TaskContext) -> str:
    """The text that a task works on: its description, what stands behind a colon in its title, finished work it
    depends on, or the mails of its thread; empty when there is none."""
    task = context.task
    if task.description.strip():
        return task.description.strip()
    _, _, behind = task.title.partition(": ")
    if len(behind.split()) >= 4:
        return behind.strip()
    if outputs := [output for _, output in context.outputs if output.strip()]:
        return "\n\n".join(outputs)
    return "\n\n".join(message.text.strip() for message in context.thread if message.text.strip())


def with_its_date(context: TaskContext, now: datetime) -> str:
    """The title, with the date that stood right behind these words in the conversation and was read as the due date.

    "Inviting her to the kickoff on 12 March" says when the kickoff is; "by Friday" says until when to write.
    """
    title = context.task.title
    for role, words in context.conversation:
        at = words.casefold().rfind(title.casefold())
        if role != "user" or at < 0 or not context.task.due_at:
            continue
        behind = words[at + len(title) : at + len(title) + 60]
        dates = [d for d in find_dates(behind, now) if d.start <= 4 and d.relation not in {"by", "before"}]
        if dates:
            return f"{title} {behind[: dates[0].end].strip()}"
    return title


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, without bullets, in order."""
    pieces = (BULLET.sub("", piece).strip() for piece in SENTENCE.split(text[:200_000]))
    return [piece for piece in pieces if re.search(r"\w", piece)]


def say_date(moment: datetime, *, german: bool, with_time: bool) -> str:
    """A moment in words: "Friday 6 March 2026 at 15:00", "Freitag, 6. März 2026, 15:00 Uhr"."""
    if german:
        day = f"{DAYS_DE[moment.weekday()]}, {moment.day}. {MONTHS_DE[moment.month - 1]} {moment.year}"
        return f"{day}, {moment:%H:%M} Uhr" if with_time else day
    day = f"{DAYS_EN[moment.weekday()]} {moment.day} {MONTHS_EN[moment.month - 1]} {moment.year}"
    return f"{day} at {moment:%H:%M}" if with_time else day


def zone_name(moment: datetime) -> str:
    """The zone of a moment as people write it, "Europe/Berlin"; empty when it has only an offset."""
    return moment.tzinfo.key if isinstance(moment.tzinfo, ZoneInfo) else ""


def capitalised(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def no_text(what: str) -> tuple[str, str]:
    """Reason and remedy when there is no text to work on."""
    return f"There is no text to {what}", "Attach it or paste it into the task's description, then execute it again"
