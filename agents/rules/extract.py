"""Tasks in what a person writes, found by rules: sentences, clauses, verbs, dates.

A clause is a task when it asks for something: it begins with a verb in the imperative, or behind words of duty or
request ("I need to", "please", "vergiss nicht"), or says that something is due. What is over, denied, asked about the
world or merely pleasant is none. Nothing is invented: titles and recipients are words of the text.
"""

import re
from dataclasses import replace
from datetime import datetime

from agents.rules.dates import DateMention, find_dates, local
from agents.rules.marks import find_labels, find_minutes, find_priority, find_recipient, priority_of, without
from agents.rules.meaning import Meaning
from agents.rules.reading import read_clause, with_antecedent
from agents.rules.recurrence import Recurrence, find_recurrence, first_time
from agents.rules.replies import reply_to
from agents.rules.requests import (
    Asked,
    asks_back,
    is_denied,
    is_done,
    is_over,
    is_question,
    is_small_talk,
    strip_request,
)
from agents.rules.sentences import QUOTED, Clause, clauses_of
from agents.rules.thanks import without_thanked_days
from agents.rules.titles import clean_title
from tasks.models import ExtractedTask, Extraction

LONGEST_MESSAGE = 100_000
MOST_TASKS = 50
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060\ufeff\ud800-\udfff]")
BLANKS = re.compile(r"[^\S\n]+")
# "The party moves to Saturday" is news, "move the call to Saturday" a task with a date.
MOVED_TO = re.compile(
    r"\b(?:moves|moved|shifts|shifted|changes|changed|postponed|is|are|was|has|wird|wurde|verschoben)\s+(?:\w+\s+){0,2}(?:to|auf)\s+$",
    re.IGNORECASE,
)
DUE_WORD = re.compile(r"due\b|fällig\b|deadline\b", re.IGNORECASE)
CONTENT = re.compile(
    r"\b(?:that|saying|to\s+say|telling|whether|if|because|dass|ob|weil|mit\s+dem\s+hinweis)\b", re.IGNORECASE
)
POLITE_INSIDE = re.compile(
    r"(?<=\S)\s+(?:please|pls|bitte|doch\s+mal|mal|doch)(?=\s)(?!\s+(?:so|als|sie|ihn|euch|darum|um)\b)", re.IGNORECASE
)
BARE = re.compile(r"[\W_]+")


def extract_tasks(message: str, now: datetime) -> Extraction:
    """The tasks in a message, in order of mention, and a reply that says what was understood. `now` is aware.

    At most `MOST_TASKS` tasks; what lies beyond 100,000 characters is not read.
    """
    text = tidy(message[:LONGEST_MESSAGE]).strip()
    tasks: list[ExtractedTask] = []
    seen: set[str] = set()
    day: datetime | None = None
    for clause in clauses_of(text, now):
        day = day if clause.follows else None
        task = _task(clause, now, day)
        day = task.due_at if task and task.due_at else day
        if task and task.title.casefold() not in seen:
            tasks.append(task)
            seen.add(task.title.casefold())
        if len(tasks) == MOST_TASKS:
            break
    return Extraction(reply=reply_to(text, tasks), tasks=tasks)


