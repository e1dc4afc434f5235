"""A friendly reminder in a thread: of what somebody promised, or of a question that lies unanswered."""

import re
from datetime import date
from typing import Any

from agents.rules.workflows.known_names import greeted_as
from agents.rules.workflows.letter import Recipient, letter
from agents.rules.workflows.wording import is_german
from agents.strategist import DraftContent, Immediate, TaskContext

RE = re.compile(r"^(?:(?:re|aw|fw|fwd|wg)\s*:\s*)+", re.IGNORECASE)
FAMILIAR = re.compile(r"\b(?:du|dir|dich|dein\w*|euch|euer\w*|ihr)\b")
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


def draft_reminder(context: TaskContext) -> Immediate | None:
    """The reminder that the task names, in the language of the thread, to the one who owes; None where it names none."""
    found: Any = context.task.source_ref.get("reminder")
    if context.task.source != "proactive" or not isinstance(found, dict):
        return None
    reminder: dict[str, Any] = {str(key): value for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    quote = str(reminder.get("quote") or "").strip()
    address = str(reminder.get("address") or "")
    recipient = Recipient(greeted_as(str(reminder.get("name") or "")), address)
    if not quote or not recipient.address:
        return None
    subject = RE.sub("", str(context.task.source_ref.get("subject") or "")).strip()
    german = is_german(quote)
    said = _day(str(reminder.get("at") or ""), german=german)
    is_promise = reminder.get("of") == "promise"
    words = (
        _in_german(quote, said, is_promise=is_promise) if german else _in_english(quote, said, is_promise=is_promise)
    )
    draft = letter(context, recipient, f"Re: {subject}" if subject else "", [words], german=german)
    draft = DraftContent(to=[recipient.address], subject=draft.subject, body=draft.body)
    return Immediate(
        output=draft.body,
        format="text",
        confidence=0.7,
        draft=draft,
        message=f"A reminder to {recipient.called} of what was said on {said}",
    )


def _in_english(quote: str, said: str, *, is_promise: bool) -> str:
    if is_promise:
        return f"Just a friendly reminder: on {said} you wrote “{quote}” Could you tell me how it stands?"
    return f"I am coming back to my message of {said}: “{quote}” I would be glad to hear from you."


def _in_german(quote: str, said: str, *, is_promise: bool) -> str:
    familiar = FAMILIAR.search(quote) is not None
    if is_promise and familiar:
        return f"nur eine freundliche Erinnerung: Am {said} hast du geschrieben „{quote}“ Kannst du mir sagen, wie es steht?"
    if is_promise:
        return f"nur eine freundliche Erinnerung: Am {said} schrieben Sie „{quote}“ Können Sie mir sagen, wie es steht?"
    hear = "von dir" if familiar else "von Ihnen"
    return f"ich komme auf meine Nachricht vom {said} zurück: „{quote}“ Ich freue mich, {hear} zu hören."


def _day(text: str, *, german: bool) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text[:40]
    return f"{day.day}. {MONTHS_DE[day.month - 1]}" if german else f"{day.day} {day:%B}"
