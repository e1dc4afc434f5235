"""The checker: rules that a result must pass before it counts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agents.strategist import DraftContent, Immediate, TaskContext
from agents.thinking import REFUSAL

ADDRESS = re.compile(r"[^\s@<>,;\"()\[\]]+@[^\s@<>,;\"()\[\]]+")
# Brackets with words in them, but no check box, no Markdown link and no footnote.
PLACEHOLDER = re.compile(
    r"\[(?![ xX]?\])(?!\d+\])[^\]\[\n]{2,60}\](?![(\[:])|\{\{[^}\n]*\}\}|\{[a-z_]{2,30}\}"
    r"|<(?:insert|name|your|enter|recipient|date)\b[^>\n]{0,60}>|\bTB[DA]\b|\bTODO\b|\bX{3,}\b|_{4,}|\blorem ipsum\b",
)
WORDS_OF_PLACEHOLDERS = re.compile(r"\[(?:your|name|recipient|insert|dein|ihr)\b|lorem ipsum|<insert", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """Something that a result lacks: a code, what it is in words, what would mend it, and where it is."""

    code: str
    message: str
    remedy: str = ""
    where: str = "output"


def check(result: Immediate, context: TaskContext, now: datetime) -> list[Finding]:
    """Everything that is wrong with a result; empty when it may count. Dates are seen from `now`."""
    found = [*_text(result)]
    if result.draft is not None:
        found += [*_recipients(result.draft, context), *_content(result.draft, now)]
    return list({(f.code, f.message): f for f in found}.values())


def _text(result: Immediate) -> Iterator[Finding]:
    if not result.output.strip():
        yield Finding("empty", "The result is empty")
        return
    if REFUSAL.match(result.draft.body if result.draft else result.output):
        yield Finding("refusal", "The result is a refusal, not the work")
    if result.draft is None and (left := placeholder(result.output)):
        yield Finding("placeholder", f"A placeholder is left in the text: {left}", "Add the missing fact to the task")
    if result.format == "json":
        try:
            json.loads(result.output)
        except (ValueError, RecursionError) as error:
            yield Finding("json", f"The result is not valid JSON: {error}")


def placeholder(text: str) -> str | None:
    """The first placeholder in a text: "[Name]", "{{date}}", "TBD"; None when there is none."""
    found = PLACEHOLDER.search(text) or WORDS_OF_PLACEHOLDERS.search(text)
    return found[0] if found else None


def _recipients(draft: DraftContent, context: TaskContext) -> Iterator[Finding]:
    if not draft.to:
        who = context.task.recipient
        yield Finding(
            "no-recipient",
            f"No address for {who}" if who else "The draft has no recipient",
            f"Add the address of {who} to the task" if who else "Add the address to the task",
            "to",
        )
    for where, addresses in (("to", draft.to), ("cc", draft.cc)):
        for address in addresses:
            if not ADDRESS.fullmatch(address):
                yield Finding("address", f"{address!r} is not an address", "Set the recipient of the task", where)
            elif address.casefold() not in context.named_addresses:
                yield Finding(
                    "invented-recipient", f"Nobody named the address {address}", "Set the recipient of the task", where
                )


def _content(draft: DraftContent, now: datetime) -> Iterator[Finding]:
    if not draft.subject.strip():
        yield Finding("no-subject", "The draft has no subject", where="subject")
    if re.search(r"[\r\n\x00]", draft.subject):
        yield Finding("subject", "The subject has a line break", where="subject")
    if not draft.body.strip():
        yield Finding("no-body", "The draft has no text", where="body")
    for where, text in (("subject", draft.subject), ("body", draft.body)):
        if left := placeholder(text):
            yield Finding(
                "placeholder", f"A placeholder is left in the draft: {left}", "Add the missing fact to the task", where
            )
    yield from _dates(draft.body, now)


def _dates(body: str, now: datetime) -> Iterator[Finding]:
    """A deadline that is over: "by 1 March 2026" in a mail written on 4 March."""
    from agents.rules.dates import find_dates

    for mention in find_dates(body, now):
        if mention.relation in {"by", "before"} and mention.due_at < now:
            words = body[mention.start : mention.end].strip()
            yield Finding("past-date", f"A deadline in the draft is over: {words}", "Set a date to come", "body")