def tidy(text: str) -> str:
    """The text with single blanks, plain apostrophes and no control characters; lines stay lines."""
    return BLANKS.sub(" ", CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n").replace("’", "'")))


def _task(clause: Clause, now: datetime, day: datetime | None) -> ExtractedTask | None:
    """The task that the clause asks for. `day`: the due time of the task before it in the sentence."""
    text = clause.text
    head = strip_request(text)
    priority = find_priority(text)
    spans = [(priority.start, priority.end)] if priority else []
    if _is_no_request(without(text, spans), head):
        return None
    labels = find_labels(text)
    spans += [(mark.start, mark.end) for mark in labels]
    when, when_spans = _when(text, spans, now)
    words = without(text, [*spans, *when_spans])
    asked = strip_request(POLITE_INSIDE.sub(" ", words))
    request = with_antecedent(asked.words, clause)
    is_asked = asked.asked or head.asked or clause.is_asked
    if not is_asked and text.rstrip().endswith("?"):
        return None
    about = replace(asked, words=request, asked=is_asked, reminds=asked.reminds or head.reminds)
    reading = read_clause(
        about,
        clause,
        has_date=when is not None,
        has_deadline=isinstance(when, DateMention) and when.relation in {"by", "before"},
    )
    if reading is None or (not head.asked and is_over(text, reading.title.split(" ", 1)[0].casefold())):
        return None
    title = clean_title(reading.title)
    if len(BARE.sub("", title)) < 2:
        return None
    due = when or clause.shared
    if day and isinstance(due, DateMention) and not due.has_day:
        due = replace(due, due_at=local(day.date(), due.due_at.time(), now))  # "Friday at 3 ... and call Bob at 5"
    return ExtractedTask(
        title=title,
        description=clause.material,
        execution_type=reading.meaning.execution_type,
        kind=reading.meaning.kind,
        confidence=_confidence(reading.meaning, clause, is_asked=is_asked),
        why=reading.meaning.why,
        due_at=due.due_at if due else None,
        due_is_all_day=due.is_all_day if due else True,
        recurrence=due.rule if isinstance(due, Recurrence) else None,
        priority=priority_of(priority) if priority else clause.priority or "medium",
        labels=list(dict.fromkeys(mark.value for mark in labels)),
        recipient=mark.value if (mark := find_recipient(title, reading.meaning.kind)) else None,
        quote=(f"{text}: {clause.material}" if clause.material else text)[:500],
        estimated_duration_minutes=find_minutes(title),
    )


def _is_no_request(text: str, head: Asked) -> bool:
    if not BARE.sub("", text) or is_denied(text) or is_denied(head.words) or is_done(text):
        return True
    if is_small_talk(text) or is_small_talk(head.words):
        return True
    return is_question(text) and (not head.asked or asks_back(text))


def _confidence(meaning: Meaning, clause: Clause, *, is_asked: bool) -> float:
    """Surer where the clause asks in words; less sure of a long one."""
    sure = meaning.confidence + (0.03 if is_asked else 0.0) - (0.15 if len(clause.text) > 300 else 0.0)
    return round(min(max(sure, 0.3), 0.97), 2)


# When ---------------------------------------------------------------------------------------------------------------


def _when(
    text: str, spans: list[tuple[int, int]], now: datetime
) -> tuple[DateMention | Recurrence | None, list[tuple[int, int]]]:
    """The date or rule of the task, and where its words stand. Dates in what is to be said stay where they are."""
    visible = _blanked(text, spans)
    rule = find_recurrence(visible, now)
    dates = find_dates(_blanked(visible, [(rule.start, rule.end)]) if rule else visible, now)
    if rule:
        hour = next((d for d in dates if not d.is_all_day and d.relation == "at"), None) if rule.is_all_day else None
        if hour:
            due_at = first_time(rule.rule, hour.due_at.time(), now)
            return Recurrence(rule.start, rule.end, rule.rule, due_at, False), [
                (rule.start, rule.end),
                (hour.start, hour.end),
            ]
        return rule, [(rule.start, rule.end)]
    asked = strip_request(visible).words
    content = CONTENT.search(
        visible, len(visible) - len(asked) if visible.rstrip(" .!").endswith(asked.rstrip(" .!")) else 0
    )
    own = without_thanked_days(visible, dates)
    own = [d for d in own if content is None or d.start < content.start() or _closes(d, visible)]
    own = [d for d in own if d.due_at >= now or d.relation != "none"]
    own = [d for d in own if not MOVED_TO.search(visible[: d.start])]
    if not own:
        return None, []
    chosen = next((d for d in own if d.relation in {"by", "before"}), None) or next(
        (d for d in own if not d.is_vague), own[0]
    )
    goes_to = re.search(r"\b(?:to|auf|from|von|zum)\s+$", text[: chosen.start], re.IGNORECASE) is not None
    spans_of = [] if chosen.keeps_words or goes_to else [(_behind_due(text, chosen), chosen.end)]
    if chosen.is_all_day and (hour := _hour_elsewhere(own, chosen)):
        due_at = chosen.due_at.replace(hour=hour.due_at.hour, minute=hour.due_at.minute, second=0)
        return DateMention(chosen.start, chosen.end, due_at, False, chosen.relation), [
            *spans_of,
            (hour.start, hour.end),
        ]
    return chosen, spans_of


def _behind_due(text: str, mention: DateMention) -> int:
    """Where a date begins behind "due" or "fällig": that word says what kind of clause this is."""
    match = DUE_WORD.match(text, mention.start, mention.end)
    return match.end() if match else mention.start


def _hour_elsewhere(own: list[DateMention], chosen: DateMention) -> DateMention | None:
    """ "Call Ana at 3pm about the offer tomorrow": the time stands apart from its day."""
    return next((d for d in own if d is not chosen and not d.is_all_day and d.relation == "at"), None)


def _closes(mention: DateMention, text: str) -> bool:
    """Said last with "by" or "before", a date is the task's even behind what is to be said."""
    return mention.relation in {"by", "before"} and mention.end >= len(text.rstrip(" .!?")) - 1


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    text = QUOTED.sub(lambda match: "“" + "x" * (len(match[0]) - 2) + "”", text)
    for start, end in spans:
        text = text[:start] + "," * (end - start) + text[end:]
    return text
