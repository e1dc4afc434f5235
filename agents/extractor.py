"""The extractor: from what a person writes to tasks. One structured call, then rules that any answer must hold."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from agents.rules.day_reply import without_plan
from agents.rules.reminding import reminder_of
from agents.thinking import LONGEST_WAIT_SECONDS, ModelMalformed, ModelUnavailable, Question, Thinking, load_prompt
from core.errors import Invalid
from tasks.models import ExtractedTask, Extraction
from tasks.occurrences import check_rule

PROMPT = load_prompt(Path(__file__).parent / "extractor.md")
MOST_TASKS = 50


@dataclass(frozen=True)
class ReplyDelta:
    """The next piece of the reply while it is being written."""

    text: str


async def extract(
    message: str, *, now: datetime, history: Sequence[tuple[str, str]] = (), thinking: Thinking
) -> Extraction:
    """Find the tasks in `message`. `now` is aware, in the person's zone; `history` is (role, words), oldest first.

    Raises ModelUnavailable, ModelRefused or ModelMalformed where a model is asked.
    """
    history = _readable(history)
    answer = await thinking.answer(_question(message, now, history), lambda: _by_rules(message, now))
    return sound(cast(Extraction, answer), message, now, history)


async def extract_stream(
    message: str, *, now: datetime, history: Sequence[tuple[str, str]] = (), thinking: Thinking
) -> AsyncIterator[ReplyDelta | Extraction]:
    """As `extract`: pieces of the reply as they come, last the whole.

    A stream that breaks off or ends malformed is asked again in one piece; the reply of the last item stands.
    """
    history = _readable(history)
    said = ""
    whole: Extraction | None = None
    try:
        async for partial in thinking.stream(_question(message, now, history), lambda: _by_rules(message, now)):
            whole = cast(Extraction, partial)
            if whole.reply.startswith(said) and len(whole.reply) > len(said):
                yield ReplyDelta(whole.reply[len(said) :])
                said = whole.reply
    except ModelMalformed:
        whole = None
    except ModelUnavailable as error:
        if (error.retry_after_seconds or 0) > LONGEST_WAIT_SECONDS:
            raise
        whole = None
    if whole is None:
        whole = await extract(message, now=now, history=history, thinking=thinking)
        if whole.reply.startswith(said) and len(whole.reply) > len(said):
            yield ReplyDelta(whole.reply[len(said) :])
    yield sound(whole, message, now, history)


def _by_rules(message: str, now: datetime) -> Extraction:
    from agents.rules.extract import extract_tasks

    return extract_tasks(message, now)


def _readable(history: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(role, without_plan(role, words)) for role, words in history]


def _question(message: str, now: datetime, history: Sequence[tuple[str, str]]) -> Question:
    before = "\n".join(f"{role}: {words}" for role, words in history)
    words = f"Now: {now.isoformat()} ({now:%A}), time zone {now.tzinfo}\n"
    if before:
        words += f"<conversation>\n{before}\n</conversation>\n"
    return Question("extraction", [PROMPT], f"{words}<message>\n{message}\n</message>", [Extraction])


def sound(extraction: Extraction, message: str, now: datetime, history: Sequence[tuple[str, str]]) -> Extraction:
    """What rules can hold of any answer: aware dates, no task twice, no recipient that nobody named.

    A date without offset is read in the zone of `now`; more than `MOST_TASKS` tasks are cut off.
    """
    spoken = " ".join([message, *(words for _, words in history)]).casefold()
    seen: set[tuple[str, datetime | None]] = set()
    tasks: list[ExtractedTask] = []
    for task in extraction.tasks:
        due_at = task.due_at
        if due_at and due_at.tzinfo is None:
            due_at = due_at.replace(tzinfo=now.tzinfo)
        key = (" ".join(task.title.casefold().split()), due_at)
        if not key[0] or key in seen:
            continue
        seen.add(key)
        changes = {
            "title": task.title.strip(),
            "due_at": due_at,
            "recurrence": task.recurrence if due_at and _is_rule(task.recurrence) else None,
            "reminder_at": reminder_of(task.quote or message, due_at, is_all_day=task.due_is_all_day, now=now),
            "recipient": task.recipient if task.recipient and _is_named(task.recipient, spoken) else None,
        }
        tasks.append(task.model_copy(update=changes))
    return extraction.model_copy(update={"tasks": tasks[:MOST_TASKS]})


def _is_named(recipient: str, spoken: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(recipient.casefold().strip())}(?!\w)", spoken) is not None


def _is_rule(recurrence: str | None) -> bool:
    if not recurrence:
        return False
    try:
        check_rule(recurrence)
    except Invalid:
        return False
    return True
