"""The checker: rules that a result must pass before it counts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agents.strategist import DraftContent, Immediate, TaskContext

ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
PLACEHOLDER = re.compile(
    r"\[(?:your|name|recipient|date|company|insert|sender|signature|dein|ihr|datum)\b[^\]\n]{0,60}\]"
    r"|\{\{[^}\n]*\}\}|<(?:insert|name|your)\b[^>\n]{0,60}>|\bTBD\b|\bTODO\b|\bXXX+\b|lorem ipsum",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"^\W*(?:i['’]?m sorry,? but|i am sorry,? but|i can(?:no|['’])t (?:help|assist|do)|as an ai\b|i(?:['’]m| am) unable to)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """Something that a result lacks: a code, what it is in words, and what would mend it."""

    code: str
    message: str
    remedy: str = ""


def check(result: Immediate, context: TaskContext, now: datetime) -> list[Finding]:
    """Everything that is wrong with a result, worst first; empty when it may count."""
    return [*_text(result), *(_draft(result.draft, context) if result.draft else ())]


def _text(result: Immediate) -> Iterator[Finding]:
    if not result.output.strip():
        yield Finding("empty", "The result is empty")
        return
    if REFUSAL.match(result.output):
        yield Finding("refusal", "The result is a refusal, not the work")
    if found := PLACEHOLDER.search(result.output):
        yield Finding(
            "placeholder", f"A placeholder is left in the text: {found[0]}", "Add the missing fact to the task"
        )
    if result.format == "json":
        try:
            json.loads(result.output)
        except ValueError as error:
            yield Finding("json", f"The result is not valid JSON: {error}")


def _draft(draft: DraftContent, context: TaskContext) -> Iterator[Finding]:
    recipients = [*draft.to, *draft.cc]
    if not draft.to:
        who = context.task.recipient
        yield Finding(
            "no-recipient",
            f"There is no address for {who}" if who else "The draft has no recipient",
            f"Add {who}'s address to the task" if who else "Add the address to the task",
        )
    for address in recipients:
        if not ADDRESS.fullmatch(address):
            yield Finding("address", f"{address!r} is not an address")
        elif address.casefold() not in context.named_addresses:
            yield Finding("invented-recipient", f"Nobody named the address {address}", "Name the recipient in the task")
    if not draft.subject.strip():
        yield Finding("no-subject", "The draft has no subject")
    if "\n" in draft.subject or "\r" in draft.subject:
        yield Finding("subject", "The subject has a line break")
    if not draft.body.strip():
        yield Finding("no-body", "The draft has no text")
    elif found := PLACEHOLDER.search(f"{draft.subject}\n{draft.body}"):
        yield Finding(
            "placeholder", f"A placeholder is left in the draft: {found[0]}", "Add the missing fact to the task"
        )
