"""The checker: rules that a result must pass before it counts, and a model's look at acceptance criteria.

What passed, and what nobody could look at, becomes the evidence that a task closes on.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from pydantic import BaseModel, Field

from agents.strategist import Blocked, Decompose, DraftContent, Immediate, TaskContext, fenced
from agents.thinking import REFUSAL, Question, Thinking, load_prompt
from tasks.models import Evidence, Verification
from tasks.origins import same_url, urls_in

PROMPT = load_prompt(Path(__file__).parent / "checker.md")

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


class Verdict(BaseModel):
    """Which acceptance criteria a result does not meet; each as one sentence that says what is missing. Empty: it passes."""

    unmet: list[str] = Field(default_factory=list[str], max_length=20)


@dataclass(frozen=True)
class Checks:
    """What was checked and what came of it."""

    findings: list[Finding] = field(default_factory=list[Finding])
    criteria_met: int = 0
    criteria_unchecked: int = 0

    @property
    def remedy(self) -> str:
        """What would mend the first finding that says so."""
        return next((finding.remedy for finding in self.findings if finding.remedy), "")

    @property
    def verification(self) -> Verification:
        """A text counts as verified only where somebody looked at its criteria; that it is right, rules cannot see."""
        return "verified" if self.criteria_met and not self.criteria_unchecked else "unverifiable"

    def in_words(self) -> str:
        """The findings as one line."""
        return "; ".join(finding.message for finding in self.findings)

    def evidence(self) -> list[Evidence]:
        """What was looked at, and what was not."""
        found = [Evidence(kind="check", what="It is there, whole, and without placeholders")]
        if self.criteria_met:
            found.append(
                Evidence(kind="check", what=f"{self.criteria_met} acceptance criteria met, by a model's judgement")
            )
        if self.criteria_unchecked:
            what = f"{self.criteria_unchecked} acceptance criteria not checked: that needs a language model, or you"
            found.append(Evidence(kind="check", what=what))
        return found


async def verify(
    decision: Immediate | Decompose | Blocked, context: TaskContext, *, now: datetime, thinking: Thinking
) -> Checks:
    """Check a result by the rules, then by its acceptance criteria where there are some and a model can look."""
    if not isinstance(decision, Immediate):
        return Checks()
    findings = check(decision, context, now)
    criteria = context.task.acceptance_criteria
    if findings or not criteria:
        return Checks(findings)
    if not thinking.is_model:
        return Checks(criteria_unchecked=len(criteria))
    unmet = await _unmet(decision, criteria, context, thinking)
    return Checks(
        [Finding("criterion", text, "Do it yourself, or say what is missing") for text in unmet], len(criteria)
    )


async def _unmet(result: Immediate, criteria: list[str], context: TaskContext, thinking: Thinking) -> list[str]:
    listed = "\n".join(f"{number}. {criterion}" for number, criterion in enumerate(criteria, 1))
    title = fenced(context.task.title) if context.is_in_others_words else context.task.title
    words = f"Task: {title}\nAcceptance criteria:\n{listed}\nResult:\n{fenced(result.output)}"
    question = Question("check", [PROMPT], words, [Verdict])
    return cast(Verdict, await thinking.answer(question, Verdict)).unmet


def check(result: Immediate, context: TaskContext, now: datetime) -> list[Finding]:
    """Everything that is wrong with a result; empty when it may count. Dates are seen from `now`."""
    found = [*_text(result), *_by_kind(result, context)]
    if result.draft is not None:
        found += [*_recipients(result.draft, context), *_content(result.draft, now), *_links(result.draft, context)]
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


def _by_kind(result: Immediate, context: TaskContext) -> Iterator[Finding]:
    """What a result of this kind must be like, whoever made it."""
    kind, material, output = context.task.kind, context.task.description.strip(), result.output.strip()
    if kind == "summary" and len(material) > 400 and len(output) >= len(material):
        yield Finding("summary", "The summary is as long as the text")
    if kind in {"translation", "rewriting"} and material and output.casefold() == material.casefold():
        yield Finding(kind, "The result is the text itself, unchanged")
    if result.format == "csv":
        rows = [row for row in csv.reader(io.StringIO(result.output)) if row]
        if len({len(row) for row in rows}) > 1:
            yield Finding("csv", "The rows of the table have different numbers of columns")
        elif len(rows) < 2:
            yield Finding("csv", "The table has no row below its heading")


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


def _links(draft: DraftContent, context: TaskContext) -> Iterator[Finding]:
    """A mail to the people of a meeting holds no link that is not in what is known of it."""
    if context.meeting is None:
        return
    known = {same_url(url) for line in context.meeting.lines(str) for url in urls_in(line)}
    known |= {same_url(url) for message in context.thread for url in urls_in(message.text)}
    for url in dict.fromkeys([*urls_in(draft.subject), *urls_in(ADDRESS.sub(" ", draft.body))]):
        if same_url(url) not in known:
            yield Finding(
                "invented-link",
                f"Nobody gave the link {url}",
                "Add the link to the invitation, or leave it out",
                "body",
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
